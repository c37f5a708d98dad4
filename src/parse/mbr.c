/* SPDX-License-Identifier: MIT */
#include "parse/mbr.h"

#include "parse/load.h"

enum {
    ENTRIES_AT = 446,
    ENTRY = 16,
    ENTRIES = 4,
    SIGNATURE_AT = 510,
    SIGNATURE = 0xaa55,
    ENTRY_TYPE = 4,
    ENTRY_FIRST = 8,
    ENTRY_COUNT = 12,
    FLAG_ACTIVE = 0x80,
    TYPE_NONE = 0,
    TYPE_GPT = 0xee,
    FIRST_LOGICAL = 5, /* numbers of those in the chain */
    CHAIN_MAX = 100,   /* links, also those without a partition */
    EXTENDED_SECTORS = 2,
};

struct mbr_entry {
    uint8_t type;
    uint32_t first, count;
};

static struct mbr_entry mbr_entry_of(const uint8_t *block, unsigned i)
{
    const uint8_t *at = block + ENTRIES_AT + i * ENTRY;
    return (struct mbr_entry){at[ENTRY_TYPE], load32(at + ENTRY_FIRST), load32(at + ENTRY_COUNT)};
}

static bool mbr_is_extended(const struct mbr_entry *e)
{
    return (e->type == 0x05 || e->type == 0x0f || e->type == 0x85) && e->count > 0;
}

bool mbr_is_table(const uint8_t *block)
{
    bool good = load16(block + SIGNATURE_AT) == SIGNATURE;
    for (unsigned i = 0; i < ENTRIES; i++)
        good = good && (block[ENTRIES_AT + i * ENTRY] & ~FLAG_ACTIVE) == 0;
    return good;
}

bool mbr_protects_gpt(const uint8_t *block)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        if (mbr_entry_of(block, i).type == TYPE_GPT)
            return true;
    return false;
}

/* Each link has a partition, relative to the link, and the next link, relative to the extended partition. */
static enum err read_chain(const struct partition_medium *m, const struct mbr_entry *extended,
                           struct partition_list *out)
{
    uint8_t *block = m->buffer;
    uint64_t link = extended->first;
    unsigned number = FIRST_LOGICAL;
    for (unsigned n = 0; n < CHAIN_MAX && number <= PARTITIONS_MAX && link < m->blocks; n++) {
        enum err e = m->read(m->context, link, block);
        if (e != E_OK)
            return e;
        if (!mbr_is_table(block))
            return E_OK;
        uint64_t next = 0;
        for (unsigned i = 0; i < ENTRIES; i++) {
            const struct mbr_entry entry = mbr_entry_of(block, i);
            if (mbr_is_extended(&entry))
                next = next == 0 ? (uint64_t)extended->first + entry.first : next;
            else if (entry.type != TYPE_NONE && entry.count > 0 && number <= PARTITIONS_MAX)
                partition_add(out, m, number++, link + entry.first, entry.count);
        }
        if (next <= link) /* chains go upwards: this one has an end, or none */
            return E_OK;
        link = next;
    }
    return E_OK;
}

enum err mbr_read(const struct partition_medium *m, const uint8_t *block,
                  struct partition_list *out)
{
    enum err e = E_OK;
    *out = (struct partition_list){.kind = "dos"};
    for (unsigned i = 0; i < ENTRIES; i++) {
        const struct mbr_entry entry = mbr_entry_of(block, i);
        uint64_t count = entry.count;
        if (entry.type == TYPE_NONE)
            continue;
        if (mbr_is_extended(&entry) && count > EXTENDED_SECTORS)
            count = EXTENDED_SECTORS;
        partition_add(out, m, i + 1, entry.first, count);
    }
    for (unsigned i = 0; i < ENTRIES && e == E_OK; i++) {
        const struct mbr_entry entry = mbr_entry_of(block, i);
        if (!mbr_is_extended(&entry))
            continue;
        e = read_chain(m, &entry, out);
        break;
    }
    return e;
}
