/* SPDX-License-Identifier: MIT */
#include "fs/vfs/async.h"

#include "fs/vfs/lease.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/wait.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"

#define SIGNALS       64
#define WRITE_BAND    (POLL_WRITABLE | POLL_WRBAND)
#define READ_REASONS  (POLL_READABLE | POLL_PRI | POLL_HUP | POLL_ERR)
#define WRITE_REASONS (POLL_WRITABLE | POLL_ERR)

struct async_entry {
    struct wait_entry wait;
    struct async *async;
    bool happened GUARDED_BY(class_sched);
};

struct async {
    struct file *file;
    struct fs_owner owner;
    int signal, fd;
    struct list happened GUARDED_BY(class_sched);
    struct async_entry entries[2]; /* of the queues for reading and for writing */
};

bool async_used;
static struct list
    happened GUARDED_BY(class_sched) = LIST_INIT(happened); /* struct async.happened */
static struct wait_queue async_queue = WAIT_QUEUE_INIT(async_queue);

static bool async_wake(struct wait_entry *wait) REQUIRES(class_sched)
{
    struct async_entry *entry = CONTAINER_OF(wait, struct async_entry, wait);
    entry->happened = true;
    if (list_empty(&entry->async->happened))
        list_add_tail(&happened, &entry->async->happened);
    wait_queue_wake_locked(&async_queue);
    return false;
}

/* The condition of a wait (kern/wait.h). */
static bool any_happened(void *context) NO_LOCK_ANALYSIS
{
    (void)context;
    return !list_empty(&happened);
}

/* Takes the next file with events; false if there is none. */
static bool async_next(struct async **out, bool events[2])
{
    uint64_t flags = sched_lock();
    bool found = !list_empty(&happened);
    if (found) {
        struct async *async = *out = CONTAINER_OF(happened.next, struct async, happened);
        list_remove(&async->happened);
        for (int i = 0; i < 2; i++) {
            events[i] = async->entries[i].happened;
            async->entries[i].happened = false;
        }
    }
    sched_unlock(flags);
    return found;
}

/* A wake-up may come without need: the signal is sent if the file is ready. */
static void async_send(const struct async *async, const bool events[2])
{
    uint32_t now = file_poll(async->file);
    bool hung_up = (now & POLL_HUP) && mode_is(async->file->inode->mode, S_IFSOCK);
    struct fs_io_event event = {async->signal, async->fd, hung_up ? FS_IO_HUP : FS_IO_IN,
                                hung_up ? POLL_HUP | POLL_ERR : POLL_READABLE};
    if (events[0] && (now & READ_REASONS))
        fs_signal_owner(&async->owner, &event);
    event.code = FS_IO_OUT;
    event.band = WRITE_BAND;
    if (events[1] && !hung_up && (now & WRITE_REASONS))
        fs_signal_owner(&async->owner, &event);
}

static void async_run(void *context)
{
    struct async *async;
    bool events[2];
    (void)context;
    for (;;) {
        (void)!fs_wait(&async_queue, any_happened, NULL, NO_DEADLINE);
        while (async_next(&async, events))
            async_send(async, events);
    }
}

static MUST_CHECK enum err async_start_thread(void)
{
    struct thread *thread;
    kernel_lock_assert();
    if (async_used)
        return E_OK;
    enum err e = thread_create("sigio", async_run, NULL, &thread);
    if (e == E_OK) {
        thread_set_schedule(thread, RUN_PRIORITY_MAX, false, RUN_WEIGHT_NORMAL);
        async_used = true;
    }
    return e;
}

static MUST_CHECK enum err async_make(struct file *file)
{
    if (file->async)
        return E_OK;
    struct async *async = heap_alloc_zero(sizeof(*async));
    if (!async)
        return E_NOMEM;
    async->file = file;
    list_init(&async->happened);
    for (int i = 0; i < 2; i++) {
        wait_entry_init(&async->entries[i].wait, async_wake);
        async->entries[i].async = async;
    }
    file->async = async;
    return E_OK;
}

static void async_join(struct async *async)
{
    struct file *file = async->file;
    bool terminal = mode_is(file->inode->mode, S_IFCHR); /* no signal when it can be written */
    for (int i = 0; i < 2; i++) {
        bool wanted = i == 0 ? file_can_read(file) : file_can_write(file) && !terminal;
        struct wait_queue *queue = wanted ? file->ops->queue(file, i == 1) : NULL;
        if (queue)
            wait_queue_join(queue, &async->entries[i].wait, false);
    }
}

static void async_leave(struct async *async)
{
    wait_queue_leave(&async->entries[0].wait);
    wait_queue_leave(&async->entries[1].wait);
    uint64_t flags = sched_lock();
    list_remove(&async->happened);
    sched_unlock(flags);
}

enum err async_set(struct file *file, int fd, bool on)
{
    if (!file->ops->async_group)
        return E_NOTTY;
    enum err e = async_make(file);
    if (e == E_OK)
        e = async_start_thread();
    if (e != E_OK)
        return e;
    struct async *async = file->async;
    async_leave(async);
    file->flags &= ~O_ASYNC;
    if (!on)
        return E_OK;
    if (async->owner.id == 0 && mode_is(file->inode->mode, S_IFCHR)) {
        uint32_t group = file->ops->async_group(file);
        e = group != 0 ? async_set_owner(file, FS_OWNER_GROUP, group)
                       : async_set_owner(file, FS_OWNER_PROCESS, fs_caller_job().pid);
    }
    async->fd = fd;
    file->flags |= O_ASYNC;
    async_join(async);
    return e;
}

enum err async_set_owner(struct file *file, enum fs_owner_type type, uint32_t id)
{
    if (id != 0 && !fs_owner_exists(type, id) && !fs_owner_exists(FS_OWNER_THREAD, id))
        return E_SRCH;
    enum err e = async_make(file);
    if (e != E_OK)
        return e;
    struct fs_credentials real, effective;
    fs_caller_credentials(false, &real);
    fs_caller_credentials(true, &effective);
    file->async->owner = (struct fs_owner){type, id, real.uid, effective.uid};
    return E_OK;
}

enum err async_set_number(struct file *file, int32_t number)
{
    if (number == INT32_MIN)
        return E_INVAL;
    return number < 0 ? async_set_owner(file, FS_OWNER_GROUP, (uint32_t)-number)
                      : async_set_owner(file, FS_OWNER_PROCESS, (uint32_t)number);
}

struct fs_owner async_owner(const struct file *file)
{
    struct fs_owner owner = {.type = FS_OWNER_THREAD};
    if (file->async)
        owner = file->async->owner;
    if (owner.id != 0 && !fs_owner_exists(owner.type, owner.id))
        owner.id = 0;
    return owner;
}

int32_t async_number(const struct file *file)
{
    struct fs_owner owner = async_owner(file);
    return owner.type == FS_OWNER_GROUP ? -(int32_t)owner.id : (int32_t)owner.id;
}

enum err async_set_signal(struct file *file, uint64_t signal)
{
    if (signal > SIGNALS)
        return E_INVAL;
    enum err e = async_make(file);
    if (e == E_OK)
        file->async->signal = (int)signal;
    return e;
}

int async_signal(const struct file *file)
{
    return file->async ? file->async->signal : 0;
}

void async_urgent(const struct file *file)
{
    struct fs_io_event event = {.signal = FS_SIGURG, .code = FS_IO_URGENT};
    if (file->async && file->async->owner.id != 0)
        fs_signal_owner(&file->async->owner, &event);
}

void async_forget_owner(struct file *file)
{
    file->async->owner.id = 0;
    file->async->signal = 0;
}

void async_end(struct file *file)
{
    lease_end(file);
    notify_end(file);
    async_leave(file->async);
    heap_free(file->async);
}

uint32_t async_no_group(const struct file *file)
{
    (void)file;
    return 0;
}
