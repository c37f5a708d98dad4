/* SPDX-License-Identifier: MIT */
/* Fatal errors and the reports that they must print. Each is booted by itself (test/guest/guest.cmake). */
#include "guest.h"

#include "base/sections.h"
#include "cpu/percpu.h"
#include "cpu/selectors.h"
#include "cpu/tables.h"
#include "cpu/x86.h"
#include "boot/steps.h"
#include "diag/panic.h"
#include "kern/watchdog.h"
#include "mm/init/memory.h"
#include "mm/pt/recursive.h"

static volatile unsigned levels, enough = UINT32_MAX;

static NOINLINE unsigned recurse(unsigned level)
{
    volatile char local[256];
    local[level % sizeof local] = (char)level;
    levels = level;
    if (level == enough)
        return 0;
    return recurse(level + 1) + (unsigned)local[level % sizeof local];
}

GUEST_FATAL(overflow_kstack)
{
    levels = recurse(0);
}

/* A stack frame larger than a page, which skips the first page of the guard, still hits the guard. */
GUEST_FATAL(overflow_kstack_in_one_step)
{
    uint64_t below = percpu()->kstack_low - PAGE_SIZE;
    __asm__ volatile("movq %0, %%rsp\n\tpushq $0" : : "r"(below) : "memory");
}

static void keep_frame(void *context, pte_t leaf, uint64_t size)
{
    (void)context;
    (void)leaf;
    (void)size;
}

/* Unmaps the IST stack of page faults, so that the CPU cannot deliver one. */
static void break_ist(void)
{
    struct virt_range page = {GUEST_ARENA_PAGE(0), GUEST_ARENA_PAGE(1)};
    must(paging_map(running_space, page.start, guest_frame(1), PAGE_SIZE, prot_rw()));
    cpu_tables_set_ist(0, IST_COMMON, page.end);
    paging_unmap(running_space, page, keep_frame, NULL);
}

GUEST_FATAL(double_fault)
{
    break_ist();
    *(volatile uint64_t *)ptr_of(GUEST_ARENA_PAGE(0)) = 1;
}

/* A stack overflow is recognized if it is only seen as a double fault, too. */
GUEST_FATAL(overflow_seen_late)
{
    break_ist();
    __asm__ volatile("movq %0, %%rsp\n\tpushq $0" : : "r"(percpu()->kstack_low) : "memory");
}

GUEST_FATAL(panic_plain)
{
    panic("asked for by a test");
}

static void walk_that_panics(const struct address_space *space, virt_t at, struct pt_walk *out)
{
    (void)space;
    *out = (struct pt_walk){.address = at};
    panic("while the report reads memory");
}

GUEST_FATAL(panic_in_panic)
{
    static struct paging_ops broken;
    broken = *paging;
    broken.walk = walk_that_panics;
    paging = &broken;
    panic("the first one");
}

GUEST_FATAL(failed_assertion)
{
    assert(levels == 1);
}

GUEST_FATAL(unexpected_exception)
{
    __asm__ volatile("int $20"); /* a vector of exceptions that nobody handles */
}

GUEST_FATAL(kernel_page_fault)
{
    *(volatile uint64_t *)ptr_of(GUEST_ARENA_PAGE(0)) = 1;
}

/* The boot's check of a kernel whose text is writable at a second address. */
GUEST_FATAL(boot_with_writable_text)
{
    struct pt_walk walk;
    memory_end_boot();
    paging_walk(running_space, virt_of(text_start), &walk);
    must(paging_map(running_space, GUEST_ARENA_PAGE(0), walk.phys, PAGE_SIZE, prot_rw()));
    protection_check(false);
}

/* The runner must report these two as failures. */
GUEST_FATAL(failing_test)
{
    CHECK_EQUAL(1 + 1, 3);
}

GUEST_FATAL(leaking_test)
{
    CHECK(guest_frame(1).v != 0);
}

static void walk_that_faults(const struct address_space *space, virt_t at, struct pt_walk *out)
{
    (void)space;
    *out = (struct pt_walk){.address = at};
    *(volatile uint64_t *)ptr_of(GUEST_ARENA_PAGE(0)) = 1;
}

/* Each part of the report that walks page tables faults; the other parts are printed up to the end. */
GUEST_FATAL(fault_in_report)
{
    static struct paging_ops broken;
    broken = *paging;
    broken.walk = walk_that_faults;
    paging = &broken;
    panic("a report without page tables");
}

GUEST_FATAL(stack_pointer_lost)
{
    __asm__ volatile("mov $0x123450, %esp; ud2");
}

GUEST_FATAL(kernel_null)
{
    static volatile uint64_t field = 0x18; /* volatile: compilers warn of a constant address */
    *(volatile uint64_t *)ptr_of(virt(field)) = 1;
}

GUEST_FATAL(kernel_write_code)
{
    *(volatile char *)text_start = 1;
}

GUEST_FATAL(kernel_execute_data)
{
    static volatile uint8_t code[16] = {0xc3};
    ((void (*)(void))(uintptr_t)code)();
}

GUEST_FATAL(kernel_non_canonical)
{
    *(volatile uint64_t *)ptr_of(virt(0x8000000000000000)) = 1;
}

GUEST_FATAL(kernel_divide)
{
    __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx");
}

/* Interrupts stay off: the watchdog's NMI arrives all the same (kern/watchdog.h). */
GUEST_FATAL(kernel_hang)
{
    watchdog_start(1);
    __asm__ volatile("cli; 1: hlt; jmp 1b");
}

static void recurse_in_trap(struct trap_frame *frame)
{
    (void)frame;
    levels = recurse(0);
}

/* An overflow of the IST stack of NMIs. */
GUEST_FATAL(overflow_ist)
{
    trap_set_handler(VECTOR_NMI, recurse_in_trap);
    __asm__ volatile("int $2");
}

/* The entry of this level for a mapped address, in the kernel's recursive window. */
static volatile uint64_t *entry_of(virt_t v, int level)
{
    uint64_t table = recursive_table(pt_index(virt(paging_window), PT_LEVELS), level, v);
    return (volatile uint64_t *)ptr_of(virt(table)) + pt_index(v, level);
}

/* A reserved bit is set in the leaf. */
GUEST_FATAL(kernel_reserved_bit)
{
    virt_t v = GUEST_ARENA_PAGE(0);
    must(paging_map(running_space, v, guest_frame(1), PAGE_SIZE, prot_rw()));
    *entry_of(v, 1) |= UINT64_C(1) << 51;
    invlpg(v.v);
    *(volatile uint64_t *)ptr_of(v) = 1;
}

/* The level-3 entry points beyond physical memory: the report's own walk through the window faults. */
GUEST_FATAL(page_tables_broken)
{
    virt_t v = GUEST_ARENA_PAGE(0);
    must(paging_map(running_space, v, guest_frame(1), PAGE_SIZE, prot_rw()));
    *entry_of(v, 3) = UINT64_C(0x000ffffffffff067);
    write_cr3(read_cr3());
    *(volatile uint64_t *)ptr_of(v) = 1;
}
