/* SPDX-License-Identifier: MIT */
/*
 * A futex is a word of the program's memory; the kernel knows only who waits on which address.
 * There is one address space, so the address alone names the word, private or shared.
 *
 * The kernel is not preempted: between reading the word and joining the list nobody else runs,
 * which is what makes FUTEX_WAIT atomic. (Reading may fault and sleep; the word is read before, and
 * read again should the first read have had to wait: copy_in of a present word does not sleep.)
 */
#include "linux/sys_futex.h"

#include "base/list.h"
#include "kern/sync.h"
#include "kern/time.h"
#include "linux/abi_time.h"
#include "mm/usercopy.h"

enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET,
};

#define FUTEX_PRIVATE        128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_BITSET_ANY     UINT32_MAX

struct waiter {
    struct list link; /* of waiters */
    uint64_t address;
    uint32_t bitset;
    bool woken;
    struct wait_queue queue;
};

static struct list waiters = LIST_INIT(waiters); /* in order of arrival */

static struct waiter *waiter_of(struct list *link)
{
    return CONTAINER_OF(link, struct waiter, link);
}

static MUST_CHECK enum err load(uint64_t address, uint32_t *out)
{
    if (address % sizeof *out != 0)
        return E_INVAL;
    return copy_in(out, virt(address), sizeof *out);
}

static enum err wait(struct syscall *call, uint32_t bitset, uint64_t deadline)
{
    struct waiter self = {.address = call->arg[0], .bitset = bitset};
    uint32_t value;
    if (bitset == 0)
        return E_INVAL;
    enum err e = load(self.address, &value);
    if (e == E_OK) /* the first read may have slept for the page */
        e = load(self.address, &value);
    if (e != E_OK)
        return e;
    if (value != (uint32_t)call->arg[2])
        return E_AGAIN;
    wait_queue_init(&self.queue);
    list_add_tail(&waiters, &self.link);
    e = WAIT_EVENT(&self.queue, self.woken, deadline);
    list_remove(&self.link);
    if (self.woken)
        return E_OK;
    /* With a time-out, Linux goes on with the rest of it; ours is absolute already only for the
     * bitset form. */
    call->restart = deadline == NO_DEADLINE;
    call->restart_unhandled = deadline != NO_DEADLINE;
    return e;
}

/* Wakes up to `limit` of those who wait at `address` for one of the bits. */
static uint32_t wake(uint64_t address, uint32_t limit, uint32_t bitset)
{
    uint32_t count = 0;
    struct list *next;
    for (struct list *it = waiters.next; it != &waiters && count < limit; it = next) {
        struct waiter *w = waiter_of(it);
        next = it->next;
        if (w->address != address || !(w->bitset & bitset))
            continue;
        list_remove(&w->link);
        w->woken = true;
        wait_queue_wake(&w->queue);
        count++;
    }
    return count;
}

static uint32_t move(uint64_t from, uint64_t to, uint32_t limit)
{
    uint32_t count = 0;
    list_for_each (it, &waiters) {
        if (count == limit)
            break;
        if (waiter_of(it)->address == from) {
            waiter_of(it)->address = to;
            count++;
        }
    }
    return count;
}

static enum err requeue(struct syscall *call, bool compare)
{
    int to_wake = (int)call->arg[2], to_move = (int)call->arg[3];
    uint32_t value;
    if (to_wake < 0 || to_move < 0)
        return E_INVAL;
    enum err e = load(call->arg[0], &value);
    if (e == E_OK && call->arg[4] % sizeof value != 0)
        e = E_INVAL;
    if (e == E_OK && !user_range_ok(virt(call->arg[4]), sizeof value))
        e = E_FAULT;
    if (e != E_OK)
        return e;
    if (compare && value != (uint32_t)call->arg[5])
        return E_AGAIN;
    uint32_t woken = wake(call->arg[0], (uint32_t)to_wake, FUTEX_BITSET_ANY);
    uint32_t moved = move(call->arg[0], call->arg[4], (uint32_t)to_move);
    call->result = woken + (compare ? moved : 0);
    return E_OK;
}

/* FUTEX_WAKE_OP's little program: op, comparison, and their 12-bit signed operands. */
static MUST_CHECK enum err apply(uint32_t program, uint32_t old, uint32_t *new)
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

static MUST_CHECK enum err compare(uint32_t program, uint32_t old, bool *out)
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

static enum err wake_op(struct syscall *call)
{
    uint32_t program = (uint32_t)call->arg[5], old, new;
    bool second;
    if (call->arg[0] % sizeof old != 0)
        return E_INVAL;
    enum err e = load(call->arg[4], &old);
    if (e == E_OK)
        e = apply(program, old, &new);
    if (e == E_OK)
        e = compare(program, old, &second);
    if (e == E_OK)
        e = copy_out(virt(call->arg[4]), &new, sizeof new);
    if (e != E_OK)
        return e;
    call->result = wake(call->arg[0], (uint32_t)call->arg[2], FUTEX_BITSET_ANY);
    if (second)
        call->result += wake(call->arg[4], (uint32_t)call->arg[3], FUTEX_BITSET_ANY);
    return E_OK;
}

/* FUTEX_WAIT's time-out is a distance on the monotonic clock, FUTEX_WAIT_BITSET's a time on either.
 */
static MUST_CHECK enum err deadline_of(const struct syscall *call, bool absolute, uint64_t *out)
{
    uint64_t ns;
    *out = NO_DEADLINE;
    if (call->arg[3] == 0)
        return E_OK;
    enum err e = timespec_copy_in(virt(call->arg[3]), &ns);
    if (e != E_OK)
        return e;
    if (absolute && (call->arg[1] & FUTEX_CLOCK_REALTIME)) {
        uint64_t now = time_realtime_ns();
        ns = ns > now ? ns - now : 0;
        absolute = false;
    }
    *out = absolute ? ns : deadline_after(ns);
    return E_OK;
}

static enum err wake_call(struct syscall *call, uint32_t bitset)
{
    if (bitset == 0 || call->arg[0] % sizeof(uint32_t) != 0)
        return E_INVAL;
    if (!user_range_ok(virt(call->arg[0]), sizeof(uint32_t)))
        return E_FAULT;
    /* Linux wakes one even when asked for none or less. */
    uint32_t limit = (int)call->arg[2] > 0 ? (uint32_t)call->arg[2] : 1;
    call->result = wake(call->arg[0], limit, bitset);
    return E_OK;
}

enum err sys_futex(struct syscall *call)
{
    uint32_t operation = (uint32_t)call->arg[1] & ~(uint32_t)(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    uint64_t deadline = NO_DEADLINE;
    bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
    if (waits) {
        enum err e = deadline_of(call, operation == FUTEX_WAIT_BITSET, &deadline);
        if (e != E_OK)
            return e;
    }
    if (call->arg[1] & FUTEX_CLOCK_REALTIME && operation != FUTEX_WAIT_BITSET)
        return E_NOSYS;
    switch (operation) {
    case FUTEX_WAIT:
        return wait(call, FUTEX_BITSET_ANY, deadline);
    case FUTEX_WAIT_BITSET:
        return wait(call, (uint32_t)call->arg[5], deadline);
    case FUTEX_WAKE:
        return wake_call(call, FUTEX_BITSET_ANY);
    case FUTEX_WAKE_BITSET:
        return wake_call(call, (uint32_t)call->arg[5]);
    case FUTEX_REQUEUE:
        return requeue(call, false);
    case FUTEX_CMP_REQUEUE:
        return requeue(call, true);
    case FUTEX_WAKE_OP:
        return wake_op(call);
    default:
        return E_NOSYS;
    }
}
