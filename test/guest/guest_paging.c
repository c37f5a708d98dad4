/* SPDX-License-Identifier: MIT */
/* map, unmap, protect and replace on the hardware: every permission, page size and access. */
#include "guest.h"

#include "cpu/x86.h"
#include "mm/init/memory.h"
#include "mm/pt/backend.h"

/* `ret` in each byte of the first word. */
#define CODE_RET UINT64_C(0xc3c3c3c3c3c3c3c3)

static const prot_t all_prots[] = {
    {0},
    {PROT_BIT_READ},
    {PROT_BIT_READ | PROT_BIT_WRITE},
    {PROT_BIT_READ | PROT_BIT_EXECUTE},
    {PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_EXECUTE},
    {PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_UNCACHED},
    {PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_COPY},
};

/* INVLPG of one address drops the whole large page (SDM 3A 4.10.2.3). QEMU's TCG (7.2) does so for
 * data, but keeps executing translated code of the other 4 KiB parts until each is flushed, too. */
static struct guest_fault call(virt_t at)
{
    invlpg(at.v);
    return guest_call(at);
}

/* Accesses through a leaf with these permissions below permissive upper entries, by the rules of
 * SDM 3A 4.6 and 4.7 and not by the walker. */
static void check_accesses(virt_t at, prot_t prot)
{
    uint64_t fetch = guest_fetch_bit();
    bool present = prot.bits & (PROT_BIT_READ | PROT_BIT_WRITE | PROT_BIT_EXECUTE);
    bool writable = prot.bits & PROT_BIT_WRITE && !(prot.bits & PROT_BIT_COPY);
    bool executable = prot.bits & PROT_BIT_EXECUTE || !cpu_features.nx;
    uint64_t value = 0;
    if (!present) {
        CHECK_PAGE_FAULT(guest_read(at, NULL), at, 0);
        CHECK_PAGE_FAULT(guest_write(at, CODE_RET), at, PF_WRITE);
        CHECK_PAGE_FAULT(call(at), at, fetch);
        return;
    }
    CHECK_NO_FAULT(guest_read(at, &value));
    CHECK_EQUAL(value, CODE_RET);
    if (writable)
        CHECK_NO_FAULT(guest_write(at, CODE_RET));
    else
        CHECK_PAGE_FAULT(guest_write(at, 1), at, PF_PRESENT | PF_WRITE);
    if (executable)
        CHECK_NO_FAULT(call(at));
    else
        CHECK_PAGE_FAULT(call(at), at, PF_PRESENT | fetch);
}

static void check_walk(virt_t at, int level, phys_t expected, prot_t prot)
{
    struct pt_walk walk;
    paging_walk(running_space, at, &walk);
    CHECK_EQUAL(walk.last_level, level);
    if (prot.bits == 0) {
        CHECK_EQUAL(walk.leaf_level, 0);
        return;
    }
    CHECK_EQUAL(walk.leaf_level, level);
    CHECK_EQUAL(walk.phys.v, expected.v);
    CHECK_EQUAL(walk.writable, prot.bits & PROT_BIT_WRITE && !(prot.bits & PROT_BIT_COPY));
    CHECK_EQUAL(walk.executable, prot.bits & PROT_BIT_EXECUTE || !cpu_features.nx);
}

/* Maps one page of the level at `at` to `base`, with each permission set by map, and by protect from
 * each other one. The access is made at `offset`, where the test's own frame is. */
static void check_level(virt_t at, phys_t base, int level, uint64_t offset)
{
    uint64_t size = pt_span(level);
    struct virt_range range = virt_range(at.v, at.v + size);
    virt_t v = virt(at.v + offset);
    for (size_t i = 0; i < ARRAY_LENGTH(all_prots); i++) {
        CHECK_EQUAL(paging_map(running_space, at, base, size, all_prots[i]), E_OK);
        check_walk(v, level, phys(base.v + offset), all_prots[i]);
        check_accesses(v, all_prots[i]);
        for (size_t j = 0; j < ARRAY_LENGTH(all_prots); j++) {
            if (all_prots[i].bits & PROT_BIT_COPY)
                break; /* stays copy-on-write: checked below */
            CHECK_EQUAL(paging_protect(running_space, range, all_prots[j]), E_OK);
            check_accesses(v, all_prots[j]);
            check_walk(v, level, phys(base.v + offset), all_prots[j]);
            CHECK_EQUAL(paging_protect(running_space, range, all_prots[i]), E_OK);
            if (all_prots[j].bits & PROT_BIT_COPY)
                break;
        }
        paging_unmap(running_space, range, NULL, NULL);
        CHECK_PAGE_FAULT(guest_read(v, NULL), v, 0);
        CHECK_PAGE_FAULT(guest_write(v, 1), v, PF_WRITE);
        CHECK_PAGE_FAULT(call(v), v, guest_fetch_bit());
    }
}

GUEST_TEST(test_access_4k)
{
    phys_t frame = guest_frame(CODE_RET);
    check_level(GUEST_ARENA_PAGE(7), frame, 1, 0);
    check_level(GUEST_ARENA_PAGE(511), frame, 1, 0);
    frames_put(&machine_frames, frame);
}

GUEST_TEST(test_access_2m)
{
    phys_t block;
    if (frames_alloc(&machine_frames, 9, &block) != E_OK) {
        guest_test_fail(__FILE__, __LINE__, "no 2 MiB of memory are free");
        return;
    }
    for (uint64_t offset = 0; offset < LARGE_SIZE; offset += LARGE_SIZE - PAGE_SIZE) {
        guest_frame_set_word(phys(block.v + offset), CODE_RET);
        check_level(virt(GUEST_ARENA + 3 * LARGE_SIZE), block, 2, offset);
    }
    frames_put(&machine_frames, block);
}

/* The page maps the first GiB of physical memory; only the test's frame in it is accessed. */
GUEST_TEST(test_access_1g)
{
    phys_t frame = guest_frame(CODE_RET);
    if (cpu_features.huge_pages && frame.v < HUGE_SIZE) {
        check_level(virt(GUEST_ARENA), phys(0), 3, frame.v);
        check_level(virt(GUEST_ARENA + HUGE_SIZE), phys(0), 3, frame.v);
    }
    frames_put(&machine_frames, frame);
}

/* Without pages of 1 GiB the range is mapped by smaller ones. */
GUEST_TEST(test_map_1g_on_any_cpu)
{
    phys_t frame = guest_frame(CODE_RET);
    virt_t v = virt(GUEST_ARENA + frame.v % HUGE_SIZE);
    phys_t base = phys(align_down(frame.v, HUGE_SIZE));
    struct pt_walk walk;
    CHECK_EQUAL(paging_map(running_space, virt(GUEST_ARENA), base, HUGE_SIZE, prot_ro()), E_OK);
    check_accesses(v, prot_ro());
    paging_walk(running_space, v, &walk);
    CHECK_EQUAL(walk.leaf_level, cpu_features.huge_pages ? 3 : 2);
    paging_unmap(running_space, virt_range(GUEST_ARENA, GUEST_ARENA + HUGE_SIZE), NULL, NULL);
    CHECK_PAGE_FAULT(guest_read(v, NULL), v, 0);
    frames_put(&machine_frames, frame);
}

/* A copy-on-write page stays read-only whatever protect is asked for. */
GUEST_TEST(test_write_copy_on_write)
{
    phys_t frame = guest_frame(CODE_RET);
    virt_t v = GUEST_ARENA_PAGE(1);
    struct virt_range range = virt_range(v.v, v.v + PAGE_SIZE);
    CHECK_EQUAL(paging_map(running_space, v, frame, PAGE_SIZE, prot_copy_on_write(prot_rw())),
                E_OK);
    CHECK_PAGE_FAULT(guest_write(v, 1), v, PF_PRESENT | PF_WRITE);
    CHECK_EQUAL(paging_protect(running_space, range, prot_rw()), E_OK);
    CHECK_PAGE_FAULT(guest_write(v, 1), v, PF_PRESENT | PF_WRITE);
    paging_replace(running_space, v, frame, prot_rw());
    CHECK_NO_FAULT(guest_write(v, 5));
    CHECK_EQUAL(guest_frame_word(frame), 5);
    paging_unmap(running_space, range, NULL, NULL);
    frames_put(&machine_frames, frame);
}

static uint64_t flags_of(virt_t at, int level)
{
    struct pt_walk walk;
    paging_walk(running_space, at, &walk);
    return walk.entry[level].v & (PTE_A | PTE_D);
}

/* SDM 3A 4.8: a read sets A, a write sets A and D, and the CPU clears neither. */
static void check_accessed_and_dirty(virt_t at, phys_t base, int level)
{
    struct virt_range range = virt_range(at.v, at.v + pt_span(level));
    CHECK_EQUAL(paging_map(running_space, at, base, pt_span(level), prot_rw()), E_OK);
    CHECK_EQUAL(flags_of(at, level), 0);
    CHECK_NO_FAULT(guest_read(at, NULL));
    CHECK_EQUAL(flags_of(at, level), PTE_A);
    CHECK_NO_FAULT(guest_write(at, CODE_RET));
    CHECK_EQUAL(flags_of(at, level), PTE_A | PTE_D);
    CHECK_EQUAL(paging_protect(running_space, range, prot_ro()), E_OK);
    CHECK_EQUAL(flags_of(at, level), PTE_A | PTE_D);
    paging_unmap(running_space, range, NULL, NULL);
    CHECK_EQUAL(paging_map(running_space, at, base, pt_span(level), prot_ro()), E_OK);
    CHECK_PAGE_FAULT(guest_write(at, 1), at, PF_PRESENT | PF_WRITE);
    CHECK_EQUAL(flags_of(at, level) & PTE_D, 0);
    paging_unmap(running_space, range, NULL, NULL);
    CHECK_EQUAL(paging_map(running_space, at, base, pt_span(level), prot_rx()), E_OK);
    CHECK_NO_FAULT(guest_call(at));
    CHECK_EQUAL(flags_of(at, level), PTE_A);
    paging_unmap(running_space, range, NULL, NULL);
}

GUEST_TEST(test_accessed_and_dirty)
{
    phys_t block;
    if (frames_alloc(&machine_frames, 9, &block) != E_OK) {
        guest_test_fail(__FILE__, __LINE__, "no 2 MiB of memory are free");
        return;
    }
    guest_frame_set_word(block, CODE_RET);
    check_accessed_and_dirty(GUEST_ARENA_PAGE(3), block, 1);
    check_accessed_and_dirty(virt(GUEST_ARENA + LARGE_SIZE), block, 2);
    frames_put(&machine_frames, block);
}

/* After a remap the first read returns the contents of the new frame. */
GUEST_TEST(test_no_stale_page_after_remap)
{
    phys_t one = guest_frame(1), two = guest_frame(2);
    virt_t v = GUEST_ARENA_PAGE(4);
    struct virt_range range = virt_range(v.v, v.v + PAGE_SIZE);
    uint64_t value = 0;
    for (unsigned round = 0; round < 20; round++) {
        CHECK_EQUAL(paging_map(running_space, v, round % 2 ? two : one, PAGE_SIZE, prot_rw()),
                    E_OK);
        CHECK_NO_FAULT(guest_read(v, &value));
        CHECK_EQUAL(value, 1 + round % 2);
        CHECK_NO_FAULT(guest_write(v, value));
        paging_unmap(running_space, range, NULL, NULL);
        CHECK_PAGE_FAULT(guest_read(v, NULL), v, 0);
    }
    CHECK_EQUAL(paging_map(running_space, v, one, PAGE_SIZE, prot_ro()), E_OK);
    CHECK_NO_FAULT(guest_read(v, &value));
    paging_replace(running_space, v, two, prot_ro());
    CHECK_NO_FAULT(guest_read(v, &value));
    CHECK_EQUAL(value, 2);
    paging_unmap(running_space, range, NULL, NULL);
    frames_put(&machine_frames, one);
    frames_put(&machine_frames, two);
}

/* Takes a frame, as its next owner would, and sets all bits. */
static phys_t take_table_frame(void)
{
    phys_t frame = {0};
    CHECK(paging->access->alloc(&frame));
    uint64_t *words = memory_scratch(frame);
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        words[i] = ~UINT64_C(0);
    return frame;
}

/* A table is replaced by one in another frame while the TLB caches its old address in the window. */
GUEST_TEST(test_no_stale_table_in_window)
{
    phys_t page = guest_frame(77), held[8];
    virt_t v = GUEST_ARENA_PAGE(9);
    struct virt_range range = virt_range(v.v, v.v + PAGE_SIZE);
    uint64_t value = 0, tables[8];
    for (unsigned round = 0; round < ARRAY_LENGTH(held); round++) {
        struct pt_walk walk;
        CHECK_EQUAL(paging_map(running_space, v, page, PAGE_SIZE, prot_rw()), E_OK);
        paging_walk(running_space, v, &walk);
        CHECK_EQUAL(walk.phys.v, page.v);
        tables[round] = walk.entry[2].v & PTE_ADDRESS;
        /* The table through the program window. */
        virt_t seen = virt(recursive_entry(pt_index(virt(paging_program_window), 4), 1, v));
        CHECK_NO_FAULT(guest_read(seen, &value));
        CHECK_EQUAL(value & PTE_ADDRESS, page.v);
        CHECK_NO_FAULT(guest_read(v, &value));
        CHECK_EQUAL(value, 77);
        CHECK_PAGE_FAULT(guest_read(virt(v.v + PAGE_SIZE), NULL), virt(v.v + PAGE_SIZE), 0);
        paging_unmap(running_space, range, NULL, NULL);
        CHECK(paging_trim(running_space));
        held[round] = take_table_frame(); /* most likely the frame of the table just freed */
        CHECK(round == 0 || tables[round] != tables[round - 1]);
    }
    for (unsigned round = 0; round < ARRAY_LENGTH(held); round++)
        paging->access->free(held[round]);
    frames_put(&machine_frames, page);
}

/* A split large page maps the same memory, and each part has its own permissions. */
GUEST_TEST(test_split_2m)
{
    phys_t block;
    virt_t at = virt(GUEST_ARENA + 8 * LARGE_SIZE);
    if (frames_alloc(&machine_frames, 9, &block) != E_OK) {
        guest_test_fail(__FILE__, __LINE__, "no 2 MiB of memory are free");
        return;
    }
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        guest_frame_set_word(phys(block.v + i * PAGE_SIZE), i);
    CHECK_EQUAL(paging_map(running_space, at, block, LARGE_SIZE, prot_rw()), E_OK);
    CHECK_NO_FAULT(guest_write(at, 0));
    CHECK_EQUAL(paging_protect(running_space,
                               virt_range(at.v + 3 * PAGE_SIZE, at.v + 5 * PAGE_SIZE), prot_ro()),
                E_OK);
    paging_unmap(running_space, virt_range(at.v + 100 * PAGE_SIZE, at.v + 101 * PAGE_SIZE), NULL,
                 NULL);
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        virt_t v = virt(at.v + i * PAGE_SIZE);
        uint64_t value = 0;
        if (i == 100) {
            CHECK_PAGE_FAULT(guest_read(v, NULL), v, 0);
            continue;
        }
        CHECK_NO_FAULT(guest_read(v, &value));
        CHECK_EQUAL(value, i);
        if (i == 3 || i == 4)
            CHECK_PAGE_FAULT(guest_write(v, 1), v, PF_PRESENT | PF_WRITE);
        else
            CHECK_NO_FAULT(guest_write(v, i));
    }
    paging_unmap(running_space, virt_range(at.v, at.v + LARGE_SIZE), NULL, NULL);
    CHECK_PAGE_FAULT(guest_read(at, NULL), at, 0);
    frames_put(&machine_frames, block);
}

GUEST_TEST(test_scratch_shows_the_frame_asked_for)
{
    phys_t frames[4];
    for (unsigned i = 0; i < 4; i++)
        frames[i] = guest_frame(i);
    for (unsigned round = 0; round < 40; round++) {
        unsigned i = round * 7 % 4;
        CHECK_EQUAL(guest_frame_word(frames[i]) % 4, i);
        guest_frame_set_word(frames[i], i + 4 * round);
        CHECK_EQUAL(guest_frame_word(frames[i]), i + 4 * round);
    }
    for (unsigned i = 0; i < 4; i++)
        frames_put(&machine_frames, frames[i]);
}

/* The release callback gets each leaf once, after the flush. */
static unsigned released;

static void count_release(void *context, pte_t leaf, uint64_t size)
{
    virt_t *next = context;
    CHECK_PAGE_FAULT(guest_read(*next, NULL), *next, 0);
    CHECK_EQUAL(size, PAGE_SIZE);
    frames_put(&machine_frames, pt_leaf_frame(leaf, size));
    next->v += PAGE_SIZE;
    released++;
}

GUEST_TEST(test_touch_released)
{
    enum {
        PAGES = 600
    }; /* more than a table's entries and a flush batch */
    virt_t at = GUEST_ARENA_PAGE(300), next = at;
    for (unsigned i = 0; i < PAGES; i++) {
        phys_t frame = guest_frame(i);
        CHECK_EQUAL(
            paging_map(running_space, virt(at.v + i * PAGE_SIZE), frame, PAGE_SIZE, prot_rw()),
            E_OK);
        CHECK_NO_FAULT(guest_read(virt(at.v + i * PAGE_SIZE), NULL));
    }
    released = 0;
    paging_unmap(running_space, virt_range(at.v, at.v + PAGES * PAGE_SIZE), count_release, &next);
    CHECK_EQUAL(released, PAGES);
}
