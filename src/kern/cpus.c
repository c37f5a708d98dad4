/* SPDX-License-Identifier: MIT */
#define LOG_TAG "cpu"
#include "kern/cpus.h"

#include "base/log.h"
#include "cpu/apic.h"
#include "cpu/tables.h"
#include "cpu/trap.h"
#include "cpu/x86.h"
#include "kern/profile.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "kern/watchdog.h"
#include "mm/heap/kstack.h"
#include "mm/init/memory.h"
#include "mm/layout.h"
#include "mm/pt/spaces.h"

static void kicked(struct trap_frame *frame)
{
    apic_eoi();
    thread_kicked();
    time_kicked();
    watchdog_kicked(trap_from_program(frame));
    profile_kicked(frame);
}

/* Asked with a wrong GS base of the program: trap_dispatch() has not seen to it. */
static void flush_asked(struct trap_frame *frame)
{
    (void)frame;
    cpu_serve();
    apic_eoi();
}

void cpu_arrived(void)
{
    running_spaces[cpu_index()] = &first_space; /* whose level-4 table the first CPU had */
    thread_start_cpu();
}

/* The stacks of the CPU that gets the next number. */
static enum err make_stacks(virt_t *stack) REQUIRES(kernel_lock)
{
    for (unsigned ist = 1; ist <= IST_COUNT; ist++) {
        struct virt_range own;
        enum err e = kstack_alloc(&own);
        if (e != E_OK)
            return e;
        cpu_tables_set_ist(cpus_online, ist, own.end);
    }
    return thread_create_idle(cpus_online, stack);
}

static enum err start_each(const struct cpu_start *start, const struct acpi_cpus *list,
                           unsigned wanted, bool *all) REQUIRES(kernel_lock)
{
    virt_t stack = virt(0);
    for (unsigned i = 0; i < list->count && cpus_online < wanted; i++) {
        if (list->apic_id[i] == apic_id())
            continue;
        if (stack.v == 0) {
            enum err e = make_stacks(&stack);
            if (e != E_OK)
                return e;
        }
        if (cpu_start(start, list->apic_id[i], stack))
            stack = virt(0);
        else
            *all = false; /* its stacks are for the next */
    }
    return E_OK;
}

enum err cpus_start(const struct acpi_cpus *list, unsigned wanted)
{
    struct phys_range low = memory_low_frames();
    bool all = true;
    if (phys_range_size(low) == 0) {
        log_warn("no memory below 1 MiB is free: the other cpus stay off");
        return E_OK;
    }
    struct cpu_start start = {low.start, phys(low.start.v + PAGE_SIZE), NULL, NULL};
    start.code_at = memory_map_physical(low, prot_rw());
    if (start.code_at == NULL)
        return E_NOMEM;
    start.tables_at = (char *)start.code_at + PAGE_SIZE;
    trap_set_handler(VECTOR_KICK, kicked);
    trap_set_handler(VECTOR_TLB, flush_asked);
    struct virt_range at = {virt_of(start.code_at),
                            virt(virt_of(start.code_at).v + phys_range_size(low))};
    paging_copy_kernel_half(start.tables_at);
    cpu_start_prepare(&start);
    enum err e = start_each(&start, list, wanted < CPUS_MAX ? wanted : CPUS_MAX, &all);
    paging_unmap(&kernel_space, at, NULL, NULL);
    if (all) /* else one may come late, and halts there */
        memory_release_low_frames();
    log_info("cpus=%u", cpus_online);
    return e;
}
