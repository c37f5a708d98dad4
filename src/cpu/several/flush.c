/* SPDX-License-Identifier: MIT */
/*
 * One request at a time: under kernel_lock, and under class_flush where that is shared:
 *
 *   the CPU that asks                    a CPU that is asked
 *   entries have changed
 *   pages, count written
 *   served = false, for each
 *   VECTOR_TLB to each            --->   the interrupt, or a look while it waits for a lock
 *                                        flushes
 *   waits until all are true      <---   served = true
 *   frees frames and tables
 */
#include "cpu/apic.h"
#include "cpu/lock.h"
#include "cpu/vectors.h"
#include "cpu/x86.h"

static struct {
    unsigned count;
    virt_t page[CPU_FLUSH_PAGES];
} asked;
static struct short_lock flush_lock;

void cpu_serve(void)
{
    struct percpu *self = percpu();
    if (__atomic_load_n(&self->served, __ATOMIC_ACQUIRE))
        return;
    if (asked.count > CPU_FLUSH_PAGES)
        write_cr3(read_cr3());
    for (unsigned i = 0; asked.count <= CPU_FLUSH_PAGES && i < asked.count; i++)
        invlpg(asked.page[i].v);
    __atomic_store_n(&self->served, true, __ATOMIC_RELEASE);
}

void cpu_flush_others(uint64_t cpus, const virt_t *pages, unsigned count)
{
    cpus &= cpus_all() & ~(UINT64_C(1) << cpu_index());
    if (cpus == 0)
        return;
    SHORT_LOCK(&flush_lock, class_flush);
    asked.count = count;
    for (unsigned i = 0; i < count && count <= CPU_FLUSH_PAGES; i++)
        asked.page[i] = pages[i];
    for (unsigned cpu = 0; cpu < cpus_online; cpu++) {
        if (cpus >> cpu & 1) {
            __atomic_store_n(&percpus[cpu].served, false, __ATOMIC_RELEASE);
            cpu_send(cpu, VECTOR_TLB);
        }
    }
    uint64_t since = rdtsc();
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        while (cpus >> cpu & 1 && !__atomic_load_n(&percpus[cpu].served, __ATOMIC_ACQUIRE))
            cpu_pause();
    cpu_profile_wait(LOCK_PROFILE_FLUSH, since);
    SHORT_UNLOCK(&flush_lock, class_flush);
}
