/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <string.h>

/* docs/memory-map.md */
#define PHYSICAL_START UINT64_C(0xfffffa8000000000)

#define LEVELS         4
#define ENTRY_MASK     511
#define SV39_PPN       10 /* the shift of the page number in an entry */

enum { /* bits of Sv39's entry */
    SV39_V = 1,
    SV39_R = 2,
    SV39_W = 4,
    SV39_X = 8,
    SV39_U = 16,
    SV39_G = 32,
    SV39_A = 64,
    SV39_D = 128,
    SV39_RSW = 256, /* the first of two for software */
};
#define SV39_PBMT_NC (UINT64_C(1) << 61) /* Svpbmt: not cached */
#define SV39_PBMT_IO (UINT64_C(2) << 61)

static const char *const back_end_names[BACK_ENDS] = {"recursive", "physmap", "offset", "identity",
                                                      "temporary"};
static const char *const back_end_rules[BACK_ENDS] = {
    "slot R of the level-4 table points to the table itself: indices shift right, R enters in front",
    "all RAM is mapped once, at a base: base + physical address",
    "only the frames of tables are mapped: base + physical address",
    "tables come from a pool that is mapped at its physical address",
    "a table is mapped into a slot while it is in use, then unmapped",
};

enum back_end back_end_of(const char *name, size_t length)
{
    for (unsigned i = 0; i < BACK_ENDS; i++)
        if (strlen(back_end_names[i]) == length && memcmp(back_end_names[i], name, length) == 0)
            return (enum back_end)i;
    return BACK_ENDS;
}

static unsigned index_of(int level, uint64_t address)
{
    return (unsigned)(address >> (OURO_PAGE_SHIFT + 9 * (level - 1)) & ENTRY_MASK);
}

/* In a window, the address of the entry: the page of it is the table. */
static uint64_t entry_in(uint64_t window, int level, uint64_t address)
{
    return (uint64_t)(uintptr_t)ouro_entry_address(window, level, address);
}

uint64_t back_end_table(const struct walk_facts *facts, enum back_end which, int level)
{
    switch (which) {
    case BACK_END_RECURSIVE:
        return facts->kernel_window == 0
                   ? 0
                   : entry_in(facts->kernel_window, level, facts->address) & ~(OURO_PAGE_SIZE - 1);
    case BACK_END_PHYSMAP:
    case BACK_END_OFFSET:
        return PHYSICAL_START + facts->table[level];
    case BACK_END_IDENTITY:
        return facts->table[level];
    case BACK_END_TEMPORARY:
    case BACK_ENDS:
        break;
    }
    return 0;
}

uint64_t sv39_entry(int level, uint64_t entry)
{
    uint64_t out = SV39_V;
    if (!(entry & OURO_PTE_PRESENT) || level > 3)
        return 0;
    if (ouro_is_table(level, entry))
        return out | (entry & OURO_PTE_FRAME) >> OURO_PAGE_SHIFT << SV39_PPN;
    uint64_t frame = entry & OURO_PTE_FRAME & ~(ouro_span(level) - 1);
    out |= SV39_R | frame >> OURO_PAGE_SHIFT << SV39_PPN;
    out |= entry & OURO_PTE_WRITABLE ? SV39_W : 0;
    out |= entry & OURO_PTE_NX ? 0 : SV39_X;
    out |= entry & OURO_PTE_GLOBAL ? SV39_G : 0;
    out |= entry & OURO_PTE_ACCESSED ? SV39_A : 0;
    out |= entry & OURO_PTE_DIRTY ? SV39_D : 0;
    out |= entry & OURO_PTE_COW ? SV39_RSW : 0;
    if (entry & OURO_PTE_PCD)
        out |= SV39_PBMT_IO;
    else if (entry & OURO_PTE_PWT)
        out |= SV39_PBMT_NC;
    return out;
}

bool sv39_canonical(uint64_t address)
{
    uint64_t high = address >> 38;
    return high == 0 || high == UINT64_MAX >> 38;
}

void sv39_flags(uint64_t entry, char out[SV39_FLAGS_SIZE])
{
    static const char letters[] = "DAGUXWRV";
    for (unsigned i = 0; i < 8; i++)
        out[i] = entry >> (7 - i) & 1 ? letters[i] : '-';
    out[8] = '\0';
}

static void write_present(struct json *json, const uint64_t bits[8])
{
    char text[128];
    for (unsigned i = 0; i < 128; i++)
        text[i] = "0123456789abcdef"[bits[i / 16] >> (i % 16 * 4) & 15];
    json_key(json, "present");
    json_string(json, text, sizeof text);
}

static void write_level(struct json *json, const struct walk_facts *facts, int level)
{
    char words[160];
    uint64_t entry = facts->path.entry[level];
    ouro_decode(level, entry, words, sizeof words);
    json_open(json, '{');
    json_key_number(json, "level", (uint64_t)level);
    json_key_number(json, "index", index_of(level, facts->address));
    json_key_hex(json, "table", facts->table[level]);
    json_key_hex(json, "entry", entry);
    json_key_text(json, "words", words);
    json_key_hex(json, "at", entry_in(facts->window, level, facts->address));
    json_key(json, "kernel_at");
    if (facts->kernel_window == 0)
        json_null(json);
    else
        json_hex(json, entry_in(facts->kernel_window, level, facts->address));
    write_present(json, facts->present[level]);
    json_close(json, '}');
}

static void write_reach(struct json *json, const struct walk_facts *facts)
{
    json_key(json, "reach");
    json_open(json, '[');
    for (unsigned i = 0; i < BACK_ENDS; i++) {
        json_open(json, '{');
        json_key_text(json, "name", back_end_names[i]);
        json_key_text(json, "rule", back_end_rules[i]);
        json_key_bool(json, "active", i == facts->active);
        json_key(json, "tables");
        json_open(json, '[');
        for (int level = LEVELS; level >= facts->path.last_level; level--) {
            uint64_t at = back_end_table(facts, (enum back_end)i, level);
            json_open(json, '{');
            json_key_number(json, "level", (uint64_t)level);
            json_key(json, "at");
            if (at == 0)
                json_null(json);
            else
                json_hex(json, at);
            json_key_bool(json, "reached", facts->reached[i][level]);
            json_close(json, '}');
        }
        json_close(json, ']');
        json_close(json, '}');
    }
    json_close(json, ']');
}

/* Level n of Sv39 is level n + 1 here. */
static void write_sv39_level(struct json *json, const struct walk_facts *facts, int level)
{
    char flags[SV39_FLAGS_SIZE];
    uint64_t from = facts->path.entry[level], entry = sv39_entry(level, from);
    bool table = ouro_is_table(level, from);
    sv39_flags(entry, flags);
    json_open(json, '{');
    json_key_number(json, "level", (uint64_t)level - 1);
    json_key_number(json, "index", index_of(level, facts->address));
    json_key_hex(json, "entry", entry);
    json_key_text(json, "flags", flags);
    json_key_text(json, "memory", entry & SV39_PBMT_IO ? "IO" : entry & SV39_PBMT_NC ? "NC" : "");
    json_key_text(json, "kind",
                  entry == 0   ? "not valid: page fault"
                  : table      ? "table"
                  : level == 3 ? "gigapage, 1 GiB"
                  : level == 2 ? "megapage, 2 MiB"
                               : "page, 4 KiB");
    json_close(json, '}');
}

static void write_sv39(struct json *json, const struct walk_facts *facts)
{
    json_key(json, "sv39");
    json_open(json, '{');
    json_key_bool(json, "canonical", sv39_canonical(facts->address));
    json_key_hex(json, "address", facts->address & ((UINT64_C(1) << 39) - 1));
    json_key(json, "satp"); /* mode 8 is Sv39; the root is what is a level-3 table here */
    if (facts->path.last_level <= 3)
        json_hex(json, UINT64_C(8) << 60 | facts->table[3] >> OURO_PAGE_SHIFT);
    else
        json_null(json);
    json_key(json, "levels");
    json_open(json, '[');
    for (int level = 3; level >= facts->path.last_level; level--)
        write_sv39_level(json, facts, level);
    json_close(json, ']');
    json_close(json, '}');
}

void walk_write(struct json *json, const struct walk_facts *facts)
{
    const struct ouro_path *path = &facts->path;
    const char rights[] = {path->rights & OURO_READ ? 'r' : '-',
                           path->rights & OURO_WRITE ? 'w' : '-',
                           path->rights & OURO_EXECUTE ? 'x' : '-', '\0'};
    json_open(json, '{');
    json_key_hex(json, "address", facts->address);
    json_key_number(json, "leaf_level", (uint64_t)path->leaf_level);
    json_key_text(json, "rights", rights);
    json_key_number(json, "page_size", path->page_size);
    json_key(json, "physical");
    if (path->leaf_level != 0)
        json_hex(json, path->physical);
    else
        json_null(json);
    json_key_number(json, "slot_p", index_of(LEVELS, facts->window));
    json_key(json, "slot_r");
    if (facts->kernel_window != 0)
        json_number(json, index_of(LEVELS, facts->kernel_window));
    else
        json_null(json);
    json_key(json, "levels");
    json_open(json, '[');
    for (int level = LEVELS; level >= path->last_level; level--)
        write_level(json, facts, level);
    json_close(json, ']');
    write_reach(json, facts);
    write_sv39(json, facts);
    json_close(json, '}');
}
