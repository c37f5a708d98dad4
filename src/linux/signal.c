/* SPDX-License-Identifier: MIT */
/*
 * Sending: the pending sets and what is done at the moment of sending. What happens on the way back
 * to the program is signal_deliver.c.
 *
 * Invariants, interrupts off:
 *   1. Bit n-1 of a set is on if and only if n <= 31 and standard[n] is valid, or the queue holds
 * an entry with signal n.
 *   2. thread->signal_pending is true whenever a set holds a signal that the thread does not block.
 *      (It may be true for less: signal_deliver() finds out and clears it.)
 */
#define LOG_TAG "signal"
#include "linux/signal.h"

#include "base/compiler.h"
#include "base/log.h"
#include "base/str.h"
#include "cpu/irq_flags.h"
#include "kern/thread.h"
#include "linux/process.h"
#include "mm/heap.h"
#include "mm/usercopy.h"

void signal_pending_init(struct signal_pending *pending)
{
    pending->set = 0;
    pending->queued = 0;
    list_init(&pending->queue);
}

static bool default_is_ignore(int signal)
{
    return signal == SIGNAL_CHLD || signal == SIGNAL_CONT || signal == SIGNAL_URG ||
           signal == SIGNAL_WINCH;
}

static bool is_ignored(int signal)
{
    uint64_t handler = process.actions[signal].handler;
    return handler == SIG_IGN || (handler == SIG_DFL && default_is_ignore(signal));
}

static struct signal_entry *entry_of(struct list *link)
{
    return CONTAINER_OF(link, struct signal_entry, link);
}

static void update_pending(struct thread *thread, const struct linux_thread *lt)
{
    thread->signal_pending = ((lt->pending.set | process.pending.set) & ~lt->blocked) != 0;
}

/* Takes the entry off the queue; the bit goes with the last of its signal. */
static void unlink_entry(struct signal_pending *pending, struct signal_entry *entry)
{
    int signal = entry->info.signal;
    list_remove(&entry->link);
    if (entry->taken == NULL)
        pending->queued--;
    list_for_each (it, &pending->queue) {
        if (entry_of(it)->info.signal == signal)
            return;
    }
    if (signal >= SIGNAL_REALTIME)
        pending->set &= ~signal_bit(signal);
}

static struct signal_entry *find_entry(struct signal_pending *pending, uint64_t set)
{
    list_for_each (it, &pending->queue) {
        if (signal_bit(entry_of(it)->info.signal) & set)
            return entry_of(it);
    }
    return NULL;
}

/* Drops what is pending of the set. The entries' memory is freed by the caller, interrupts on. */
static void flush(struct signal_pending *pending, uint64_t set, struct list *dropped)
{
    struct signal_entry *entry;
    while ((entry = find_entry(pending, set)) != NULL) {
        unlink_entry(pending, entry);
        if (entry->taken == NULL)
            list_add_tail(dropped, &entry->link);
    }
    pending->set &= ~set;
}

static void free_entries(struct list *dropped)
{
    while (!list_empty(dropped)) {
        struct signal_entry *entry = entry_of(dropped->next);
        list_remove(&entry->link);
        heap_free(entry);
    }
}

/* A stop signal and SIGCONT undo each other even where neither is delivered. Both are standard
 * signals, so nothing needs to be freed; a timer's entry stays with its timer. */
static void cancel_opposites(struct signal_pending *pending, int signal)
{
    struct list none = LIST_INIT(none);
    if (signal == SIGNAL_CONT)
        flush(pending, SIGNAL_SET_STOP, &none);
    else if (signal_bit(signal) & SIGNAL_SET_STOP)
        flush(pending, signal_bit(SIGNAL_CONT), &none);
}

/* Is the signal to be queued at all? Interrupts off. */
static bool prepare(struct linux_thread *lt, struct signal_pending *pending, int signal)
{
    cancel_opposites(&process.pending, signal);
    cancel_opposites(&lt->pending, signal);
    if (is_ignored(signal) && !((lt->blocked | lt->awaited) & signal_bit(signal)))
        return false;
    return signal >= SIGNAL_REALTIME || !(pending->set & signal_bit(signal));
}

static void notify(struct thread *thread, const struct linux_thread *lt, int signal)
{
    if (lt->blocked & signal_bit(signal))
        return;
    thread->signal_pending = true;
    thread_wake_for_signal(thread);
}

static struct signal_pending *pending_of(struct thread *thread)
{
    return thread == NULL ? &process.pending : &linux_thread_of(thread)->pending;
}

static void send_standard(struct thread *thread, const struct siginfo *info)
{
    uint64_t irq = irq_save();
    struct signal_pending *pending = pending_of(thread);
    struct thread *target = thread == NULL ? process_leader() : thread;
    struct linux_thread *lt = linux_thread_of(target);
    if (prepare(lt, pending, info->signal)) {
        pending->standard[info->signal] = *info;
        pending->set |= signal_bit(info->signal);
        notify(target, lt, info->signal);
    }
    irq_restore(irq);
}

/* True when the entry was queued: it belongs to the queue then. */
static bool send_entry(struct thread *thread, struct signal_entry *entry)
{
    uint64_t irq = irq_save();
    struct signal_pending *pending = pending_of(thread);
    struct thread *target = thread == NULL ? process_leader() : thread;
    struct linux_thread *lt = linux_thread_of(target);
    bool queued = prepare(lt, pending, entry->info.signal);
    if (queued) {
        list_add_tail(&pending->queue, &entry->link);
        if (entry->taken == NULL)
            pending->queued++;
        pending->set |= signal_bit(entry->info.signal);
        notify(target, lt, entry->info.signal);
    }
    irq_restore(irq);
    return queued;
}

enum err signal_send(struct thread *thread, const struct siginfo *info)
{
    if (info->signal < SIGNAL_REALTIME) {
        send_standard(thread, info);
        return E_OK;
    }
    if (pending_of(thread)->queued >= process.rlimits[RLIMIT_SIGPENDING].soft)
        return E_AGAIN;
    struct signal_entry *entry = heap_alloc(sizeof *entry);
    if (entry == NULL)
        return E_AGAIN;
    list_init(&entry->link);
    entry->info = *info;
    entry->taken = NULL;
    if (!send_entry(thread, entry))
        heap_free(entry);
    return E_OK;
}

void signal_raise(int signal)
{
    struct siginfo info = {.signal = signal, .code = SI_KERNEL};
    send_standard(NULL, &info);
}

bool signal_send_entry(struct thread *thread, struct signal_entry *entry)
{
    uint64_t irq = irq_save();
    bool idle = list_empty(&entry->link);
    if (idle)
        send_entry(thread, entry);
    irq_restore(irq);
    return idle;
}

void signal_entry_cancel(struct signal_entry *entry)
{
    uint64_t irq = irq_save();
    if (!list_empty(&entry->link)) {
        struct linux_thread *lt = linux_thread_of(process_leader());
        bool mine = false;
        list_for_each (it, &lt->pending.queue)
            mine |= it == &entry->link;
        struct signal_pending *pending = mine ? &lt->pending : &process.pending;
        unlink_entry(pending, entry);
        if (entry->info.signal < SIGNAL_REALTIME &&
            find_entry(pending, signal_bit(entry->info.signal)) == NULL)
            pending->set &= ~signal_bit(entry->info.signal);
    }
    irq_restore(irq);
}

/* Linux's order: what the program itself caused first, then the lowest number. */
static int first_signal(uint64_t set)
{
    if (set & SIGNAL_SET_SYNCHRONOUS)
        set &= SIGNAL_SET_SYNCHRONOUS;
    return __builtin_ctzll(set) + 1;
}

/* Interrupts off; *to_free is an entry that the caller frees with interrupts on. */
static bool take_from(struct signal_pending *pending, uint64_t set, struct siginfo *out,
                      struct signal_entry **to_free)
{
    set &= pending->set;
    if (set == 0)
        return false;
    int signal = first_signal(set);
    struct signal_entry *entry = find_entry(pending, signal_bit(signal));
    if (entry == NULL) {
        *out = pending->standard[signal];
    } else {
        unlink_entry(pending, entry);
        if (entry->taken != NULL)
            entry->taken(entry); /* a timer fills in its overruns */
        else
            *to_free = entry;
        *out = entry->info;
    }
    if (signal < SIGNAL_REALTIME)
        pending->set &= ~signal_bit(signal);
    return true;
}

bool signal_take(uint64_t set, struct siginfo *out)
{
    struct linux_thread *lt = linux_current();
    struct signal_entry *to_free = NULL;
    uint64_t irq = irq_save();
    bool found = take_from(&lt->pending, set, out, &to_free) ||
                 take_from(&process.pending, set, out, &to_free);
    update_pending(thread_current(), lt);
    irq_restore(irq);
    heap_free(to_free);
    return found;
}

uint64_t signal_blocked(void)
{
    return linux_current()->blocked;
}

void signal_set_blocked(uint64_t set)
{
    struct linux_thread *lt = linux_current();
    uint64_t irq = irq_save();
    lt->blocked = set & ~SIGNAL_SET_UNMASKED;
    update_pending(thread_current(), lt);
    irq_restore(irq);
}

uint64_t signal_pending_set(void)
{
    return linux_current()->pending.set | process.pending.set;
}

void signal_dispositions(uint64_t *ignored, uint64_t *caught)
{
    *ignored = *caught = 0;
    for (int s = 1; s <= SIGNAL_COUNT; s++) {
        if (process.actions[s].handler == SIG_IGN)
            *ignored |= signal_bit(s);
        else if (process.actions[s].handler != SIG_DFL)
            *caught |= signal_bit(s);
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
        thread_current()->signal_pending = true; /* signal_deliver() puts the old mask back */
        return;
    }
    lt->mask_saved = false;
    signal_set_blocked(lt->saved_mask);
}

void signal_set_action(int signal, const struct signal_action *action)
{
    struct linux_thread *lt = linux_current();
    struct list dropped = LIST_INIT(dropped);
    uint64_t irq = irq_save();
    process.actions[signal] = *action;
    if (is_ignored(signal)) {
        flush(&lt->pending, signal_bit(signal), &dropped);
        flush(&process.pending, signal_bit(signal), &dropped);
        update_pending(thread_current(), lt);
    }
    irq_restore(irq);
    free_entries(&dropped);
}

void signal_exec(void)
{
    struct linux_thread *lt = linux_current();
    for (int s = 1; s <= SIGNAL_COUNT; s++) {
        if (process.actions[s].handler != SIG_IGN)
            process.actions[s].handler = SIG_DFL;
        process.actions[s].flags = 0;
        process.actions[s].mask = 0;
        process.actions[s].restorer = 0;
    }
    lt->alternate_stack = (struct signal_stack){.flags = SS_DISABLE};
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
