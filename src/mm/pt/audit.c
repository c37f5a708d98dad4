/* SPDX-License-Identifier: MIT */
#include "mm/pt/audit.h"

#include "base/str.h"
#include "mm/layout.h"

#define PTE_CHANGING   (PTE_A | PTE_D) /* the CPU sets these at any time */
#define CANONICAL_HIGH UINT64_C(0xffff000000000000)

struct audit {
    const struct audit_world *world;
    const struct audit_memory *memory;
    size_t items, ranges;
    uint64_t reserved; /* bits that must be clear in every entry */
    bool full;
    struct audit_finding found;
};

/* Adjacent entries of one table that map adjacent frames with the same permissions. */
struct run {
    uint64_t at, start, end; /* end: physical, as start */
    int level;
    uint64_t entry; /* the first entry */
};

static bool found(struct audit *a, enum audit_rule rule, uint64_t at, int level, uint64_t entry)
{
    a->found = (struct audit_finding){rule, virt(at), level, {entry}};
    return false;
}

/* Index of the first range that ends above `physical`. */
static size_t range_after(const struct audit *a, uint64_t physical)
{
    size_t low = 0, high = a->ranges;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (a->memory->ranges[middle].end > physical)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void insert_range(struct audit *a, size_t at, struct audit_range range)
{
    struct audit_range *ranges = a->memory->ranges;
    if (a->ranges == a->memory->capacity) {
        a->full = true;
        return;
    }
    memmove(&ranges[at + 1], &ranges[at], (a->ranges - at) * sizeof *ranges);
    ranges[at] = range;
    a->ranges++;
}

/* Adds the parts of [start, end) that no range covers yet. */
static void protect_range(struct audit *a, uint64_t start, uint64_t end, enum audit_rule rule)
{
    while (start < end && !a->full) {
        size_t i = range_after(a, start);
        const struct audit_range *next = i < a->ranges ? &a->memory->ranges[i] : NULL;
        if (next != NULL && next->start <= start) {
            start = next->end;
            continue;
        }
        uint64_t piece = next != NULL && next->start < end ? next->start : end;
        insert_range(a, i, (struct audit_range){start, piece, rule});
        start = piece;
    }
}

static void audit_push(struct audit *a, struct audit_item item)
{
    if (a->items == a->memory->capacity)
        a->full = true;
    else
        a->memory->items[a->items++] = item;
}

/* ---- tables ---- */

/* The first entry from `i` on that is not empty; skips fast, since most tables are nearly empty. */
static unsigned next_entry(const pte_t *table, unsigned i)
{
    for (; i < PT_ENTRIES; i++) {
        const pte_t *e = &table[i];
        while (i % 8 == 0 &&
               (e[0].v | e[1].v | e[2].v | e[3].v | e[4].v | e[5].v | e[6].v | e[7].v) == 0) {
            i += 8;
            e += 8;
            if (i == PT_ENTRIES)
                return i;
        }
        if (e->v != 0)
            return i;
    }
    return i;
}

/* The kernel's window has P and W, the program's only P; both have NX. */
static bool window_entry(struct audit *a, uint64_t at, uint64_t entry)
{
    const struct audit_world *w = a->world;
    uint64_t self = w->root.v | PTE_P | (w->nx ? PTE_NX : 0), expected = 0;
    if (virt_range_contains(w->window, virt(at)))
        expected = self | PTE_W;
    else if (virt_range_contains(w->program_window, virt(at)))
        expected = self;
    if (expected != 0 && (entry & ~PTE_CHANGING) == expected)
        return true;
    bool other = (entry & PTE_ADDRESS) != w->root.v && expected == 0;
    return found(a, other ? AUDIT_STRAY : AUDIT_WINDOW, at, PT_LEVELS, entry);
}

static bool table_entry(struct audit *a, uint64_t at, int level, uint64_t entry)
{
    uint64_t frame = entry & PTE_ADDRESS;
    if (entry & (a->reserved | PTE_PS))
        return found(a, AUDIT_RESERVED, at, level, entry);
    if ((entry & (PTE_W | PTE_NX | PTE_PCD | PTE_PWT)) != PTE_W)
        return found(a, AUDIT_UPPER, at, level, entry);
    size_t i = range_after(a, frame);
    if (i < a->ranges && a->memory->ranges[i].start <= frame)
        return found(a, AUDIT_TABLE_TWICE, at, level, entry);
    insert_range(a, i, (struct audit_range){frame, frame + PAGE_SIZE, AUDIT_TABLE_ALIAS});
    audit_push(a, (struct audit_item){.at = at, .start = frame, .level = (uint32_t)level - 1});
    return true;
}

static bool large_leaf(struct audit *a, uint64_t at, int level, uint64_t entry)
{
    struct audit_item *last = &a->memory->items[a->items - 1];
    uint64_t span = pt_span(level), done = last->count * span;
    if (entry & PTE_ADDRESS & (span - 1) & ~PTE_PAT_BIG)
        return found(a, AUDIT_RESERVED, at, level, entry);
    if (last->count != 0 && last->level == (uint32_t)level && last->at + done == at &&
        (((last->entry + done) ^ entry) & ~PTE_CHANGING) == 0)
        last->count++;
    else
        audit_push(a, (struct audit_item){at, entry & PTE_ADDRESS & ~(span - 1), entry, 1,
                                          (uint32_t)level});
    return true;
}

/* Checks a table of level 4, 3 or 2; the tables and large leaves that it points to go to the end of
 * the list. */
static bool upper_table(struct audit *a, struct audit_item item)
{
    int level = (int)item.level;
    const pte_t *table = a->world->table(a->world->context, level, virt(item.at));
    for (unsigned i = 0; (i = next_entry(table, i)) < PT_ENTRIES; i++) {
        uint64_t e = table[i].v, at = item.at + i * pt_span(level);
        bool fine = true;
        if (level == PT_LEVELS && i >= PT_ENTRIES / 2)
            at |= CANONICAL_HIGH;
        if (!(e & PTE_P))
            continue;
        if (e & (PTE_U | PTE_G))
            fine = found(a, e & PTE_U ? AUDIT_USER : AUDIT_GLOBAL, at, level, e);
        else if (level == PT_LEVELS && i >= LAYOUT_WINDOW_SLOT_FIRST &&
                 i <= LAYOUT_WINDOW_SLOT_LAST)
            fine = window_entry(a, at, e);
        else if (level < PT_LEVELS && e & PTE_PS)
            fine = large_leaf(a, at, level, e);
        else
            fine = table_entry(a, at, level, e);
        if (!fine || a->full)
            return false;
    }
    return true;
}

/* ---- leaves ---- */

static const struct audit_place *audit_place_of(const struct audit_world *w, uint64_t at)
{
    size_t low = 0, high = w->place_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (w->places[middle].range.end.v > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low < w->place_count && w->places[low].range.start.v <= at ? &w->places[low] : NULL;
}

/* AUDIT_PASSED if no frame of [start, end) is protected by another mapping, or `place` is an
 * exception. */
static enum audit_rule alias_of(const struct audit *a, const struct audit_place *place,
                                uint64_t start, uint64_t end, uint64_t *where)
{
    for (size_t i = range_after(a, start); i < a->ranges; i++) {
        const struct audit_range *range = &a->memory->ranges[i];
        if (range->start >= end)
            break;
        if (place->back_end && range->rule != AUDIT_SEALED_ALIAS)
            continue;
        *where = range->start > start ? range->start - start : 0;
        return range->rule;
    }
    return AUDIT_PASSED;
}

/* Checks the part of a run that lies in one place. */
static bool judge_part(struct audit *a, const struct audit_place *place, const struct run *run)
{
    uint64_t e = run->entry, offset = 0;
    bool write = e & PTE_W, execute = a->world->nx && !(e & PTE_NX);
    enum audit_rule rule = AUDIT_PASSED;
    if (write && execute && !place->both)
        rule = AUDIT_WRITE_EXECUTE;
    else if ((write && !place->write) || (execute && !place->execute))
        rule = AUDIT_EXCESS;
    else if (place->guarded != 0 &&
             (run->at - place->range.start.v) % (2 * place->guarded) < place->guarded)
        rule = AUDIT_STACK_GUARD;
    else if (write)
        rule = alias_of(a, place, run->start, run->end, &offset);
    offset = align_down(offset, pt_span(run->level));
    return rule == AUDIT_PASSED || found(a, rule, run->at + offset, run->level, e + offset);
}

static bool judge_run(struct audit *a, struct run run)
{
    uint64_t e = run.entry;
    if (e & (PTE_U | PTE_G))
        return found(a, e & PTE_U ? AUDIT_USER : AUDIT_GLOBAL, run.at, run.level, e);
    if (e & a->reserved)
        return found(a, AUDIT_RESERVED, run.at, run.level, e);
    while (run.start < run.end) {
        struct run part = run;
        const struct audit_place *place = audit_place_of(a->world, run.at);
        if (place == NULL)
            return found(a, AUDIT_STRAY, run.at, run.level, run.entry);
        if (place->range.end.v - run.at < run.end - run.start)
            part.end = run.start + (place->range.end.v - run.at);
        if (!judge_part(a, place, &part))
            return false;
        uint64_t size = part.end - part.start;
        run.at += size;
        run.start += size;
        run.entry += size;
    }
    return true;
}

/* Adds the program's executable, non-writable frames to those that must not be writable
 * elsewhere. */
static bool collect_code(struct audit *a, struct run run)
{
    const struct audit_place *place = audit_place_of(a->world, run.at);
    if (place != NULL && place->program && a->world->nx && !(run.entry & (PTE_NX | PTE_W)))
        protect_range(a, run.start, run.end, AUDIT_CODE_ALIAS);
    return !a->full;
}

static bool each_run(struct audit *a, struct audit_item item,
                     bool (*visit)(struct audit *, struct run))
{
    if (item.count != 0) {
        uint64_t size = item.count * pt_span((int)item.level);
        return visit(
            a, (struct run){item.at, item.start, item.start + size, (int)item.level, item.entry});
    }
    const pte_t *table = a->world->table(a->world->context, 1, virt(item.at));
    unsigned count = 1;
    for (unsigned i = 0; (i = next_entry(table, i)) < PT_ENTRIES; i += count) {
        uint64_t e = table[i].v, start = e & PTE_ADDRESS;
        count = 1;
        if (!(e & PTE_P))
            continue;
        while (i + count < PT_ENTRIES &&
               ((table[i + count].v ^ (e + count * PAGE_SIZE)) & ~PTE_CHANGING) == 0)
            count++;
        if (!visit(a,
                   (struct run){item.at + i * PAGE_SIZE, start, start + count * PAGE_SIZE, 1, e}))
            return false;
    }
    return true;
}

static bool each_leaf(struct audit *a, bool kernel_too, bool (*visit)(struct audit *, struct run))
{
    for (size_t i = 0; i < a->items; i++) {
        struct audit_item item = a->memory->items[i];
        if ((item.count != 0 || item.level == 1) && (kernel_too || item.at < LAYOUT_PROGRAM_END) &&
            !each_run(a, item, visit))
            return false;
    }
    return true;
}

static bool audit_each_table(struct audit *a)
{
    for (size_t i = 0; i < a->items; i++) {
        struct audit_item item = a->memory->items[i];
        if (item.count == 0 && item.level > 1 && !upper_table(a, item))
            return false;
    }
    return true;
}

enum err audit_tables(const struct audit_world *world, const struct audit_memory *memory,
                      struct audit_finding *out)
{
    struct audit a = {
        .world = world,
        .memory = memory,
        .reserved =
            (PTE_ADDRESS & ~((UINT64_C(1) << world->physical_bits) - 1)) | (world->nx ? 0 : PTE_NX),
    };
    uint64_t root = world->root.v;
    for (size_t i = 0; i < world->sealed_count; i++)
        protect_range(&a, world->sealed[i].start.v, world->sealed[i].end.v, AUDIT_SEALED_ALIAS);
    protect_range(&a, root, root + PAGE_SIZE, AUDIT_TABLE_ALIAS);
    audit_push(&a, (struct audit_item){.start = root, .level = PT_LEVELS});
    if (!a.full && audit_each_table(&a) && each_leaf(&a, false, collect_code))
        (void)each_leaf(&a, true, judge_run);
    if (a.full)
        return E_NOMEM;
    *out = a.found;
    return E_OK;
}

const char *audit_sentence(enum audit_rule rule)
{
    static const char *const sentences[] = {
        [AUDIT_PASSED] = "is as it should be",
        [AUDIT_WRITE_EXECUTE] = "is writable and executable",
        [AUDIT_USER] = "is marked as a user page",
        [AUDIT_GLOBAL] = "is marked global: a flush of the TLB would not drop it",
        [AUDIT_UPPER] = "has permissions in an entry that leads to a table",
        [AUDIT_RESERVED] = "has a bit set that this CPU reserves",
        [AUDIT_STRAY] = "is mapped where nothing may be",
        [AUDIT_EXCESS] = "allows more than its place in the address space",
        [AUDIT_STACK_GUARD] = "is the guard below a kernel stack, and mapped",
        [AUDIT_WINDOW] = "is a window on the page tables that should not be or is not as it should",
        [AUDIT_TABLE_TWICE] = "leads to a table that is linked elsewhere too",
        [AUDIT_SEALED_ALIAS] = "makes code or sealed data of the kernel writable",
        [AUDIT_TABLE_ALIAS] = "makes a page table writable",
        [AUDIT_CODE_ALIAS] = "makes code of the program writable",
    };
    return sentences[rule];
}
