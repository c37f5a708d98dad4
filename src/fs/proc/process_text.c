/* SPDX-License-Identifier: MIT */
/* /proc/PID/limits, stat and status (proc(5)). */
#include "fs/proc/process_text.h"

#include "fs/vfs/context.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/file_table.h"
#include "mm/vm/areas.h"

#define TICK_NS 10000000

static void show_limit(struct text *text, uint64_t value)
{
    if (value == UINT64_MAX)
        text_printf(text, "%-20s ", "unlimited");
    else
        text_printf(text, "%-20lu ", value);
}

void procfs_show_limits(struct text *text, void *context)
{
    struct fs_process process;
    procfs_describe(context, &process);
    static const struct {
        const char *name, *unit;
    } rows[FS_RLIMIT_COUNT] = {
        {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
        {"Max data size", "bytes"},      {"Max stack size", "bytes"},
        {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},  {"Max open files", "files"},
        {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
        {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
        {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
    };
    text_printf(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < FS_RLIMIT_COUNT; i++) {
        uint64_t soft = UINT64_MAX, hard = UINT64_MAX;
        fs_limits(process.pid, i, &soft, &hard);
        text_printf(text, "%-25s ", rows[i].name);
        show_limit(text, soft);
        show_limit(text, hard);
        text_printf(text, "%-10s\n", rows[i].unit);
    }
}

void procfs_show_stat(struct text *text, void *context)
{
    struct fs_process p;
    struct procfs_sizes s;
    procfs_describe(context, &p);
    procfs_measure(&p, &s);
    text_printf(text, "%u (%s) %c %u %u %u %u %u 4194304 ", p.tid, p.name, p.state, p.ppid,
                p.process_group, p.session, 0u, p.process_group);
    text_printf(text, "%lu %lu %lu %lu %lu %lu %lu %lu ", p.faults[0], p.children_faults[0],
                p.faults[1], p.children_faults[1], p.user_ns / TICK_NS, p.system_ns / TICK_NS,
                p.children_user_ns / TICK_NS, p.children_system_ns / TICK_NS);
    text_printf(text, "%d %d %u 0 %lu ", p.priority != 0 ? -1 - (int)p.priority : 20 + p.nice,
                p.nice, p.threads, p.start_ns / TICK_NS);
    uint64_t soft = UINT64_MAX, hard;
    fs_limits(p.pid, FS_RLIMIT_RSS, &soft, &hard);
    text_printf(text, "%lu %lu %lu %lu %lu %lu 0 0 ", s.all * PAGE_SIZE, s.resident, soft,
                p.code.start.v, p.code.end.v, p.stack_start.v);
    text_printf(text, "%lu %lu %lu %lu 0 0 0 ", p.signals_pending & 0x7fffffff,
                p.signals_blocked & 0x7fffffff, p.signals_ignored & 0x7fffffff,
                p.signals_caught & 0x7fffffff);
    text_printf(text, "%d 0 %u %u 0 0 0 ", (int)p.exit_signal, p.priority, p.policy);
    text_printf(text, "%lu %lu %lu %lu %lu %lu %lu 0\n", p.data.start.v, p.data.end.v,
                p.heap_start.v, p.arguments.start.v, p.arguments.end.v, p.environment.start.v,
                p.environment.end.v);
}

static void show_ids(struct text *text, const char *label, const struct ids *id)
{
    text_printf(text, "%s:\t%u\t%u\t%u\t%u\n", label, id->real, id->effective, id->saved, id->fs);
}

static void show_groups(struct text *text, const struct group_list *groups)
{
    text_printf(text, "Groups:\t");
    for (uint32_t i = 0; groups && i < groups->count; i++)
        text_printf(text, i > 0 ? " %u" : "%u", groups->id[i]);
    text_printf(text, " \n");
}

static void show_capabilities(struct text *text, const struct credentials *c)
{
    text_printf(text, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", c->inheritable,
                c->permitted, c->effective);
    text_printf(text, "CapBnd:\t%016lx\nCapAmb:\t%016lx\nNoNewPrivs:\t%u\n", c->bounding,
                c->ambient, c->no_new_privs);
}

static void show_size(struct text *text, const char *label, uint64_t pages)
{
    text_printf(text, "%s:\t%8lu kB\n", label, pages * (PAGE_SIZE / 1024));
}

static const char *state_name(char state)
{
    return state == 'T'   ? "T (stopped)"
           : state == 't' ? "t (tracing stop)"
           : state == 'S' ? "S (sleeping)"
           : state == 'Z' ? "Z (zombie)"
                          : "R (running)";
}

void procfs_show_status(struct text *text, void *context)
{
    struct fs_process p;
    struct procfs_sizes s;
    procfs_describe(context, &p);
    procfs_measure(&p, &s);
    text_printf(text, "Name:\t%s\nUmask:\t%04o\nState:\t%s\n", p.name,
                p.context ? p.context->umask : 0, state_name(p.state));
    text_printf(text, "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t%u\n", p.pid, p.tid,
                p.ppid, p.tracer);
    const struct credentials *c = p.credentials ? p.credentials : &credentials_first;
    show_ids(text, "Uid", &c->uid);
    show_ids(text, "Gid", &c->gid);
    text_printf(text, "FDSize:\t%u\n", p.context ? p.context->files->capacity : 0);
    show_groups(text, c->groups);
    show_size(text, "VmPeak", s.peak);
    show_size(text, "VmSize", s.all);
    show_size(text, "VmLck", s.locked);
    show_size(text, "VmPin", 0);
    show_size(text, "VmHWM", s.resident_peak);
    show_size(text, "VmRSS", s.resident);
    show_size(text, "RssAnon", s.resident - s.file - s.shared_memory);
    show_size(text, "RssFile", s.file);
    show_size(text, "RssShmem", s.shared_memory);
    show_size(text, "VmData", s.data);
    show_size(text, "VmStk", s.stack);
    show_size(text, "VmExe", s.code);
    show_size(text, "VmLib", 0);
    show_size(text, "VmSwap", s.swapped);
    uint64_t queue_limit = 0, hard;
    fs_limits(p.pid, FS_RLIMIT_SIGPENDING, &queue_limit, &hard);
    text_printf(text, "Threads:\t%u\nSigQ:\t%u/%lu\n", p.threads, p.signals_queued, queue_limit);
    text_printf(text, "SigPnd:\t%016lx\nShdPnd:\t%016x\nSigBlk:\t%016lx\n", p.signals_pending, 0u,
                p.signals_blocked);
    text_printf(text, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", p.signals_ignored, p.signals_caught);
    show_capabilities(text, c);
    text_printf(text, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n");
    text_printf(text, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
    text_printf(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
                p.switches[1], p.switches[0]);
}
