/* SPDX-License-Identifier: MIT */
#include "linux/futex/sys_futex.h"

#include "cpu/lock.h"
#include "kern/time.h"
#include "linux/abi/clocks.h"
#include "linux/abi/time.h"
#include "linux/futex/futex.h"
#include "linux/futex/pi.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_LOCK_PI,
    FUTEX_UNLOCK_PI,
    FUTEX_TRYLOCK_PI,
    FUTEX_WAIT_BITSET,
    FUTEX_WAKE_BITSET,
    FUTEX_WAIT_REQUEUE_PI,
    FUTEX_CMP_REQUEUE_PI,
    FUTEX_LOCK_PI2,
};

#define FUTEX_PRIVATE        128
#define FUTEX_CLOCK_REALTIME 256

static inline MUST_CHECK enum err key_at(uint64_t address, bool private, struct futex_key *out)
{
    return likely(private) ? futex_key_private(address, out) : futex_key_shared(address, out);
}

/* The key of the futex at arg[index]. */
static inline MUST_CHECK enum err key_of(const struct syscall *call, size_t index,
                                         struct futex_key *out)
{
    return key_at(call->arg[index], call->arg[1] & FUTEX_PRIVATE, out);
}

/* For the operations that are rare. */
static NOINLINE MUST_CHECK enum err rare_key_of(const struct syscall *call, size_t index,
                                                struct futex_key *out)
{
    return key_of(call, index, out);
}

static MUST_CHECK enum err load(uint64_t address, uint32_t *out)
{
    return copy_in(out, virt(address), sizeof *out);
}

static enum err futex_wait(struct syscall *call, uint32_t bitset,
                           const struct futex_deadline *deadline)
{
    struct wait_queue queue = WAIT_QUEUE_INIT(queue);
    struct futex_waiter self; /* the other fields are those of priority inheritance */
    self.bitset = bitset;
    self.queue = &queue;
    self.lock = NULL;
    self.requeue_to = NULL;
    uint32_t value;
    enum err e = key_of(call, 0, &self.key);
    if (e != E_OK)
        return e;
    futex_join(&self);
    e = load(call->arg[0], &value);
    if (e == E_OK && value != (uint32_t)call->arg[2])
        e = E_AGAIN;
    if (e == E_OK) {
        e = WAIT_EVENT_IN(&queue, self.woken, deadline->ns, futex_how(deadline));
        if (!SEVERAL_CPUS && self.woken) {
            futex_key_drop(&self.key);
            return E_OK;
        }
        call->restart = deadline->ns == NO_DEADLINE;
        call->restart_resumes = deadline->ns != NO_DEADLINE;
        call->deadline_ns = deadline->ns;
    }
    futex_leave(&self);
    return self.woken ? E_OK : e;
}

/* Two different futexes: of arg[0] and of arg[4]. */
static enum err two_keys(const struct syscall *call, struct futex_key *first,
                         struct futex_key *second)
{
    enum err e = rare_key_of(call, 0, first);
    if (e == E_OK)
        e = rare_key_of(call, 4, second);
    return e == E_OK && futex_key_same(first, second) ? E_INVAL : e;
}

/* Sleeps as futex_wait() until FUTEX_CMP_REQUEUE_PI has moved the waiter to the lock at arg[4], and it has
 * the lock. */
static COLD enum err wait_requeue_pi(struct syscall *call, const struct futex_deadline *deadline)
{
    struct wait_queue queue = WAIT_QUEUE_INIT(queue);
    struct futex_key to;
    struct futex_waiter self = {
        .queue = &queue, .requeue_to = &to, .thread = linux_current(), .address = call->arg[4]};
    uint32_t value;
    enum err e = two_keys(call, &self.key, &to);
    if (e != E_OK)
        return e;
    futex_join(&self);
    e = load(call->arg[0], &value);
    if (e == E_OK && value != (uint32_t)call->arg[2])
        e = E_AGAIN;
    if (e == E_OK)
        e = WAIT_EVENT_IN(&queue, self.woken, deadline->ns, futex_how(deadline));
    futex_leave(&self);
    if (self.woken)
        return E_OK;
    if (self.lock != NULL) {
        futex_pi_give_up(&self);
        return e == E_INTR ? E_AGAIN : e; /* moved already: the call cannot be made again */
    }
    call->restart_always = e == E_INTR;
    return e;
}

static COLD enum err requeue_pi(struct syscall *call)
{
    int to_move = (int)call->arg[3];
    struct futex_key from, to;
    uint32_t value, count;
    if ((int)call->arg[2] != 1 || to_move < 0)
        return E_INVAL;
    enum err e = two_keys(call, &from, &to);
    if (e == E_OK)
        e = load(call->arg[0], &value);
    if (e != E_OK)
        return e;
    if (value != (uint32_t)call->arg[5])
        return E_AGAIN;
    e = futex_pi_requeue(&from, call->arg[4], &to, (uint32_t)to_move, &count);
    call->result = count;
    return e;
}

/* Adds a count of futex_wake() or futex_move() to the call's result. */
static ALWAYS_INLINE enum err count_woken(struct syscall *call, uint32_t count)
{
    if (unlikely(count == FUTEX_MIXED))
        return E_INVAL;
    call->result += count;
    return E_OK;
}

COLD static enum err requeue(struct syscall *call, bool compare)
{
    int to_wake = (int)call->arg[2], to_move = (int)call->arg[3];
    struct futex_key from, to;
    uint32_t value;
    if (to_wake < 0 || to_move < 0)
        return E_INVAL;
    enum err e = rare_key_of(call, 0, &from);
    if (e == E_OK)
        e = rare_key_of(call, 4, &to);
    if (e == E_OK && compare)
        e = load(call->arg[0], &value);
    if (e != E_OK)
        return e;
    if (compare && value != (uint32_t)call->arg[5])
        return E_AGAIN;
    e = count_woken(call, futex_wake(&from, (uint32_t)to_wake, FUTEX_BITSET_ANY));
    return e == E_OK ? count_woken(call, futex_move(&from, &to, (uint32_t)to_move)) : e;
}

/* The encoded operation of FUTEX_WAKE_OP: op, comparison, two signed 12-bit operands (futex(2)). */
COLD static MUST_CHECK enum err apply(uint32_t program, uint32_t old, uint32_t *new)
{
    uint32_t operand = (uint32_t)((int32_t)(program << 8) >> 20);
    if (program & 0x80000000)
        operand = UINT32_C(1) << (operand & 31);
    switch (program >> 28 & 7) {
    case 0:
        *new = operand;
        return E_OK;
    case 1:
        *new = old + operand;
        return E_OK;
    case 2:
        *new = old | operand;
        return E_OK;
    case 3:
        *new = old & ~operand;
        return E_OK;
    case 4:
        *new = old ^ operand;
        return E_OK;
    default:
        return E_NOSYS;
    }
}

COLD static MUST_CHECK enum err compare(uint32_t program, uint32_t old, bool *out)
{
    int32_t value = (int32_t)old, operand = (int32_t)(program << 20) >> 20;
    switch (program >> 24 & 15) {
    case 0:
        *out = value == operand;
        return E_OK;
    case 1:
        *out = value != operand;
        return E_OK;
    case 2:
        *out = value < operand;
        return E_OK;
    case 3:
        *out = value <= operand;
        return E_OK;
    case 4:
        *out = value > operand;
        return E_OK;
    case 5:
        *out = value >= operand;
        return E_OK;
    default:
        return E_NOSYS;
    }
}

/* As in Linux, a count of 0 or less wakes one waiter. */
static uint32_t wake_limit(uint64_t argument)
{
    return (int)argument > 0 ? (uint32_t)argument : 1;
}

COLD static enum err wake_op(struct syscall *call)
{
    uint32_t program = (uint32_t)call->arg[5], old, new;
    struct futex_key first, other;
    bool second;
    enum err e = rare_key_of(call, 0, &first);
    if (e == E_OK)
        e = rare_key_of(call, 4, &other);
    if (e == E_OK) {
        do {
            e = load(call->arg[4], &old);
            if (e == E_OK)
                e = apply(program, old, &new);
            if (e == E_OK)
                e = compare(program, old, &second);
            if (e == E_OK)
                e = change_out(virt(call->arg[4]), old, new);
        } while (e == E_CHANGED);
    }
    if (e != E_OK)
        return e;
    e = count_woken(call, futex_wake(&first, wake_limit(call->arg[2]), FUTEX_BITSET_ANY));
    if (e == E_OK && second)
        e = count_woken(call, futex_wake(&other, wake_limit(call->arg[3]), FUTEX_BITSET_ANY));
    return e;
}

/* Timeouts: FUTEX_WAIT, relative, monotonic clock; FUTEX_WAIT_BITSET and FUTEX_LOCK_PI2, absolute,
 * either clock; FUTEX_LOCK_PI, absolute, realtime clock. */
static MUST_CHECK enum err futex_deadline_of(const struct syscall *call, uint32_t operation,
                                             struct futex_deadline *out)
{
    if (call->arg[3] == 0)
        return E_OK;
    out->realtime = operation != FUTEX_WAIT &&
                    ((call->arg[1] & FUTEX_CLOCK_REALTIME) || operation == FUTEX_LOCK_PI);
    out->ns = call->deadline_ns;
    if (out->ns != 0)
        return E_OK;
    enum err e = timespec_copy_in(virt(call->arg[3]), &out->ns);
    if (e == E_OK && operation == FUTEX_WAIT)
        out->ns = deadline_after(out->ns);
    return e;
}

static enum err wake_call(struct syscall *call, uint32_t bitset)
{
    struct futex_key key;
    enum err e = key_of(call, 0, &key);
    if (unlikely(e != E_OK))
        return e;
    call->result = futex_wake(&key, wake_limit(call->arg[2]), bitset);
    return unlikely(call->result == FUTEX_MIXED) ? E_INVAL : E_OK;
}

static enum err lock_pi(struct syscall *call, bool wait_for_it,
                        const struct futex_deadline *deadline)
{
    struct futex_key key;
    enum err e = rare_key_of(call, 0, &key);
    if (e == E_OK)
        e = futex_pi_lock(call->arg[0], &key, wait_for_it, deadline);
    call->restart_always = e == E_INTR;
    return e;
}

static enum err unlock_pi(struct syscall *call)
{
    struct futex_key key;
    enum err e = futex_pi_owned(call->arg[0]); /* before the address is looked at more closely */
    if (e == E_OK)
        e = rare_key_of(call, 0, &key);
    return e == E_OK ? futex_pi_unlock(call->arg[0], &key) : e;
}

COLD static enum err futex_perform(struct syscall *call, uint32_t operation,
                                   const struct futex_deadline *deadline)
{
    switch (operation) {
    case FUTEX_WAIT:
        return futex_wait(call, FUTEX_BITSET_ANY, deadline);
    case FUTEX_WAIT_BITSET:
        return futex_wait(call, (uint32_t)call->arg[5], deadline);
    case FUTEX_WAKE:
        return wake_call(call, FUTEX_BITSET_ANY);
    case FUTEX_WAKE_BITSET:
        return (uint32_t)call->arg[5] != 0 ? wake_call(call, (uint32_t)call->arg[5]) : E_INVAL;
    case FUTEX_REQUEUE:
        return requeue(call, false);
    case FUTEX_CMP_REQUEUE:
        return requeue(call, true);
    case FUTEX_WAKE_OP:
        return wake_op(call);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return lock_pi(call, true, deadline);
    case FUTEX_TRYLOCK_PI:
        return lock_pi(call, false, deadline);
    case FUTEX_UNLOCK_PI:
        return unlock_pi(call);
    case FUTEX_WAIT_REQUEUE_PI:
        return wait_requeue_pi(call, deadline);
    case FUTEX_CMP_REQUEUE_PI:
        return requeue_pi(call);
    default:
        return E_NOSYS;
    }
}

static NOINLINE enum err futex_other(struct syscall *call)
{
    uint32_t operation = (uint32_t)call->arg[1] & ~(uint32_t)(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    struct futex_deadline deadline = {.ns = NO_DEADLINE};
    if (!(call->arg[1] & FUTEX_PRIVATE) ||
        (operation != FUTEX_WAIT && operation != FUTEX_WAIT_BITSET && operation != FUTEX_WAKE &&
         operation != FUTEX_WAKE_BITSET))
        kernel_lock_alone();
    if (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET || operation == FUTEX_LOCK_PI ||
        operation == FUTEX_LOCK_PI2 || operation == FUTEX_WAIT_REQUEUE_PI) {
        enum err e = futex_deadline_of(call, operation, &deadline);
        if (e != E_OK)
            return e;
    }
    if (call->arg[1] & FUTEX_CLOCK_REALTIME && operation != FUTEX_WAIT_BITSET &&
        operation != FUTEX_LOCK_PI2 && operation != FUTEX_WAIT_REQUEUE_PI)
        return E_NOSYS;
    if ((operation == FUTEX_WAIT_BITSET || operation == FUTEX_WAKE_BITSET) &&
        (uint32_t)call->arg[5] == 0)
        return E_INVAL;
    return futex_perform(call, operation, &deadline);
}

/* The two operations of mutexes and condition variables take a short path. */
enum err sys_futex(struct syscall *call)
{
    static const struct futex_deadline never = {.ns = NO_DEADLINE};
    switch ((uint32_t)call->arg[1]) {
    case FUTEX_WAKE | FUTEX_PRIVATE:
        return wake_call(call, FUTEX_BITSET_ANY);
    case FUTEX_WAIT | FUTEX_PRIVATE:
        if (call->arg[3] == 0)
            return futex_wait(call, FUTEX_BITSET_ANY, &never);
    }
    return futex_other(call);
}

#define WAITV_MAX     128
#define WAITV_SIZE_32 2

struct waitv { /* struct futex_waitv */
    uint64_t value, address;
    uint32_t flags, reserved;
};

struct waitv_job {
    struct wait_queue queue;
    uint32_t joined;
    struct futex_waiter waiters[WAITV_MAX];
};

/* Index of the first woken waiter, or -1. */
static int waitv_woken(const struct waitv_job *job)
{
    for (uint32_t i = 0; i < job->joined; i++)
        if (job->waiters[i].woken)
            return (int)i;
    return -1;
}

COLD static MUST_CHECK enum err waitv_join(struct waitv_job *job, uint64_t from)
{
    struct futex_waiter *waiter = &job->waiters[job->joined];
    struct waitv one;
    uint32_t value;
    enum err e = copy_in(&one, virt(from), sizeof one);
    if (e != E_OK)
        return e;
    if ((one.flags & ~(uint32_t)FUTEX_PRIVATE) != WAITV_SIZE_32 || one.reserved != 0)
        return E_INVAL;
    e = key_at(one.address, one.flags & FUTEX_PRIVATE, &waiter->key);
    if (e != E_OK)
        return e;
    waiter->bitset = FUTEX_BITSET_ANY;
    waiter->queue = &job->queue;
    futex_join(waiter);
    job->joined++;
    e = load(one.address, &value);
    return e == E_OK && value != (uint32_t)one.value ? E_AGAIN : e;
}

COLD enum err sys_futex_waitv(struct syscall *call)
{
    uint32_t count = (uint32_t)call->arg[1];
    int clock = (int)call->arg[4];
    struct futex_deadline deadline = {.ns = NO_DEADLINE,
                                      .realtime = clock == CLOCK_REALTIME && call->arg[3] != 0};
    if ((uint32_t)call->arg[2] != 0 || count == 0 || count > WAITV_MAX || call->arg[0] == 0)
        return E_INVAL;
    if (call->arg[3] != 0) {
        if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
            return E_INVAL;
        enum err e = timespec_copy_in(virt(call->arg[3]), &deadline.ns);
        if (e != E_OK)
            return e;
    }
    struct waitv_job *job = heap_alloc_zero(sizeof *job);
    if (job == NULL)
        return E_NOMEM;
    wait_queue_init(&job->queue);
    enum err e = E_OK;
    for (uint32_t i = 0; e == E_OK && i < count; i++)
        e = waitv_join(job, call->arg[0] + i * sizeof(struct waitv));
    if (e == E_OK)
        e = WAIT_EVENT_IN(&job->queue, waitv_woken(job) >= 0, deadline.ns, futex_how(&deadline));
    int woken = waitv_woken(job);
    for (uint32_t i = 0; i < job->joined; i++)
        futex_leave(&job->waiters[i]);
    heap_free(job);
    if (woken < 0) {
        call->restart = e == E_INTR;
        return e;
    }
    call->result = (uint64_t)woken;
    return E_OK;
}
