/* SPDX-License-Identifier: MIT */
#include "fs/vfs/range_lock.h"

#include "fs/vfs/text.h"
#include "fs/vfs/wait.h"
#include "mm/heap/hash_table.h"
#include "mm/heap/heap.h"

#define CHAIN_MAX 10 /* maximal length of a cycle of waiting owners that is detected */

struct waiter {
    const struct range_lock *wanted;
    struct hash_link by_owner; /* in `waiting` */
    struct list link;          /* of lock->waiters or ahead->behind */
    struct list behind;        /* waiters that conflict with this one, too */
    struct range_lock *lock;   /* what it waits for; both NULL: it looks again */
    struct waiter *ahead;
    struct wait_queue queue;
};

/* Threads that wait for a lock, by the hash of their owner. */
static struct hash_table waiting = HASH_TABLE_INIT(waiting);

static uint32_t owner_hash(const void *owner)
{
    return hash_bytes(&owner, sizeof(owner));
}

static struct range_lock *lock_of(struct gap_node *node)
{
    return node ? CONTAINER_OF(node, struct range_lock, node) : NULL;
}

const struct range_lock *range_lock_first(const struct inode *inode)
{
    return inode->locks ? lock_of(inode->locks->first) : NULL;
}

const struct range_lock *range_lock_next(const struct range_lock *lock)
{
    return lock_of(lock->node.next);
}

/* The first lock that starts behind `position`, or NULL. */
static struct gap_node *first_behind(const struct gap_tree *tree, uint64_t position)
{
    struct gap_node *found = NULL;
    for (struct gap_node *node = tree->root; node;) {
        bool behind = lock_of(node)->start > position;
        found = behind ? node : found;
        node = node->child[!behind];
    }
    return found;
}

/* The locks with a byte in [start, last], from the last to the first: that before `lock`, or the last
 * of all if `lock` is NULL. NULL at the end. */
static struct range_lock *overlapping(const struct gap_tree *tree, uint64_t start, uint64_t last,
                                      struct range_lock *lock)
{
    if (!tree)
        return NULL;
    return lock_of(gap_tree_before(tree, lock ? &lock->node : first_behind(tree, last), start));
}

static bool conflicts(const struct range_lock *a, const struct range_lock *b)
{
    return a->owner != b->owner && (a->write || b->write) && a->start <= b->last &&
           b->start <= a->last;
}

/* A lock that conflicts with `wanted`; `first`: the first of all. */
static struct range_lock *find_conflict(const struct inode *inode, const struct range_lock *wanted,
                                        bool first)
{
    struct range_lock *found = NULL, *lock = NULL;
    while ((lock = overlapping(inode->locks, wanted->start, wanted->last, lock)) != NULL) {
        if (conflicts(lock, wanted)) {
            found = lock;
            if (!first)
                break;
        }
    }
    return found;
}

const struct range_lock *range_lock_conflict(const struct inode *inode,
                                             const struct range_lock *wanted)
{
    return find_conflict(inode, wanted, true);
}

/* The owner of the lock for which a waiter of `owner` waits; NULL: `owner` does not wait. */
static const void *waits_for(const void *owner)
{
    uint32_t hash = owner_hash(owner);
    struct hash_link *link = hash_table_first(&waiting, hash);
    for (; link; link = hash_link_next(link)) {
        const struct waiter *waiter = CONTAINER_OF(link, struct waiter, by_owner);
        if (waiter->wanted->owner != owner)
            continue;
        while (waiter->ahead)
            waiter = waiter->ahead;
        return waiter->lock ? waiter->lock->owner : NULL;
    }
    return NULL;
}

static bool would_deadlock(const struct range_lock *wanted, const struct range_lock *conflict)
{
    const void *owner = conflict->owner;
    for (unsigned i = 0; owner && i < CHAIN_MAX; i++) {
        if (owner == wanted->owner)
            return true;
        owner = waits_for(owner);
    }
    return false;
}

static bool waiter_may_look(void *context)
{
    const struct waiter *waiter = context;
    return !waiter->lock && !waiter->ahead;
}

/* Waits until `lock` ends or becomes weaker, or a waiter that came earlier and conflicts gives up. Those behind `waiter` stay there. */
static enum err wait_for_end(struct waiter *waiter, struct range_lock *lock)
{
    struct list *line = &lock->waiters;
    waiter->lock = lock;
    for (struct list *at = line->next; at != line; at = at->next) {
        struct waiter *other = CONTAINER_OF(at, struct waiter, link);
        if (conflicts(other->wanted, waiter->wanted)) {
            waiter->lock = NULL;
            waiter->ahead = other;
            at = line = &other->behind;
        }
    }
    list_add_tail(line, &waiter->link);
    wait_queue_init(&waiter->queue);
    hash_table_add(&waiting, &waiter->by_owner, owner_hash(waiter->wanted->owner));
    enum err e = fs_wait(&waiter->queue, waiter_may_look, waiter, NO_DEADLINE);
    hash_table_remove(&waiting, &waiter->by_owner);
    list_remove(&waiter->link);
    waiter->lock = NULL;
    waiter->ahead = NULL;
    return e;
}

/* Those in the list wait for `lock`, or look again if it is NULL. */
static void move_waiters(struct list *waiters, struct range_lock *lock)
{
    while (!list_empty(waiters)) {
        struct waiter *waiter = CONTAINER_OF(waiters->next, struct waiter, link);
        list_remove(&waiter->link);
        waiter->ahead = NULL;
        waiter->lock = lock;
        if (lock)
            list_add_tail(&lock->waiters, &waiter->link);
        else
            wait_queue_wake(&waiter->queue);
    }
}

static void wake_waiters(struct range_lock *lock)
{
    move_waiters(&lock->waiters, NULL);
}

static void range_lock_insert(struct gap_tree *tree, struct range_lock *lock)
{
    gap_tree_insert(tree, &lock->node, first_behind(tree, lock->start), lock->last);
}

static void range_lock_end(struct gap_tree *tree, struct range_lock *lock)
{
    wake_waiters(lock);
    gap_tree_remove(tree, &lock->node);
    heap_free(lock);
}

static void drop_empty_tree(struct inode *inode)
{
    if (inode->locks && !inode->locks->root) {
        heap_free(inode->locks);
        inode->locks = NULL;
    }
}

/* Cuts `range` out of its owner's locks. If a lock becomes two, *spare is used and set to NULL. */
static void cut(struct gap_tree *tree, const struct range_lock *range, struct range_lock **spare)
{
    struct range_lock *lock, *before = NULL, *tail = NULL;
    for (lock = overlapping(tree, range->start, range->last, NULL); lock; lock = before) {
        before = overlapping(tree, range->start, range->last, lock);
        if (lock->owner != range->owner)
            continue;
        bool starts_before = lock->start < range->start;
        if (lock->last <= range->last) {
            if (!starts_before) {
                range_lock_end(tree, lock);
                continue;
            }
        } else if (starts_before) {
            tail = *spare;
            *spare = NULL;
            *tail = *lock;
            list_init(&tail->waiters);
        } else {
            tail = lock; /* is inserted again, because its start changes */
            gap_tree_remove(tree, &lock->node);
        }
        wake_waiters(lock);
        if (starts_before) {
            lock->last = range->start - 1;
            gap_tree_set(&lock->node, lock->last);
        }
    }
    if (tail) { /* at most one lock extends beyond the range */
        tail->start = range->last + 1;
        range_lock_insert(tree, tail);
    }
}

enum err range_lock_clear(struct inode *inode, const struct range_lock *range)
{
    if (!inode->locks)
        return E_OK;
    struct range_lock *spare = heap_alloc(sizeof(*spare));
    if (!spare)
        return E_NOMEM;
    cut(inode->locks, range, &spare);
    heap_free(spare);
    drop_empty_tree(inode);
    return E_OK;
}

/* Extends `wanted` over adjacent and overlapping locks of the same owner and kind. */
static void range_lock_join(const struct gap_tree *tree, struct range_lock *wanted)
{
    uint64_t start = wanted->start, last = wanted->last;
    struct range_lock *lock = NULL;
    while ((lock = overlapping(tree, start - (start > 0), last + 1, lock)) != NULL) {
        if (lock->owner != wanted->owner || lock->write != wanted->write)
            continue;
        wanted->start = lock->start < wanted->start ? lock->start : wanted->start;
        wanted->last = lock->last > wanted->last ? lock->last : wanted->last;
    }
}

/* Sets a lock that conflicts with no other; `behind` waits for it then. */
static enum err put_in(struct inode *inode, const struct range_lock *wanted, struct list *behind)
{
    struct range_lock *lock = heap_alloc(sizeof(*lock)), *spare = heap_alloc(sizeof(*spare));
    if (!inode->locks)
        inode->locks = heap_alloc_zero(sizeof(*inode->locks));
    if (!lock || !spare || !inode->locks) {
        heap_free(lock);
        heap_free(spare);
        drop_empty_tree(inode);
        return E_NOMEM;
    }
    *lock = *wanted;
    list_init(&lock->waiters);
    range_lock_join(inode->locks, lock);
    cut(inode->locks, lock, &spare);
    range_lock_insert(inode->locks, lock);
    move_waiters(behind, lock);
    heap_free(spare);
    return E_OK;
}

enum err range_lock_set(struct inode *inode, const struct range_lock *wanted, bool wait)
{
    struct range_lock *conflict;
    struct waiter waiter = {.wanted = wanted};
    enum err e = E_OK;
    list_init(&waiter.behind);
    while (e == E_OK && (conflict = find_conflict(inode, wanted, false)) != NULL) {
        if (!wait)
            e = E_AGAIN;
        else if (wanted->pid >= 0 && would_deadlock(wanted, conflict))
            e = E_DEADLK;
        else
            e = wait_for_end(&waiter, conflict);
    }
    if (e == E_OK)
        e = put_in(inode, wanted, &waiter.behind);
    move_waiters(&waiter.behind, NULL);
    return e;
}

void range_locks_end(struct inode *inode, const void *owner)
{
    struct gap_node *next;
    for (struct gap_node *node = inode->locks ? inode->locks->first : NULL; node; node = next) {
        next = node->next;
        if (lock_of(node)->owner == owner)
            range_lock_end(inode->locks, lock_of(node));
    }
    drop_empty_tree(inode);
}

static void range_lock_show(struct range_lock_lines *lines, const struct inode *inode,
                            const char *kind, const struct range_lock *lock)
{
    text_printf(lines->text, "%s%u: %-6s ADVISORY  %s %d %02lx:%02lx:%lu %lu ", lines->prefix,
                ++lines->number, kind, lock->write ? "WRITE" : "READ", lock->pid,
                (unsigned long)device_major(inode->fs->device),
                (unsigned long)device_minor(inode->fs->device), inode->ino, lock->start);
    if (lock->last >= INT64_MAX)
        text_printf(lines->text, "EOF\n");
    else
        text_printf(lines->text, "%lu\n", lock->last);
}

void range_locks_show(struct range_lock_lines *lines, const struct file *file,
                      const struct file_table *table, int32_t pid)
{
    const struct range_lock whole = {
        .last = INT64_MAX, .pid = pid, .write = file->lock == FILE_LOCK_EXCLUSIVE};
    if (file->lock != FILE_LOCK_NONE)
        range_lock_show(lines, file->inode, "FLOCK", &whole);
    for (const struct range_lock *l = range_lock_first(file->inode); l != NULL;
         l = range_lock_next(l))
        if (l->owner == file || l->owner == table)
            range_lock_show(lines, file->inode, l->owner == file ? "OFDLCK" : "POSIX", l);
}
