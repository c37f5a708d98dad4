/* SPDX-License-Identifier: MIT */
/* The kernel's half of the address space: forbidden accesses fault. */
#include "guest.h"

#include "base/sections.h"
#include "cpu/percpu.h"
#include "mm/vm/areas.h"
#include "mm/init/audit_machine.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/layout.h"
#include "mm/init/memory.h"
#include "mm/pt/backend.h"
#include "mm/vm/usercopy.h"

static virt_t aligned(const void *p)
{
    return virt(align_down(virt_of(p).v, 8));
}

/* The word before a section's end. In two steps, because compilers treat the symbol as an object. */
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

/* The first tables are in the image, which is readable. */
GUEST_TEST(test_write_page_table)
{
    check_not_writable(pml4);
    check_not_writable(image_tables_start);
    check_not_writable(last_word(image_tables_end));
    check_not_executable(pml4);
}

/* The stub's identity map is removed, and the first pages are not mapped. */
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

GUEST_TEST(test_touch_guard)
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

/* The guard of every stack slot: IST stacks, stacks of threads, and slots without a stack. */
GUEST_TEST(test_guards_are_never_mapped)
{
    for (uint64_t slot = 0; slot < KSTACK_SLOTS; slot++)
        for (uint64_t at = 0; at < LAYOUT_KSTACK_SIZE; at += PAGE_SIZE) {
            virt_t v = virt(LAYOUT_KSTACK_START + slot * 2 * LAYOUT_KSTACK_SIZE + at);
            struct virt_range stack;
            phys_t frame;
            CHECK(kstack_guard_at(v, &stack));
            CHECK(!paging_translate(running_space, v, &frame));
        }
}

GUEST_TEST(test_kstacks_have_guards)
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

/* The program window shows the entries that the kernel's walk reads. */
GUEST_TEST(test_program_window_shows_the_walk)
{
    const uint64_t addresses[] = {
        virt_of(text_start).v, virt_of(variable).v, percpu()->kstack_low,
        LAYOUT_FRAMES_START,   LAYOUT_SCRATCH_PIN,  recursive_entry(program_slot(), 4, virt(0))};
    CHECK(paging_program_window != 0);
    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        struct pt_walk walk;
        paging_walk(running_space, virt(addresses[i]), &walk);
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
    if (paging != &paging_recursive)
        return; /* this back end writes through no window */
    phys_t frame = guest_frame(0);
    virt_t v = GUEST_ARENA_PAGE(0);
    CHECK_EQUAL(paging_map(running_space, v, frame, PAGE_SIZE, prot_rw()), E_OK);
    paging_walk(running_space, v, &walk);
    CHECK_EQUAL(walk.entry[2].v & (PTE_A | PTE_D), PTE_A | PTE_D);
    CHECK_EQUAL(walk.entry[1].v & (PTE_A | PTE_D), 0);
    paging_unmap(running_space, virt_range(v.v, v.v + PAGE_SIZE), NULL, NULL);
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
    CHECK_EQUAL(areas_add(running_space, &area), E_EXIST);
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
    CHECK_EQUAL(
        areas_find_hole(running_space, PAGE_SIZE, PAGE_SIZE, virt(paging_program_window), &hole),
        E_OK);
    CHECK(hole.end.v <= LAYOUT_PROGRAM_END);
    CHECK_EQUAL(areas_count(running_space), virt_range_size(paging_reserved_range) > 0 ? 1 : 0);
}

/* With its tables in the program's half, the identity back end closes that range to programs. */
GUEST_TEST(test_map_identity_pool)
{
    struct virt_range pool = paging_reserved_range, hole;
    if (virt_range_size(pool) == 0)
        return;
    check_area_refused(pool.start.v, PAGE_SIZE);
    check_area_refused(pool.end.v - PAGE_SIZE, 2 * PAGE_SIZE);
    CHECK_EQUAL(areas_find_hole(running_space, PAGE_SIZE, PAGE_SIZE, pool.start, &hole), E_OK);
    CHECK(!virt_range_overlaps(hole, pool));
    CHECK_EQUAL(areas_find_hole_below(running_space, 2 * PAGE_SIZE, PAGE_SIZE, pool.end, &hole),
                E_OK);
    CHECK(hole.end.v <= pool.start.v);
    uint64_t value = 0;
    CHECK_EQUAL(copy_out(pool.start, &value, 8), E_FAULT);
    CHECK_EQUAL(copy_in(&value, virt(pool.end.v - 1), 8), E_FAULT);
    CHECK(user_range_ok(virt(pool.start.v - 8), 8) && user_range_ok(pool.end, 8));
    CHECK(!user_range_ok(virt(pool.start.v - 8), 9));
    CHECK_EQUAL(areas_remove(running_space, pool), E_OK);
    CHECK_EQUAL(areas_discard(running_space, pool), E_OK);
    CHECK_EQUAL(areas_protect(running_space, pool, prot_rw()), E_NOMEM);
    CHECK_EQUAL(areas_count(running_space), 1);
    check_area_refused(pool.start.v, PAGE_SIZE);
    struct pt_walk walk;
    paging_walk(running_space, pool.start, &walk);
    CHECK_EQUAL(walk.phys.v, pool.start.v);
}

/* ---- after boot ---- */

GUEST_SEALED(test_write_sealed_data)
{
    check_not_writable(&cpu_features);
    check_not_writable(ro_after_init_start);
    check_not_writable(&paging);
}

GUEST_SEALED(test_run_boot_code)
{
    const char *const gone[] = {image_start, init_text_start, boot_stack_start};
    for (size_t i = 0; i < ARRAY_LENGTH(gone); i++) {
        virt_t v = virt_of(gone[i]);
        CHECK_PAGE_FAULT(guest_read(v, NULL), v, 0);
        CHECK_PAGE_FAULT(guest_call(v), v, guest_fetch_bit());
    }
}

/* ---- the whole address space (mm/pt/audit.h; its rules are tested natively) ---- */

static enum audit_rule audit_now(virt_t *at)
{
    struct audit_finding finding = {0};
    CHECK_EQUAL(audit_machine(phys_range(0, 0), false, &finding), E_OK);
    *at = finding.at;
    return finding.rule;
}

static void check_audit_passes(void)
{
    virt_t at;
    enum audit_rule rule = audit_now(&at);
    if (rule != AUDIT_PASSED)
        guest_test_fail(__FILE__, __LINE__, "0x%llx %s", ULL(at.v), audit_sentence(rule));
}

GUEST_SEALED(test_audit_passes)
{
    check_audit_passes();
}

/* The audit of the live tables finds each of: writable memory of the stub, boot code, a page that the
 * test maps. */
static void check_audit_finds(virt_t at, phys_t to, prot_t prot, enum audit_rule expected)
{
    virt_t found;
    CHECK_EQUAL(paging_map(running_space, at, to, PAGE_SIZE, prot), E_OK);
    CHECK_EQUAL(audit_now(&found), expected);
    CHECK_EQUAL(found.v, at.v);
    paging_unmap(running_space, virt_range(at.v, at.v + PAGE_SIZE), NULL, NULL);
}

GUEST_SEALED(test_audit_finds)
{
    const virt_t here = GUEST_ARENA_PAGE(3);
    struct pt_walk walk;
    phys_t frame = guest_frame(0);
    paging_walk(running_space, virt_of(text_start), &walk);
    check_audit_finds(here, walk.phys, prot_rw(), AUDIT_SEALED_ALIAS);
    paging_walk(running_space, virt_of(ro_after_init_start), &walk);
    check_audit_finds(here, walk.phys, prot_rw(), AUDIT_SEALED_ALIAS);
    check_audit_finds(here, pt_root(), prot_rw(), AUDIT_TABLE_ALIAS);
    paging_walk(running_space, virt(LAYOUT_KSTACK_START + LAYOUT_KSTACK_SIZE), &walk);
    check_audit_finds(here, phys(walk.entry[2].v & PTE_ADDRESS), prot_rw(), AUDIT_TABLE_ALIAS);
    check_audit_finds(virt(0), frame, prot_ro(), AUDIT_STRAY);
    check_audit_finds(virt_of(init_text_start), frame, prot_ro(), AUDIT_STRAY);
    check_audit_finds(virt(LAYOUT_KSTACK_START), frame, prot_rw(), AUDIT_STACK_GUARD);
    if (cpu_features.nx) {
        check_audit_finds(here, frame, prot_rwx_exception(), AUDIT_WRITE_EXECUTE);
        check_audit_finds(virt(LAYOUT_HEAP_END - PAGE_SIZE), frame, prot_rx(), AUDIT_EXCESS);
    }
    frames_put(&machine_frames, frame);
    check_audit_passes();
}

/* The split of a large leaf fills a table before it is linked: no other mapping of the table stays. */
GUEST_SEALED(test_audit_passes_after_split)
{
    phys_t block;
    if (frames_alloc(&machine_frames, 9, &block) != E_OK)
        return;
    CHECK_EQUAL(paging_map(running_space, virt(GUEST_ARENA), block, LARGE_SIZE, prot_rw()), E_OK);
    guest_frame_set_word(block, 0); /* the frame mapped before may become a table */
    CHECK_EQUAL(paging_split_at(running_space, GUEST_ARENA_PAGE(5)), E_OK);
    check_audit_passes();
    paging_unmap(running_space, virt_range(GUEST_ARENA, GUEST_ARENA + LARGE_SIZE), NULL, NULL);
    frames_put(&machine_frames, block);
}
