/* SPDX-License-Identifier: MIT */
#include "mmu_model.h"

#define BIT(n) (UINT64_C(1) << (n))

/* SDM 3A 4.5.4, tables 4-15 to 4-20. */
enum {
    BIT_PRESENT = 0,
    BIT_WRITE = 1,
    BIT_USER = 2,
    BIT_WRITE_THROUGH = 3,
    BIT_CACHE_DISABLE = 4,
    BIT_ACCESSED = 5,
    BIT_DIRTY = 6,
    BIT_SIZE = 7,
    BIT_EXECUTE_DISABLE = 63,
    SPAN_BITS = 9,
    PAGE_BITS = 12,
};

/* SDM 3A 4.7. */
enum {
    ERROR_PRESENT = 1,
    ERROR_WRITE = 2,
    ERROR_RESERVED = 8,
    ERROR_FETCH = 16,
};

static bool is_page(int level, uint64_t entry)
{
    return level == 1 || (level <= 3 && entry & BIT(BIT_SIZE));
}

static bool has_reserved(const struct mmu_mode *mode, int level, uint64_t entry)
{
    for (unsigned bit = mode->address_bits; bit < 52; bit++)
        if (entry & BIT(bit))
            return true;
    if (!mode->no_execute && entry & BIT(BIT_EXECUTE_DISABLE))
        return true;
    if (level == 4 || (level == 3 && !mode->huge))
        return entry & BIT(BIT_SIZE);
    if (level > 1 && is_page(level, entry)) /* bit 12 is the PAT's */
        for (int bit = PAGE_BITS + 1; bit < PAGE_BITS + SPAN_BITS * (level - 1); bit++)
            if (entry & BIT(bit))
                return true;
    return false;
}

/* The rights of all levels combined. */
struct rights {
    bool write, user, execute;
};

/* SDM 3A 4.6.1, supervisor-mode accesses. */
static bool allows(const struct mmu_mode *mode, struct rights r, enum mmu_access access)
{
    bool data_on_user_page = !mode->smap || mode->ac;
    switch (access) {
    case MMU_READ:
        return !r.user || data_on_user_page;
    case MMU_WRITE:
        return (r.write || !mode->write_protect) && (!r.user || data_on_user_page);
    default:
        return (r.execute || !mode->no_execute) && !(r.user && mode->smep);
    }
}

static void fault(const struct mmu_mode *mode, enum mmu_access access, uint32_t error,
                  struct mmu_verdict *out)
{
    out->fault = true;
    out->error = error | (access == MMU_WRITE ? ERROR_WRITE : 0u);
    if (access == MMU_FETCH && (mode->no_execute || mode->smep))
        out->error |= ERROR_FETCH;
    /* SDM 3A 4.8: A is set in an entry that is used for translation. Whether the entries above the
     * faulting one count as used is unspecified: QEMU 7.2 sets A during the walk, Bochs 2.7 only if
     * the access is allowed. */
    for (int level = 4; level > out->level; level--)
        out->may[level] = BIT(BIT_ACCESSED);
}

void mmu_judge(const struct mmu_mode *mode, const struct mmu_path *path, enum mmu_access access,
               struct mmu_verdict *out)
{
    struct rights r = {true, true, true};
    *out = (struct mmu_verdict){.level = 4};
    for (;; out->level--) {
        uint64_t entry = path->entry[out->level];
        if (!(entry & BIT(BIT_PRESENT))) {
            fault(mode, access, 0, out);
            return;
        }
        if (has_reserved(mode, out->level, entry)) {
            fault(mode, access, ERROR_PRESENT | ERROR_RESERVED, out);
            return;
        }
        r.write = r.write && entry & BIT(BIT_WRITE);
        r.user = r.user && entry & BIT(BIT_USER);
        r.execute = r.execute && !(entry & BIT(BIT_EXECUTE_DISABLE));
        if (is_page(out->level, entry))
            break;
    }
    if (!allows(mode, r, access)) {
        fault(mode, access, ERROR_PRESENT, out);
        return;
    }
    for (int level = 4; level >= out->level; level--)
        out->must[level] = BIT(BIT_ACCESSED);
    if (access == MMU_WRITE)
        out->must[out->level] |= BIT(BIT_DIRTY);
    for (int level = 4; level >= out->level; level--)
        out->may[level] = out->must[level];
}

/* ---- the combinations ---- */

#define STATES     15
#define PERMISSIVE (BIT(BIT_PRESENT) | BIT(BIT_WRITE) | BIT(BIT_USER))

/* State n of an entry at the level, without its frame: every state that the rules distinguish, and
 * neighbours that they must not distinguish. (Address bit 51 is reserved on nearly every CPU; one
 * that has it gets permissive states instead.) */
static uint64_t state(int level, bool leaf, unsigned n, uint64_t too_high)
{
    const uint64_t size = leaf && level > 1 ? BIT(BIT_SIZE) : 0;
    const uint64_t ignored = BIT(9) | BIT(10) | BIT(11) | BIT(52) | BIT(57) | BIT(62);
    switch (n) {
    case 0: /* P W U NX: eight */
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
        return BIT(BIT_PRESENT) | size | (n & 1 ? BIT(BIT_WRITE) : 0) |
               (n & 2 ? BIT(BIT_USER) : 0) | (n & 4 ? BIT(BIT_EXECUTE_DISABLE) : 0);
    case 8: /* not present, nothing else */
        return 0;
    case 9: /* not present, all else */
        return ~BIT(BIT_PRESENT) & (PERMISSIVE | size | ignored | BIT(BIT_EXECUTE_DISABLE) |
                                    too_high | BIT(BIT_ACCESSED));
    case 10: /* the highest bit of the address */
        return PERMISSIVE | size | too_high;
    case 11: /* reserved, and without any right */
        return BIT(BIT_PRESENT) | size | too_high | BIT(BIT_EXECUTE_DISABLE);
    case 12: /* reserved in another way: PS at level 4, the low address bits of a large page */
        return PERMISSIVE | size | (level == 4 ? BIT(BIT_SIZE) : leaf && level > 1 ? BIT(13) : 0);
    case 13: /* ignored bits, and the memory type */
        return PERMISSIVE | size | ignored | BIT(BIT_WRITE_THROUGH) | BIT(BIT_CACHE_DISABLE);
    default: /* A is already set */
        return PERMISSIVE | size | BIT(BIT_ACCESSED);
    }
}

struct enumeration {
    const uint64_t *table;
    struct mmu_path path;
    uint64_t too_high; /* an address bit that this CPU lacks; 0 if it has all */
    mmu_visitor visit;
    void *context;
};

static uint64_t upper(const struct enumeration *e, int level, unsigned n)
{
    return state(level, false, n, e->too_high) | e->table[level];
}

/* Enumerates the entries of `level` to 4 above a leaf; at most `departures` are not permissive. */
static void each_upper(struct enumeration *e, int level, int departures)
{
    if (level > 4) {
        e->visit(e->context, &e->path);
        return;
    }
    e->path.entry[level] = PERMISSIVE | e->table[level];
    each_upper(e, level + 1, departures);
    for (unsigned n = 0; n < STATES && departures > 0; n++) {
        e->path.entry[level] = upper(e, level, n);
        if (e->path.entry[level] == (PERMISSIVE | e->table[level]))
            continue;
        each_upper(e, level + 1, departures - 1);
    }
}

void mmu_each_path(const struct mmu_mode *mode, const uint64_t table[5], const uint64_t page[4],
                   bool pairs, mmu_visitor visit, void *context)
{
    static const uint64_t used[] = {0, BIT(BIT_ACCESSED), BIT(BIT_ACCESSED) | BIT(BIT_DIRTY)};
    struct enumeration e = {.table = table, .visit = visit, .context = context};
    e.too_high = mode->address_bits < 52 ? BIT(51) : 0;
    for (e.path.leaf = 1; e.path.leaf <= (mode->huge ? 3 : 2); e.path.leaf++) {
        if (page[e.path.leaf] == 0)
            continue;
        for (unsigned n = 0; n < STATES * 3; n++) {
            e.path.entry[e.path.leaf] =
                state(e.path.leaf, true, n / 3, e.too_high) | used[n % 3] | page[e.path.leaf];
            each_upper(&e, e.path.leaf + 1, pairs ? 2 : 1);
        }
    }
}
