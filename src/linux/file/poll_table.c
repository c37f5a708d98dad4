/* SPDX-License-Identifier: MIT */
#include "linux/file/poll_table.h"

#include "kern/thread.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "mm/heap/heap.h"

#define NEAR  8u  /* entries without an allocation: they are on the stack */
#define CHUNK 64u /* entries of one allocation */

struct poll_entry {
    struct wait_entry wait;
    struct poll_table *table;
    struct file *file; /* one reference: its queue is part of it */
};

struct chunk {
    struct chunk *next;
    struct poll_entry entries[CHUNK];
};

struct poll_table {
    struct wait_queue queue; /* in which the thread sleeps */
    bool happened;           /* a wake-up since the last scan began; under class_sched */
    struct poll_entry *next; /* up to `end` they are free */
    struct poll_entry *end;
    struct chunk *chunks; /* the newest first */
    struct poll_entry near[NEAR];
};

static bool poll_entry_wake(struct wait_entry *wait) REQUIRES(class_sched)
{
    struct poll_table *table = CONTAINER_OF(wait, struct poll_entry, wait)->table;
    table->happened = true;
    return wait_queue_wake_locked(&table->queue);
}

static struct poll_entry *entry_new(struct poll_table *table)
{
    if (table->next == table->end) {
        struct chunk *chunk = heap_alloc(sizeof(*chunk));
        if (!chunk)
            return NULL;
        chunk->next = table->chunks;
        table->chunks = chunk;
        table->next = chunk->entries;
        table->end = chunk->entries + CHUNK;
    }
    return table->next++;
}

enum err poll_table_add(struct poll_table *table, struct file *file, uint32_t events)
{
    struct wait_queue *queues[2];
    size_t count = file_queues(file, events, queues);
    for (size_t i = 0; i < count; i++) {
        struct poll_entry *entry = entry_new(table);
        if (!entry)
            return E_NOMEM;
        wait_entry_init(&entry->wait, poll_entry_wake);
        entry->table = table;
        entry->file = file;
        file_get(file);
        wait_queue_join(queues[i], &entry->wait, false);
    }
    return E_OK;
}

static void entries_end(struct poll_entry *entry, const struct poll_entry *end)
{
    for (; entry < end; entry++) {
        wait_queue_leave(&entry->wait);
        file_put(entry->file);
    }
}

static void table_end(struct poll_table *table)
{
    entries_end(table->near, table->chunks ? table->near + NEAR : table->next);
    const struct poll_entry *end = table->next; /* the newest chunk may have free entries */
    for (struct chunk *chunk = table->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        entries_end(chunk->entries, end);
        heap_free(chunk);
        thread_give_way();
        end = next ? next->entries + CHUNK : NULL;
    }
}

/* NOINLINE: the table is on the stack of calls that sleep, and of no others. */
static NOINLINE enum err poll_sleep(const struct poll_scanner *scanner, uint64_t deadline_ns)
{
    struct poll_table table;
    kernel_lock_assert();
    wait_queue_init(&table.queue);
    table.queue.outside = true; /* a device may be behind any of the files */
    table.chunks = NULL;
    table.next = table.near;
    table.end = table.near + NEAR;
    table.happened = false;
    enum err e = scanner->join(scanner->context, &table);
    while (e == E_OK) {
        table.happened = false;
        if (scanner->scan(scanner->context))
            break;
        e = WAIT_EVENT(&table.queue, table.happened, deadline_ns);
    }
    table_end(&table);
    return e;
}

enum err poll_wait(const struct poll_scanner *scanner, uint64_t deadline_ns)
{
    if (scanner->scan(scanner->context))
        return E_OK;
    if (thread_current()->signal_pending)
        return E_INTR;
    if (deadline_ns != NO_DEADLINE && time_now_ns() >= deadline_ns)
        return E_TIMEDOUT;
    return poll_sleep(scanner, deadline_ns);
}
