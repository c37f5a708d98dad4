/* SPDX-License-Identifier: MIT */
#define LOG_TAG "linux"
#include "linux/call/syscall.h"

#include "base/log.h"
#include "base/str.h"
#include "cpu/bits.h"
#include "cpu/lock.h"
#include "cpu/tables.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/call/stats.h"
#include "linux/call/strace.h"
#include "linux/task/process.h"
#include "linux/task/rseq.h"
#include "linux/task/signal.h"
#include "linux/task/trace.h"
#include "mm/vm/usercopy.h"

#define NUMBER_RESTART 219 /* restart_syscall */

/* Logs an absent call, once per number. */
static enum err absent(uint32_t number)
{
    static uint64_t named[SYSCALL_COUNT / 64 + 1], unknown_named;
    const char *name = syscall_row(number).name;
    bool known = number < SYSCALL_COUNT && name != NULL;
    uint64_t *word = known ? &named[number / 64] : &unknown_named;
    uint64_t bit = known ? UINT64_C(1) << number % 64 : 1;
    if (!(*word & bit)) {
        *word |= bit;
        log_warn("system call %u %s is not there: the program gets ENOSYS", number,
                 known ? name : "(unknown)");
    }
    return E_NOSYS;
}

/* Numbers from here on take the slow path: those that Linux lacks; with `stats`, `strace` or a tracer, all. */
/* volatile: else clang keeps a flag and chooses one of the two values at each call. */
static volatile uint32_t slow_path_from = SYSCALL_COUNT;
RO_AFTER_INIT static bool counts_all;

INIT_CODE void syscall_count_all(void)
{
    slow_path_from = 0;
    counts_all = true;
    memset(syscall_fast, 0, sizeof syscall_fast);
}

/* IF is always set: no call takes entry.S's fast path, and each returns with all registers of its frame. */
COLD void syscall_trace_all(bool on)
{
    slow_path_from = on || counts_all ? 0 : SYSCALL_COUNT;
    syscall_slow_flags =
        on ? syscall_slow_flags | RFLAGS_IF : syscall_slow_flags & ~(uint32_t)RFLAGS_IF;
}

static inline void take_arguments(struct syscall_record *record, const struct trap_frame *frame)
{
    record->arg[0] = frame->rdi;
    record->arg[1] = frame->rsi;
    record->arg[2] = frame->rdx;
    record->arg[3] = frame->r10;
    record->arg[4] = frame->r8;
    record->arg[5] = frame->r9;
}

/* Its tracer looks at a call. False: it is left out. */
COLD static bool begin_traced(struct linux_thread *lt, struct syscall *call)
{
    trace_call_begins(call->frame);
    struct syscall_record *record = &lt->history[(lt->history_next - 1) % SYSCALL_HISTORY];
    record->number = (uint32_t)call->frame->error;
    take_arguments(record, call->frame);
    call->result = call->frame->rax;
    return (uint32_t)call->frame->error != UINT32_MAX;
}

/* A thread that shares kernel_lock cannot run the shrinkers: where it finds no memory, it has undone all, and begins again alone. */
static ALWAYS_INLINE enum err syscall_perform(syscall_function function, struct syscall *call)
{
    enum err e = function(call);
    if (SEVERAL_CPUS && unlikely(e == E_NOMEM) && kernel_lock_is_shared()) {
        kernel_lock_alone();
        e = function(call);
    }
    return e;
}

COLD static NOINLINE enum err slow_path(uint32_t number, struct syscall *call)
{
    struct linux_thread *lt = linux_current();
    if (lt->trace != NULL && !begin_traced(lt, call)) {
        trace_call_ends();
        return E_OK;
    }
    number = (uint32_t)call->frame->error;
    call->result = 0;
    syscall_function function = number < SYSCALL_COUNT ? syscall_table[number]
                                : number - OURO_CALL_FIRST < OURO_CALL_COUNT
                                    ? syscall_ouro_table[number - OURO_CALL_FIRST]
                                    : NULL;
    struct syscall_count *count = stats_of_syscall(number);
    struct strace_line *line = strace_on ? strace_begin(number, call) : NULL;
    uint64_t start = time_now_ns();
    if (count != NULL) {
        CPUS_ADD(count->calls, 1); /* before the call: some calls do not return */
        stats_call_begins(start);
    }
    enum err e = function != NULL ? syscall_perform(function, call) : absent(number);
    if (count != NULL) {
        CPUS_ADD(count->ns, time_now_ns() - start);
        stats_call_ends(count);
    }
    if (line != NULL)
        strace_end(line, call, e);
    if (lt->trace != NULL)
        kernel_lock_alone();
    trace_call_ends();
    return e;
}

/* Not irq_save(): the flags are known, and reading them is slow. */
static inline void interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

/* E_INTR if there is no such call, or a handler has returned since (rt_sigreturn). */
COLD enum err sys_restart_syscall(struct syscall *call)
{
    struct linux_thread *lt = linux_current();
    call->deadline_ns = lt->resume_ns;
    lt->resume_ns = 0;
    return call->deadline_ns != 0 ? syscall_table[lt->resume_number](call) : E_INTR;
}

/* A copy from the program found a page missing that a device has, and the call has done nothing: brings
 * it in, and the call begins again. False: the call was interrupted otherwise. */
static bool begins_again(struct trap_frame *frame)
{
    enum err e = copy_wait(E_INTR);
    if (e == E_OK)
        linux_current()->restart = SIGNAL_RESTART_ALWAYS;
    else
        frame->rax = -(uint64_t)e;
    return e != E_INTR;
}

/* Records what E_INTR is to become, then returns with signals delivered. */
static NOINLINE void leave_with_signals(struct trap_frame *frame, const struct syscall *call,
                                        enum err e)
{
    struct linux_thread *lt = linux_current();
    lt->restart = SIGNAL_RESTART_NOTHING;
    if (e == E_INTR && !call->frame_replaced && !begins_again(frame)) {
        if (call->restart_always)
            lt->restart = SIGNAL_RESTART_ALWAYS;
        else if (call->restart)
            lt->restart = SIGNAL_RESTART_SA;
        else if (call->restart_unhandled)
            lt->restart = SIGNAL_RESTART_UNHANDLED;
        else if (call->restart_resumes)
            lt->restart = SIGNAL_RESTART_RESUME;
        lt->resume_ns = call->deadline_ns;
        if ((uint32_t)frame->error != NUMBER_RESTART)
            lt->resume_number = (uint32_t)frame->error;
    }
    frame->vector = 0; /* entry.S: restores all registers from the frame */
    signal_deliver(frame);
}

static inline struct syscall_record *syscall_record_of(struct linux_thread *lt, uint32_t number)
{
    struct syscall_record *record = &lt->history[lt->history_next++ % SYSCALL_HISTORY];
    __asm__("" : "+r"(record)); /* one register, not base and index */
    record->number = number;
    record->finished = false;
    return record;
}

static inline int64_t syscall_finish(struct syscall_record *record, const struct syscall *call,
                                     enum err e)
{
    record->result = e == E_OK ? (int64_t)call->result : -(int64_t)e;
    record->finished = true;
    return record->result;
}

int64_t syscall_fast_dispatch(const uint64_t *arg, uint32_t number)
{
    struct syscall_record *record = syscall_record_of(linux_current(), number);
    struct syscall call = {.arg = record->arg};
    for (size_t i = 0; i < ARRAY_LENGTH(record->arg); i++)
        record->arg[i] = arg[i];
    return syscall_finish(record, &call, syscall_table[number](&call));
}

/* Takes kernel_lock beside other CPUs. Only threads that are alone in the kernel may look at a tracer, or print. */
static NOINLINE void begin_beside(const struct trap_frame *frame) NO_LOCK_ANALYSIS
{
    const struct linux_thread *lt = linux_current();
    uint32_t number = (uint32_t)frame->error;
    bool shared =
        number < SYSCALL_COUNT && syscall_marks[number] != 0 && lt->trace == NULL && !strace_on;
    cpu_kernel_wait(shared);
    if (!shared)
        lock_check_kernel_take();
}

static ALWAYS_INLINE void begin_call(const struct trap_frame *frame)
    ACQUIRE(kernel_lock) NO_LOCK_ANALYSIS
{
    if (SEVERAL_CPUS && unlikely(!cpu_kernel_take_lone()))
        begin_beside(frame);
    else
        lock_check_kernel_take();
}

void syscall_dispatch(struct trap_frame *frame)
{
    begin_call(frame);
    struct thread *thread = thread_current();
    struct linux_thread *lt = thread->linux_thread;
    uint32_t number = (uint32_t)frame->error;
    struct syscall_record *record = syscall_record_of(lt, number);
    struct syscall call = {.arg = record->arg, .frame = frame};
    take_arguments(record, frame);
    interrupts_on();

    enum err e = likely(number < slow_path_from && syscall_table[number] != NULL)
                     ? syscall_perform(syscall_table[number], &call)
                     : slow_path(number, &call);
    int64_t result = syscall_finish(record, &call, e);
    if (likely(!call.frame_replaced))
        frame->rax = (uint64_t)result;
    else
        frame->vector = 0; /* entry.S: restores rcx and r11 from the frame, too */

    /* The last check is with interrupts off, so that an event raised by an interrupt is not left
     * pending. */
    interrupts_off();
    while (unlikely(thread_is_held_up())) {
        interrupts_on();
        kernel_lock_alone();
        if (thread_has_moved()) {
            if (rseq_moved() != E_OK)
                signal_force_segv();
            interrupts_off();
            continue;
        }
        thread_preempt();
        interrupts_off();
        if (!thread_has_moved())
            break;
    }
    if (unlikely(e == E_INTR || thread->signal_pending)) {
        interrupts_on();
        leave_with_signals(frame, &call, e);
    }
    kernel_lock_drop();
}

COLD size_t syscall_history(struct syscall_record *out, size_t max)
{
    const struct linux_thread *lt = linux_current();
    size_t n = 0;
    if (lt == NULL)
        return 0;
    for (; n < max && n < SYSCALL_HISTORY && n < lt->history_next; n++)
        out[n] = lt->history[(lt->history_next - 1 - n) % SYSCALL_HISTORY];
    return n;
}
