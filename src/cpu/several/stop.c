/* SPDX-License-Identifier: MIT */
#include "cpu/apic.h"
#include "cpu/cpus.h"
#include "cpu/trap_frame.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"

#define WAIT_NS UINT64_C(1000000)
#define WAITS   200 /* 0.2 s */
#define NONE    CPUS_MAX

static volatile unsigned owner = NONE; /* the CPU that has stopped the others */
static struct trap_frame stopped[CPUS_MAX];
static volatile bool has_stopped[CPUS_MAX];

unsigned cpu_index_by_apic(void)
{
    uint32_t id = apic_id();
    unsigned cpu = 0;
    while (cpu + 1 < cpus_online && percpus[cpu].apic_id != id)
        cpu++;
    return cpu;
}

bool cpu_stop_if_asked(const struct trap_frame *frame)
{
    unsigned cpu = cpu_index_by_apic();
    if (owner == NONE || owner == cpu)
        return false;
    stopped[cpu] = *frame;
    has_stopped[cpu] = true;
    while (owner != NONE)
        cpu_pause();
    has_stopped[cpu] = false;
    return true;
}

static bool all_have_stopped(void)
{
    unsigned missing = 0;
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        missing += cpu != owner && !has_stopped[cpu];
    return missing == 0;
}

bool cpus_stop(bool *all)
{
    unsigned cpu = cpu_index_by_apic(), none = NONE;
    *all = true;
    if (owner == cpu)
        return false;
    while (!__atomic_compare_exchange_n(&owner, &none, cpu, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
        none = NONE;
        cpu_pause(); /* the NMI of the owner arrives here */
    }
    percpus[cpu].spins--; /* a CPU that has stopped may have that lock */
    for (unsigned other = 0; other < cpus_online; other++)
        if (other != cpu)
            cpu_send_nmi(other);
    for (unsigned waits = 0; waits < WAITS && !all_have_stopped(); waits++)
        tsc_wait_ns(WAIT_NS);
    *all = all_have_stopped();
    return true;
}

void cpus_go_on(void)
{
    percpus[owner].spins++;
    owner = NONE;
}

const struct trap_frame *cpus_stopped_at(unsigned cpu)
{
    return has_stopped[cpu] ? &stopped[cpu] : NULL;
}
