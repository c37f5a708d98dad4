/* SPDX-License-Identifier: MIT */
/*
 * The first CPU starts the others one after the other:
 *
 *   first                        other
 *   INIT, SIPI, SIPI      --->   start.S: real mode, protected mode, long mode on the tables of cpu_start_prepare()
 *   looks at its TSC      <-->   cpu_begin(): tables, control registers and MSRs, compared with the first's
 *   cpus_online++         <---   arrived
 *                                cpu_arrived()
 *
 * The tables for the way are two frames: a level-4 table with the kernel's half, and a frame that is the tables of level 3, 2
 * and 1 at once, for its entry 0 points to itself; so it maps the code where it is.
 */
#define LOG_TAG "cpu"
#include "cpu/several/start.h"

#include "base/log.h"
#include "base/str.h"
#include "cpu/apic.h"
#include "cpu/cpus.h"
#include "cpu/features.h"
#include "cpu/tables.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"

#define PAGE    4096
#define WAIT_NS UINT64_C(1000000000) /* for its first instruction, and for each further step */
#define POLL_NS UINT64_C(20000)
#define INIT_NS UINT64_C(10000000) /* SDM 3A 8.4.4.1 */
#define SIPI_NS UINT64_C(200000)

extern const char cpu_start_code[], cpu_start_code_end[];
void cpu_start_entry(void);
NORETURN void cpu_begin(void);

/* What the other CPUs get. */
static const uint32_t msrs[] = {MSR_EFER, MSR_PAT};
static uint64_t msr_values[sizeof msrs / sizeof msrs[0]], first_cr4;

enum step {
    STEP_NONE,
    STEP_TSC, /* asks for the first's */
    STEP_TSC_GIVEN,
    STEP_REFUSED,
    STEP_ARRIVED,
};
static volatile enum step step;
static volatile uint64_t other_tsc;
static int64_t ahead_min,
    ahead_max; /* the TSC of the CPU that starts is ahead of the first's by this at least, at most */

bool cpus_out_of_step;
uint64_t cpus_tsc_skew;
static const char *volatile refused; /* what differs */

static uint64_t rdtsc_after_loads(void)
{
    __asm__ volatile("lfence" : : : "memory"); /* SDM 2B RDTSC */
    return rdtsc();
}

static const char *adopt_registers(void)
{
    write_cr0(CR0_KNOWN);
    write_cr4(first_cr4);
    for (unsigned i = 0; i < sizeof msrs / sizeof msrs[0]; i++) {
        wrmsr(msrs[i], msr_values[i]);
        if (rdmsr(msrs[i]) != msr_values[i])
            return "MSRs";
    }
    if (read_cr4() != first_cr4)
        return "CR4";
    return cpu_features_adopt() ? NULL : "features";
}

void cpu_begin(void)
{
    cpu_tables_load(cpus_online);
    const char *differs = adopt_registers();
    cpu_syscall_init();
    if (cpus_tsc_skew != 0)
        wrmsr(MSR_TSC, rdtsc() + cpus_tsc_skew);
    apic_start();
    percpu()->apic_id = apic_id();
    for (unsigned i = 0; differs == NULL && i < (cpu_features.hypervisor ? 4 : 32); i++) {
        step = STEP_TSC;
        while (step != STEP_TSC_GIVEN)
            cpu_pause();
        other_tsc = rdtsc_after_loads();
    }
    refused = differs;
    step = differs == NULL ? STEP_ARRIVED : STEP_REFUSED;
    while (!percpu()->online) {
        if (step == STEP_REFUSED)
            cpu_halt_forever();
        cpu_pause();
    }
    cpu_arrived();
}

static void put_start(const struct cpu_start *start, unsigned offset, uint64_t value, unsigned size)
{
    memcpy((char *)start->code_at + offset, &value, size);
}

void cpu_start_prepare(const struct cpu_start *start)
{
    for (unsigned i = 0; i < sizeof msrs / sizeof msrs[0]; i++)
        msr_values[i] = rdmsr(msrs[i]);
    first_cr4 = read_cr4();
    percpu()->apic_id = apic_id();
    put_start(start, START_TABLES, start->tables.v, 4);
    put_start(start, START_EFER, EFER_LME | (cpu_features.nx ? EFER_NXE : 0), 4);
    put_start(start, START_ROOT, read_cr3(), 8);
    put_start(start, START_ENTRY, (uint64_t)(uintptr_t)cpu_start_entry, 8);
    uint64_t *top = start->tables_at, *low = top + PAGE / sizeof *top;
    uint64_t low_frame = start->tables.v + PAGE;
    memset(low, 0, PAGE);
    low[0] = low_frame | PTE_P | PTE_W;
    low[start->code.v / PAGE] = start->code.v | PTE_P | PTE_W;
    top[0] = low_frame | PTE_P | PTE_W;
}

/* The other CPU has read its TSC between two looks at the first's. */
static void note_tsc(uint64_t before, uint64_t after)
{
    int64_t least = (int64_t)(other_tsc - after), most = (int64_t)(other_tsc - before);
    ahead_min = least > ahead_min ? least : ahead_min;
    ahead_max = most < ahead_max ? most : ahead_max;
}

static void judge_tsc(uint32_t id)
{
    if (ahead_min <= 0 && ahead_max >= 0)
        return;
    int64_t ahead = ahead_min + (ahead_max - ahead_min) / 2;
    percpus[cpus_online].tsc_ahead = ahead;
    cpus_out_of_step = true;
    log_warn("the TSC of the cpu with the APIC ID %u is %lld cycles ahead: clocks are slow", id,
             (long long)ahead);
}

uint64_t cpus_cycles(void)
{
    static uint64_t latest;
    uint64_t now = rdtsc() - (uint64_t)percpu()->tsc_ahead;
    uint64_t last = __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
    while ((int64_t)(now - last) > 0)
        if (__atomic_compare_exchange_n(&latest, &last, now, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_ACQUIRE))
            return now;
    return last;
}

/* Answers what the CPU asks, until it has arrived, or for so long. */
static bool accompany(uint64_t ns)
{
    uint64_t given = 0;
    ahead_min = INT64_MIN;
    ahead_max = INT64_MAX;
    for (uint64_t waited = 0, poll = POLL_NS; waited < ns; waited += poll) {
        enum step now = step;
        if (now != STEP_TSC_GIVEN && given != 0)
            note_tsc(given, rdtsc_after_loads());
        if (now == STEP_ARRIVED || now == STEP_REFUSED)
            return true;
        if (now == STEP_TSC) {
            given = rdtsc();
            step = STEP_TSC_GIVEN;
            waited = 0;
            poll = POLL_NS / 20;
        } else {
            tsc_wait_ns(poll);
        }
    }
    return false;
}

bool cpu_start(const struct cpu_start *start, uint32_t id, virt_t stack)
{
    volatile uint32_t *may = (volatile uint32_t *)((char *)start->code_at + START_MAY);
    unsigned page = (unsigned)(start->code.v / PAGE);
    memcpy(start->code_at, cpu_start_code, (size_t)(cpu_start_code_end - cpu_start_code));
    put_start(start, START_STACK, stack.v, 8);
    step = STEP_NONE;
    refused = NULL;
    __atomic_store_n(may, 1, __ATOMIC_SEQ_CST);
    apic_send(id, APIC_SEND_INIT);
    if (!cpu_features.hypervisor)
        tsc_wait_ns(INIT_NS);
    apic_send(id, APIC_SEND_STARTUP | page);
    for (uint64_t waited = 0; *may != 0 && waited < WAIT_NS; waited += SIPI_NS) {
        tsc_wait_ns(SIPI_NS);
        if (waited == 0 && *may != 0)
            apic_send(id, APIC_SEND_STARTUP | page);
    }
    if (__atomic_exchange_n(may, 0, __ATOMIC_SEQ_CST) != 0) {
        log_warn("the cpu with the APIC ID %u does not answer: it is left out", id);
        return false;
    }
    if (!accompany(WAIT_NS)) {
        log_warn("the cpu with the APIC ID %u stopped on its way: it is left out", id);
        return false;
    }
    if (refused != NULL) {
        log_warn("the cpu with the APIC ID %u has other %s than the first: it is left out", id,
                 refused);
        return false;
    }
    judge_tsc(id);
    percpus[cpus_online].online = true;
    cpus_online++;
    return true;
}

void cpu_send(unsigned cpu, unsigned vector)
{
    apic_send(percpus[cpu].apic_id, vector);
}

void cpu_send_nmi(unsigned cpu)
{
    apic_send(percpus[cpu].apic_id, APIC_SEND_NMI);
}
