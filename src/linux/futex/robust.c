/* SPDX-License-Identifier: MIT */
/*
 * Futexes at thread exit: the robust list (set_robust_list(2)), PI locks, and the word of
 * set_tid_address(2). The list lies in the program's memory and is untrusted: the walk is bounded
 * by ROBUST_LIMIT entries and ends at the first fault.
 */
#include "linux/futex/futex.h"
#include "linux/futex/pi.h"
#include "linux/task/process.h"
#include "linux/task/thread_exit.h"
#include "mm/vm/usercopy.h"

#define ROBUST_LIMIT 2048 /* ROBUST_LIST_LIMIT */
#define ENTRY_PI     1    /* bit 0 of a link: a priority-inheriting lock */

struct robust_head { /* struct robust_list_head */
    uint64_t first;
    int64_t futex_offset; /* from an entry to its futex word */
    uint64_t pending;     /* the entry that is being locked or unlocked */
};

static void wake_one(uint64_t address)
{
    struct futex_key key;
    if (futex_key_shared(address, &key) == E_OK)
        futex_wake(&key, 1, FUTEX_BITSET_ANY);
}

/* Marks the word of an entry that `lt` owns. False, which ends the walk, if the word cannot be read
 * or written. */
static bool owner_died(const struct linux_thread *lt, uint64_t link, int64_t offset, bool pending)
{
    uint64_t address = (link & ~(uint64_t)ENTRY_PI) + (uint64_t)offset;
    bool pi = link & ENTRY_PI;
    uint32_t value;
again:
    if (address % sizeof value != 0 || copy_in_waiting(&value, virt(address), sizeof value) != E_OK)
        return false;
    if (pending && !pi && value == 0) {
        wake_one(address); /* the thread died between unlock and wake-up */
        return true;
    }
    if ((value & FUTEX_TID_MASK) != (uint32_t)lt->tid)
        return true;
    uint32_t died = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    enum err e = change_out(virt(address), value, died);
    if (e == E_CHANGED || (e != E_OK && copy_wait(e) == E_OK))
        goto again;
    if (e != E_OK)
        return false;
    if (!pi && (value & FUTEX_WAITERS))
        wake_one(address);
    return true;
}

static void walk_robust_list(const struct linux_thread *lt)
{
    struct robust_head head;
    if (copy_in_waiting(&head, virt(lt->robust_list), sizeof head) != E_OK)
        return;
    uint64_t link = head.first, next;
    for (int i = 0; i < ROBUST_LIMIT && (link & ~(uint64_t)ENTRY_PI) != lt->robust_list; i++) {
        uint64_t entry = link & ~(uint64_t)ENTRY_PI;
        bool more = copy_in_waiting(&next, virt(entry), sizeof next) == E_OK;
        if (entry != (head.pending & ~(uint64_t)ENTRY_PI) &&
            !owner_died(lt, link, head.futex_offset, false))
            return;
        if (!more)
            break;
        link = next;
    }
    if (head.pending != 0)
        (void)!owner_died(lt, head.pending, head.futex_offset, true);
}

void thread_exit_futexes(struct linux_thread *lt)
{
    uint32_t zero = 0;
    if (lt->robust_list != 0)
        walk_robust_list(lt);
    lt->robust_list = 0;
    futex_pi_exit(lt);
    if (lt->clear_tid == 0)
        return;
    if (copy_out(virt(lt->clear_tid), &zero, sizeof zero) == E_OK)
        wake_one(lt->clear_tid);
    lt->clear_tid = 0;
}
