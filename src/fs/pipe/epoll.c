/* SPDX-License-Identifier: MIT */
#include "fs/pipe/epoll.h"

#include "fs/vfs/anon_file.h"
#include "kern/wait.h"
#include "mm/heap/heap.h"

#define DEPTH_MAX 5 /* length of a chain of nested epolls: Linux's EP_MAX_NESTS + 1 */

struct epoll {
    struct list items;
};

struct item {
    struct list link;    /* epoll->items, in the order of polling */
    struct list by_file; /* all_items */
    struct epoll *epoll;
    struct file *file; /* no reference: epoll_forget() removes the item */
    int fd;
    bool news;      /* added or changed since the last report */
    uint32_t wakes; /* wait_queue.wakes at the last report */
    struct epoll_event event;
};

static struct list all_items = LIST_INIT(all_items);

static uint32_t wakes_of(struct file *file)
{
    struct wait_queue *queue = file->ops->queue ? file->ops->queue(file) : NULL;
    return queue ? queue->wakes : 0;
}

/* The events to report; 0: none. */
static uint32_t item_ready(const struct item *item)
{
    uint32_t asked = item->event.events & 0xffff;
    if (asked == 0) /* disarmed by EPOLL_ONESHOT */
        return 0;
    if ((item->event.events & EPOLL_EDGE) && !item->news && item->wakes == wakes_of(item->file))
        return 0;
    return file_poll(item->file) & asked;
}

static void item_free(struct item *item)
{
    list_remove(&item->link);
    list_remove(&item->by_file);
    heap_free(item);
}

static struct item *epoll_find(struct epoll *epoll, int fd, const struct file *file)
{
    list_for_each (link, &epoll->items) {
        struct item *item = CONTAINER_OF(link, struct item, link);
        if (item->fd == fd && item->file == file)
            return item;
    }
    return NULL;
}

/* Length of the longest chain of epolls from `file` downwards; DEPTH_MAX + 1 if it is longer than
 * DEPTH_MAX or contains `top`. */
static unsigned depth_below(const struct file *file, const struct file *top, unsigned so_far)
{
    unsigned deepest = so_far;
    if (!epoll_is(file))
        return so_far;
    if (file == top || so_far >= DEPTH_MAX)
        return DEPTH_MAX + 1;
    const struct epoll *epoll = file->state;
    list_for_each (link, &epoll->items) {
        const struct item *item = CONTAINER_OF(link, struct item, link);
        unsigned depth = depth_below(item->file, top, so_far + 1);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest == so_far ? so_far + 1 : deepest;
}

/* Length of the longest chain of epolls above `epoll`: those that watch it, and so on. */
static unsigned depth_above(const struct epoll *epoll, unsigned so_far)
{
    unsigned deepest = so_far;
    if (so_far > DEPTH_MAX)
        return so_far;
    list_for_each (link, &all_items) {
        const struct item *item = CONTAINER_OF(link, struct item, by_file);
        if (!epoll_is(item->file) || item->file->state != epoll)
            continue;
        unsigned depth = depth_above(item->epoll, so_far + 1);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

static enum err epoll_add(struct file *watcher, int fd, struct file *file,
                          const struct epoll_event *event)
{
    struct epoll *epoll = watcher->state;
    if (epoll_find(epoll, fd, file))
        return E_EXIST;
    if (epoll_is(file)) {
        unsigned below = depth_below(file, watcher, 0);
        if (below > DEPTH_MAX || below + depth_above(epoll, 0) >= DEPTH_MAX)
            return E_LOOP;
    }
    struct item *item = heap_alloc_zero(sizeof(*item));
    if (!item)
        return E_NOMEM;
    item->epoll = epoll;
    item->file = file;
    item->fd = fd;
    item->news = true;
    item->event = *event;
    list_add_tail(&epoll->items, &item->link);
    list_add_tail(&all_items, &item->by_file);
    file->watched = true;
    return E_OK;
}

static enum err epoll_change(struct item *item, const struct epoll_event *event)
{
    if ((event->events | item->event.events) & EPOLL_EXCLUSIVE)
        return E_INVAL;
    item->event = *event;
    item->news = true;
    return E_OK;
}

enum err epoll_control(struct file *watcher, enum epoll_op op, int fd, struct file *file,
                       const struct epoll_event *event)
{
    if (!epoll_is(watcher) || file == watcher)
        return E_INVAL;
    if (!file->ops->poll)
        return E_PERM;
    struct item *item = epoll_find(watcher->state, fd, file);
    if (op != EPOLL_ADD && op != EPOLL_MODIFY && op != EPOLL_DELETE)
        return E_INVAL;
    if (op != EPOLL_ADD && !item)
        return E_NOENT;
    if (op == EPOLL_DELETE) {
        item_free(item);
        return E_OK;
    }
    struct epoll_event wanted = *event;
    wanted.events |= POLL_ERR | POLL_HUP; /* always reported */
    if ((wanted.events & EPOLL_EXCLUSIVE) && (epoll_is(file) || (wanted.events & EPOLL_ONESHOT)))
        return E_INVAL;
    enum err e =
        op == EPOLL_ADD ? epoll_add(watcher, fd, file, &wanted) : epoll_change(item, &wanted);
    if (e == E_OK)
        wait_queue_wake(&any_event); /* the item may be ready for a waiter of the epoll */
    return e;
}

bool epoll_is_ready(struct file *watcher)
{
    struct epoll *epoll = watcher->state;
    list_for_each (link, &epoll->items) {
        if (item_ready(CONTAINER_OF(link, struct item, link)))
            return true;
    }
    return false;
}

size_t epoll_take(struct file *watcher, size_t max, epoll_sink sink, void *context)
{
    struct epoll *epoll = watcher->state;
    size_t count = 0;
    struct list *last = epoll->items.prev;
    for (struct list *link = epoll->items.next, *next; count < max && link != &epoll->items;
         link = next) {
        struct item *item = CONTAINER_OF(link, struct item, link);
        bool at_end = link == last;
        uint32_t wakes = wakes_of(item->file), ready = item_ready(item);
        next = link->next;
        if (ready != 0) {
            struct epoll_event event = {ready, item->event.data};
            if (!sink(context, &event))
                break;
            count++;
            item->wakes = wakes;
            item->news = false;
            if (item->event.events & EPOLL_ONESHOT)
                item->event.events &= ~0xffffu;
            list_remove(link);
            list_add_tail(&epoll->items, link);
        }
        if (at_end)
            break;
    }
    return count;
}

void epoll_forget(struct file *file)
{
    for (struct list *link = all_items.next, *next; link != &all_items; link = next) {
        struct item *item = CONTAINER_OF(link, struct item, by_file);
        next = link->next;
        if (item->file == file)
            item_free(item);
    }
}

static uint32_t epoll_poll(struct file *file)
{
    return epoll_is_ready(file) ? POLL_READABLE : 0;
}

static void epoll_release(struct file *file)
{
    struct epoll *epoll = file->state;
    while (!list_empty(&epoll->items))
        item_free(CONTAINER_OF(epoll->items.next, struct item, link));
    heap_free(epoll);
}

static const struct file_ops epoll_ops = {
    .release = epoll_release, .poll = epoll_poll, .no_position = true};

bool epoll_is(const struct file *file)
{
    return file->ops == &epoll_ops;
}

enum err epoll_open(struct file **out)
{
    struct epoll *epoll = heap_alloc_zero(sizeof(*epoll));
    if (!epoll)
        return E_NOMEM;
    list_init(&epoll->items);
    enum err e = anon_file_open("anon_inode:[eventpoll]", &epoll_ops, epoll, 0, out);
    if (e != E_OK)
        heap_free(epoll);
    return e;
}
