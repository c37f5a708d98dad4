/* SPDX-License-Identifier: MIT */
/*
 * The CPU's MMU against the model (mmu_model.h), with hand-made tables.
 *
 * The test's own level-4 table holds the kernel's entries and one more, in a free slot. The tables
 * below that are plain pages of the test, unknown to the back ends.
 *
 *   CR3 -> root' -+- (kernel, as in the real one)
 *                 `- SLOT -> level 3 -> level 2 -> level 1 -> page      entry 0 of each
 *
 * EFER.NXE is not changed, because the kernel's own entries have NX set: the run of these tests on a
 * CPU without NX (guest.all-no-nx) covers the other half.
 *
 * Where an emulator differs from the manual:
 *
 *   1. QEMU's TCG (7.2) reports a reserved bit with P clear in the error code. SDM 3A 4.7: P is clear
 *      only if an entry was not present. This is accepted, and the other bits are compared.
 */
#include "guest.h"

#include "cpu/irq.h"
#include "cpu/x86.h"
#include "mm/init/memory.h"
#include "mm/pt/recursive.h"
#include "mmu_model.h"

#define CODE_RET  UINT64_C(0xc3c3c3c3c3c3c3c3)
#define ROOT_SLOT (pt_index(virt(GUEST_ARENA), 4) + 1)
#define BASE      ((uint64_t)ROOT_SLOT << 39)

enum {
    LEAF7_SMEP = 1 << 7,
    LEAF7_SMAP = 1 << 20,
};

/* QEMU's TCG, by its CPUID signature. */
static bool on_tcg(void)
{
    struct cpuid v = cpuid(UINT32_C(0x40000000), 0);
    return cpu_features.hypervisor && v.ebx == UINT32_C(0x54474354); /* "TCGT" */
}

struct bench {
    struct mmu_mode mode;
    phys_t table[PT_LEVELS + 1]; /* one for each level, mapped at arena page `level` */
    uint64_t below[PT_LEVELS + 1], page[PT_LEVELS];
    phys_t frame, block; /* mapped by the leaves */
    unsigned cases;
    bool tcg;
};

static volatile uint64_t *entry_of(int level)
{
    return (volatile uint64_t *)ptr_of(GUEST_ARENA_PAGE(level)) +
           (level == PT_LEVELS ? ROOT_SLOT : 0);
}

static struct guest_fault make_access(virt_t at, enum mmu_access access)
{
    switch (access) {
    case MMU_READ:
        return guest_read(at, NULL);
    case MMU_WRITE:
        return guest_write(at, CODE_RET);
    default:
        return guest_call(at);
    }
}

static void complain(const struct bench *b, const struct mmu_path *path, enum mmu_access access,
                     const char *what, uint64_t got)
{
    static const char *const names[] = {"read", "write", "fetch"};
    guest_test_fail(
        __FILE__, __LINE__,
        "%s wp=%d smep=%d smap=%d ac=%d, level 4 0x%llx 3 0x%llx 2 0x%llx 1 0x%llx: %s 0x%llx",
        names[access], b->mode.write_protect, b->mode.smep, b->mode.smap, b->mode.ac,
        ULL(path->entry[4]), ULL(path->entry[3]), ULL(path->entry[2]), ULL(path->entry[1]), what,
        ULL(got));
}

static bool error_fits(const struct bench *b, uint64_t got, uint64_t expected)
{
    if (b->tcg && expected & PF_RESERVED && got == (expected & ~(uint64_t)PF_PRESENT))
        return true; /* difference 1 */
    return got == expected;
}

static void check_one(struct bench *b, const struct mmu_path *path, enum mmu_access access)
{
    struct mmu_verdict expected;
    virt_t at = virt(BASE + (path->leaf == 3 ? b->frame.v % HUGE_SIZE : 0));
    mmu_judge(&b->mode, path, access, &expected);
    for (int level = PT_LEVELS; level >= path->leaf; level--)
        *entry_of(level) = path->entry[level];
    invlpg(at.v); /* and all paging-structure caches (SDM 3A 4.10.4.1) */
    struct guest_fault got = make_access(at, access);
    b->cases++;
    if ((got.vector == VECTOR_PAGE_FAULT) != expected.fault ||
        (!expected.fault && got.vector != NO_FAULT))
        complain(b, path, access, expected.fault ? "should fault; vector" : "faulted; vector",
                 got.vector);
    else if (expected.fault && !error_fits(b, got.error, expected.error))
        complain(b, path, access, "error code", got.error);
    else if (expected.fault && got.address != at.v)
        complain(b, path, access, "CR2", got.address);
    for (int level = PT_LEVELS; level >= path->leaf; level--) {
        uint64_t changed = *entry_of(level) ^ path->entry[level];
        uint64_t must = expected.must[level] & ~path->entry[level];
        if ((changed & must) != must || (changed & ~expected.may[level]) != 0)
            complain(b, path, access, "entry afterwards", *entry_of(level));
    }
}

static void check_path(void *context, const struct mmu_path *path)
{
    for (enum mmu_access access = MMU_READ; access < MMU_ACCESSES; access++)
        check_one(context, path, access);
}

/* Interrupts are off, so that nothing else runs with these modes or on this level-4 table. */
static void check_mode(struct bench *b)
{
    uint64_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4(), flags = irq_save();
    write_cr3(b->table[4].v);
    write_cr0(b->mode.write_protect ? cr0 : cr0 & ~CR0_WP);
    write_cr4(cr4 | (b->mode.smep ? CR4_SMEP : 0) | (b->mode.smap ? CR4_SMAP : 0));
    if (b->mode.ac)
        __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" : : "i"(RFLAGS_AC) : "memory", "cc");
    mmu_each_path(&b->mode, b->below, b->page, false, check_path, b);
    __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" : : "i"(~RFLAGS_AC) : "memory", "cc");
    write_cr4(cr4);
    write_cr0(cr0);
    write_cr3(cr3);
    irq_restore(flags);
}

static void set_up(struct bench *b)
{
    const volatile uint64_t *real = ptr_of(virt(
        recursive_table(pt_index(virt(paging_program_window), PT_LEVELS), PT_LEVELS, virt(0))));
    for (int level = 1; level <= PT_LEVELS; level++) {
        b->table[level] = guest_frame(0);
        must(paging_map(running_space, GUEST_ARENA_PAGE(level), b->table[level], PAGE_SIZE,
                        prot_rw()));
        memset(ptr_of(GUEST_ARENA_PAGE(level)), 0, PAGE_SIZE);
        b->below[level] = b->table[level - 1].v;
    }
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        ((volatile uint64_t *)ptr_of(GUEST_ARENA_PAGE(PT_LEVELS)))[i] = real[i];
    b->frame = guest_frame(CODE_RET);
    b->page[1] = b->frame.v;
    if (frames_alloc(&machine_frames, 9, &b->block) == E_OK) {
        guest_frame_set_word(b->block, CODE_RET);
        b->page[2] = b->block.v;
    }
    b->page[3] = align_down(b->frame.v, HUGE_SIZE);
    b->mode.no_execute = cpu_features.nx;
    b->mode.huge = cpu_features.huge_pages;
    b->mode.address_bits = cpu_features.physical_bits;
}

static void tear_down(struct bench *b)
{
    paging_unmap(running_space,
                 virt_range(GUEST_ARENA_PAGE(1).v, GUEST_ARENA_PAGE(PT_LEVELS + 1).v), NULL, NULL);
    for (int level = 1; level <= PT_LEVELS; level++)
        frames_put(&machine_frames, b->table[level]);
    frames_put(&machine_frames, b->frame);
    if (b->page[2] != 0)
        frames_put(&machine_frames, b->block);
}

GUEST_TEST(test_mmu_model)
{
    struct bench b = {0};
    bool smep = cpu_features.leaf7_ebx & LEAF7_SMEP, smap = cpu_features.leaf7_ebx & LEAF7_SMAP;
    set_up(&b);
    b.tcg = on_tcg();
    for (unsigned bits = 0; bits < 16; bits++) {
        b.mode.write_protect = bits & 1;
        b.mode.smep = bits & 2;
        b.mode.smap = bits & 4;
        b.mode.ac = bits & 8;
        if ((b.mode.smep && !smep) || (b.mode.smap && !smap) || (b.mode.ac && !b.mode.smap))
            continue;
        check_mode(&b);
    }
    CHECK(b.cases > 10000);
    tear_down(&b);
}
