/* SPDX-License-Identifier: MIT */
#define LOG_TAG "magic"
#include "linux/thread_dump.h"

#include "base/log.h"
#include "base/str.h"
#include "fs/procfs_show.h"
#include "kern/log.h"
#include "kern/magic.h"
#include "kern/report.h"
#include "kern/sync.h"
#include "kern/thread.h"
#include "linux/process.h"
#include "linux/syscall.h"

static struct wait_queue wanted = WAIT_QUEUE_INIT(wanted);
static bool tables_wanted;

static void dump_one(struct thread *thread, void *context)
{
    const struct linux_thread *lt = thread->linux_thread;
    const bool *all = context;
    bool asleep = thread->state == THREAD_ASLEEP;
    char text[160] = "no call";
    if (lt == NULL && *all)
        report("  thread  of the kernel, \"%s\", %s", thread->name, asleep ? "asleep" : "running");
    if (lt == NULL)
        return;
    if (lt->history_next > 0)
        syscall_format(&lt->history[(lt->history_next - 1) % SYSCALL_HISTORY], text, sizeof text);
    report("  thread  %d of process %d, \"%s\", %s %s", lt->tid, lt->process->pid, thread->name,
           asleep ? "asleep in" : "running; last call", text);
    /* Where it came in from the program. */
    const struct trap_frame *frame = (const struct trap_frame *)ptr_of(thread->kstack.end) - 1;
    report_thread_trace(frame);
}

void thread_dump(bool all)
{
    thread_visit(dump_one, &all);
}

static void dump_all(void)
{
    thread_dump(true);
}

/* A thread shows the tables: an interrupt may have come in the middle of a change. */
static void ask_for_tables(void)
{
    tables_wanted = true;
    wait_queue_wake(&wanted);
}

static void report_lines(char *text, size_t length)
{
    for (char *line = text, *end = text + length; line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
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
        report_lines(text.bytes, text.length);
        if (text.failed)
            report("(truncated: memory is short)");
        text_free(&text);
    }
}

void thread_dump_keys(void)
{
    struct thread *thread;
    if (!magic_present())
        return;
    magic_add('t', "threads", dump_all);
    if (thread_create("magic", show_tables, NULL, &thread) == E_OK)
        magic_add('p', "page tables", ask_for_tables);
    else
        log_warn("no memory for the thread that shows page tables");
}
