/* SPDX-License-Identifier: MIT */
/* System V message queues (msgop(2)). A message goes to the first receiver that waits for its type, else to the queue. */
#include "linux/ipc/sys_ipc.h"

#include "fs/vfs/credentials.h"
#include "linux/ipc/ids.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"
#include "mm/vm/usercopy.h"

#define MSG_NOERROR 010000u
#define MSG_EXCEPT  020000u
#define MSG_COPY    040000u

enum {
    MSG_STAT = 11,
    MSG_INFO = 12,
    MSG_STAT_ANY = 13,
};

struct message {
    struct list link;
    int64_t type;
    uint64_t size;
    char bytes[];
};

struct queue {
    struct ipc_object object;
    struct list messages, senders, receivers; /* struct message; struct ipc_waiter */
    uint64_t bytes, count, limit;
    int64_t sent, received;
    int last_sender, last_receiver;
};

/* What msgrcv() asks for. */
struct wanted {
    int64_t type;
    uint64_t size;
    uint32_t flags;
};

struct receiver {
    struct ipc_waiter waiter;
    struct wanted wanted;
    struct message *got;
    int pid;
};

struct sender {
    struct ipc_waiter waiter;
    uint64_t size;
};

uint64_t msg_max = 8192, msg_queue_max = 16384, msg_most = 32000;
uint64_t msg_next_id = UINT64_MAX;
static struct ipc_ids queues = IPC_IDS_INIT(queues, 32000, msg_next_id);
static uint64_t bytes_total, messages_total, memory_used;

static struct queue *queue_of(struct ipc_object *object)
{
    return CONTAINER_OF(object, struct queue, object);
}

static struct message *message_at(struct list *link)
{
    return CONTAINER_OF(link, struct message, link);
}

/* A quarter of the memory at most is in messages. */
static struct message *message_new(uint64_t size)
{
    uint64_t all = sizeof(struct message) + size;
    struct message *m = memory_used + all <= memory_total() / 4 ? heap_alloc(all) : NULL;
    if (m) {
        memory_used += all;
        m->size = size;
    }
    return m;
}

static void message_free(struct message *m)
{
    memory_used -= sizeof(*m) + m->size;
    heap_free(m);
}

static bool msg_matches(const struct wanted *w, const struct message *m)
{
    if (w->type == 0)
        return true;
    if (w->type < 0)
        return m->type <= (w->type == INT64_MIN ? INT64_MAX : -w->type);
    return (m->type == w->type) != !!(w->flags & MSG_EXCEPT);
}

/* The message that is received, NULL: none. */
static struct message *msg_select(struct queue *q, const struct wanted *w)
{
    struct message *best = NULL;
    int64_t index = 0;
    list_for_each (it, &q->messages) {
        struct message *m = message_at(it);
        if (w->flags & MSG_COPY ? index++ == w->type
                                : msg_matches(w, m) && (!best || m->type < best->type))
            best = m;
        if (best && (w->type >= 0 || best->type == 1 || w->flags & MSG_COPY))
            break;
    }
    return best;
}

static bool msg_has_room(const struct queue *q, uint64_t size)
{
    return size + q->bytes <= q->limit && 1 + q->count <= q->limit;
}

/* Wakes the first senders, as far as there is room for their messages. */
static void wake_senders(struct queue *q)
{
    uint64_t bytes = q->bytes, count = q->count;
    while (!list_empty(&q->senders)) {
        struct ipc_waiter *w = CONTAINER_OF(q->senders.next, struct ipc_waiter, link);
        bytes += CONTAINER_OF(w, struct sender, waiter)->size;
        if (bytes > q->limit || ++count > q->limit)
            return;
        ipc_wake(w, E_AGAIN);
    }
}

/* Hands the message to a receiver that waits for it; false: there is none. */
static bool hand_over(struct queue *q, struct message *m)
{
    for (struct list *at = q->receivers.next, *next; at != &q->receivers; at = next) {
        next = at->next;
        struct receiver *r = CONTAINER_OF(at, struct receiver, waiter.link);
        if (!msg_matches(&r->wanted, m))
            continue;
        if (m->size > r->wanted.size && !(r->wanted.flags & MSG_NOERROR)) {
            ipc_wake(&r->waiter, E_2BIG);
            continue;
        }
        r->got = m;
        q->last_receiver = r->pid;
        q->received = ipc_now();
        ipc_wake(&r->waiter, E_OK);
        return true;
    }
    return false;
}

static MUST_CHECK enum err queue_send(int id, struct message *m, uint32_t flags)
{
    for (bool again = false;; again = true) {
        struct ipc_object *object = ipc_find(&queues, id);
        if (!object)
            return again ? E_IDRM : E_INVAL;
        struct queue *q = queue_of(object);
        enum err e = ipc_may(object, IPC_WRITE);
        if (e != E_OK)
            return e;
        if (msg_has_room(q, m->size)) {
            q->last_sender = process_current()->pid;
            q->sent = ipc_now();
            if (hand_over(q, m))
                return E_OK;
            list_add_tail(&q->messages, &m->link);
            q->bytes += m->size;
            q->count++;
            bytes_total += m->size;
            messages_total++;
            return E_OK;
        }
        if (flags & IPC_NOWAIT)
            return E_AGAIN;
        struct sender self = {.size = m->size};
        e = ipc_sleep(&self.waiter, &q->senders, NO_DEADLINE);
        if (e != E_AGAIN)
            return e;
    }
}

enum err sys_msgsnd(struct syscall *call)
{
    int id = (int)call->arg[0];
    uint64_t size = call->arg[2];
    int64_t type;
    enum err e = copy_in(&type, virt(call->arg[1]), sizeof(type));
    if (e != E_OK)
        return e;
    if (size > msg_max || id < 0 || type < 1)
        return E_INVAL;
    struct message *m = message_new(size);
    if (!m)
        return E_NOMEM;
    m->type = type;
    e = copy_in(m->bytes, virt(call->arg[1] + sizeof(type)), size);
    if (e == E_OK)
        e = queue_send(id, m, (uint32_t)call->arg[3]);
    if (e != E_OK)
        message_free(m);
    call->restart_unhandled = true;
    return e;
}

/* copy: copy_out_now() for a message that stays in the queue. */
static enum err message_out(struct syscall *call, const struct message *m,
                            enum err (*copy)(virt_t to, const void *from, size_t size))
{
    uint64_t size = m->size < call->arg[2] ? m->size : call->arg[2];
    call->result = size;
    enum err e = copy(virt(call->arg[1]), &m->type, sizeof(m->type));
    return e == E_OK ? copy(virt(call->arg[1] + sizeof(m->type)), m->bytes, size) : e;
}

static void take_message(struct queue *q, struct message *m)
{
    list_remove(&m->link);
    q->bytes -= m->size;
    q->count--;
    bytes_total -= m->size;
    messages_total--;
    q->last_receiver = process_current()->pid;
    q->received = ipc_now();
    wake_senders(q);
}

enum err sys_msgrcv(struct syscall *call)
{
    struct receiver self = {.wanted = {(int64_t)call->arg[3], call->arg[2], (uint32_t)call->arg[4]},
                            .pid = linux_current()->tid};
    const struct wanted *w = &self.wanted;
    if ((int)call->arg[0] < 0 || (int64_t)w->size < 0)
        return E_INVAL;
    if (w->flags & MSG_COPY && (w->flags & MSG_EXCEPT || !(w->flags & IPC_NOWAIT)))
        return E_INVAL;
    struct ipc_object *object = ipc_find(&queues, (int)call->arg[0]);
    if (!object)
        return E_INVAL;
    struct queue *q = queue_of(object);
    enum err e = ipc_may(object, IPC_READ);
    if (e != E_OK)
        return e;
    struct message *m = msg_select(q, w);
    if (m && m->size > w->size && !(w->flags & MSG_NOERROR))
        return E_2BIG;
    if (m && w->flags & MSG_COPY)
        return message_out(call, m, copy_out_now);
    if (m) {
        take_message(q, m);
    } else {
        if (w->flags & IPC_NOWAIT)
            return E_NOMSG;
        e = ipc_sleep(&self.waiter, &q->receivers, NO_DEADLINE);
        call->restart_unhandled = true;
        if (e != E_OK)
            return e;
        m = self.got;
    }
    e = message_out(call, m, copy_out);
    message_free(m);
    return e;
}

static enum err queue_make(int key, uint32_t flags, struct ipc_object **out)
{
    struct queue *q = heap_alloc_zero(sizeof(*q));
    if (!q)
        return E_NOMEM;
    queues.limit = msg_most < IPC_SLOTS ? (uint32_t)msg_most : IPC_SLOTS;
    enum err e = ipc_add(&queues, &q->object, key, flags);
    if (e != E_OK) {
        heap_free(q);
        return e;
    }
    list_init(&q->messages);
    list_init(&q->senders);
    list_init(&q->receivers);
    q->limit = msg_queue_max;
    *out = &q->object;
    return E_OK;
}

static void queue_free(struct queue *q)
{
    ipc_wake_all(&q->senders, E_IDRM);
    ipc_wake_all(&q->receivers, E_IDRM);
    ipc_remove(&queues, &q->object); /* from here on no other thread reaches the queue */
    bytes_total -= q->bytes;
    messages_total -= q->count;
    while (!list_empty(&q->messages)) {
        struct message *m = message_at(q->messages.next);
        list_remove(&m->link);
        message_free(m);
        thread_give_way();
    }
    heap_free(q);
}

enum err sys_msgget(struct syscall *call)
{
    int key = (int)call->arg[0];
    uint32_t flags = (uint32_t)call->arg[1];
    struct ipc_object *object;
    enum err e = ipc_lookup(&queues, key, flags, &object);
    if (e == E_OK)
        e = object ? ipc_may(object, flags) : queue_make(key, flags, &object);
    if (e == E_OK)
        call->result = (uint64_t)object->id;
    return e;
}

struct msqid_ds {
    struct ipc_perm perm;
    int64_t sent, received, changed;
    uint64_t bytes, count, limit;
    int32_t last_sender, last_receiver;
    uint64_t unused[2];
};
_Static_assert(sizeof(struct msqid_ds) == 120, "asm-generic/msgbuf.h");

static enum err msg_stat(struct syscall *call, uint32_t command)
{
    struct ipc_object *object;
    enum err e = ipc_for_stat(&queues, (int)call->arg[0], command != IPC_STAT,
                              command == MSG_STAT_ANY, &object);
    if (e != E_OK)
        return e;
    const struct queue *q = queue_of(object);
    struct msqid_ds ds = {.perm = ipc_perm_of(object),
                          .sent = q->sent,
                          .received = q->received,
                          .changed = object->changed,
                          .bytes = q->bytes,
                          .count = q->count,
                          .limit = q->limit,
                          .last_sender = q->last_sender,
                          .last_receiver = q->last_receiver};
    call->result = command == IPC_STAT ? 0 : (uint64_t)object->id;
    return copy_out(virt(call->arg[2]), &ds, sizeof(ds));
}

static enum err msg_info(struct syscall *call, uint32_t command)
{
    int32_t queue = (int32_t)msg_queue_max, most = (int32_t)msg_most;
    int32_t info[8] = {(int32_t)(msg_most * msg_queue_max / 1024),
                       queue,
                       (int32_t)msg_max,
                       queue,
                       most,
                       16,
                       queue,
                       0xffff};
    if (command == MSG_INFO) {
        info[0] = (int32_t)queues.count;
        info[1] = (int32_t)messages_total;
        info[6] = (int32_t)bytes_total;
    }
    call->result = ipc_last_index(&queues);
    return copy_out(virt(call->arg[2]), info, sizeof(info));
}

static enum err msg_change(struct syscall *call, uint32_t command)
{
    struct msqid_ds ds;
    enum err e = command == IPC_SET ? copy_in(&ds, virt(call->arg[2]), sizeof(ds)) : E_OK;
    struct ipc_object *object = ipc_find(&queues, (int)call->arg[0]);
    if (e == E_OK)
        e = object ? ipc_may_control(object) : E_INVAL;
    if (e != E_OK)
        return e;
    struct queue *q = queue_of(object);
    if (command == IPC_RMID) {
        queue_free(q);
        return E_OK;
    }
    if (ds.limit > msg_queue_max && !capable(CAP_SYS_RESOURCE))
        return E_PERM;
    ipc_set(object, &ds.perm);
    q->limit = ds.limit;
    ipc_wake_all(&q->senders, E_AGAIN); /* they look again at room and rights */
    return E_OK;
}

enum err sys_msgctl(struct syscall *call)
{
    uint32_t command = (uint32_t)call->arg[1];
    if ((int)call->arg[0] < 0)
        return E_INVAL;
    switch (command) {
    case IPC_INFO:
    case MSG_INFO:
        return msg_info(call, command);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return msg_stat(call, command);
    case IPC_SET:
    case IPC_RMID:
        return msg_change(call, command);
    default:
        return E_INVAL;
    }
}

static void show_queue(struct text *text, const struct ipc_object *o)
{
    const struct queue *q = CONTAINER_OF(o, const struct queue, object);
    text_printf(text, "%10d %10d  %4o  %10lu %10lu %5u %5u ", o->key, o->id, o->mode, q->bytes,
                q->count, (uint32_t)q->last_sender, (uint32_t)q->last_receiver);
    text_printf(text, "%5u %5u %5u %5u %10ld %10ld %10ld\n", o->uid, o->gid, o->cuid, o->cgid,
                q->sent, q->received, o->changed);
}

struct ipc_table ipc_msg_table = {
    &queues,
    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
    "      stime      rtime      ctime",
    show_queue};
