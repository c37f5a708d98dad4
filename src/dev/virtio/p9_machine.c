/* SPDX-License-Identifier: MIT */
/*
 * A thread that sends a message sleeps until its reply has come; the interrupt raises deferred work, which takes the replies
 * from the ring and wakes their threads. kernel_lock guards all of it.
 */
#define LOG_TAG "9p"
#include "dev/virtio/p9_machine.h"

#include "base/log.h"
#include "base/panic.h"
#include "dev/virtio/machine.h"
#include "dev/virtio/p9.h"
#include "kern/deferred.h"
#include "kern/p9_channel.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "mm/heap/heap.h"

enum {
    SHARES_MAX = 16,
    VAIN_SHARE_MAX = 100000, /* interrupts in a row that bring nothing: the device holds its line */
};

#define LATE_NS (30 * NS_PER_SECOND)

_Static_assert(P9_PARTS_MAX <= VIRTIO_P9_RING, "a message of as many parts fits into the ring");

struct share {
    struct p9_channel channel;
    struct virtio_p9 *p9;
    struct virtio_found found;
    struct deferred work;
    struct wait_queue room; /* for messages to come back, so that others have room */
    struct list waiters;    /* those whose message is under way: struct share_waiter */
    uint32_t returned;      /* messages that have come back, modulo 2^32 */
    unsigned vain;          /* interrupts in a row that brought nothing */
    const char *failed;     /* why; NULL: it works */
};

/* Of the message that is being sent. */
static struct virtio_buffer share_buffers[P9_PARTS_MAX];

/* On the stack of its thread. */
struct share_waiter {
    struct list link;
    struct wait_queue queue;
    bool done;
    enum err result;
    uint32_t written;
};

static void waiter_end(struct share_waiter *w, enum err result, uint32_t written)
{
    list_remove(&w->link);
    w->result = result;
    w->written = written;
    uint64_t flags = sched_lock();
    w->done = true;
    (void)wait_queue_wake_locked(&w->queue); /* the waiter is over as soon as the lock is dropped */
    sched_unlock(flags);
}

/* The device touches no memory any more, so that the threads may have theirs back. */
static void share_fail(struct share *s, const char *why)
{
    log_warn("%s: the device has failed: %s", s->p9->tag, why);
    s->failed = why;
    virtio_leave(&s->found, true);
    while (!list_empty(&s->waiters))
        waiter_end(CONTAINER_OF(s->waiters.next, struct share_waiter, link), E_IO, 0);
    wait_queue_wake(&s->room);
}

static void share_serve(struct deferred *work)
{
    struct share *s = CONTAINER_OF(work, struct share, work);
    struct virtio_done done;
    bool any = false;
    if (s->failed != NULL)
        return;
    while (virtio_p9_take(s->p9, &done)) {
        waiter_end(done.token, E_OK, done.written);
        s->returned++;
        any = true;
    }
    s->vain = any ? 0 : s->vain + 1;
    const char *why = any ? s->p9->ring.broken : virtio_p9_failure(s->p9);
    if (why == NULL && s->vain > VAIN_SHARE_MAX)
        why = "it interrupts without end";
    if (why != NULL)
        share_fail(s, why);
    else if (any)
        wait_queue_wake(&s->room);
}

static void share_interrupt(void *context)
{
    struct share *s = context;
    if (virtio_interrupt(&s->found) != 0)
        deferred_raise(&s->work);
}

/* Sleeps until the condition holds, whatever signals come. The log says once that it takes long. */
#define SHARE_WAIT(s, queue, condition)                                                            \
    do {                                                                                           \
        uint64_t late = time_now_ns() + LATE_NS;                                                   \
        while (!(condition)) {                                                                     \
            enum err slept =                                                                       \
                WAIT_EVENT_IN(queue, condition, late, WAIT_ALL | WAIT_DESPITE_SIGNALS);            \
            if (slept == E_TIMEDOUT) {                                                             \
                log_warn("%s: the host has not answered for 30 s", (s)->p9->tag);                  \
                late = NO_DEADLINE;                                                                \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static enum err share_send(struct share *s, const struct p9_exchange *x, struct share_waiter *w)
{
    unsigned count = x->readable + x->writable;
    for (;;) {
        uint32_t returned = s->returned;
        if (s->failed != NULL)
            return E_IO;
        for (unsigned i = 0; i < count; i++) /* each time: the array is that of all threads */
            share_buffers[i] = (struct virtio_buffer){kpage_phys(x->parts[i].at), x->parts[i].size};
        enum err e = virtio_p9_send(s->p9, share_buffers, x->readable, x->writable, w);
        if (e != E_AGAIN)
            return e;
        SHARE_WAIT(s, &s->room, s->returned != returned || s->failed != NULL);
    }
}

static enum err share_exchange(struct p9_channel *channel, struct p9_exchange *x)
{
    struct share *s = CONTAINER_OF(channel, struct share, channel);
    struct share_waiter w = {.done = false};
    assert(x->readable + x->writable <= channel->parts);
    wait_queue_init(&w.queue);
    w.queue.outside = true;
    list_init(&w.link);
    enum err e = share_send(s, x, &w);
    if (e != E_OK)
        return E_IO;
    list_add_tail(&s->waiters, &w.link);
    SHARE_WAIT(s, &w.queue, w.done);
    x->written = w.written;
    return w.result;
}

/* --- start --- */

INIT_CODE static enum err open_share(struct share *s)
{
    void *page = kpage_alloc();
    enum err e = E_NOMEM;
    s->p9 = heap_alloc(sizeof *s->p9);
    if (page != NULL && s->p9 != NULL)
        e = virtio_p9_open(s->p9, s->found.device, page, kpage_phys(page));
    if (e != E_OK)
        return e;
    s->channel.name = s->p9->tag;
    s->channel.parts = s->p9->ring.options.size;
    s->channel.exchange = share_exchange;
    p9_channel_register(&s->channel);
    log_info("%s: a folder of the host, virtio-9p by %s interrupts by %s", s->p9->tag,
             virtio_bus_name(&s->found), virtio_interrupt_name(&s->found));
    return E_OK;
}

INIT_CODE void shares_start(const struct boot_info *boot, const struct options *options)
{
    enum err e = E_OK;
    for (unsigned i = 0; i < SHARES_MAX && e != E_NODEV && !virtio_none_left; i++) {
        struct share *s = heap_alloc_zero(sizeof *s);
        if (s == NULL)
            return;
        const struct pci_handlers handlers = {.interrupt = share_interrupt, .context = s};
        deferred_init(&s->work, share_serve);
        wait_queue_init(&s->room);
        s->room.outside = true;
        list_init(&s->waiters);
        e = virtio_find(boot, options, VIRTIO_9P, &handlers, &s->found);
        if (e == E_NODEV) {
            heap_free(s);
            continue;
        }
        if (e == E_OK)
            e = open_share(s);
        if (e != E_OK) {
            log_warn("a folder of the host cannot be used: error %d", e);
            e = E_IO;
        }
    }
}
