/* SPDX-License-Identifier: MIT */
#include "linux/boot/proc_machine.h"

#include "base/list.h"
#include "base/str.h"
#include "cpu/cpus.h"
#include "cpu/features.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "cpu/vectors.h"
#include "cpu/x86.h"
#include "fs/proc/procfs.h"
#include "kern/log.h"
#include "kern/random.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/abi/time.h"
#include "linux/task/process.h"

#define TICK_NS (NS_PER_SECOND / USER_HZ)

/* Linux's names of the bits of CPUID.1:EDX, from bit 0 (arch/x86/include/asm/cpufeatures.h). */
static const char *const flags_1_edx[32] = {
    "fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", NULL,
    "sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL,   "dts",
    "acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe"};
static const char *const flags_1_ecx[32] = {
    "pni",    "pclmulqdq", "dtes64", "monitor", "ds_cpl",
    "vmx",    "smx",       "est",    "tm2",     "ssse3",
    "cid",    "sdbg",      "fma",    "cx16",    "xtpr",
    "pdcm",   NULL,        "pcid",   "dca",     "sse4_1",
    "sse4_2", "x2apic",    "movbe",  "popcnt",  "tsc_deadline_timer",
    "aes",    "xsave",     NULL,     "avx",     "f16c",
    "rdrand", "hypervisor"};
static const char *const flags_7_ebx[32] = {
    "fsgsbase",   "tsc_adjust", "sgx",        "bmi1",     "hle",      "avx2",     NULL,
    "smep",       "bmi2",       "erms",       "invpcid",  "rtm",      "cqm",      NULL,
    "mpx",        "rdt_a",      "avx512f",    "avx512dq", "rdseed",   "adx",      "smap",
    "avx512ifma", NULL,         "clflushopt", "clwb",     "intel_pt", "avx512pf", "avx512er",
    "avx512cd",   "sha_ni",     "avx512bw",   "avx512vl"};
/* Bits of CPUID.80000001H:EDX that leaf 1 lacks. */
static const char *const flags_extended[32] = {
    [11] = "syscall", [20] = "nx", [22] = "mmxext",   [25] = "fxsr_opt", [26] = "pdpe1gb",
    [27] = "rdtscp",  [29] = "lm", [30] = "3dnowext", [31] = "3dnow"};

static void proc_machine_put_flags(struct text *text, uint32_t bits, const char *const names[32])
{
    for (unsigned i = 0; i < 32; i++) {
        if ((bits >> i & 1) && names[i])
            text_printf(text, " %s", names[i]);
    }
}

static void show_cpu(struct text *text, unsigned number)
{
    const struct cpu_features *cpu = &cpu_features;
    uint64_t khz = tsc_hz() / 1000;
    text_printf(text, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", number,
                cpu->vendor, cpu->family, cpu->model);
    text_printf(text, "model name\t: %s\nstepping\t: %u\n",
                cpu->brand[0] != '\0' ? cpu->brand : "unknown", cpu->stepping);
    text_printf(text, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
    uint64_t cache = proc_cache_size(PROC_CACHE_LAST);
    if (cache != 0)
        text_printf(text, "cache size\t: %lu KB\n", cache / 1024);
    text_printf(text, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
                cpus_online, number, cpus_online);
    text_printf(text, "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n",
                percpus[number].apic_id, percpus[number].apic_id);
    text_printf(text, "cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", cpuid(0, 0).eax);
    proc_machine_put_flags(text, cpu->leaf1_edx, flags_1_edx);
    proc_machine_put_flags(text, cpu->extended_edx, flags_extended);
    if (cpu->invariant_tsc)
        text_printf(text, " constant_tsc nonstop_tsc");
    proc_machine_put_flags(text, cpu->leaf1_ecx, flags_1_ecx);
    proc_machine_put_flags(text, cpu->leaf7_ebx, flags_7_ebx);
    text_printf(text, "\nbugs\t\t:\nbogomips\t: %lu.%02lu\n", khz / 500, khz / 5 % 100);
    text_printf(text, "clflush size\t: 64\ncache_alignment\t: 64\n");
    text_printf(text, "address sizes\t: %u bits physical, 48 bits virtual\npower management:\n\n",
                cpu->physical_bits);
}

void proc_show_cpuinfo(struct text *text, void *context)
{
    (void)context;
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        show_cpu(text, cpu);
}

struct load {
    uint32_t threads, running, last_pid;
};

static struct load load_now(void)
{
    struct load load = {0};
    for (struct process *p = process_first(); p != NULL; p = process_next(p)) {
        if ((uint32_t)p->pid > load.last_pid)
            load.last_pid = (uint32_t)p->pid;
        list_for_each (it, &p->threads) {
            const struct thread *t = CONTAINER_OF(it, struct linux_thread, link)->thread;
            load.threads++;
            load.running += t != NULL && thread_state_now(t) == THREAD_RUNNABLE;
        }
    }
    return load;
}

void proc_show_loadavg(struct text *text, void *context)
{
    (void)context;
    struct load load = load_now();
    uint64_t averages[LOADS];
    thread_loads(averages);
    for (unsigned i = 0; i < LOADS; i++) {
        uint64_t hundredths = (averages[i] * 100 + 32768) / 65536;
        text_printf(text, "%lu.%02lu ", hundredths / 100, hundredths % 100);
    }
    text_printf(text, "%u/%u %u\n", load.running, load.threads, load.last_pid);
}

void proc_show_uptime(struct text *text, void *context)
{
    (void)context;
    uint64_t now = time_now_ns() / (NS_PER_SECOND / 100);
    uint64_t idle = thread_idle_ns() / (NS_PER_SECOND / 100);
    text_printf(text, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
}

/* The newest fault report: kept from the first read of this file on (kern/log.h). */
void proc_show_report(struct text *text, void *context)
{
    (void)context;
    size_t size;
    const char *report = log_report_text(&size);
    if (report == NULL)
        text->failed = true;
    else
        text_append(text, report, size);
}

/* The ticks sample the first of several CPUs: what another does not idle is divided as all of it is. */
static void put_cpu_times(struct text *text, unsigned cpu, uint64_t program, uint64_t kernel)
{
    uint64_t idle = thread_idle_ns_of(cpu) / TICK_NS, now = time_now_ns() / TICK_NS;
    if (SEVERAL_CPUS) {
        uint64_t busy = now > idle ? now - idle : 0, all = program + kernel;
        program = all != 0 ? busy * program / all : busy;
        kernel = busy - program;
    }
    text_printf(text, "cpu%u %lu 0 %lu %lu 0 0 0 0 0 0\n", cpu, program, kernel, idle);
}

void proc_show_stat(struct text *text, void *context)
{
    (void)context;
    struct load load = load_now();
    uint64_t program = thread_busy_ns(true) / TICK_NS, kernel = thread_busy_ns(false) / TICK_NS;
    text_printf(text, "cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n", program, kernel,
                thread_idle_ns() / TICK_NS);
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        put_cpu_times(text, cpu, program, kernel);
    text_printf(text, "intr %lu", trap_interrupts(VECTOR_EXCEPTIONS, VECTOR_COUNT));
    for (unsigned vector = VECTOR_PIC; vector < VECTOR_PIC + 16; vector++)
        text_printf(text, " %lu", trap_interrupts(vector, vector + 1));
    text_printf(text, "\nctxt %lu\nbtime %lu\n", thread_switch_count(),
                (time_realtime_ns() - time_now_ns()) / NS_PER_SECOND);
    text_printf(text, "processes %u\nprocs_running %u\nprocs_blocked 0\n", load.last_pid,
                load.running);
    text_printf(text, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

/* A random UUID (RFC 4122, 4.4). */
static void put_uuid(struct text *text, const uint8_t random[16])
{
    uint8_t b[16];
    memcpy(b, random, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < sizeof(b); i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        text_printf(text, dash ? "-%02x" : "%02x", b[i]);
    }
    text_append(text, "\n", 1);
}

void proc_show_new_uuid(struct text *text, void *context)
{
    (void)context;
    uint8_t random[16];
    random_fill(random, sizeof(random));
    put_uuid(text, random);
}

void proc_show_boot_id(struct text *text, void *context)
{
    (void)context;
    static uint8_t id[16];
    static bool drawn;
    if (!drawn)
        random_fill(id, sizeof(id));
    drawn = true;
    put_uuid(text, id);
}
