/* SPDX-License-Identifier: MIT */
/* What ends the machine must say so: each of these is booted by itself (test/guest/guest.cmake). */
#include "guest.h"

#include "base/sections.h"
#include "base/sections.h"
#include "cpu/percpu.h"
#include "cpu/selectors.h"
#include "cpu/tables.h"
#include "kern/bringup.h"
#include "mm/memory.h"

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

/* One large frame that steps over the guard's first page must meet the guard all the same. */
GUEST_FATAL(overflow_kstack_in_one_step)
{
    uint64_t below = percpu()->kstack_low - PAGE_SIZE;
    __asm__ volatile("movq %0, %%rsp\n\tpushq $0" : : "r"(below) : "memory");
}

/* The stack for page faults is gone, so the CPU cannot deliver one. */
GUEST_FATAL(double_fault)
{
    cpu_tables_set_ist(IST_COMMON, GUEST_ARENA_PAGE(1));
    *(volatile uint64_t *)ptr_of(GUEST_ARENA_PAGE(0)) = 1;
}

GUEST_FATAL(panic_plain)
{
    panic("asked for by a test");
}

static void walk_that_panics(virt_t at, struct pt_walk *out)
{
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
    __asm__ volatile("int $0x55");
}

GUEST_FATAL(kernel_page_fault)
{
    *(volatile uint64_t *)ptr_of(GUEST_ARENA_PAGE(0)) = 1;
}

/* The end of a boot that left kernel text writable at a second address. */
GUEST_FATAL(boot_with_writable_text)
{
    struct pt_walk walk;
    memory_end_boot();
    paging_walk(virt_of(text_start), &walk);
    must(paging_map(GUEST_ARENA_PAGE(0), walk.phys, PAGE_SIZE, prot_rw()));
    protection_check(false);
}

/* These two must be reported as failures: a runner that cannot fail tests nothing. */
GUEST_FATAL(failing_test)
{
    CHECK_EQUAL(1 + 1, 3);
}

GUEST_FATAL(leaking_test)
{
    CHECK(guest_frame(1).v != 0);
}

static void walk_that_faults(virt_t at, struct pt_walk *out)
{
    *out = (struct pt_walk){.address = at};
    *(volatile uint64_t *)ptr_of(GUEST_ARENA_PAGE(0)) = 1;
}

/* Each part that looks at memory faults; the others are printed, and the end is reached. */
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
    *(volatile uint64_t *)ptr_of(virt(0x18)) = 1;
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
