/* SPDX-License-Identifier: MIT */
/*
 * The journal, read at mount. Three passes over the log: the first finds its end, where the next block is not that of
 * the expected transaction, or a commit record is missing; the second notes for each revoked block the last transaction that
 * revoked it; the third writes each block to its place unless a transaction not older than its own revoked it. All passes are
 * bounded by the length of the log. The log is emptied after all that is durable, so a crash in the middle starts again.
 */
#include "fs/ext4/core.h"

#include "base/str.h"
#include "fs/ext4/journal_format.h"
#include "mm/heap/heap.h"

enum pass {
    PASS_SCAN,
    PASS_REVOKE,
    PASS_WRITE
};

struct revoked {
    struct hash_link link;
    struct revoked *next; /* of all */
    uint64_t block;
    uint32_t sequence;
};

struct replay {
    struct ext4 *fs;
    uint32_t features, seed;
    uint32_t start, sequence, end; /* end: the first transaction that is not there */
    uint32_t written;
    uint8_t *control, *data; /* blocks of the log */
    struct hash_table revoked;
    struct revoked *all;
};

static bool has_csum(const struct replay *r)
{
    return (r->features & (JBD2_CSUM_2 | JBD2_CSUM_3)) != 0;
}

/* True if a is after b, in the order of a 32-bit count that wraps. */
static bool after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

static bool block_sum_right(struct replay *r, uint32_t *at)
{
    if (!has_csum(r))
        return true;
    uint32_t found = *at;
    *at = 0;
    uint32_t sum = ext4_crc(r->seed, r->control, r->fs->block_size);
    *at = found;
    return jbd2_32(found) == sum;
}

static uint32_t *tail_of(struct replay *r)
{
    return (uint32_t *)(r->control + r->fs->block_size - 4);
}

/* ---- Tags ---- */

struct tag {
    uint64_t block;
    uint32_t flags, checksum;
};

/* The tag at *offset of the descriptor block. False: the block is at its end. */
static bool tag_next(struct replay *r, uint32_t *offset, struct tag *tag)
{
    uint32_t size = r->features & JBD2_CSUM_3 ? 16 : r->features & JBD2_64BIT ? 12 : 8;
    if ((r->features & (JBD2_CSUM_3 | JBD2_CSUM_2)) == JBD2_CSUM_2)
        size += 2;
    uint32_t end = r->fs->block_size - (has_csum(r) ? 4 : 0);
    if (end - *offset < size)
        return false;
    struct jbd2_tag3 wide = {0};
    struct jbd2_tag small = {0};
    uint32_t high;
    if (r->features & JBD2_CSUM_3) {
        memcpy(&wide, r->control + *offset, sizeof(wide));
        tag->flags = jbd2_32(wide.flags);
        tag->checksum = jbd2_32(wide.checksum);
        tag->block = jbd2_32(wide.block);
        high = wide.block_hi;
    } else {
        memcpy(&small, r->control + *offset, size < sizeof(small) ? size : sizeof(small));
        tag->flags = jbd2_16(small.flags);
        tag->checksum = jbd2_16(small.checksum);
        tag->block = jbd2_32(small.block);
        high = small.block_hi;
    }
    if (r->features & JBD2_64BIT)
        tag->block |= (uint64_t)jbd2_32(high) << 32;
    *offset += size;
    if ((tag->flags & JBD2_SAME_UUID) == 0)
        *offset += 16;
    return *offset <= end;
}

static bool data_sum_right(struct replay *r, uint32_t sequence, const struct tag *tag)
{
    if (!has_csum(r))
        return true;
    uint32_t big = jbd2_32(sequence);
    uint32_t crc = ext4_crc(ext4_crc(r->seed, &big, 4), r->data, r->fs->block_size);
    return r->features & JBD2_CSUM_3 ? crc == tag->checksum : (crc & 0xffff) == tag->checksum;
}

/* ---- Revoked blocks ---- */

static struct revoked *revoked_find(struct replay *r, uint64_t block)
{
    struct hash_link *link = hash_table_first(&r->revoked, (uint32_t)block);
    for (; link; link = hash_link_next(link)) {
        struct revoked *revoked = CONTAINER_OF(link, struct revoked, link);
        if (revoked->block == block)
            return revoked;
    }
    return NULL;
}

static enum err revoke_note(struct replay *r, uint64_t block, uint32_t sequence)
{
    struct revoked *revoked = revoked_find(r, block);
    if (!revoked) {
        revoked = heap_alloc(sizeof(*revoked));
        if (!revoked)
            return E_NOMEM;
        revoked->block = block;
        revoked->next = r->all;
        r->all = revoked;
        hash_table_add(&r->revoked, &revoked->link, (uint32_t)block);
    }
    revoked->sequence = sequence; /* the pass goes from old to new */
    return E_OK;
}

static enum err revokes_read(struct replay *r, uint32_t sequence)
{
    uint32_t each = r->features & JBD2_64BIT ? 8 : 4;
    uint32_t bytes = jbd2_32(((struct jbd2_revoke_head *)r->control)->bytes);
    uint32_t end = r->fs->block_size - (has_csum(r) ? 4 : 0);
    if (bytes > end || !block_sum_right(r, tail_of(r)))
        return ext4_damage(r->fs, EXT4_JOURNAL_INO, 0, "the journal has a wrong revoke block");
    for (uint32_t at = sizeof(struct jbd2_revoke_head); at + each <= bytes; at += each) {
        uint64_t big = 0;
        memcpy((uint8_t *)&big + 8 - each, r->control + at, each);
        enum err e = revoke_note(r, __builtin_bswap64(big), sequence);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

static void revokes_end(struct replay *r)
{
    while (r->all) {
        struct revoked *revoked = r->all;
        r->all = revoked->next;
        hash_table_remove(&r->revoked, &revoked->link);
        heap_free(revoked);
    }
}

/* ---- Passes ---- */

static enum err block_replay(struct replay *r, uint32_t index, uint32_t sequence,
                             const struct tag *tag)
{
    struct ext4 *fs = r->fs;
    struct revoked *revoked = revoked_find(r, tag->block);
    if (revoked && !after(sequence, revoked->sequence))
        return E_OK;
    if (tag->block >= fs->blocks)
        return ext4_damage(fs, EXT4_JOURNAL_INO, tag->block,
                           "the journal has a wrong block number");
    enum err e = ext4_journal_block(fs, false, index, r->data);
    if (e != E_OK)
        return e;
    if (!data_sum_right(r, sequence, tag))
        return ext4_damage(fs, EXT4_JOURNAL_INO, tag->block, "a checksum in the journal is wrong");
    if (tag->flags & JBD2_ESCAPED)
        *(uint32_t *)r->data = jbd2_32(JBD2_MAGIC);
    r->written++;
    return ext4_io_one(fs, true, tag->block, r->data);
}

static uint32_t ring(const struct replay *r, uint32_t index)
{
    const struct ext4_journal *j = &r->fs->journal;
    return index < j->blocks ? index : index - j->blocks + j->first;
}

/* The descriptor block in `control`. *index, *left: where the log goes on, and how much of it there is. */
static enum err descriptor_read(struct replay *r, enum pass pass, uint32_t sequence,
                                uint32_t *index, uint32_t *left)
{
    uint32_t offset = sizeof(struct jbd2_head);
    struct tag tag;
    while (*left > 0 && tag_next(r, &offset, &tag)) {
        if (pass == PASS_WRITE) {
            enum err e = block_replay(r, *index, sequence, &tag);
            if (e != E_OK)
                return e;
        }
        *index = ring(r, *index + 1);
        --*left;
        if (tag.flags & JBD2_LAST)
            break;
    }
    return E_OK;
}

static bool is_of(const struct replay *r, uint32_t sequence)
{
    const struct jbd2_head *head = (const struct jbd2_head *)r->control;
    return head->magic == jbd2_32(JBD2_MAGIC) && head->sequence == jbd2_32(sequence);
}

static enum err pass_run(struct replay *r, enum pass pass)
{
    struct ext4 *fs = r->fs;
    uint32_t index = r->start, sequence = r->sequence;
    uint32_t left = fs->journal.blocks - fs->journal.first;
    enum err e = E_OK;
    while (e == E_OK && left > 0 && (pass == PASS_SCAN || sequence != r->end)) {
        e = ext4_journal_block(fs, false, index, r->control);
        if (e != E_OK || !is_of(r, sequence))
            break;
        index = ring(r, index + 1);
        left--;
        switch (jbd2_32(((struct jbd2_head *)r->control)->type)) {
        case JBD2_DESCRIPTOR:
            if (!block_sum_right(r, tail_of(r)))
                goto out;
            e = descriptor_read(r, pass, sequence, &index, &left);
            break;
        case JBD2_COMMIT:
            if (!block_sum_right(r, &((struct jbd2_commit *)r->control)->checksum[0]))
                goto out;
            sequence++;
            break;
        case JBD2_REVOKE:
            if (pass == PASS_REVOKE)
                e = revokes_read(r, sequence);
            break;
        default:
            goto out;
        }
    }
out:
    if (pass == PASS_SCAN)
        r->end = sequence;
    else if (e == E_OK && sequence != r->end)
        e = ext4_damage(fs, EXT4_JOURNAL_INO, 0, "the journal reads differently the second time");
    return e;
}

enum err ext4_replay(struct ext4 *fs)
{
    struct ext4_journal *j = &fs->journal;
    const struct jbd2_super *super = (const struct jbd2_super *)j->super;
    struct replay r = {.fs = fs,
                       .features = jbd2_32(super->incompat),
                       .seed = j->seed,
                       .start = jbd2_32(super->start),
                       .sequence = jbd2_32(super->sequence),
                       .control = heap_alloc(fs->block_size),
                       .data = heap_alloc(fs->block_size)};
    hash_table_init(&r.revoked);
    enum err e = r.control && r.data ? E_OK : E_NOMEM;
    r.end = r.sequence;
    if (e == E_OK && r.start != 0) {
        e = pass_run(&r, PASS_SCAN);
        if (e == E_OK)
            e = pass_run(&r, PASS_REVOKE);
        if (e == E_OK)
            e = pass_run(&r, PASS_WRITE);
        if (e == E_OK)
            e = fs->io.flush(fs->io.context);
        if (e == E_OK)
            ext4_report(&fs->io, "journal replayed: transactions=%u blocks=%u", r.end - r.sequence,
                        r.written);
    }
    j->sequence = r.end + 1; /* of r.end there may be blocks in the log */
    revokes_end(&r);
    heap_free(r.control);
    heap_free(r.data);
    return e;
}

/* ---- Finding the journal ---- */

static const char *journal_check(struct ext4 *fs, const struct jbd2_super *super)
{
    uint32_t type = jbd2_32(super->head.type),
             known = JBD2_HAS_REVOKE | JBD2_64BIT | JBD2_CSUM_2 | JBD2_CSUM_3;
    uint32_t blocks = jbd2_32(super->blocks), first = jbd2_32(super->first);
    if (super->head.magic != jbd2_32(JBD2_MAGIC) || (type != JBD2_SUPER_1 && type != JBD2_SUPER_2))
        return "its journal has no superblock";
    if (jbd2_32(super->block_size) != fs->block_size || blocks > fs->journal.blocks ||
        blocks < 1024 || first == 0 || first >= blocks || jbd2_32(super->start) >= blocks ||
        (super->start != 0 && jbd2_32(super->start) < first))
        return "its journal's numbers are wrong";
    if (type == JBD2_SUPER_1)
        return NULL;
    if (jbd2_32(super->incompat) & 0x20)
        return "features of the journal that Ouro lacks: fast_commit";
    if (jbd2_32(super->incompat) & ~known || super->ro_compat != 0)
        return "features of the journal that Ouro lacks: async_commit or newer ones";
    return NULL;
}

static enum err runs_find(struct ext4 *fs)
{
    struct ext4_journal *j = &fs->journal;
    struct ext4_inode inode;
    enum err e = ext4_inode_file(fs, fs->super->journal_inode, &inode);
    if (e != E_OK)
        return e;
    uint64_t blocks = ext4_inode_size(inode.raw) >> fs->block_bits;
    if (blocks > UINT32_MAX)
        return E_INVAL;
    for (uint32_t at = 0; at < blocks;) {
        struct ext4_run run;
        e = ext4_extent_map(fs, &inode, at, (uint32_t)blocks - at, &run);
        if (e != E_OK)
            return e;
        if (run.state != EXT4_DATA)
            return E_INVAL;
        struct ext4_range *runs = heap_resize(j->runs, (j->run_count + 1) * sizeof(*runs));
        if (!runs)
            return E_NOMEM;
        j->runs = runs;
        runs[j->run_count++] = (struct ext4_range){run.block, run.block + run.count};
        at += run.count;
    }
    j->blocks = (uint32_t)blocks;
    return blocks == 0 ? E_INVAL : E_OK;
}

enum err ext4_journal_open(struct ext4 *fs)
{
    struct ext4_journal *j = &fs->journal;
    enum err e = runs_find(fs);
    if (e != E_OK)
        return e;
    j->super = heap_alloc(fs->block_size);
    if (!j->super)
        return E_NOMEM;
    e = ext4_journal_block(fs, false, 0, j->super);
    if (e != E_OK)
        return e;
    struct jbd2_super *super = (struct jbd2_super *)j->super;
    const char *wrong = journal_check(fs, super);
    if (!wrong && super->head.type == jbd2_32(JBD2_SUPER_1)) {
        memset(&super->compat, 0, sizeof(*super) - offsetof(struct jbd2_super, compat));
        super->head.type = jbd2_32(JBD2_SUPER_2);
    }
    uint32_t sum = super->checksum, features = jbd2_32(super->incompat);
    jbd2_super_seal(j->super, features);
    if (!wrong && (features & (JBD2_CSUM_2 | JBD2_CSUM_3)) && sum != super->checksum)
        wrong = "the checksum of its journal's superblock is wrong";
    if (wrong) {
        ext4_report(&fs->io, "not mounted: %s", wrong);
        return E_INVAL;
    }
    memcpy(j->uuid, super->uuid, sizeof(j->uuid));
    j->seed = ext4_crc(UINT32_MAX, j->uuid, sizeof(j->uuid));
    j->blocks = jbd2_32(super->blocks);
    j->first = j->head = jbd2_32(super->first);
    j->features = JBD2_HAS_REVOKE | (fs->incompat & EXT4_64BIT ? JBD2_64BIT : 0u) |
                  (ext4_has_csum(fs) ? JBD2_CSUM_3 : 0u);
    return E_OK;
}
