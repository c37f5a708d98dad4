/* SPDX-License-Identifier: MIT */
/* Copies from and to hostile program pointers fail with E_FAULT, never with a panic. */
#include "guest.h"

#include "base/sections.h"
#include "cpu/irq.h"
#include "cpu/usercopy.h"
#include "mm/vm/areas.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/vm/usercopy.h"

#define AREA_START GUEST_ARENA
#define AREA_SIZE  (4 * PAGE_SIZE)

static void add(uint64_t start, uint64_t size, enum area_kind kind, prot_t prot)
{
    const struct area area = {
        .range = virt_range(start, start + size),
        .kind = kind,
        .prot = prot,
        .file_end = UINT64_MAX,
    };
    CHECK_EQUAL(areas_add(running_space, &area), E_OK);
}

static uint8_t buffer[3 * PAGE_SIZE];

static void check_bad_everywhere(virt_t at, size_t size)
{
    size_t length;
    CHECK_EQUAL(copy_in(buffer, at, size), E_FAULT);
    CHECK_EQUAL(copy_out(at, buffer, size), E_FAULT);
    CHECK_EQUAL(clear_out(at, size), E_FAULT);
    CHECK_EQUAL(copy_in_string((char *)buffer, at, size, &length), E_FAULT);
}

GUEST_TEST(test_copy_kernel_addresses)
{
    const uint64_t bad[] = {0,
                            8,
                            LAYOUT_PROGRAM_START - 8,
                            AREA_START,
                            UINT64_C(0x800000000000),
                            UINT64_C(0x7ffffffff000),
                            UINT64_C(0xffff800000000000),
                            UINT64_MAX - 7,
                            virt_of(text_start).v,
                            virt_of(buffer).v,
                            paging_program_window};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        check_bad_everywhere(virt(bad[i]), 8);
    CHECK_EQUAL(copy_in(buffer, virt(AREA_START), SIZE_MAX), E_FAULT);
    CHECK_EQUAL(copy_in(buffer, virt(LAYOUT_PROGRAM_END), 0), E_OK);
    CHECK_EQUAL(copy_in(buffer, virt(LAYOUT_PROGRAM_END + 1), 0), E_FAULT);
    CHECK_EQUAL(copy_in(buffer, virt(0), 0), E_OK);
    CHECK(user_range_ok(virt(LAYOUT_PROGRAM_END - 8), 8));
    CHECK(!user_range_ok(virt(LAYOUT_PROGRAM_END - 7), 8));
    CHECK(!user_range_ok(virt(8), UINT64_MAX - 4));
    CHECK(!user_range_ok(virt(UINT64_MAX), 2));
}

/* Copies through pages that are mapped on demand, with all alignments and lengths of the loops' parts. */
GUEST_TEST(test_copy_through_demand_zero)
{
    static uint8_t back[200];
    add(AREA_START, AREA_SIZE, AREA_ANONYMOUS, prot_rw());
    for (size_t i = 0; i < sizeof back; i++)
        buffer[i] = (uint8_t)(i * 7 + 1);
    for (size_t size = 0; size <= 100; size++)
        for (uint64_t shift = 0; shift < 40; shift += 13) {
            virt_t at = virt(AREA_START + PAGE_SIZE - 50 + shift); /* across the end of a page */
            memset(back, 0xee, sizeof back);
            CHECK_EQUAL(copy_out(at, buffer, size), E_OK);
            CHECK_EQUAL(copy_in(back, at, size), E_OK);
            CHECK_EQUAL(memcmp(back, buffer, size), 0);
            CHECK_EQUAL(back[size], 0xee);
            CHECK_EQUAL(clear_out(at, size), E_OK);
            CHECK_EQUAL(copy_in(back, at, size), E_OK);
            for (size_t i = 0; i < size; i++)
                CHECK_EQUAL(back[i], 0);
        }
    CHECK_EQUAL(copy_in(buffer, virt(AREA_START + 2 * PAGE_SIZE), PAGE_SIZE), E_OK);
    CHECK_EQUAL(buffer[0] | buffer[PAGE_SIZE - 1], 0);
    areas_clear(running_space);
}

GUEST_TEST(test_copy_over_the_end_of_an_area)
{
    virt_t end = virt(AREA_START + AREA_SIZE);
    size_t length;
    add(AREA_START, AREA_SIZE, AREA_ANONYMOUS, prot_rw());
    for (uint64_t inside = 0; inside < 70; inside += 3) {
        virt_t at = virt(end.v - inside);
        for (uint64_t outside = 1; outside < 80; outside += 21) {
            CHECK_EQUAL(copy_in(buffer, at, inside + outside), E_FAULT);
            CHECK_EQUAL(copy_out(at, buffer, inside + outside), E_FAULT);
            CHECK_EQUAL(clear_out(at, inside + outside), E_FAULT);
        }
        memset(buffer, 'a', 200);
        CHECK_EQUAL(copy_out(at, buffer, inside), E_OK);
        CHECK_EQUAL(copy_in_string((char *)buffer, at, sizeof buffer, &length), E_FAULT);
    }
    areas_clear(running_space);
}

GUEST_TEST(test_copy_without_permission)
{
    uint8_t byte = 1;
    uint64_t guard = AREA_START + 4 * PAGE_SIZE, none = AREA_START + 8 * PAGE_SIZE;
    add(AREA_START, PAGE_SIZE, AREA_ANONYMOUS, prot_ro());
    add(AREA_START + 2 * PAGE_SIZE, PAGE_SIZE, AREA_ANONYMOUS, prot_rx());
    add(guard, PAGE_SIZE, AREA_GUARD, prot_none());
    add(none, PAGE_SIZE, AREA_ANONYMOUS, prot_none());
    CHECK_EQUAL(copy_out(virt(AREA_START), &byte, 1), E_FAULT);
    CHECK_EQUAL(copy_in(&byte, virt(AREA_START), 1), E_OK);
    CHECK_EQUAL(byte, 0);
    CHECK_EQUAL(copy_out(virt(AREA_START), &byte, 1), E_FAULT); /* the copy above mapped it */
    CHECK_EQUAL(clear_out(virt(AREA_START + 2 * PAGE_SIZE), 1), E_FAULT);
    CHECK_EQUAL(copy_in(&byte, virt(AREA_START + 2 * PAGE_SIZE), 1), E_OK);
    check_bad_everywhere(virt(guard), 1);
    check_bad_everywhere(virt(none), 1);
    areas_clear(running_space);
}

/* After mprotect() no old permission is used from the TLB. */
GUEST_TEST(test_copy_after_protect)
{
    uint8_t byte = 5;
    struct virt_range area = virt_range(AREA_START, AREA_START + PAGE_SIZE);
    add(AREA_START, PAGE_SIZE, AREA_ANONYMOUS, prot_rw());
    CHECK_EQUAL(copy_out(area.start, &byte, 1), E_OK);
    CHECK_EQUAL(areas_protect(running_space, area, prot_ro()), E_OK);
    CHECK_EQUAL(copy_out(area.start, &byte, 1), E_FAULT);
    CHECK_EQUAL(areas_protect(running_space, area, prot_none()), E_OK);
    CHECK_EQUAL(copy_in(&byte, area.start, 1), E_FAULT);
    CHECK_EQUAL(areas_protect(running_space, area, prot_rw()), E_OK);
    CHECK_EQUAL(copy_in(&byte, area.start, 1), E_OK);
    CHECK_EQUAL(byte, 5);
    CHECK_EQUAL(areas_remove(running_space, area), E_OK);
    CHECK_EQUAL(copy_in(&byte, area.start, 1), E_FAULT);
    areas_clear(running_space);
}

GUEST_TEST(test_string_is_copied_up_to_its_nul)
{
    char text[16];
    size_t length = 0;
    virt_t at = virt(AREA_START + PAGE_SIZE - 6);
    add(AREA_START, PAGE_SIZE, AREA_ANONYMOUS, prot_rw());
    CHECK_EQUAL(copy_out(at, "hello", 6), E_OK);
    CHECK_EQUAL(copy_in_string(text, at, sizeof text, &length), E_OK);
    CHECK_EQUAL(length, 5);
    CHECK_EQUAL(strcmp(text, "hello"), 0);
    CHECK_EQUAL(copy_in_string(text, at, 6, &length), E_OK);
    CHECK_EQUAL(copy_in_string(text, at, 5, &length), E_NAMETOOLONG);
    CHECK_EQUAL(copy_in_string(text, virt(at.v + 5), 1, &length), E_OK);
    CHECK_EQUAL(length, 0);
    CHECK_EQUAL(copy_out(virt(at.v + 5), "!", 1), E_OK);
    CHECK_EQUAL(copy_in_string(text, at, sizeof text, &length), E_FAULT);
    CHECK_EQUAL(copy_in_string(text, at, 6, &length), E_NAMETOOLONG);
    areas_clear(running_space);
}

/* A string in the last page of the program's half: the read stops at the end of the half. */
GUEST_TEST(test_string_at_the_end_of_the_half)
{
    char text[16];
    size_t length = 0;
    virt_t at = virt(LAYOUT_PROGRAM_END - 4);
    add(LAYOUT_PROGRAM_END - PAGE_SIZE, PAGE_SIZE, AREA_ANONYMOUS, prot_rw());
    CHECK_EQUAL(copy_out(at, "abcd", 4), E_OK);
    CHECK_EQUAL(copy_in_string(text, at, sizeof text, &length), E_FAULT);
    CHECK_EQUAL(copy_in(text, at, 5), E_FAULT);
    CHECK_EQUAL(copy_out(virt(at.v + 3), "", 1), E_OK);
    CHECK_EQUAL(copy_in_string(text, at, sizeof text, &length), E_OK);
    CHECK_EQUAL(length, 3);
    areas_clear(running_space);
}

/* The verdict of the fault handler for each kind of area and access. */
GUEST_TEST(test_fault_verdicts)
{
    add(AREA_START, PAGE_SIZE, AREA_ANONYMOUS, prot_ro());
    add(AREA_START + 2 * PAGE_SIZE, PAGE_SIZE, AREA_GUARD, prot_none());
    add(AREA_START + 4 * PAGE_SIZE, PAGE_SIZE, AREA_ANONYMOUS, prot_rw());
    virt_t ro = virt(AREA_START), guard = virt(AREA_START + 2 * PAGE_SIZE);
    virt_t rw = virt(AREA_START + 4 * PAGE_SIZE + 123);
    CHECK_EQUAL(fault_resolve(running_space, ro, PF_WRITE), FAULT_DENIED);
    CHECK_EQUAL(fault_resolve(running_space, ro, PF_EXECUTE), FAULT_DENIED);
    CHECK_EQUAL(fault_resolve(running_space, ro, 0), FAULT_RESOLVED);
    CHECK_EQUAL(fault_resolve(running_space, ro, PF_PRESENT), FAULT_RESOLVED); /* spurious */
    CHECK_EQUAL(fault_resolve(running_space, ro, PF_PRESENT | PF_WRITE), FAULT_DENIED);
    CHECK_EQUAL(fault_resolve(running_space, guard, 0), FAULT_DENIED);
    CHECK_EQUAL(fault_resolve(running_space, virt(AREA_START + 6 * PAGE_SIZE), 0),
                FAULT_NOT_MAPPED);
    /* The first read maps the zero page, the first write a page of its own. */
    struct fault_counters before = fault_counters;
    CHECK_EQUAL(fault_resolve(running_space, rw, 0), FAULT_RESOLVED);
    CHECK_EQUAL(fault_counters.zero, before.zero + 1);
    CHECK_EQUAL(fault_resolve(running_space, rw, PF_PRESENT | PF_WRITE), FAULT_RESOLVED);
    CHECK_EQUAL(fault_counters.copied, before.copied + 1);
    CHECK_EQUAL(fault_resolve(running_space, rw, PF_EXECUTE | PF_PRESENT), FAULT_DENIED);
    areas_clear(running_space);
}

/* A fault that the tables allow is spurious once. Without a change of the tables it has another cause when it comes again. */
GUEST_TEST(test_spurious_fault_only_once)
{
    const uint64_t error = PF_PRESENT | PF_WRITE;
    virt_t at = virt(AREA_START + 8), other = virt(AREA_START + PAGE_SIZE);
    add(AREA_START, AREA_SIZE, AREA_ANONYMOUS, prot_rw());
    CHECK_EQUAL(fault_resolve(running_space, at, PF_WRITE), FAULT_RESOLVED);
    CHECK_EQUAL(fault_resolve(running_space, other, PF_WRITE), FAULT_RESOLVED);
    CHECK_EQUAL(fault_resolve(running_space, at, error), FAULT_RESOLVED);
    CHECK_EQUAL(fault_resolve(running_space, at, error), FAULT_DENIED);
    CHECK_EQUAL(fault_resolve(running_space, at, error), FAULT_DENIED);
    CHECK_EQUAL(fault_resolve(running_space, other, error), FAULT_RESOLVED);
    CHECK_EQUAL(fault_resolve(running_space, other, error), FAULT_DENIED);
    /* Less and then more is allowed: the TLB may hold what was allowed between. */
    struct virt_range page = virt_range(other.v, other.v + PAGE_SIZE);
    CHECK_EQUAL(paging_protect(running_space, page, prot_ro()), E_OK);
    CHECK_EQUAL(paging_protect(running_space, page, prot_rw()), E_OK);
    CHECK_EQUAL(fault_resolve(running_space, other, error), FAULT_RESOLVED);
    CHECK_EQUAL(fault_resolve(running_space, other, error), FAULT_DENIED);
    areas_clear(running_space);
}

/* True if the handler of #PF ends a copy that has faulted at `at` with this error code; false if the copy tries again. */
static bool ends_copy(virt_t at, uint64_t error)
{
    struct trap_frame frame = {
        .vector = VECTOR_PAGE_FAULT,
        .error = error,
        .rip = (uint64_t)(uintptr_t)usercopy_start,
    };
    uint64_t flags = irq_save();
    __asm__ volatile("mov %0, %%cr2" : : "r"(at.v) : "memory");
    trap_pass_on(&frame);
    irq_restore(flags);
    if (frame.rip != (uint64_t)(uintptr_t)usercopy_copy_tail)
        return false;
    CHECK_EQUAL(frame.rcx, 64);      /* the bytes of the step, up to the one that faults */
    usercopy_abort(&frame, E_FAULT); /* that one */
    CHECK_EQUAL(frame.rip, (uint64_t)(uintptr_t)usercopy_fault);
    return true;
}

/* What no page table allows or denies: a protection key, a shadow stack, SGX. */
GUEST_TEST(test_fault_of_a_protection_key)
{
    virt_t at = virt(AREA_START);
    add(AREA_START, AREA_SIZE, AREA_ANONYMOUS, prot_rw());
    CHECK(!ends_copy(at, PF_WRITE));
    CHECK(!ends_copy(at, PF_PRESENT));
    for (unsigned bit = 5; bit < 16; bit++) {
        CHECK(ends_copy(at, PF_PRESENT | UINT64_C(1) << bit));
        CHECK(ends_copy(at, PF_PRESENT | PF_WRITE | UINT64_C(1) << bit));
    }
    CHECK(!ends_copy(at, PF_PRESENT | PF_WRITE));
    areas_clear(running_space);
}

/* ---- a private mapping of a file of one page ---- */

static uint64_t *file_page;
static long file_references;

static enum err file_frame(struct page_source *source, uint64_t index, bool for_write, phys_t *out)
{
    (void)source;
    (void)for_write;
    if (index != 0)
        return E_INVAL;
    *out = kpage_phys(file_page);
    frames_get(&machine_frames, *out);
    return E_OK;
}

static enum err file_read(struct page_source *source, uint64_t offset, void *to, size_t size)
{
    (void)source;
    if (offset >= PAGE_SIZE)
        return E_INVAL;
    memcpy(to, (const char *)file_page + offset, size);
    return E_OK;
}

static void file_get(struct page_source *source)
{
    (void)source;
    file_references++;
}

static void file_put(struct page_source *source)
{
    (void)source;
    file_references--;
}

static bool file_present(struct page_source *source, uint64_t index)
{
    (void)source;
    (void)index;
    return false; /* no fault-around: only the accessed page is mapped */
}

static const struct page_source_ops file_ops = {
    .page = file_frame,
    .read = file_read,
    .present = file_present,
    .get = file_get,
    .put = file_put,
};

static uint32_t holders(void)
{
    return frames_references(&machine_frames, kpage_phys(file_page));
}

/* A read maps the file's own frame. A write replaces it by a copy; the file is unchanged. */
GUEST_TEST(test_write_private_file)
{
    static struct page_source source = {.ops = &file_ops};
    const struct area area = {
        .range = virt_range(AREA_START, AREA_START + 2 * PAGE_SIZE),
        .kind = AREA_FILE,
        .prot = prot_rw(),
        .source = &source,
        .file_end = UINT64_MAX,
    };
    uint64_t value = 0;
    file_page = kpage_alloc();
    CHECK(file_page != NULL);
    if (file_page == NULL)
        return;
    file_page[0] = 1234;
    file_references = 1; /* the area's */
    CHECK_EQUAL(areas_add(running_space, &area), E_OK);
    CHECK_EQUAL(copy_in(&value, area.range.start, sizeof value), E_OK);
    CHECK_EQUAL(value, 1234);
    CHECK_EQUAL(holders(), 2);
    CHECK_PAGE_FAULT(guest_write(area.range.start, 5), area.range.start, PF_PRESENT | PF_WRITE);
    value = 99;
    CHECK_EQUAL(copy_out(area.range.start, &value, sizeof value), E_OK);
    CHECK_EQUAL(holders(), 1);
    CHECK_EQUAL(file_page[0], 1234);
    CHECK_EQUAL(copy_in(&value, area.range.start, sizeof value), E_OK);
    CHECK_EQUAL(value, 99);
    CHECK_EQUAL(copy_in(&value, virt(AREA_START + PAGE_SIZE), 8),
                E_FAULT); /* past the file's end */
    CHECK_EQUAL(fault_resolve(running_space, virt(AREA_START + PAGE_SIZE), 0), FAULT_PAST_FILE);
    CHECK_EQUAL(fault_resolve(running_space, virt(AREA_START + PAGE_SIZE), PF_WRITE),
                FAULT_PAST_FILE);
    areas_clear(running_space);
    CHECK_EQUAL(file_references, 0);
    kpage_free(file_page);
}
