/* SPDX-License-Identifier: MIT */
/* /proc/interrupts, softirqs and locks, the number of open files, and the CPU's caches. */
#include "base/list.h"
#include "cpu/cpus.h"
#include "cpu/trap.h"
#include "cpu/vectors.h"
#include "cpu/x86.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/range_lock.h"
#include "linux/boot/proc_machine.h"
#include "linux/task/process.h"

/* The 8259s' lines that a driver may have, by their names in Linux. */
static const char *const line_names[16] = {
    [1] = "i8042", [4] = "ttyS0", [12] = "i8042", [14] = "ata_piix", [15] = "ata_piix"};

static void put_counts(struct text *text, unsigned vector)
{
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        text_printf(text, " %10lu", trap_interrupts_of(cpu, vector, vector + 1));
}

static void put_interrupts(struct text *text, const char *label, unsigned vector, const char *what)
{
    text_printf(text, "%3s:", label);
    put_counts(text, vector);
    text_printf(text, "   %s\n", what);
}

void proc_show_interrupts(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "           ");
    for (unsigned cpu = 0; cpu < cpus_online; cpu++)
        text_printf(text, "CPU%-8u", cpu);
    text_printf(text, "\n");
    for (unsigned i = 0; i < 48; i++) {
        unsigned vector = i < 16 ? VECTOR_PIC + i : VECTOR_DEVICE + i - 16;
        if (trap_interrupts(vector, vector + 1) == 0)
            continue;
        text_printf(text, "%3u:", i);
        put_counts(text, vector);
        text_printf(text, "   %s", i < 16 ? "XT-PIC" : "PCI-MSI");
        const char *name = i < 16 ? line_names[i] : NULL;
        text_printf(text, name != NULL ? "      %s\n" : "\n", name);
    }
    put_interrupts(text, "LOC", VECTOR_TIMER, "Local timer interrupts");
    if (SEVERAL_CPUS) {
        put_interrupts(text, "RES", VECTOR_KICK, "Rescheduling interrupts");
        put_interrupts(text, "TLB", VECTOR_TLB, "TLB shootdowns");
    }
    put_interrupts(text, "SPU", VECTOR_SPURIOUS, "Spurious interrupts");
    text_printf(text, "ERR: %10u\nMIS: %10u\n", 0, 0);
}

void proc_show_softirqs(struct text *text, void *context)
{
    static const char names[10][9] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                      "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};
    (void)context;
    text_printf(text, "                    CPU0       \n");
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        text_printf(text, "%12s: %10u\n", names[i], 0u);
}

/* Calls visit() with each descriptor of each process; a table that processes share is visited once. O(processes^2 +
 * descriptors). */
static void visit_files(void (*visit)(const struct process *process, struct file_table *table,
                                      uint32_t fd, void *context),
                        void *context)
{
    for (struct process *p = process_first(); p != NULL; p = process_next(p)) {
        struct file_table *table = p->fs != NULL ? p->fs->files : NULL;
        for (struct process *q = process_first(); table != NULL && q != p; q = process_next(q))
            if (q->fs != NULL && q->fs->files == table)
                table = NULL;
        for (uint32_t fd = 0; table != NULL && fd < table->capacity; fd++)
            if (table->slots[fd].file != NULL)
                visit(p, table, fd, context);
    }
}

static void count_descriptor(const struct process *process, struct file_table *table, uint32_t fd,
                             void *context)
{
    (void)process;
    const struct file *file = table->slots[fd].file;
    for (uint32_t before = 0; file->references > 1 && before < fd; before++)
        if (table->slots[before].file == file)
            return;
    ++*(uint64_t *)context;
}

/* Open files that have a descriptor. */
void proc_show_file_count(struct text *text, void *context)
{
    (void)context;
    uint64_t count = 0;
    visit_files(count_descriptor, &count);
    text_printf(text, "%lu\t0\t%lu\n", count, UINT64_C(1048576));
}

/* The locks that the table holds on the file, and the file itself, at its lowest descriptor. */
static void put_locks(const struct process *process, struct file_table *table, uint32_t fd,
                      void *context)
{
    const struct file *file = table->slots[fd].file;
    bool first_of_inode = true;
    if (file->lock == FILE_LOCK_NONE && file->inode->locks == NULL)
        return;
    for (uint32_t before = 0; before < fd; before++) {
        const struct file *other = table->slots[before].file;
        if (other == file)
            return;
        first_of_inode &= other == NULL || other->inode != file->inode;
    }
    range_locks_show(context, file, first_of_inode ? table : NULL, process->pid);
}

void proc_show_locks(struct text *text, void *context)
{
    (void)context;
    struct range_lock_lines lines = {text, "", 0};
    visit_files(put_locks, &lines);
}

/* Deterministic cache parameters (SDM 2A, CPUID leaf 4; AMD: leaf 8000001DH, in the same form). Without them, as by QEMU's
 * TCG: AMD's leaves 80000005H and 80000006H (APM 3, E.4.4), with Linux's indexes. */
struct cache {
    uint32_t type, level, line, partitions, ways, sets;
};

static bool proc_cache_read(uint32_t index, struct cache *out)
{
    uint32_t leaf = cpuid(0, 0).eax >= 4 && cpuid(4, 0).eax != 0 ? 4 : 0x8000001d;
    struct cpuid r = cpuid(leaf, index);
    if (leaf != 4 && cpuid(0x80000000, 0).eax < leaf) {
        r = cpuid(0x80000005 + index / 2, 0);
        uint32_t word = index % 2 ? r.edx : r.ecx, line = word & 0xff;
        uint32_t kib = index < 2 ? word >> 24 : index == 2 ? word >> 16 : word >> 18 << 9;
        /* 2, 4, 6, 8, 10, 11, ...: 2, 4, 8, 16, 32, 48, ... ways */
        uint32_t code = word >> 12 & 15;
        uint32_t ways = index < 2  ? word >> 16 & 0xff
                        : code < 2 ? 1
                                   : (2 + code % 2) << (code / 2 - 1);
        if (cpuid(0x80000000, 0).eax < 0x80000006 || line == 0 || kib == 0 || ways == 0)
            return false;
        *out = (struct cache){index < 2 ? index + 1 : 3, index < 2 ? 1 : index, line, 1, ways,
                              kib * 1024 / line / ways};
        return true;
    }
    *out = (struct cache){r.eax & 31,          r.eax >> 5 & 7,
                          (r.ebx & 0xfff) + 1, (r.ebx >> 12 & 0x3ff) + 1,
                          (r.ebx >> 22) + 1,   r.ecx + 1};
    return out->type != 0;
}

static uint64_t cache_bytes(const struct cache *c)
{
    return (uint64_t)c->line * c->partitions * c->ways * c->sets;
}

uint64_t proc_cache_size(uint32_t index)
{
    struct cache c;
    uint64_t size = 0;
    if (index == PROC_CACHE_LAST && cpuid(4, 0).eax == 0)
        index = 2; /* AMD's L2, as on Linux */
    if (index != PROC_CACHE_LAST)
        return proc_cache_read(index, &c) ? cache_bytes(&c) : 0;
    for (uint32_t i = 0; i < 4 && proc_cache_read(i, &c); i++)
        size = cache_bytes(&c);
    return size;
}

void proc_show_cache(struct text *text, void *context)
{
    static const char types[4][12] = {"", "Data", "Instruction", "Unified"};
    uint32_t what = (uint32_t)(uintptr_t)context;
    struct cache c;
    if (!proc_cache_read(what / 8, &c))
        return;
    const uint32_t numbers[] = {c.level, c.line, c.ways};
    if (what % 8 == 5)
        text_printf(text, "%luK\n", cache_bytes(&c) / 1024);
    else if (what % 8 == 6)
        text_printf(text, "%s\n", types[c.type & 3]);
    else
        text_printf(text, "%u\n", numbers[what % 8]);
}
