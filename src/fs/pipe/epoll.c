/* SPDX-License-Identifier: MIT */
#include "fs/pipe/epoll.h"

#include "base/str.h"
#include "fs/vfs/anon_file.h"
#include "fs/vfs/text.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

#define DEPTH_MAX 5 /* length of a chain of nested epolls: Linux's EP_MAX_NESTS + 1 */
#define LOOKS_MAX                                                                                  \
    150000 /* of a call at nested epolls, in steps of an item of a file that nothing else watches */
#define LOOK_COST 8 /* of any other item */
#define TABLE_MIN 16u
#define ASKED     0xffffu /* the bits of `events` that poll() answers */

/* Paths by which a file wakes epolls that nothing watches, by the number of epolls between: Linux's limits. Without them a
 * wake-up takes as long as there are paths, which is a power of the number of epolls. */
static const uint16_t path_limits[DEPTH_MAX] = {UINT16_MAX, 500, 100, 50, 10};

struct epoll {
    struct file *file;   /* no reference: its own */
    struct item **table; /* chains by descriptor and file; NULL: no item yet */
    uint32_t chains;     /* of the table; at least TABLE_MIN */
    uint32_t half;       /* the largest power of two that is not above `chains` */
    uint32_t count;
    struct list items;      /* epolls first */
    struct cursor *cursors; /* of threads that describe the items */
    uint64_t walk;          /* the last look, which found `depth` or `paths` */
    uint64_t below;         /* the last look at the files below */
    uint16_t depth;
    uint16_t paths
        [DEPTH_MAX]; /* to epolls that nothing watches, by the number of epolls above this one */
    struct list ready GUARDED_BY(class_sched); /* struct item.ready */
    struct wait_queue waiting;                 /* threads in epoll_wait() */
    struct wait_queue watching;                /* poll() and other epolls */
};

struct item;

/* A position among the items of an epoll, which stays right while others are removed. */
struct cursor {
    struct cursor *next;
    struct list *at; /* of epoll->items */
};

struct watch_entry { /* the item's entry in a queue of its file */
    struct wait_entry wait;
    struct item *item;
};

struct item {
    struct item *next;   /* in the table's chain */
    struct list link;    /* epoll->items */
    struct list by_file; /* the ring of the file's items: file->watched */
    struct list ready GUARDED_BY(class_sched);
    struct epoll *epoll;
    struct file *file; /* no reference: epoll_forget() removes the item */
    int fd;
    struct epoll_event event;
    struct watch_entry entries[2];
};

/* ---- the table ---- */

static struct item **chain_of(const struct epoll *epoll, int fd, const struct file *file)
{
    uint64_t key = (uint64_t)(uintptr_t)file + (uint32_t)fd;
    uint32_t mixed = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    uint32_t chain = mixed & (2 * epoll->half - 1);
    return &epoll->table[chain < epoll->chains ? chain : chain - epoll->half];
}

static struct item *epoll_find(const struct epoll *epoll, int fd, const struct file *file)
{
    struct item *item = epoll->table ? *chain_of(epoll, fd, file) : NULL;
    while (item && (item->fd != fd || item->file != file))
        item = item->next;
    return item;
}

const struct file *epoll_watched(const struct file *file, int fd, uint32_t offset)
{
    const struct epoll *epoll = file->state;
    list_for_each (it, &epoll->items) {
        const struct item *item = CONTAINER_OF(it, struct item, link);
        if (item->fd == fd && offset-- == 0)
            return item->file;
    }
    return NULL;
}

static void chain_add(struct epoll *epoll, struct item *item)
{
    struct item **chain = chain_of(epoll, item->fd, item->file);
    item->next = *chain;
    *chain = item;
}

static void chain_remove(struct epoll *epoll, const struct item *item)
{
    struct item **at = chain_of(epoll, item->fd, item->file);
    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
}

/* Makes room for one more item: one chain more, whose items were in the chain `half` before it (linear hashing), so that
 * no item waits for all to move. Without memory for a larger table its chains grow. */
static MUST_CHECK enum err table_grow(struct epoll *epoll)
{
    if (epoll->count < epoll->chains)
        return E_OK;
    if (!epoll->table || epoll->chains == 2 * epoll->half) {
        uint32_t half = epoll->chains > 0 ? epoll->chains : TABLE_MIN;
        struct item **table = heap_resize(epoll->table, 2 * half * sizeof(struct item *));
        if (!table)
            return epoll->table ? E_OK : E_NOMEM;
        if (!epoll->table) {
            memset(table, 0, half * sizeof(struct item *));
            epoll->chains = half;
        }
        epoll->table = table;
        epoll->half = half;
    }
    struct item *item = epoll->table[epoll->chains - epoll->half], *next;
    epoll->table[epoll->chains - epoll->half] = NULL;
    epoll->table[epoll->chains++] = NULL;
    for (; item; item = next) {
        next = item->next;
        chain_add(epoll, item);
    }
    return E_OK;
}

/* ---- waking ---- */

static bool item_is_armed(const struct item *item)
{
    return item->event.events & ASKED; /* else EPOLL_ONESHOT has disarmed it */
}

/* Puts the item into the ready list and wakes. True if a thread in epoll_wait() was woken. */
static bool item_happened(struct item *item) REQUIRES(class_sched)
{
    struct epoll *epoll = item->epoll;
    if (!item_is_armed(item))
        return false;
    if (list_empty(&item->ready))
        list_add_tail(&epoll->ready, &item->ready);
    wait_queue_wake_locked(&epoll->watching);
    return wait_queue_wake_locked(&epoll->waiting);
}

static bool item_wake(struct wait_entry *wait) REQUIRES(class_sched)
{
    return item_happened(CONTAINER_OF(wait, struct watch_entry, wait)->item);
}

static void item_join(struct item *item)
{
    struct wait_queue *queues[2];
    size_t count = file_queues(item->file, item->event.events & ASKED, queues);
    for (size_t i = 0; i < count; i++)
        wait_queue_join(queues[i], &item->entries[i].wait, item->event.events & EPOLL_EXCLUSIVE);
}

static void item_leave(struct item *item)
{
    for (size_t i = 0; i < ARRAY_LENGTH(item->entries); i++)
        wait_queue_leave(&item->entries[i].wait);
}

static uint32_t item_poll(const struct item *item)
{
    return item_is_armed(item) ? file_poll(item->file) & item->event.events & ASKED : 0;
}

/* For an item that is new or was changed: a file that is ready already counts as an event. */
static void item_start(struct item *item)
{
    item_join(item);
    if (item_poll(item) == 0)
        return;
    uint64_t flags = sched_lock();
    item_happened(item);
    sched_unlock(flags);
}

/* ---- items ---- */

static void ring_leave(struct item *item)
{
    struct list *next = item->by_file.next;
    if (item->file->watched == &item->by_file)
        item->file->watched = next == &item->by_file ? NULL : next;
    list_remove(&item->by_file);
}

static void item_free(struct item *item)
{
    item_leave(item);
    uint64_t flags = sched_lock();
    list_remove(&item->ready);
    sched_unlock(flags);
    ring_leave(item);
    chain_remove(item->epoll, item);
    for (struct cursor *cursor = item->epoll->cursors; cursor; cursor = cursor->next)
        if (cursor->at == &item->link)
            cursor->at = item->link.next;
    list_remove(&item->link);
    item->epoll->count--;
    heap_free(item);
}

static uint64_t epoll_walk; /* the number of this look at nested epolls */
static unsigned looks;      /* of the call, up to LOOKS_MAX */

static bool may_look(unsigned cost)
{
    looks += cost;
    return looks < LOOKS_MAX;
}

/* True if the epoll was not looked at since the walk began. */
static bool is_new_in_walk(struct epoll *epoll)
{
    bool new = epoll->walk != epoll_walk;
    epoll->walk = epoll_walk;
    return new;
}

/* The next item of the same file, in its ring; NULL: there is none, or the call has looked at too many. */
static struct item *next_watcher(const struct file *file, const struct item *item)
{
    struct list *link = item ? item->by_file.next : file->watched;
    if (!link || (item && link == file->watched) || !may_look(LOOK_COST))
        return NULL;
    return CONTAINER_OF(link, struct item, by_file);
}

/* The epolls of the longest chain that begins with `file`; DEPTH_MAX or more if it contains `top`. The epolls among
 * the items come first. Each epoll is looked at once: O(items that are epolls). */
static unsigned depth_below(const struct file *file, const struct file *top)
{
    if (!epoll_is(file))
        return 0;
    if (file == top)
        return DEPTH_MAX;
    struct epoll *epoll = file->state;
    if (!is_new_in_walk(epoll))
        return epoll->depth;
    unsigned deepest = 0;
    list_for_each (link, &epoll->items) {
        unsigned depth = depth_below(CONTAINER_OF(link, struct item, link)->file, top);
        if (depth == 0 || !may_look(LOOK_COST))
            break;
        deepest = depth > deepest ? depth : deepest;
    }
    epoll->depth = (uint16_t)(deepest + 1);
    return epoll->depth;
}

/* The epolls of the longest chain that ends at `file`, without it: those that watch it, and so on. O(their items). */
static unsigned depth_above(const struct file *file)
{
    struct epoll *epoll = file->state;
    if (!is_new_in_walk(epoll))
        return epoll->depth;
    unsigned deepest = 0;
    for (struct item *item = NULL; (item = next_watcher(file, item));) {
        unsigned depth = depth_above(item->epoll->file) + 1;
        deepest = depth > deepest ? depth : deepest;
    }
    epoll->depth = (uint16_t)deepest;
    return deepest;
}

static bool nests_too_deep(const struct file *watcher, const struct file *file)
{
    epoll_walk++;
    unsigned depth = depth_below(file, watcher);
    epoll_walk++;
    return depth >= DEPTH_MAX || depth + depth_above(watcher) >= DEPTH_MAX;
}

static void count_paths_above(struct epoll *epoll);

/* Adds the paths from each epoll that watches `file`, which go through `between` epolls more. O(items that watch the file). */
static void add_paths(uint16_t paths[DEPTH_MAX], const struct file *file, unsigned between)
{
    for (struct item *item = NULL; (item = next_watcher(file, item));) {
        struct epoll *epoll = item->epoll;
        if (is_new_in_walk(epoll))
            count_paths_above(epoll);
        for (unsigned i = 0; i + between < DEPTH_MAX; i++) {
            unsigned sum = paths[i + between] + epoll->paths[i];
            paths[i + between] = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
        }
    }
}

static void count_paths_above(struct epoll *epoll)
{
    memset(epoll->paths, 0, sizeof epoll->paths);
    if (epoll->file->watched)
        add_paths(epoll->paths, epoll->file, 1);
    else
        epoll->paths[0] = 1;
}

static bool exceeds_limits(const uint16_t paths[DEPTH_MAX])
{
    bool exceeds = false;
    for (unsigned i = 0; i < DEPTH_MAX; i++)
        exceeds = exceeds || paths[i] > path_limits[i];
    return exceeds;
}

static bool wakes_by_too_many_paths(const struct file *file)
{
    uint16_t paths[DEPTH_MAX] = {0};
    add_paths(paths, file, 0);
    return exceeds_limits(paths);
}

/* True if a file, or one below an epoll, wakes by more paths than path_limits allows, or if there is too much to look at.
 * Each epoll is looked at once: O(items below, and above them). */
static bool has_too_many_paths(const struct file *file)
{
    if (!epoll_is(file))
        return wakes_by_too_many_paths(file);
    struct epoll *epoll = file->state;
    if (epoll->below == epoll_walk)
        return false;
    epoll->below = epoll_walk;
    if (is_new_in_walk(epoll))
        count_paths_above(epoll);
    bool exceeds = exceeds_limits(epoll->paths); /* of files that nothing else watches */
    list_for_each (link, &epoll->items) {
        const struct item *item = CONTAINER_OF(link, struct item, link);
        bool shared = epoll_is(item->file) || item->by_file.next != &item->by_file;
        if (!may_look(1) || (shared ? has_too_many_paths(item->file) : exceeds))
            return true;
    }
    return false;
}

static enum err epoll_add(struct file *watcher, int fd, struct file *file,
                          const struct epoll_event *event)
{
    struct epoll *epoll = watcher->state;
    if (epoll_find(epoll, fd, file))
        return E_EXIST;
    looks = 0;
    if (epoll_is(file) && nests_too_deep(watcher, file))
        return E_LOOP;
    enum err e = table_grow(epoll);
    if (e != E_OK)
        return e;
    struct item *item = heap_alloc(sizeof(*item));
    if (!item)
        return E_NOMEM;
    *item = (struct item){.epoll = epoll, .file = file, .fd = fd, .event = *event};
    list_init(&item->ready);
    for (size_t i = 0; i < ARRAY_LENGTH(item->entries); i++) {
        wait_entry_init(&item->entries[i].wait, item_wake);
        item->entries[i].item = item;
    }
    if (epoll_is(file))
        list_add_head(&epoll->items, &item->link);
    else
        list_add_tail(&epoll->items, &item->link);
    list_init(&item->by_file);
    if (file->watched)
        list_add_tail(file->watched, &item->by_file);
    else
        file->watched = &item->by_file;
    chain_add(epoll, item);
    epoll->count++;
    epoll_walk++;
    if ((epoll_is(file) || watcher->watched) && has_too_many_paths(file)) {
        item_free(item);
        return E_INVAL;
    }
    item_start(item);
    return E_OK;
}

static enum err epoll_change(struct item *item, const struct epoll_event *event)
{
    if ((event->events | item->event.events) & EPOLL_EXCLUSIVE)
        return E_INVAL;
    item_leave(item);
    item->event = *event;
    item_start(item);
    return E_OK;
}

enum err epoll_control(struct file *watcher, enum epoll_op op, int fd, struct file *file,
                       const struct epoll_event *event)
{
    if (!file->ops->poll)
        return E_PERM;
    if (!epoll_is(watcher) || file == watcher)
        return E_INVAL;
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
    return op == EPOLL_ADD ? epoll_add(watcher, fd, file, &wanted) : epoll_change(item, &wanted);
}

/* ---- reporting ---- */

static bool has_ready(void *context) NO_LOCK_ANALYSIS /* a condition: under class_sched */
{
    return !list_empty(&((const struct epoll *)context)->ready);
}

enum err epoll_sleep(struct file *watcher, uint64_t deadline_ns)
{
    struct epoll *epoll = watcher->state;
    return fs_wait_one(&epoll->waiting, has_ready, epoll, deadline_ns);
}

/* Takes the first of a list of ready items; NULL: it is empty. */
static struct item *take_first_of(struct list *list)
{
    uint64_t flags = sched_lock();
    struct item *item = NULL;
    if (!list_empty(list)) {
        item = CONTAINER_OF(list->next, struct item, ready);
        list_remove(&item->ready);
    }
    sched_unlock(flags);
    return item;
}

static void put_back(struct list *list, struct item *item, bool first)
{
    uint64_t flags = sched_lock();
    list_remove(&item->ready); /* a wake-up may have put it back already */
    if (first)
        list_add_head(list, &item->ready);
    else
        list_add_tail(list, &item->ready);
    sched_unlock(flags);
}

size_t epoll_take(struct file *watcher, size_t max, epoll_sink sink, void *context)
{
    struct epoll *epoll = watcher->state;
    struct list old = LIST_INIT(old); /* what comes in meanwhile is for the next call */
    size_t count = 0;
    uint64_t flags = sched_lock();
    list_splice_head(&old, &epoll->ready);
    sched_unlock(flags);
    struct item *item;
    while (count < max && (item = take_first_of(&old))) {
        uint32_t ready = item_poll(item); /* when it has left the list: no wake-up is lost */
        if (ready == 0)
            continue;
        struct epoll_event event = {ready, item->event.data};
        if (!sink(context, &event)) {
            put_back(&old, item, true);
            break;
        }
        count++;
        if (item->event.events & EPOLL_ONESHOT)
            item->event.events &= ~ASKED;
        else if (!(item->event.events & EPOLL_EDGE))
            put_back(&epoll->ready, item, false);
    }
    flags = sched_lock();
    list_splice_head(&epoll->ready, &old);
    bool more = !list_empty(&epoll->ready);
    sched_unlock(flags);
    if (more)
        wait_queue_wake_one(&epoll->waiting);
    return count;
}

/* Polls the items of the ready list, and drops those that are not ready, until one is. */
static uint32_t epoll_poll(struct file *file)
{
    struct epoll *epoll = file->state;
    struct item *item;
    while ((item = take_first_of(&epoll->ready))) {
        if (item_poll(item) == 0)
            continue;
        put_back(&epoll->ready, item, true);
        return POLL_READABLE;
    }
    return 0;
}

static struct wait_queue *epoll_queue(struct file *file, bool write)
{
    return write ? NULL : &((struct epoll *)file->state)->watching;
}

void epoll_forget(struct file *file)
{
    while (file->watched) {
        item_free(CONTAINER_OF(file->watched, struct item, by_file));
        (void)fs_give_way(); /* others may still ask the file whether it is ready */
    }
}

static void epoll_release(struct file *file)
{
    struct epoll *epoll = file->state;
    while (!list_empty(&epoll->items)) {
        item_free(CONTAINER_OF(epoll->items.next, struct item, link));
        (void)fs_give_way();
    }
    heap_free(epoll->table);
    heap_free(epoll);
}

COLD static void describe_item(const struct item *item, struct text *text)
{
    text_printf(text, "tfd: %8d events: %8x data: %16lx  pos:%li ino:%lx sdev:%lx\n", item->fd,
                item->event.events, item->event.data, (int64_t)item->file->offset,
                item->file->inode->ino, item->file->inode->fs->device);
}

COLD static void epoll_describe(struct file *file, struct text *text)
{
    struct epoll *epoll = file->state;
    struct cursor cursor = {epoll->cursors, epoll->items.next}, **at = &epoll->cursors;
    *at = &cursor;
    while (cursor.at != &epoll->items && !text->failed) {
        describe_item(CONTAINER_OF(cursor.at, struct item, link), text);
        cursor.at = cursor.at->next;
        (void)fs_give_way();
    }
    for (at = &epoll->cursors; *at != &cursor;)
        at = &(*at)->next;
    *at = cursor.next;
}

static const struct file_ops epoll_ops = {.release = epoll_release,
                                          .poll = epoll_poll,
                                          .queue = epoll_queue,
                                          .describe = epoll_describe,
                                          .no_position = true};

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
    list_init(&epoll->ready);
    wait_queue_init(&epoll->waiting);
    epoll->waiting.outside = true; /* a device may be behind any of the files */
    wait_queue_init(&epoll->watching);
    enum err e = anon_file_open("anon_inode:[eventpoll]", &epoll_ops, epoll, 0, out);
    if (e == E_OK)
        epoll->file = *out;
    else
        heap_free(epoll);
    return e;
}
