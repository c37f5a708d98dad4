/* SPDX-License-Identifier: MIT */
#define LOG_TAG "magic"
#include "linux/fault/thread_dump.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/str.h"
#include "cpu/cpus.h"
#include "diag/report.h"
#include "fs/proc/process_text.h"
#include "kern/log.h"
#include "kern/sysrq.h"
#include "kern/thread.h"
#include "kern/wait.h"
#include "linux/call/syscall.h"
#include "linux/task/process.h"

static struct wait_queue wanted = WAIT_QUEUE_INIT(wanted);
static bool tables_wanted;

bool report_thread_line(const struct thread *t, bool all_processes, char *to, size_t size)
{
    const struct linux_thread *lt = t->linux_thread, *self = linux_current();
    char call[100], place[FAULT_PLACE_SIZE];
    if (lt == NULL || (!all_processes && (self == NULL || lt->process != self->process)))
        return false;
    size_t n = fmt_snprintf(to, size, "of process %d, %s", lt->process->pid,
                            thread_state_now(t) == THREAD_ASLEEP ? "asleep" : "runnable");
    if (lt->history_next == 0 || n >= size)
        return true;
    const struct syscall_record *last = &lt->history[(lt->history_next - 1) % SYSCALL_HISTORY];
    const char *name = syscall_row(last->number).name;
    bool lock = name != NULL && strcmp(name, "futex") == 0 &&
                report_place(last->arg[0], place, sizeof place);
    syscall_format(last, lt->texts, lt->history_next, call, sizeof call);
    fmt_snprintf(to + n, size - n, " in %s%s%s", call, lock ? " at " : "", lock ? place : "");
    return true;
}

static void dump_one(struct thread *thread, void *unused)
{
    char text[160];
    (void)unused;
    if (!report_thread_line(thread, true, text, sizeof text)) {
        report("  thread  %u \"%s\" of the kernel, %s", thread->id, thread->name,
               thread_state_now(thread) == THREAD_ASLEEP ? "asleep" : "runnable");
        return;
    }
    report("  thread  %u \"%s\" %s", thread->id, thread->name, text);
    /* The place where the thread entered the kernel. */
    const struct trap_frame *frame = (const struct trap_frame *)ptr_of(thread->kstack.end) - 1;
    report_thread_trace(frame, thread->space);
}

static void dump_all(void)
{
    thread_visit(dump_one, NULL);
    if (cpus_others())
        report_cpus();
}

/* A thread prints the tables: the interrupt may have come in the middle of a change. */
static void ask_for_tables(void)
{
    tables_wanted = true;
    wait_queue_wake(&wanted);
}

static void report_lines(const char *text, size_t length)
{
    for (const char *line = text, *end = text + length; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t size = newline != NULL ? (size_t)(newline - line) : (size_t)(end - line);
        report("%.*s", (int)size, line);
        line += size + 1;
    }
}

static void show_tables(void *unused)
{
    (void)unused;
    for (;;) {
        struct text text;
        if (WAIT_EVENT(&wanted, tables_wanted, NO_DEADLINE) != E_OK)
            continue;
        tables_wanted = false;
        text_init(&text);
        procfs_show_pagetables(&text, NULL);
        for (size_t at = 0, size; at < text.length; at += size) {
            const char *bytes = text_at(&text, at, &size);
            report_lines(bytes, size);
        }
        if (text.failed)
            report("(truncated: memory is short)");
        text_free(&text);
    }
}

void thread_dump_keys(void)
{
    struct thread *thread;
    kernel_lock_assert();
    if (!sysrq_present())
        return;
    sysrq_add('t', "threads", dump_all);
    if (thread_create("magic", show_tables, NULL, &thread) == E_OK)
        sysrq_add('p', "page tables", ask_for_tables);
    else
        log_warn("no memory for the thread that shows page tables");
}
