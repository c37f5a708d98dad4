/* SPDX-License-Identifier: MIT */
/*
 * Cost of the operations on page tables, for `ouro bench paging`, which boots this test with each
 * back end: pages of 4 KiB, one call a page, as the fault handler makes them. The results are
 * checked; times are printed and not judged.
 */
#include "guest.h"

#include "base/fmt.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "kern/console.h"
#include "mm/init/memory.h"
#include "mm/pt/backend.h"

#define FIGURE_PAGES 4096

static void say(const char *name, const char *unit, uint64_t hundredths)
{
    char line[80];
    size_t length = fmt_snprintf(line, sizeof line, "figure %s %s %llu.%02llu\n", name, unit,
                                 ULL(hundredths / 100), ULL(hundredths % 100));
    console_write(CONSOLE_STDOUT, line, length < sizeof line ? length : sizeof line - 1);
}

static void map_page(virt_t page, phys_t frame)
{
    CHECK_EQUAL(paging_map(running_space, page, frame, PAGE_SIZE, prot_rw()), E_OK);
}

static void protect_page(virt_t page, phys_t frame)
{
    (void)frame;
    CHECK_EQUAL(paging_protect(running_space, virt_range(page.v, page.v + PAGE_SIZE), prot_ro()),
                E_OK);
}

static void translate_page(virt_t page, phys_t frame)
{
    phys_t found = phys(0);
    CHECK(paging_translate(running_space, page, &found));
    CHECK_EQUAL(found.v, frame.v);
}

static void unmap_page(virt_t page, phys_t frame)
{
    (void)frame;
    paging_unmap(running_space, virt_range(page.v, page.v + PAGE_SIZE), NULL, NULL);
}

static void add_leaf(void *context, virt_t at, int level, pte_t entry)
{
    uint64_t *bytes = context;
    (void)at;
    (void)entry;
    *bytes += pt_span(level);
}

/* Bytes of virtual addresses that the back end takes: the recursive window, the range reserved in the
 * program's half, and the mappings through which tables are reached. */
static uint64_t virtual_space(void)
{
    uint64_t bytes = virt_range_size(paging_reserved_range);
    if (paging_window != 0)
        bytes += pt_span(4);
    paging_visit(running_space, paging->access->reach, add_leaf, &bytes);
    return bytes;
}

GUEST_TEST(test_paging_figures)
{
    static const struct {
        const char *name;
        void (*operation)(virt_t page, phys_t frame);
    } steps[] = {
        {"map", map_page},
        {"protect", protect_page},
        {"translate", translate_page},
        {"unmap", unmap_page},
    };
    phys_t frame = guest_frame(0);
    struct paging_counters before = paging_counters;
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        uint64_t from = rdtsc();
        for (uint64_t k = 0; k < FIGURE_PAGES; k++)
            steps[i].operation(virt(GUEST_ARENA + k * PAGE_SIZE), frame);
        say(steps[i].name, "ns", tsc_to_ns(rdtsc() - from) * 100 / FIGURE_PAGES);
        if (i > 0)
            continue;
        say("tables_for_16_MiB", "frames", (paging_counters.tables - before.tables) * 100);
        say("virtual_space", "KiB", virtual_space() / 1024 * 100);
    }
    CHECK(virtual_space() > 0);
    say("page_flushes", "each",
        (paging_counters.page_flushes - before.page_flushes) * 100 / FIGURE_PAGES);
    say("table_flushes", "each",
        (paging_counters.table_flushes - before.table_flushes) * 100 / FIGURE_PAGES);
    frames_put(&machine_frames, frame);
}
