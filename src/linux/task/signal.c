/* SPDX-License-Identifier: MIT */
/*
 * Sending: the pending sets, and the effects at the moment of sending. Delivery, on the way back to
 * the program, is in signal_deliver.c.
 *
 * Invariants, under class_signal:
 *   1. Bit n-1 of a set is on if n <= 31 and standard[n] is valid (bit n-1 of `plain`), or the queue
 *      holds an entry with signal n; for n >= 32 without an entry, if kill() found no room for one.
 *   2. If a thread's set holds a signal that the thread does not block, its signal_pending is true.
 *      If a process's set holds a signal that some of its threads do not block, signal_pending is
 *      true in at least one of them. (It may be true without need: signal_deliver() then clears it.)
 */
#define LOG_TAG "signal"
#include "linux/task/signal.h"

#include "base/compiler.h"
#include "base/log.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "linux/task/trace.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

struct spin_lock signal_spin;

/* Without the lock: the set is not in use yet. */
void signal_pending_init(struct signal_pending *pending) NO_LOCK_ANALYSIS
{
    pending->set = pending->plain = 0;
    pending->queued = 0;
    list_init(&pending->queue);
}

static bool default_is_ignore(int signal)
{
    return signal == SIGNAL_CHLD || signal == SIGNAL_CONT || signal == SIGNAL_URG ||
           signal == SIGNAL_WINCH;
}

static bool is_ignored(const struct process *process, int signal)
{
    uint64_t handler = process->actions[signal].handler;
    return handler == SIG_IGN || (handler == SIG_DFL && default_is_ignore(signal));
}

static struct signal_entry *entry_of(struct list *link)
{
    return CONTAINER_OF(link, struct signal_entry, link);
}

static struct linux_thread *thread_at(struct list *link)
{
    return CONTAINER_OF(link, struct linux_thread, link);
}

static void update_pending(const struct linux_thread *lt) REQUIRES(class_signal)
{
    lt->thread->signal_pending =
        lt->must_exit || ((lt->pending.set | lt->process->pending.set) & ~lt->blocked) != 0 ||
        (unlikely(lt->trace != NULL) ? trace_is_due(lt) : lt->process->stopped != 0);
}

COLD void signal_update_pending(void)
{
    uint64_t irq = signal_lock();
    update_pending(linux_current());
    signal_unlock(irq);
}

/* Removes an entry from its queue; clears the bit with the last entry of a signal. */
static void unlink_entry(struct signal_pending *pending, struct signal_entry *entry)
    REQUIRES(class_signal)
{
    int signal = entry->info.signal;
    list_remove(&entry->link);
    entry->queue = NULL;
    if (entry->taken == NULL)
        pending->queued--;
    list_for_each (it, &pending->queue) {
        if (entry_of(it)->info.signal == signal)
            return;
    }
    pending->set &= ~signal_bit(signal) | pending->plain;
}

static struct signal_entry *find_entry(struct signal_pending *pending, uint64_t set)
    REQUIRES(class_signal)
{
    list_for_each (it, &pending->queue) {
        if (signal_bit(entry_of(it)->info.signal) & set)
            return entry_of(it);
    }
    return NULL;
}

/* Drops the pending signals in `set`. The caller frees the entries in *dropped with interrupts
 * on. */
static void signal_flush(struct signal_pending *pending, uint64_t set, struct list *dropped)
    REQUIRES(class_signal)
{
    struct signal_entry *entry;
    while ((entry = find_entry(pending, set)) != NULL) {
        unlink_entry(pending, entry);
        if (entry->taken == NULL)
            list_add_tail(dropped, &entry->link);
    }
    pending->set &= ~set;
    pending->plain &= ~set;
}

/* Without the lock: the entries are in no queue. */
static void free_entries(struct list *dropped) NO_LOCK_ANALYSIS
{
    while (!list_empty(dropped)) {
        struct signal_entry *entry = entry_of(dropped->next);
        list_remove(&entry->link);
        heap_free(entry);
    }
}

/* A stop signal discards a pending SIGCONT, and the reverse, at the time of sending. Both are
 * standard signals, so there is nothing to free; a timer's entry stays with its timer. */
static COLD void cancel_opposites(struct signal_pending *pending, int signal) REQUIRES(class_signal)
{
    struct list none = LIST_INIT(none);
    if (signal == SIGNAL_CONT)
        signal_flush(pending, SIGNAL_SET_STOP, &none);
    else if (signal_bit(signal) & SIGNAL_SET_STOP)
        signal_flush(pending, signal_bit(SIGNAL_CONT), &none);
}

/* The thread that runs now: in an interrupt, the interrupted one. NULL while the CPU is idle. */
static struct linux_thread *running(void)
{
    const struct thread *thread = thread_current();
    return thread_state_now(thread) == THREAD_RUNNABLE ? thread->linux_thread : NULL;
}

/* As on Linux, a thread that already has a signal to take is not waited for: it may be starved. */
static bool wants(const struct linux_thread *lt, int signal) REQUIRES(class_signal)
{
    return !(lt->blocked & signal_bit(signal)) && !lt->must_exit && !list_empty(&lt->link) &&
           (likely(lt->trace == NULL) || !lt->trace->stopped || signal == SIGNAL_KILL) &&
           (!lt->thread->signal_pending || signal == SIGNAL_KILL || lt == running());
}

/* The thread that takes a signal to the process; NULL: all block it or have signal_pending set. O(1)
 * if the leader or the running thread takes it, else O(threads). */
static struct linux_thread *signal_choose(const struct signal_target *to, int signal)
    REQUIRES(class_signal)
{
    const struct process *process = to->process;
    struct linux_thread *lt = running();
    if (to->running_first && lt != NULL && lt->process == process && wants(lt, signal))
        return lt;
    if (process->leader != NULL && wants(process->leader, signal))
        return process->leader;
    list_for_each (it, &process->threads) {
        if (wants(thread_at(it), signal))
            return thread_at(it);
    }
    return NULL;
}

/* The thread whose mask decides whether an ignored signal is kept. */
static const struct linux_thread *representative(const struct signal_target *to)
    REQUIRES(class_signal)
{
    if (to->thread != NULL)
        return to->thread;
    return list_empty(&to->process->threads) ? NULL : thread_at(to->process->threads.next);
}

/* True if the signal is to be queued; `always`: though it is pending already. */
static bool prepare(const struct signal_target *to, const struct signal_pending *pending,
                    int signal, bool always) REQUIRES(class_signal)
{
    const struct linux_thread *lt = representative(to);
    if (lt == NULL)
        return false;
    if (signal == SIGNAL_CONT && to->process->stopped)
        process_continue(to->process);
    if (signal_bit(signal) & (SIGNAL_SET_STOP | SIGNAL_SET(SIGNAL_CONT))) {
        cancel_opposites(&to->process->pending, signal);
        list_for_each (it, &to->process->threads)
            cancel_opposites(&thread_at(it)->pending, signal);
    }
    if (is_ignored(to->process, signal) && !((lt->blocked | lt->awaited) & signal_bit(signal)) &&
        likely(lt->trace == NULL))
        return false;
    return always || !(pending->set & signal_bit(signal));
}

static void notify(const struct signal_target *to, int signal) REQUIRES(class_signal)
{
    struct linux_thread *lt = to->thread;
    if (lt == NULL)
        lt = signal_choose(to, signal);
    else if (lt->blocked & signal_bit(signal))
        lt = NULL;
    if (lt != NULL) {
        lt->thread->signal_pending = true;
        thread_wake_for_signal(lt->thread);
    }
    wait_queue_wake(&to->process->signal_arrived);
}

static struct signal_pending *pending_of(const struct signal_target *to)
{
    return to->thread != NULL ? &to->thread->pending : &to->process->pending;
}

void signal_send_standard(const struct signal_target *to, const struct siginfo *info)
{
    struct signal_pending *pending = pending_of(to);
    if (prepare(to, pending, info->signal, false)) {
        pending->standard[info->signal] = *info;
        pending->plain |= signal_bit(info->signal);
        pending->set |= signal_bit(info->signal);
        notify(to, info->signal);
    }
}

static void send_standard(const struct signal_target *to, const struct siginfo *info)
{
    uint64_t irq = signal_lock();
    signal_send_standard(to, info);
    signal_unlock(irq);
}

/* True if the entry was queued, and now belongs to the queue. */
static bool send_entry(const struct signal_target *to, struct signal_entry *entry)
    REQUIRES(class_signal)
{
    struct signal_pending *pending = pending_of(to);
    int signal = entry->info.signal;
    bool queued = prepare(to, pending, signal, entry->always || signal >= SIGNAL_REALTIME);
    if (queued) {
        list_add_tail(&pending->queue, &entry->link);
        entry->queue = pending;
        if (entry->taken == NULL)
            pending->queued++;
        pending->set |= signal_bit(signal);
        notify(to, signal);
    }
    return queued;
}

/* Without the lock: only threads add such entries, and kernel_lock is held. */
static bool queue_is_full(const struct signal_target *to) NO_LOCK_ANALYSIS
{
    return pending_of(to)->queued >= to->process->rlimits[RLIMIT_SIGPENDING].soft;
}

/* There is no room for a queued signal. As in Linux, one of kill() is pending without information. */
static COLD enum err send_bare(const struct signal_target *to, const struct siginfo *info)
{
    if (info->code != SI_USER)
        return E_AGAIN;
    uint64_t irq = signal_lock();
    struct signal_pending *pending = pending_of(to);
    if (prepare(to, pending, info->signal, true)) {
        pending->set |= signal_bit(info->signal);
        notify(to, info->signal);
    }
    signal_unlock(irq);
    return E_OK;
}

enum err signal_send(const struct signal_target *to, const struct siginfo *info)
{
    if (to->thread != NULL && to->thread->thread == NULL)
        return E_OK; /* an ended leader takes no signals */
    if (info->signal < SIGNAL_REALTIME) {
        send_standard(to, info);
        return E_OK;
    }
    struct signal_entry *entry = queue_is_full(to) ? NULL : heap_alloc(sizeof *entry);
    if (entry == NULL)
        return send_bare(to, info);
    list_init(&entry->link);
    entry->info = *info;
    entry->taken = NULL;
    entry->always = false;
    uint64_t irq = signal_lock();
    bool queued = send_entry(to, entry);
    signal_unlock(irq);
    if (!queued)
        heap_free(entry);
    return E_OK;
}

void signal_raise(struct process *process, int signal)
{
    struct siginfo info = {.signal = signal, .code = SI_KERNEL};
    struct signal_target to = {.process = process};
    send_standard(&to, &info);
}

bool signal_send_entry(const struct signal_target *to, struct signal_entry *entry)
{
    bool idle = list_empty(&entry->link);
    if (idle)
        send_entry(to, entry);
    return idle;
}

void signal_entry_cancel(struct signal_entry *entry)
{
    uint64_t irq = signal_lock();
    struct signal_pending *pending = entry->queue;
    if (pending != NULL)
        unlink_entry(pending, entry);
    signal_unlock(irq);
}

/* Linux's order: synchronous signals first, then the lowest number. */
static int first_signal(uint64_t set)
{
    if (set & SIGNAL_SET_SYNCHRONOUS)
        set &= SIGNAL_SET_SYNCHRONOUS;
    return __builtin_ctzll(set) + 1;
}

/* *to_free is an entry that the caller frees without the lock, or NULL. */
static bool take_from(struct signal_pending *pending, uint64_t set, struct siginfo *out,
                      struct signal_entry **to_free) REQUIRES(class_signal)
{
    set &= pending->set;
    if (set == 0)
        return false;
    int signal = first_signal(set);
    struct signal_entry *entry = find_entry(pending, signal_bit(signal));
    if (pending->plain & signal_bit(signal)) {
        *out = pending->standard[signal];
        pending->plain &= ~signal_bit(signal);
        if (entry == NULL)
            pending->set &= ~signal_bit(signal);
    } else if (entry == NULL) {
        *out = (struct siginfo){.signal = signal, .code = SI_USER};
        pending->set &= ~signal_bit(signal);
    } else {
        unlink_entry(pending, entry);
        if (entry->taken != NULL)
            entry->taken(entry); /* a timer sets its overrun count */
        else
            *to_free = entry;
        *out = entry->info;
    }
    return true;
}

bool signal_take(uint64_t set, struct siginfo *out)
{
    struct linux_thread *lt = linux_current();
    struct signal_entry *to_free = NULL;
    uint64_t irq = signal_lock();
    bool found = take_from(&lt->pending, set, out, &to_free) ||
                 take_from(&lt->process->pending, set, out, &to_free);
    update_pending(lt);
    signal_unlock(irq);
    heap_free(to_free);
    return found;
}

uint64_t signal_blocked(void)
{
    return linux_current()->blocked;
}

/* Signals that the thread no longer takes: wakes another thread for them. */
static COLD void pass_on(struct process *process, uint64_t set) REQUIRES(class_signal)
{
    const struct signal_target to = {.process = process};
    set &= process->pending.set;
    while (set != 0) {
        int signal = __builtin_ctzll(set) + 1;
        struct linux_thread *lt = signal_choose(&to, signal);
        set &= set - 1;
        if (lt != NULL && !lt->thread->signal_pending) {
            lt->thread->signal_pending = true;
            thread_wake_for_signal(lt->thread);
        }
    }
}

void signal_set_blocked(uint64_t set)
{
    struct linux_thread *lt = linux_current();
    uint64_t irq = signal_lock();
    uint64_t newly = set & ~lt->blocked;
    lt->blocked = set & ~SIGNAL_SET_UNMASKED;
    update_pending(lt);
    if (lt->process->pending.set & newly)
        pass_on(lt->process, newly);
    signal_unlock(irq);
}

COLD void signal_thread_ended(struct linux_thread *lt)
{
    struct list dropped = LIST_INIT(dropped);
    uint64_t irq = signal_lock();
    signal_flush(&lt->pending, UINT64_MAX, &dropped);
    pass_on(lt->process, ~lt->blocked);
    signal_unlock(irq);
    free_entries(&dropped);
}

/* Without the lock: two words, each read at some moment; also the condition of a wait
 * (kern/wait.h). */
uint64_t signal_pending_of(const struct linux_thread *lt) NO_LOCK_ANALYSIS
{
    return lt->pending.set | lt->process->pending.set;
}

COLD uint32_t signal_queued_of(const struct linux_thread *lt) NO_LOCK_ANALYSIS
{
    return lt->pending.queued + lt->process->pending.queued;
}

uint64_t signal_pending_set(void)
{
    return signal_pending_of(linux_current());
}

void signal_dispositions(const struct process *process, uint64_t *ignored, uint64_t *caught)
{
    *ignored = *caught = 0;
    for (int s = 1; s <= SIGNAL_COUNT; s++) {
        uint64_t handler = process->actions[s].handler;
        if (unlikely(handler != SIG_DFL))
            *(handler == SIG_IGN ? ignored : caught) |= signal_bit(s);
    }
}

enum err signal_wait_mask_begin(virt_t mask, uint64_t size)
{
    struct linux_thread *lt = linux_current();
    uint64_t set;
    if (mask.v == 0)
        return E_OK;
    if (size != sizeof set)
        return E_INVAL;
    enum err e = copy_in(&set, mask, sizeof set);
    if (e != E_OK)
        return e;
    lt->saved_mask = lt->blocked;
    lt->mask_saved = true;
    signal_set_blocked(set);
    return E_OK;
}

void signal_wait_mask_end(bool interrupted)
{
    struct linux_thread *lt = linux_current();
    if (!lt->mask_saved)
        return;
    if (interrupted) {
        thread_current()->signal_pending = true; /* signal_deliver() restores the old mask */
        return;
    }
    lt->mask_saved = false;
    signal_set_blocked(lt->saved_mask);
}

COLD void signal_set_action(int signal, const struct signal_action *action)
{
    struct process *process = process_current();
    struct list dropped = LIST_INIT(dropped);
    uint64_t irq = signal_lock();
    process->actions[signal] = *action;
    if (is_ignored(process, signal)) {
        signal_flush(&process->pending, signal_bit(signal), &dropped);
        list_for_each (it, &process->threads) {
            signal_flush(&thread_at(it)->pending, signal_bit(signal), &dropped);
            update_pending(thread_at(it));
        }
    }
    signal_unlock(irq);
    free_entries(&dropped);
}

COLD void signal_exec(void)
{
    struct linux_thread *lt = linux_current();
    struct process *process = lt->process;
    for (int s = 1; s <= SIGNAL_COUNT; s++) {
        if (process->actions[s].handler != SIG_IGN)
            process->actions[s].handler = SIG_DFL;
        process->actions[s].flags = 0;
        process->actions[s].mask = 0;
        process->actions[s].restorer = 0;
    }
    /* Without SS_DISABLE, as on Linux: a stack that the first handler sets outlives its sigreturn. */
    lt->alternate_stack = (struct signal_stack){0};
}

const char *signal_name(int signal)
{
    static const char *const names[SIGNAL_REALTIME] = {
        NULL,        "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
        "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
        "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
        "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
    };
    return signal > 0 && signal < SIGNAL_REALTIME ? names[signal] : NULL;
}
