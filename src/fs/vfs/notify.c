/* SPDX-License-Identifier: MIT */
#include "fs/vfs/notify.h"

#include "base/list.h"
#include "base/str.h"
#include "fs/vfs/anon_file.h"
#include "fs/vfs/async.h"
#include "fs/vfs/text.h"
#include "fs/vfs/wait.h"
#include "mm/heap/hash_table.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define EVENTS_MAX  16384u /* fs.inotify.max_queued_events */
#define WATCHES_MAX 65536u /* fs.inotify.max_user_watches */

struct inotify {
    struct list events, watches;
    struct hash_table numbers; /* struct watch.number; the hash is wd */
    uint32_t event_count;
    uint32_t bytes; /* of all events */
    int last_wd;
    struct wait_queue changed;
};

struct watch {
    struct watch *next; /* next watch of the inode */
    struct list link;   /* inotify.watches */
    struct hash_link number;
    struct inotify *inotify; /* NULL: a watch of F_NOTIFY, only in inode->watches */
    struct file *file;       /* F_NOTIFY: the directory, open; it sends the signals */
    struct inode *inode;     /* one reference */
    uint32_t mask;
    int wd; /* F_NOTIFY: the descriptor */
};

struct event_head { /* struct inotify_event */
    int32_t wd;
    uint32_t mask, cookie, length;
};

struct event {
    struct list link;
    struct event_head head;
    char name[]; /* head.length bytes: the name, and zeros up to a multiple of sizeof(head) */
};

uint32_t notify_watches;

static uint32_t event_bytes(const struct event *event)
{
    return (uint32_t)sizeof(event->head) + event->head.length;
}

static void event_free(struct inotify *inotify, struct event *event)
{
    list_remove(&event->link);
    inotify->event_count--;
    inotify->bytes -= event_bytes(event);
    heap_free(event);
}

/* True if the event equals the newest one, and is therefore dropped (inotify(7)). */
static bool is_repeated(const struct inotify *inotify, const struct event *event)
{
    if (list_empty(&inotify->events))
        return false;
    const struct event *last = CONTAINER_OF(inotify->events.prev, struct event, link);
    return last->head.wd == event->head.wd && last->head.mask == event->head.mask &&
           last->head.length == event->head.length &&
           memcmp(last->name, event->name, event->head.length) == 0;
}

static void notify_push(struct inotify *inotify, struct event_head head, const char *name,
                        size_t length)
{
    if (inotify->event_count >= EVENTS_MAX) {
        head = (struct event_head){.wd = -1, .mask = NOTIFY_OVERFLOW};
        length = 0;
    }
    if (length > 0)
        head.length = (uint32_t)align_up(length + 1, sizeof(head));
    struct event *event = heap_alloc_zero(sizeof(*event) + head.length);
    if (!event)
        return;
    event->head = head;
    memcpy(event->name, name, length);
    if (is_repeated(inotify, event)) {
        heap_free(event);
        return;
    }
    list_add_tail(&inotify->events, &event->link);
    inotify->event_count++;
    inotify->bytes += event_bytes(event);
    wait_queue_wake(&inotify->changed);
}

static void watch_end(struct watch *watch)
{
    struct inode *inode = watch->inode;
    struct watch **at = &inode->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    if (watch->inotify) {
        list_remove(&watch->link);
        hash_table_remove(&watch->inotify->numbers, &watch->number);
        notify_push(watch->inotify, (struct event_head){.wd = watch->wd, .mask = NOTIFY_IGNORED},
                    "", 0);
    }
    heap_free(watch);
    notify_watches--;
    inode_put(inode);
}

COLD static void notify_signal(const struct watch *watch)
{
    struct fs_owner owner = async_owner(watch->file);
    struct fs_io_event event = {async_signal(watch->file), watch->wd, FS_IO_MSG,
                                POLL_READABLE | POLL_MSG};
    if (owner.id != 0)
        fs_signal_owner(&owner, &event);
}

void notify_watchers(const struct inode *watched, uint32_t event,
                     const struct notify_subject *subject)
{
    bool self = event & (NOTIFY_DELETE_SELF | NOTIFY_MOVE_SELF);
    uint32_t kind = mode_is(subject->inode->mode, S_IFDIR) && !self ? NOTIFY_ISDIR : 0;
    for (struct watch *watch = watched->watches, *next; watch; watch = next) {
        next = watch->next;
        uint32_t common = watch->mask & event;
        if (common == 0 || (common & NOTIFY_EXCL_UNLINK))
            continue;
        struct event_head head = {watch->wd, (event & NOTIFY_ALL) | kind, subject->cookie, 0};
        if (watch->inotify)
            notify_push(watch->inotify, head, subject->name ? subject->name : "", subject->length);
        else
            notify_signal(watch);
        if (watch->mask & NOTIFY_ONESHOT)
            watch_end(watch);
    }
}

void notify_file(const struct dentry *dentry, uint32_t event)
{
    const struct dentry *parent = dentry->parent;
    if (!dentry->linked)
        event |= NOTIFY_EXCL_UNLINK; /* skips watches with that flag */
    if (parent && parent != dentry && !dentry->inode->linkable)
        notify_name(parent->inode, event,
                    (struct notify_subject){dentry->inode, dentry->name, dentry->length, 0});
    notify_inode(dentry->inode, event);
}

uint32_t notify_next_cookie(void)
{
    static uint32_t last;
    return ++last;
}

void notify_gone(struct inode *inode)
{
    notify_inode(inode, NOTIFY_DELETE_SELF);
    while (inode->watches)
        watch_end(inode->watches);
}

COLD void notify_unmounted(struct inode *inode)
{
    while (inode->watches) {
        const struct watch *watch = inode->watches;
        if (watch->inotify)
            notify_push(watch->inotify,
                        (struct event_head){.wd = watch->wd, .mask = NOTIFY_UNMOUNT}, "", 0);
        watch_end(inode->watches);
    }
}

COLD uint32_t notify_watches_of(const struct inode *inode)
{
    uint32_t count = 0;
    for (const struct watch *watch = inode->watches; watch; watch = watch->next)
        count++;
    return count;
}

static bool has_event(void *context)
{
    return !list_empty(&((const struct inotify *)context)->events);
}

static enum err inotify_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct inotify *inotify = file->state;
    if (!has_event(inotify)) {
        if (file->flags & O_NONBLOCK)
            return E_AGAIN;
        enum err e = fs_wait(&inotify->changed, has_event, inotify, NO_DEADLINE);
        if (e != E_OK)
            return e;
    }
    while (has_event(inotify)) {
        struct event *event = CONTAINER_OF(inotify->events.next, struct event, link);
        if (event_bytes(event) > io_left(io))
            return E_INVAL; /* file_read() ignores it if an event was moved before */
        struct io start = *io;
        enum err e = io_put(io, &event->head, sizeof(event->head));
        if (e == E_OK)
            e = io_put(io, event->name, event->head.length);
        if (e != E_OK) {
            *io = start; /* the event stays */
            return e;
        }
        event_free(inotify, event);
    }
    return E_OK;
}

static uint32_t inotify_poll(struct file *file)
{
    return has_event(file->state) ? POLL_READABLE : 0;
}

static struct wait_queue *inotify_queue(struct file *file, bool write)
{
    return write ? NULL : &((struct inotify *)file->state)->changed;
}

static enum err inotify_control(struct file *file, uint32_t command, uint64_t argument,
                                uint64_t *result)
{
    (void)result;
    const struct inotify *inotify = file->state;
    return command == FIONREAD
               ? copy_out_now(virt(argument), &inotify->bytes, sizeof(inotify->bytes))
               : E_NOTTY;
}

static void inotify_release(struct file *file)
{
    struct inotify *inotify = file->state;
    while (!list_empty(&inotify->watches))
        watch_end(CONTAINER_OF(inotify->watches.next, struct watch, link));
    while (has_event(inotify))
        event_free(inotify, CONTAINER_OF(inotify->events.next, struct event, link));
    heap_free(inotify);
}

/* Newest watch first, as Linux; without the file handle, which only file systems on disks have. */
COLD static void inotify_describe(struct file *file, struct text *text)
{
    const struct inotify *inotify = file->state;
    for (const struct list *at = inotify->watches.prev; at != &inotify->watches; at = at->prev) {
        const struct watch *watch = CONTAINER_OF(at, struct watch, link);
        text_printf(text, "inotify wd:%x ino:%lx sdev:%lx mask:%x ignored_mask:0 \n", watch->wd,
                    watch->inode->ino, watch->inode->fs->device, watch->mask);
    }
}

static const struct file_ops inotify_ops = {
    .release = inotify_release,
    .describe = inotify_describe,
    .read = inotify_read,
    .poll = inotify_poll,
    .queue = inotify_queue,
    .async_group = async_no_group,
    .control = inotify_control,
    .no_position = true,
};

enum err inotify_open(uint32_t flags, struct file **out)
{
    struct inotify *inotify = heap_alloc_zero(sizeof(*inotify));
    if (!inotify)
        return E_NOMEM;
    list_init(&inotify->events);
    list_init(&inotify->watches);
    hash_table_init(&inotify->numbers);
    wait_queue_init(&inotify->changed);
    enum err e = anon_file_open("anon_inode:inotify", &inotify_ops, inotify, flags, out);
    if (e != E_OK)
        heap_free(inotify);
    else
        (*out)->flags &= ~O_RDWR; /* it cannot be written to: O_RDONLY is 0 */
    return e;
}

bool inotify_is(const struct file *file)
{
    return file->ops == &inotify_ops;
}

static struct watch *notify_find(const struct inotify *inotify, const struct file *file,
                                 const struct inode *inode)
{
    struct watch *watch = inode->watches;
    while (watch && (watch->inotify != inotify || watch->file != file))
        watch = watch->next;
    return watch;
}

/* A watch of the inode with the other members of `how`. */
static MUST_CHECK enum err watch_new(const struct watch *how, struct inode *inode,
                                     struct watch **out)
{
    if (notify_watches >= WATCHES_MAX)
        return E_NOSPC;
    struct watch *watch = heap_alloc(sizeof(*watch));
    if (!watch)
        return E_NOMEM;
    *watch = *how;
    watch->inode = inode;
    watch->next = inode->watches;
    inode->watches = watch;
    inode_get(inode);
    notify_watches++;
    *out = watch;
    return E_OK;
}

enum err inotify_add(struct file *file, struct inode *inode, uint32_t mask, int *wd)
{
    struct inotify *inotify = file->state;
    struct watch *watch = notify_find(inotify, NULL, inode);
    uint32_t kept = mask & (NOTIFY_ALL | NOTIFY_ONESHOT | NOTIFY_EXCL_UNLINK);
    if (watch) {
        if (mask & NOTIFY_MASK_CREATE)
            return E_EXIST;
        watch->mask = (mask & NOTIFY_MASK_ADD) ? watch->mask | kept : kept;
    } else {
        enum err e =
            watch_new(&(struct watch){.inotify = inotify, .mask = kept, .wd = inotify->last_wd + 1},
                      inode, &watch);
        if (e != E_OK)
            return e;
        inotify->last_wd++;
        list_add_tail(&inotify->watches, &watch->link);
        hash_table_add(&inotify->numbers, &watch->number, (uint32_t)watch->wd);
    }
    *wd = watch->wd;
    return E_OK;
}

enum err inotify_remove(struct file *file, int wd)
{
    struct inotify *inotify = file->state;
    struct hash_link *link = hash_table_first(&inotify->numbers, (uint32_t)wd);
    if (!link)
        return E_INVAL;
    watch_end(CONTAINER_OF(link, struct watch, number));
    return E_OK;
}

/* By bit of DN_*. */
static const uint16_t dn_events[] = {NOTIFY_ACCESS,
                                     NOTIFY_MODIFY,
                                     NOTIFY_CREATE | NOTIFY_MOVED_TO,
                                     NOTIFY_DELETE | NOTIFY_MOVED_FROM,
                                     0,
                                     NOTIFY_ATTRIBUTES};
#define DN_RENAME    0x10u
#define DN_MULTISHOT 0x80000000u

COLD enum err notify_by_signal(struct file *file, int fd, uint32_t events)
{
    struct watch *watch = NULL;
    if ((events & ~DN_MULTISHOT) == 0) {
        notify_end(file);
        return E_OK;
    }
    if (!mode_is(file->inode->mode, S_IFDIR))
        return E_NOTDIR;
    uint32_t mask = events & DN_MULTISHOT ? 0 : NOTIFY_ONESHOT;
    mask |= events & DN_RENAME ? NOTIFY_RENAMED : 0;
    for (size_t i = 0; i < ARRAY_LENGTH(dn_events); i++)
        mask |= events >> i & 1 ? dn_events[i] : 0;
    enum err e = async_set_owner(file, FS_OWNER_PROCESS, fs_caller_job().pid);
    if (e == E_OK)
        watch = notify_find(NULL, file, file->inode);
    if (e == E_OK && !watch)
        return watch_new(&(struct watch){.file = file, .mask = mask, .wd = fd}, file->inode,
                         &watch);
    if (e != E_OK)
        return e;
    watch->wd = fd;
    watch->mask |= mask & ~NOTIFY_ONESHOT;
    if (events & DN_MULTISHOT)
        watch->mask &= ~NOTIFY_ONESHOT;
    return E_OK;
}

COLD void notify_end(const struct file *file)
{
    struct watch *watch = notify_find(NULL, file, file->inode);
    if (watch)
        watch_end(watch);
}
