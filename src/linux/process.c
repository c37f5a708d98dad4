/* SPDX-License-Identifier: MIT */
#define LOG_TAG "process"
#include "linux/process.h"

#include "base/panic.h"
#include "base/str.h"
#include "fs/file_table.h"
#include "kern/machine.h"
#include "kern/thread.h"
#include "mm/heap.h"
#include "mm/layout.h"

#define SIGNAL_EXIT 128 /* what a shell adds to the number of the signal */

struct process process;

static struct linux_thread leader_state;
static struct thread *leader;

struct thread *process_leader(void)
{
    return leader;
}

struct linux_thread *linux_thread_of(struct thread *thread)
{
    return thread->linux_thread;
}

struct linux_thread *linux_current(void)
{
    return thread_current()->linux_thread;
}

/* Linux's defaults (asm-generic/resource.h, fork_init, signal.c); the stack is LAYOUT_STACK_SIZE.
 */
static void init_rlimits(uint64_t memory)
{
    uint64_t threads =
        memory / PAGE_SIZE / 32; /* 8 kernel stacks of 16 KiB must fit into the memory */
    for (int i = 0; i < RLIMIT_COUNT; i++)
        process.rlimits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    process.rlimits[RLIMIT_STACK].soft = LAYOUT_STACK_SIZE;
    process.rlimits[RLIMIT_CORE].soft = 0;
    process.rlimits[RLIMIT_NPROC] = (struct rlimit){threads / 2, threads / 2};
    process.rlimits[RLIMIT_SIGPENDING] = (struct rlimit){threads / 2, threads / 2};
    process.rlimits[RLIMIT_NOFILE] = (struct rlimit){FILE_TABLE_LIMIT, FILE_TABLE_LIMIT_HARD};
    process.rlimits[RLIMIT_MEMLOCK] = (struct rlimit){UINT64_C(8) << 20, UINT64_C(8) << 20};
    process.rlimits[RLIMIT_MSGQUEUE] = (struct rlimit){819200, 819200};
    process.rlimits[RLIMIT_NICE] = (struct rlimit){0, 0};
    process.rlimits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

void process_init(uint64_t memory)
{
    leader = thread_current();
    signal_pending_init(&leader_state.pending);
    signal_pending_init(&process.pending);
    leader_state.alternate_stack.flags = SS_DISABLE;
    leader_state.vectors = kpage_alloc();
    if (leader_state.vectors == NULL)
        panic("no memory for the first thread of the program");
    leader->linux_thread = &leader_state;

    process.pgid = process.sid = PROCESS_PID;
    process.capabilities = process.capability_bounds = CAPABILITIES_ALL;
    process.dumpable = 1;
    process.timer_slack = 50000;
    str_copy(process.host_name, "ouro", sizeof process.host_name);
    str_copy(process.domain_name, "(none)", sizeof process.domain_name);
    init_rlimits(memory);
}

void process_exit(int status)
{
    file_table_clear(file_table_current());
    machine_exit(status & 0xff);
}

void process_die(int signal)
{
    file_table_clear(file_table_current());
    machine_exit(SIGNAL_EXIT + signal);
}
