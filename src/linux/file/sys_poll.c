/* SPDX-License-Identifier: MIT */
/*
 * poll(2), select(2). A call polls every descriptor. If none is ready and it may sleep, it joins the
 * queues of all files (linux/file/poll_table.h), and polls again after each of their wake-ups.
 * O(descriptors) a call and a wake-up.
 */
#include "linux/file/sys_poll.h"

#include "base/str.h"
#include "fs/vfs/process.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/abi/time.h"
#include "linux/file/args.h"
#include "linux/file/poll_table.h"
#include "linux/task/signal.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define POLL_PIECE 1024u

struct pollfd {
    int32_t fd;
    int16_t events, returned;
};

struct poll_set {
    struct pollfd *entries; /* `near` or heap */
    uint64_t count;
    uint64_t ready; /* number of entries with events to return */
    struct pollfd near[16];
};

/* The preemption point of a loop over many descriptors, each of which it looks up anew. */
static inline void poll_give_way(uint64_t i)
{
    if (unlikely(i % POLL_PIECE == POLL_PIECE - 1))
        thread_give_way();
}

/* Events of one entry. Errors are reported even if not requested (poll(2)). */
static uint32_t poll_one(const struct pollfd *entry)
{
    if (entry->fd < 0)
        return 0;
    struct file *file = fd_file((uint64_t)entry->fd);
    if (!file)
        return POLL_NVAL;
    return file_poll(file) & ((uint16_t)entry->events | POLL_ERR | POLL_HUP);
}

static bool poll_scan(void *context)
{
    struct poll_set *set = context;
    set->ready = 0;
    for (uint64_t i = 0; i < set->count; i++) {
        set->entries[i].returned = (int16_t)poll_one(&set->entries[i]);
        set->ready += set->entries[i].returned != 0;
        poll_give_way(i);
    }
    return set->ready > 0;
}

static enum err poll_join(void *context, struct poll_table *table)
{
    const struct poll_set *set = context;
    enum err e = E_OK;
    for (uint64_t i = 0; e == E_OK && i < set->count; i++) {
        const struct pollfd *entry = &set->entries[i];
        struct file *file = entry->fd < 0 ? NULL : fd_file((uint64_t)entry->fd);
        if (file)
            e = poll_table_add(table, file, (uint16_t)entry->events);
        poll_give_way(i);
    }
    return e;
}

static enum err poll_set_copy_in(struct poll_set *set, uint64_t from, uint64_t count)
{
    if (count > fs_limit(FS_RLIMIT_NOFILE))
        return E_INVAL;
    set->count = count;
    set->entries = set->near;
    if (count > ARRAY_LENGTH(set->near)) {
        set->entries = heap_alloc(count * sizeof(struct pollfd));
        if (!set->entries)
            return E_NOMEM;
    }
    enum err e = copy_in(set->entries, virt(from), count * sizeof(struct pollfd));
    if (e != E_OK && set->entries != set->near)
        heap_free(set->entries);
    return e;
}

/* Writes back `returned` only: another thread may be changing the other fields. */
static enum err poll_set_copy_out(const struct poll_set *set, uint64_t to)
{
    enum err e = E_OK;
    for (uint64_t i = 0; e == E_OK && i < set->count; i++) {
        virt_t at = virt(to + i * sizeof(struct pollfd) + offsetof(struct pollfd, returned));
        e = copy_out(at, &set->entries[i].returned, sizeof(set->entries[i].returned));
        poll_give_way(i);
    }
    return e;
}

static enum err poll_until(struct syscall *call, uint64_t deadline)
{
    struct poll_set set;
    enum err e = poll_set_copy_in(&set, call->arg[0], (uint32_t)call->arg[1]);
    if (e != E_OK)
        return e;
    const struct poll_scanner scanner = {poll_scan, poll_join, &set};
    e = poll_wait(&scanner, deadline);
    if (e == E_OK || e == E_TIMEDOUT) {
        e = poll_set_copy_out(&set, call->arg[0]);
        call->result = set.ready;
    }
    if (set.entries != set.near)
        heap_free(set.entries);
    return e;
}

enum err sys_poll(struct syscall *call)
{
    int32_t milliseconds = (int32_t)call->arg[2];
    if (call->deadline_ns == 0)
        call->deadline_ns =
            milliseconds < 0 ? NO_DEADLINE : deadline_after((uint64_t)milliseconds * 1000000);
    call->restart_resumes = true;
    return poll_until(call, call->deadline_ns);
}

/* A timeout argument: a timespec or timeval in the program's memory, or none. */
struct timeout {
    uint64_t deadline;
    uint64_t at; /* address; 0: no timeout */
    bool microseconds;
};

static enum err timeout_copy_in(struct timeout *timeout, uint64_t at, bool microseconds)
{
    *timeout = (struct timeout){NO_DEADLINE, at, microseconds};
    if (at == 0)
        return E_OK;
    uint64_t ns;
    enum err e;
    if (microseconds) {
        struct timeval value;
        e = copy_in(&value, virt(at), sizeof(value));
        /* select() accepts 1000000 microseconds and more: carry them to the seconds. */
        if (e == E_OK && value.seconds >= 0 && value.microseconds >= 1000000) {
            if (__builtin_add_overflow(value.seconds, value.microseconds / 1000000, &value.seconds))
                value.seconds = INT64_MAX;
            value.microseconds %= 1000000;
        }
        if (e == E_OK)
            e = timeval_to_ns(&value, &ns);
    } else {
        e = timespec_copy_in(virt(at), &ns);
    }
    if (e == E_OK)
        timeout->deadline = deadline_after(ns);
    return e;
}

/* As in Linux, writes the remaining time back, with which an interrupted call is restarted. A fault
 * (read-only timeout) is ignored, except that such a call is not restarted. */
static void timeout_copy_out(const struct timeout *timeout, struct syscall *call)
{
    call->restart_unhandled = true;
    if (timeout->at == 0)
        return;
    uint64_t now = time_now_ns();
    uint64_t left = timeout->deadline > now ? timeout->deadline - now : 0;
    if (timeout->microseconds) {
        struct timeval value = timeval_of_ns(left);
        call->restart_unhandled = copy_out(virt(timeout->at), &value, sizeof(value)) == E_OK;
    } else {
        call->restart_unhandled = timespec_copy_out(virt(timeout->at), left) == E_OK;
    }
}

enum err sys_ppoll(struct syscall *call)
{
    struct timeout timeout;
    enum err e = timeout_copy_in(&timeout, call->arg[2], false);
    if (e == E_OK)
        e = signal_wait_mask_begin(virt(call->arg[3]), call->arg[4]);
    if (e != E_OK)
        return e;
    e = poll_until(call, timeout.deadline);
    signal_wait_mask_end(e == E_INTR);
    timeout_copy_out(&timeout, call);
    return e;
}

#define SELECT_READ  (POLL_IN | POLL_RDNORM | POLL_RDBAND | POLL_HUP | POLL_ERR)
#define SELECT_WRITE (POLL_OUT | POLL_WRNORM | POLL_WRBAND | POLL_ERR)
#define SELECT_OTHER POLL_PRI

#define SELECT_SETS  3 /* read, write, exceptional */
#define WORD_BITS    64

struct select {
    uint32_t count; /* descriptors */
    uint32_t words; /* of one set */
    uint64_t ready;
    uint64_t *asked, *answers; /* three sets each, consecutive */
    uint64_t near[2 * SELECT_SETS * 2];
};

static bool poll_bit_of(const uint64_t *set, uint32_t fd)
{
    return set[fd / WORD_BITS] >> (fd % WORD_BITS) & 1;
}

static const uint32_t select_events[SELECT_SETS] = {SELECT_READ, SELECT_WRITE, SELECT_OTHER};

static void select_one(struct select *select, uint32_t fd)
{
    struct file *file = fd_file(fd);
    uint32_t now = file ? file_poll(file) : POLL_NVAL;
    for (uint32_t i = 0; i < SELECT_SETS; i++) {
        if (!poll_bit_of(select->asked + i * select->words, fd) || !(now & select_events[i]))
            continue;
        select->answers[i * select->words + fd / WORD_BITS] |= UINT64_C(1) << (fd % WORD_BITS);
        select->ready++;
    }
}

static bool select_is_asked(const struct select *select, uint32_t fd)
{
    return poll_bit_of(select->asked, fd) || poll_bit_of(select->asked + select->words, fd) ||
           poll_bit_of(select->asked + 2 * select->words, fd);
}

static bool select_scan(void *context)
{
    struct select *select = context;
    select->ready = 0;
    memset(select->answers, 0, SELECT_SETS * select->words * sizeof(uint64_t));
    for (uint32_t fd = 0; fd < select->count; fd++) {
        if (select_is_asked(select, fd))
            select_one(select, fd);
        poll_give_way(fd);
    }
    return select->ready > 0;
}

static enum err select_join(void *context, struct poll_table *table)
{
    const struct select *select = context;
    enum err e = E_OK;
    for (uint32_t fd = 0; e == E_OK && fd < select->count; fd++) {
        uint32_t events = 0;
        for (uint32_t i = 0; i < SELECT_SETS; i++) {
            if (poll_bit_of(select->asked + i * select->words, fd))
                events |= select_events[i];
        }
        struct file *file = events ? fd_file(fd) : NULL;
        if (file)
            e = poll_table_add(table, file, events);
        poll_give_way(fd);
    }
    return e;
}

static enum err select_copy_in(struct select *select, const struct syscall *call)
{
    int32_t count = (int32_t)call->arg[0];
    if (count < 0)
        return E_INVAL;
    /* Descriptors beyond the file table cannot be open and are ignored, as in Linux. */
    const struct file_table *table = file_table_current();
    select->count = (uint32_t)count < table->capacity ? (uint32_t)count : table->capacity;
    select->words = (select->count + WORD_BITS - 1) / WORD_BITS;
    size_t set_bytes = select->words * sizeof(uint64_t);
    select->asked = select->near;
    if (2 * SELECT_SETS * select->words > ARRAY_LENGTH(select->near)) {
        select->asked = heap_alloc(2 * SELECT_SETS * set_bytes);
        if (!select->asked)
            return E_NOMEM;
    }
    select->answers = select->asked + SELECT_SETS * select->words;
    memset(select->asked, 0, 2 * SELECT_SETS * set_bytes);
    for (uint32_t i = 0; i < SELECT_SETS; i++) {
        if (call->arg[1 + i] == 0)
            continue;
        enum err e = copy_in(select->asked + i * select->words, virt(call->arg[1 + i]), set_bytes);
        if (e != E_OK)
            return e;
    }
    for (uint32_t fd = 0; fd < select->count; fd++) {
        if (select_is_asked(select, fd) && !fd_file(fd))
            return E_BADF;
        poll_give_way(fd);
    }
    return E_OK;
}

static enum err select_copy_out(const struct select *select, const struct syscall *call)
{
    enum err e = E_OK;
    for (uint32_t i = 0; e == E_OK && i < SELECT_SETS; i++) {
        if (call->arg[1 + i] != 0)
            e = copy_out(virt(call->arg[1 + i]), select->answers + i * select->words,
                         select->words * sizeof(uint64_t));
    }
    return e;
}

static enum err select_until(struct syscall *call, uint64_t deadline)
{
    struct select select;
    select.asked = select.near;
    enum err e = select_copy_in(&select, call);
    if (e == E_OK) {
        const struct poll_scanner scanner = {select_scan, select_join, &select};
        e = poll_wait(&scanner, deadline);
        if (e == E_OK || e == E_TIMEDOUT) {
            e = select_copy_out(&select, call);
            call->result = select.ready;
        }
    }
    if (select.asked != select.near)
        heap_free(select.asked);
    return e;
}

enum err sys_select(struct syscall *call)
{
    struct timeout timeout;
    enum err e = timeout_copy_in(&timeout, call->arg[4], true);
    if (e != E_OK)
        return e;
    e = select_until(call, timeout.deadline);
    timeout_copy_out(&timeout, call);
    return e;
}

enum err sys_pselect6(struct syscall *call)
{
    uint64_t mask[2] = {0, 0}; /* address, size */
    struct timeout timeout;
    enum err e = timeout_copy_in(&timeout, call->arg[4], false);
    if (e == E_OK && call->arg[5] != 0)
        e = copy_in(mask, virt(call->arg[5]), sizeof(mask));
    if (e == E_OK)
        e = signal_wait_mask_begin(virt(mask[0]), mask[1]);
    if (e != E_OK)
        return e;
    e = select_until(call, timeout.deadline);
    signal_wait_mask_end(e == E_INTR);
    timeout_copy_out(&timeout, call);
    return e;
}
