/* SPDX-License-Identifier: MIT */
#include "mm/pt/dump.h"

#include "base/fmt.h"

#define KEY (PTE_P | PTE_W | PTE_U | PTE_PWT | PTE_PCD | PTE_G | PTE_COW | PTE_NX)

static bool goes_on(const struct ptdump *d, virt_t at, int level, pte_t entry)
{
    const struct ptdump_run *last = &d->last;
    return d->count > 0 && last->range.end.v == at.v && last->level == level &&
           last->bits == (entry.v & KEY) && (d->region_end == NULL || at.v < d->limit.v);
}

void ptdump_leaf(void *dump, virt_t at, int level, pte_t entry)
{
    struct ptdump *d = dump;
    if (!goes_on(d, at, level, entry)) {
        d->last = (struct ptdump_run){{at, at}, level, entry.v & KEY, 0, 0, 0};
        d->count++;
        if (d->region_end != NULL)
            d->limit = d->region_end(at);
    }
    d->last.range.end = virt(at.v + pt_span(level));
    d->last.leaves++;
    d->last.accessed += (entry.v & PTE_A) != 0;
    d->last.dirty += (entry.v & PTE_D) != 0;
    if (d->count <= d->capacity)
        d->runs[d->count - 1] = d->last;
}

/* In the largest unit that divides the size. */
static void dump_put_size(uint64_t bytes, char *out, size_t size)
{
    static const char units[] = "KMGT";
    unsigned unit = 0;
    bytes >>= 10;
    while (unit < 3 && bytes != 0 && bytes % 1024 == 0) {
        bytes >>= 10;
        unit++;
    }
    fmt_snprintf(out, size, "%llu%c", (unsigned long long)bytes, units[unit]);
}

/* Entries 0 to 3 of the PAT as cpu/features.c sets it (SDM 3A 12.12.4). */
static const char *memory_type(uint64_t bits)
{
    switch (bits & (PTE_PCD | PTE_PWT)) {
    case PTE_PCD | PTE_PWT:
        return "UC";
    case PTE_PCD:
        return "UC-";
    case PTE_PWT:
        return "WC";
    default:
        return "";
    }
}

void ptdump_line(const struct ptdump_run *run, char *out, size_t size)
{
    char bytes[24], leaf[24], accessed[44], dirty[44];
    uint64_t bits = run->bits;
    unsigned long long leaves = run->leaves;
    dump_put_size(virt_range_size(run->range), bytes, sizeof bytes);
    dump_put_size(pt_span(run->level), leaf, sizeof leaf);
    fmt_snprintf(accessed, sizeof accessed, "%llu/%llu", (unsigned long long)run->accessed, leaves);
    fmt_snprintf(dirty, sizeof dirty, "%llu/%llu", (unsigned long long)run->dirty, leaves);
    fmt_snprintf(out, size, "%016llx-%016llx %8s %4s r%c%c %c%c%c %-3s %12s %12s  ",
                 (unsigned long long)run->range.start.v, (unsigned long long)run->range.end.v,
                 bytes, leaf, bits & PTE_W ? 'w' : '-', bits & PTE_NX ? '-' : 'x',
                 bits & PTE_COW ? 'c' : '-', bits & PTE_U ? 'u' : '-', bits & PTE_G ? 'g' : '-',
                 memory_type(bits), accessed, dirty);
}

const char *ptdump_heading(void)
{
    return "start            end                  size leaf cpu flags       accessed        dirty  "
           "what";
}
