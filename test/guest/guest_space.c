/* SPDX-License-Identifier: MIT */
/* The kernel's own address space: what must not be touched cannot be. */
#include "guest.h"

#include "base/sections.h"
#include "cpu/percpu.h"
#include "mm/areas.h"
#include "mm/heap.h"
#include "mm/kstack.h"
#include "mm/layout.h"
#include "mm/memory.h"
#include "mm/pt_access_recursive.h"
#include "mm/usercopy.h"

static virt_t aligned(const void *p)
{
    return virt(align_down(virt_of(p).v, 8));
}

/* The word before a section's end: in two steps, because the compiler takes the symbol for an
 * object. */
static const void *last_word(const char *end)
{
    return ptr_of(virt(virt_of(end).v - 8));
}

static void check_not_writable(const void *p)
{
    CHECK_PAGE_FAULT(guest_write(aligned(p), 0), aligned(p), PF_PRESENT | PF_WRITE);
}

static void check_not_executable(const void *p)
{
    if (cpu_features.nx)
        CHECK_PAGE_FAULT(guest_call(virt_of(p)), virt_of(p), PF_PRESENT | PF_EXECUTE);
}

static const uint64_t constant[4] = {0xc3c3c3c3c3c3c3c3, 1, 2, 3};
static uint64_t variable[4] = {0xc3c3c3c3c3c3c3c3, 1, 2, 3};

GUEST_TEST(test_write_kernel_text)
{
    check_not_writable(text_start);
    check_not_writable((const void *)(uintptr_t)test_write_kernel_text);
    check_not_writable(last_word(text_end));
    check_not_writable(init_text_start);
}

GUEST_TEST(test_write_rodata)
{
    check_not_writable(rodata_start);
    check_not_writable(constant);
    check_not_writable(last_word(rodata_end));
}

GUEST_TEST(test_exec_rodata)
{
    check_not_executable(constant);
}

GUEST_TEST(test_exec_data)
{
    check_not_executable(variable);
    check_not_executable(boot_stack_start);
}

GUEST_TEST(test_exec_stack)
{
    volatile uint64_t code = 0xc3c3c3c3c3c3c3c3;
    check_not_executable((const void *)&code);
}

GUEST_TEST(test_exec_heap)
{
    uint64_t *code = heap_alloc(sizeof *code);
    CHECK(code != NULL);
    if (code == NULL)
        return;
    *code = 0xc3c3c3c3c3c3c3c3;
    check_not_executable(code);
    heap_free(code);
}

/* The stub's identity map is gone, and the first pages are nobody's. */
GUEST_TEST(test_null_read)
{
    static const uint64_t addresses[] = {
        0, 8, 0xff8, 0x1000, 0x7c00, 0xfff8, LAYOUT_KERNEL_LOAD, UINT64_C(0xfee00000)};
    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        virt_t v = virt(addresses[i]);
        CHECK_PAGE_FAULT(guest_read(v, NULL), v, 0);
        CHECK_PAGE_FAULT(guest_write(v, 1), v, PF_WRITE);
    }
}

GUEST_TEST(test_null_call)
{
    CHECK_PAGE_FAULT(guest_call(virt(0)), virt(0), guest_fetch_bit());
    CHECK_PAGE_FAULT(guest_call(virt(16)), virt(16), guest_fetch_bit());
}

GUEST_TEST(test_touch_kstack_guard)
{
    virt_t below = virt(percpu()->kstack_low - 8),
           lowest = virt(percpu()->kstack_low - LAYOUT_KSTACK_SIZE);
    struct virt_range stack;
    CHECK_PAGE_FAULT(guest_write(below, 1), below, PF_WRITE);
    CHECK_PAGE_FAULT(guest_read(lowest, NULL), lowest, 0);
    CHECK(kstack_guard_at(below, &stack));
    CHECK_EQUAL(stack.start.v, percpu()->kstack_low);
    CHECK_EQUAL(stack.end.v, percpu()->kstack_top);
    CHECK(!kstack_guard_at(virt(percpu()->kstack_low), &stack));
}

/* Every slot's guard, the stacks of interrupts too. */
GUEST_TEST(test_guards_are_never_mapped)
{
    for (uint64_t slot = 0; slot < KSTACK_SLOTS; slot++)
        for (uint64_t at = 0; at < LAYOUT_KSTACK_SIZE; at += PAGE_SIZE) {
            virt_t v = virt(LAYOUT_KSTACK_START + slot * 2 * LAYOUT_KSTACK_SIZE + at);
            struct virt_range stack;
            phys_t frame;
            CHECK(kstack_guard_at(v, &stack));
            CHECK(!paging_translate(v, &frame));
        }
}

GUEST_TEST(test_kstacks)
{
    enum {
        STACKS = 40
    };
    struct virt_range stacks[STACKS], guarded;
    unsigned n = 0;
    while (n < STACKS && kstack_alloc(&stacks[n]) == E_OK)
        n++;
    CHECK_EQUAL(n, STACKS);
    for (unsigned i = 0; i < n; i++) {
        virt_t low = stacks[i].start, top = virt(stacks[i].end.v - 8), guard = virt(low.v - 8);
        CHECK_EQUAL(virt_range_size(stacks[i]), LAYOUT_KSTACK_SIZE);
        CHECK_NO_FAULT(guest_write(low, i));
        CHECK_NO_FAULT(guest_write(top, i));
        CHECK_PAGE_FAULT(guest_write(guard, i), guard, PF_WRITE);
        CHECK(kstack_guard_at(guard, &guarded) && guarded.start.v == low.v);
        for (unsigned j = 0; j < i; j++)
            CHECK(!virt_range_overlaps(stacks[i], stacks[j]));
    }
    for (unsigned i = 0; i < n; i++)
        kstack_free(stacks[i * 7 % n]);
    virt_t gone = stacks[0].start;
    CHECK_PAGE_FAULT(guest_read(gone, NULL), gone, 0);
}

static unsigned program_slot(void)
{
    return (unsigned)(paging_program_window >> 39) & (PT_ENTRIES - 1);
}

/* The entries that programs read are those that the kernel's own walk reads. */
GUEST_TEST(test_program_window_shows_the_walk)
{
    const uint64_t addresses[] = {
        virt_of(text_start).v, virt_of(variable).v, percpu()->kstack_low,
        LAYOUT_FRAMES_START,   LAYOUT_SCRATCH_PIN,  recursive_entry(program_slot(), 4, virt(0))};
    CHECK(paging_program_window != 0);
    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        struct pt_walk walk;
        paging_walk(virt(addresses[i]), &walk);
        CHECK(walk.leaf_level != 0);
        for (int level = PT_LEVELS; level >= walk.last_level; level--) {
            virt_t at = virt(recursive_entry(program_slot(), level, virt(addresses[i])));
            uint64_t value = 0;
            CHECK_NO_FAULT(guest_read(at, &value));
            CHECK_EQUAL(value & ~(PTE_A | PTE_D), walk.entry[level].v & ~(PTE_A | PTE_D));
        }
    }
}

GUEST_TEST(test_write_program_window)
{
    virt_t at = virt(recursive_entry(program_slot(), 1, virt_of(text_start)));
    for (int level = 1; level <= PT_LEVELS; level++) {
        at = virt(recursive_entry(program_slot(), level, virt_of(text_start)));
        CHECK_PAGE_FAULT(guest_write(at, 0), at, PF_PRESENT | PF_WRITE);
    }
    if (cpu_features.nx)
        CHECK_PAGE_FAULT(guest_call(at), at, PF_PRESENT | PF_EXECUTE);
}

/* SDM 3A 4.8 with a self-referencing entry: the level-2 entry acts as a leaf for the table that it
 * points to, so clearing a new table through the window makes that entry dirty. */
GUEST_TEST(test_window_sets_dirty_in_upper_entries)
{
    struct pt_walk walk;
    phys_t frame = guest_frame(0);
    virt_t v = GUEST_ARENA_PAGE(0);
    CHECK_EQUAL(paging_map(v, frame, PAGE_SIZE, prot_rw()), E_OK);
    paging_walk(v, &walk);
    CHECK_EQUAL(walk.entry[2].v & (PTE_A | PTE_D), PTE_A | PTE_D);
    CHECK_EQUAL(walk.entry[1].v & (PTE_A | PTE_D), 0);
    paging_unmap(virt_range(v.v, v.v + PAGE_SIZE), NULL, NULL);
    frames_put(&machine_frames, frame);
}

static void check_area_refused(uint64_t start, uint64_t size)
{
    const struct area area = {
        .range = virt_range(start, start + size),
        .kind = AREA_ANONYMOUS,
        .prot = prot_rw(),
        .file_end = UINT64_MAX,
    };
    CHECK_EQUAL(areas_add(&area), E_EXIST);
}

GUEST_TEST(test_map_recursive_slot)
{
    struct virt_range hole;
    uint64_t value = 0;
    for (unsigned slot = LAYOUT_WINDOW_SLOT_FIRST; slot < PT_ENTRIES; slot += 13) {
        check_area_refused(recursive_base(slot), PAGE_SIZE);
        check_area_refused(recursive_base(slot) + (HUGE_SIZE << 9) - PAGE_SIZE, PAGE_SIZE);
        CHECK(!user_range_ok(virt(recursive_base(slot)), 8));
        CHECK_EQUAL(copy_out(virt(recursive_base(slot)), &value, 8), E_FAULT);
    }
    check_area_refused(paging_program_window, LARGE_SIZE);
    check_area_refused(LAYOUT_PROGRAM_END - PAGE_SIZE, 2 * PAGE_SIZE);
    check_area_refused(0, PAGE_SIZE);
    check_area_refused(LAYOUT_PROGRAM_START - PAGE_SIZE, 2 * PAGE_SIZE);
    CHECK_EQUAL(areas_find_hole(PAGE_SIZE, PAGE_SIZE, virt(paging_program_window), &hole), E_OK);
    CHECK(hole.end.v <= LAYOUT_PROGRAM_END);
    CHECK_EQUAL(areas_count(), 0);
}

/* ---- the whole address space ---- */

struct audit {
    uint8_t *writable; /* a bit a frame */
    unsigned leaves;
};

static bool in_window(virt_t at)
{
    struct pt_walk walk;
    paging_walk(virt(recursive_base(pt_index(at, 4))), &walk);
    return (walk.entry[4].v & PTE_ADDRESS) == virt_of(pml4).v - LAYOUT_KERNEL_BASE;
}

static void audit_leaf(void *context, virt_t at, int level, pte_t entry)
{
    struct audit *audit = context;
    struct pt_walk walk;
    (void)entry;
    (void)level;
    audit->leaves++;
    paging_walk(at, &walk);
    if (walk.writable && walk.executable)
        guest_test_fail(__FILE__, __LINE__, "0x%llx is writable and executable", ULL(at.v));
    if (in_window(at) && walk.executable)
        guest_test_fail(__FILE__, __LINE__, "0x%llx, a page table, is executable", ULL(at.v));
    if (pt_index(at, 4) == program_slot() && walk.writable)
        guest_test_fail(__FILE__, __LINE__, "0x%llx in the program's window is writable",
                        ULL(at.v));
    if (at.v < LAYOUT_PROGRAM_END)
        guest_test_fail(__FILE__, __LINE__, "0x%llx is mapped before the program starts",
                        ULL(at.v));
}

GUEST_TEST(test_audit_w_xor_x)
{
    struct audit audit = {0};
    if (!cpu_features.nx)
        return;
    paging_visit(virt_range(0, UINT64_C(1) << 47), audit_leaf, &audit);
    CHECK_EQUAL(audit.leaves, 0);
    paging_visit(virt_range(~((UINT64_C(1) << 47) - 1), UINT64_MAX - PAGE_MASK), audit_leaf,
                 &audit);
    CHECK(audit.leaves > 200);
}

static void note_writable(void *context, virt_t at, int level, pte_t entry)
{
    struct audit *audit = context;
    struct pt_walk walk;
    (void)entry;
    if (in_window(at))
        return;
    paging_walk(at, &walk);
    for (uint64_t n = walk.phys.v >> PAGE_SHIFT; n < (walk.phys.v + pt_span(level)) >> PAGE_SHIFT;
         n++)
        if (walk.writable && n < machine_frames.end)
            audit->writable[n / 8] |= (uint8_t)(1 << n % 8);
}

static void check_executable(void *context, virt_t at, int level, pte_t entry)
{
    struct audit *audit = context;
    struct pt_walk walk;
    (void)entry;
    if (in_window(at))
        return;
    paging_walk(at, &walk);
    for (uint64_t n = walk.phys.v >> PAGE_SHIFT; n < (walk.phys.v + pt_span(level)) >> PAGE_SHIFT;
         n++)
        if (walk.executable && n < machine_frames.end && audit->writable[n / 8] >> n % 8 & 1)
            guest_test_fail(__FILE__, __LINE__, "frame 0x%llx: code at 0x%llx, writable elsewhere",
                            ULL(n), ULL(at.v));
}

/* W^X of frames, not of addresses: no second mapping makes code writable. */
GUEST_TEST(test_audit_aliases)
{
    const struct virt_range upper = virt_range(~((UINT64_C(1) << 47) - 1), UINT64_MAX - PAGE_MASK);
    struct audit audit = {.writable = heap_alloc_zero(machine_frames.end / 8 + 1)};
    CHECK(audit.writable != NULL);
    if (audit.writable == NULL || !cpu_features.nx) {
        heap_free(audit.writable);
        return;
    }
    paging_visit(upper, note_writable, &audit);
    paging_visit(upper, check_executable, &audit);
    heap_free(audit.writable);
}

/* ---- after boot ---- */

GUEST_SEALED(test_write_ro_after_init)
{
    check_not_writable(&cpu_features);
    check_not_writable(ro_after_init_start);
    check_not_writable(&paging);
}

GUEST_SEALED(test_touch_boot_memory)
{
    const char *const gone[] = {image_start, init_text_start, boot_stack_start};
    for (size_t i = 0; i < ARRAY_LENGTH(gone); i++) {
        virt_t v = virt_of(gone[i]);
        CHECK_PAGE_FAULT(guest_read(v, NULL), v, 0);
        CHECK_PAGE_FAULT(guest_call(v), v, guest_fetch_bit());
    }
}

GUEST_SEALED(test_audit_w_xor_x_sealed)
{
    struct audit audit = {0};
    if (cpu_features.nx)
        paging_visit(virt_range(~((UINT64_C(1) << 47) - 1), UINT64_MAX - PAGE_MASK), audit_leaf,
                     &audit);
}
