/* SPDX-License-Identifier: MIT */
#include "cpu/apic.h"
#include "cpu/cpus.h"
#include "cpu/trap_frame.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"

#define WAIT_NS UINT64_C(1000000)
#define WAITS   200 /* 0.2 s */

static volatile bool stopping;
static struct trap_frame stopped[CPUS_MAX];
static volatile bool has_stopped[CPUS_MAX];

void cpu_stop_if_asked(const struct trap_frame *frame)
{
    unsigned cpu = cpu_index();
    if (!stopping)
        return;
    stopped[cpu] = *frame;
    has_stopped[cpu] = true;
    cpu_halt_forever();
}

bool cpus_stop(void)
{
    unsigned missing = 0;
    if (__atomic_exchange_n(&stopping, true, __ATOMIC_SEQ_CST))
        return false;
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        if (cpu != cpu_index())
            apic_send(percpus[cpu].apic_id, APIC_SEND_NMI);
    for (unsigned waits = 0; waits < WAITS; waits++) {
        missing = 0;
        for (unsigned cpu = 0; cpu < cpus_online; cpu++)
            missing += cpu != cpu_index() && !has_stopped[cpu];
        if (missing == 0)
            break;
        tsc_wait_ns(WAIT_NS);
    }
    return true;
}

const struct trap_frame *cpus_stopped_at(unsigned cpu)
{
    return has_stopped[cpu] ? &stopped[cpu] : NULL;
}
