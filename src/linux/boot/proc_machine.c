/* SPDX-License-Identifier: MIT */
#include "linux/boot/proc_machine.h"

#include "base/list.h"
#include "base/str.h"
#include "cpu/features.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "fs/proc/procfs.h"
#include "fs/ram/ramfs.h"
#include "kern/random.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/abi/release.h"
#include "linux/abi/time.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"

#define CPUS    "/sys/devices/system/cpu/"
#define NODES   "/sys/devices/system/node/"
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

static void show_cpuinfo(struct text *text, void *context)
{
    (void)context;
    const struct cpu_features *cpu = &cpu_features;
    uint64_t khz = tsc_hz() / 1000;
    text_printf(text, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
                cpu->vendor, cpu->family, cpu->model);
    text_printf(text, "model name\t: %s\nstepping\t: %u\n",
                cpu->brand[0] != '\0' ? cpu->brand : "unknown", cpu->stepping);
    text_printf(text, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
    text_printf(text, "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n");
    text_printf(text, "apicid\t\t: 0\ninitial apicid\t: 0\nfpu\t\t: yes\nfpu_exception\t: yes\n");
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

static void put_kilobytes(struct text *text, const char *label, uint64_t bytes)
{
    size_t line = text->length;
    text_printf(text, "%s:", label);
    text_pad(text, line, 16);
    text_printf(text, "%8lu kB\n", bytes / 1024);
}

static void show_meminfo(struct text *text, void *context)
{
    (void)context;
    struct memory_totals memory;
    memory_totals(&memory);
    uint64_t files = ramfs_used_pages() * PAGE_SIZE;
    put_kilobytes(text, "MemTotal", memory.total);
    put_kilobytes(text, "MemFree", memory.free);
    put_kilobytes(text, "MemAvailable", memory.free);
    put_kilobytes(text, "Buffers", 0);
    put_kilobytes(text, "Cached", files);
    put_kilobytes(text, "SwapCached", 0);
    put_kilobytes(text, "SwapTotal", 0);
    put_kilobytes(text, "SwapFree", 0);
    put_kilobytes(text, "Dirty", 0);
    put_kilobytes(text, "Writeback", 0);
    put_kilobytes(text, "Shmem", files);
    put_kilobytes(text, "Slab", heap_used() > files ? heap_used() - files : 0);
    put_kilobytes(text, "CommitLimit", memory.total);
}

struct load {
    uint64_t cpu_ns;
    uint32_t threads, running, last_pid;
};

static struct load load_now(void)
{
    struct load load = {0};
    for (struct process *p = process_first(); p != NULL; p = process_next(p)) {
        load.cpu_ns += process_cpu_ns(p);
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

/* Load averages are not kept: sampling the run queue every few seconds would need a permanent
 * timer. */
static void show_loadavg(struct text *text, void *context)
{
    (void)context;
    struct load load = load_now();
    text_printf(text, "0.00 0.00 0.00 %u/%u %u\n", load.running, load.threads, load.last_pid);
}

static void show_uptime(struct text *text, void *context)
{
    (void)context;
    uint64_t now = time_now_ns() / (NS_PER_SECOND / 100);
    uint64_t busy = load_now().cpu_ns / (NS_PER_SECOND / 100);
    uint64_t idle = now > busy ? now - busy : 0;
    text_printf(text, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
}

static void show_stat(struct text *text, void *context)
{
    (void)context;
    struct load load = load_now();
    uint64_t now = time_now_ns() / TICK_NS, busy = load.cpu_ns / TICK_NS;
    uint64_t idle = now > busy ? now - busy : 0;
    text_printf(text, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\ncpu0 %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle,
                busy, idle);
    text_printf(text, "intr 0\nctxt %lu\nbtime %lu\n", thread_switch_count(),
                (time_realtime_ns() - time_now_ns()) / NS_PER_SECOND);
    text_printf(text, "processes %u\nprocs_running %u\nprocs_blocked 0\n", load.last_pid,
                load.running);
}

static void show_text(struct text *text, void *context)
{
    text_printf(text, "%s\n", (const char *)context);
}

static enum err store_host_name(const char *bytes, size_t size, void *context)
{
    char *name = context;
    size_t length = 0;
    while (length < size && bytes[length] != '\n' && bytes[length] != '\0')
        length++;
    if (length > HOST_NAME_MAX)
        length = HOST_NAME_MAX;
    memset(name, 0, HOST_NAME_MAX + 1);
    memcpy(name, bytes, length);
    return E_OK;
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

static void show_new_uuid(struct text *text, void *context)
{
    (void)context;
    uint8_t random[16];
    random_fill(random, sizeof(random));
    put_uuid(text, random);
}

static void show_boot_id(struct text *text, void *context)
{
    (void)context;
    static uint8_t id[16];
    static bool drawn;
    if (!drawn)
        random_fill(id, sizeof(id));
    drawn = true;
    put_uuid(text, id);
}

static enum err add_texts(void)
{
    static const char *const texts[][2] = {
        {"version", "Linux version " LINUX_RELEASE " (ouro) " LINUX_VERSION},
        {"swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority"},
        {"sys/kernel/ostype", "Linux"},
        {"sys/kernel/osrelease", LINUX_RELEASE},
        {"sys/kernel/version", LINUX_VERSION},
        {"sys/kernel/pid_max", "32768"},
        {"sys/kernel/threads-max", "32768"},
        {"sys/kernel/cap_last_cap", "40"},
        {"sys/kernel/ngroups_max", "65536"},
        {"sys/kernel/randomize_va_space", "2"},
        {"sys/kernel/random/entropy_avail", "256"},
        {"sys/kernel/random/poolsize", "256"},
        {"sys/vm/overcommit_memory", "0"},
        {"sys/vm/max_map_count", "65530"},
        {"sys/vm/mmap_min_addr", "65536"},
        {"sys/vm/overcommit_ratio", "50"},
        {"sys/vm/swappiness", "60"},
        {"sys/vm/nr_hugepages", "0"},
        {"sys/kernel/core_pattern", "core"},
        {"sys/kernel/perf_event_paranoid", "2"},
        {"devices", "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
                    "  5 /dev/ptmx\n136 pts\n\nBlock devices:"},
        {CPUS "online", "0"},
        {CPUS "possible", "0"},
        {CPUS "present", "0"},
        {CPUS "offline", ""},
        {CPUS "isolated", ""},
        {CPUS "kernel_max", "0"},
        {CPUS "cpu0/topology/core_id", "0"},
        {CPUS "cpu0/topology/physical_package_id", "0"},
        {CPUS "cpu0/topology/core_cpus_list", "0"},
        {CPUS "cpu0/topology/package_cpus_list", "0"},
        {CPUS "cpu0/topology/thread_siblings_list", "0"},
        {CPUS "cpu0/topology/core_siblings_list", "0"},
        {NODES "online", "0"},
        {NODES "possible", "0"},
        {NODES "has_cpu", "0"},
        {NODES "node0/cpulist", "0"},
        {NODES "node0/cpumap", "1"},
        {NODES "node0/distance", "10"},
        {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never"},
        {"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        enum err e = procfs_add(texts[i][0], show_text, (void *)(uintptr_t)texts[i][1]);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

enum err proc_machine_add(void)
{
    static const struct {
        const char *path;
        procfs_generator generator;
    } files[] = {
        {"cpuinfo", show_cpuinfo},
        {"meminfo", show_meminfo},
        {"uptime", show_uptime},
        {"loadavg", show_loadavg},
        {"stat", show_stat},
        {"sys/kernel/random/uuid", show_new_uuid},
        {"sys/kernel/random/boot_id", show_boot_id},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        enum err e = procfs_add(files[i].path, files[i].generator, NULL);
        if (e != E_OK)
            return e;
    }
    enum err e = add_texts();
    if (e == E_OK)
        e = procfs_add_writable("sys/kernel/hostname", show_text, store_host_name,
                                process_first()->host_name);
    if (e == E_OK)
        e = procfs_add_writable("sys/kernel/domainname", show_text, store_host_name,
                                process_first()->domain_name);
    return e;
}
