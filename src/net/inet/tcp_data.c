/* SPDX-License-Identifier: MIT */
/* What flows in a connection: sending, receiving, readiness, and lwIP's callbacks. */
#include "kern/net_buffer.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"
#include "net/inet/tcp.h"
#include "net/stack/memory.h"
#include "net/stack/stack.h"

#include <lwip/priv/tcp_priv.h>

#define SEND_PIECE 32768u
#define SEND_SMALL 512u
#define GATHERED   1920u /* bytes of small segments in one buffer */
#define SMALL      512u
#define REQUEST    8u /* segments that may have one answer */
#define QUICK_ACKS 16 /* segments that are acknowledged at once, until the program answers */

/* Sending */

/* Bytes that lwIP takes now. */
static uint32_t send_room(const struct tcp_socket *t)
{
    if (!t->pcb || t->full || t->condition != TCP_OPEN)
        return 0;
    uint32_t room = t->pcb->snd_buf, most = TCP_SND_BUF;
    if (socket_flag(&t->inet.socket, SO_SNDBUF) || net_memory_is_scarce())
        most = t->inet.socket.send_size;
    if (most >= TCP_SND_BUF)
        return room;
    uint32_t used = TCP_SND_BUF - room;
    return used < most ? most - used : 0;
}

/* As Linux has it: a third of the buffer is free. */
static bool is_writable(const struct tcp_socket *t)
{
    uint32_t room = send_room(t);
    return room > 0 && room >= (TCP_SND_BUF - t->pcb->snd_buf) / 2;
}

static bool tcp_can_send(void *context)
{
    const struct tcp_socket *t = context;
    if (t->inet.socket.error != E_OK || (t->inet.shut & SHUT_WRITE))
        return true;
    return t->condition != TCP_STARTS && (t->condition != TCP_OPEN || send_room(t) > 0);
}

/* E_PIPE: the socket is not connected, or does not send any more. */
static enum err wait_to_send(struct tcp_socket *t, uint32_t flags)
{
    struct socket *socket = &t->inet.socket;
    if (!tcp_can_send(t)) {
        enum err e = socket_wait(&socket->writable, tcp_can_send, t, socket_waits(socket, flags),
                                 socket->send_timeout_ns);
        if (e != E_OK)
            return e;
    }
    return socket->error != E_OK || (t->inet.shut & SHUT_WRITE) || t->condition != TCP_OPEN ? E_PIPE
                                                                                            : E_OK;
}

void tcp_push(struct tcp_socket *t)
{
    t->withheld = 0;
    if (!t->pcb)
        return;
    tcp_clear_flags(t->pcb, TF_CORK);
    if (t->pcb->unsent)
        tcp_output(t->pcb);
}

/* With MSG_MORE or TCP_CORK the last segment waits for more bytes, for two ticks at most. */
static void write_out(struct tcp_socket *t, bool more) REQUIRES(net_lock)
{
    t->withheld = more;
    if (more)
        tcp_set_flags(t->pcb, TF_CORK);
    else
        tcp_clear_flags(t->pcb, TF_CORK);
    tcp_output(t->pcb);
    net_kick();
}

/* Hands bytes over to lwIP, which copies them. E_AGAIN: not now. */
static enum err write_bytes(struct tcp_socket *t, const void *bytes, uint32_t size, bool last,
                            uint32_t message_flags)
{
    enum err e = E_OK;
    net_lock_take();
    if (!t->pcb) {
        net_lock_drop();
        return E_AGAIN;
    }
    u8_t flags = TCP_WRITE_FLAG_COPY | (last ? 0 : TCP_WRITE_FLAG_MORE);
    err_t error = tcp_write(t->pcb, bytes, (u16_t)size, flags);
    if (error == ERR_OK) {
        if (message_flags & MSG_OOB) { /* the last byte is */
            t->pcb->snd_up = t->pcb->snd_lbb;
            t->pcb->urgent = 1;
        }
        write_out(t, last && ((message_flags & MSG_MORE) || t->options.cork));
    } else if (error == ERR_MEM) {
        e = t->pcb->unacked || t->pcb->unsent ? E_AGAIN : E_NOBUFS;
        t->full = e == E_AGAIN;
        tcp_output(t->pcb);
        net_kick();
    } else {
        e = E_PIPE;
    }
    net_lock_drop();
    return e;
}

/* Sends what fits. `buffer` has `size` bytes. */
static enum err send_piece(struct tcp_socket *t, struct socket_message *message, void *buffer,
                           uint32_t size)
{
    struct io *io = message->io, start = *io;
    uint32_t room = send_room(t);
    uint64_t left = io_left(io);
    size = size < left ? size : (uint32_t)left;
    size = size < room ? size : room;
    enum err e = io_take(io, buffer, size);
    if (e != E_OK) {
        *io = start;
        return e;
    }
    bool last = size == left;
    e = write_bytes(t, buffer, size, last, message->flags);
    if (e != E_OK)
        *io = start;
    return e == E_AGAIN ? E_OK : e;
}

static enum err send_all(struct tcp_socket *t, struct socket_message *message)
{
    uint8_t small[SEND_SMALL];
    uint64_t left = io_left(message->io);
    uint32_t size = left < SEND_PIECE ? (uint32_t)left : SEND_PIECE;
    void *buffer = small;
    enum err e = wait_to_send(t, message->flags);
    if (e == E_OK && size > sizeof(small)) {
        buffer = heap_alloc(size);
        if (!buffer)
            e = E_NOMEM;
    }
    while (e == E_OK && io_left(message->io) > 0) {
        e = send_piece(t, message, buffer, size);
        if (e != E_OK) {
            e = copy_wait(e);
            if (e == E_OK)
                e = wait_to_send(t, message->flags);
        } else if (io_left(message->io) > 0) {
            fs_give_way();
            e = wait_to_send(t, message->flags);
        }
    }
    if (buffer != small)
        heap_free(buffer);
    return e;
}

enum err tcp_send(struct socket *socket, struct socket_message *message)
{
    struct tcp_socket *t = tcp_of(socket);
    uint64_t before = io_left(message->io);
    if ((message->flags & MSG_FASTOPEN) && t->use == TCP_UNCONNECTED && message->address) {
        enum err e = tcp_begin(t, message->address);
        if (e != E_OK)
            return e;
        t->use = TCP_CONNECTED;
    }
    enum err e = send_all(t, message);
    if (e == E_PIPE && io_left(message->io) == before) {
        enum err error = socket_take_error(socket);
        if (error != E_OK && error != E_PIPE)
            return error;
        if (!(message->flags & MSG_NOSIGNAL))
            fs_raise(FS_SIGPIPE);
    }
    /* An answer: the next request's acknowledgement may wait for its answer too. */
    if (t->heard - 1u < REQUEST) {
        t->answers = true;
        t->quick = 0;
    }
    t->heard = 0;
    return e;
}

/* Receiving */

static bool tcp_can_receive(void *context)
{
    const struct tcp_socket *t = context;
    return t->queued > tcp_at_hole(t) || t->inet.socket.error != E_OK ||
           (t->inet.shut & SHUT_READ) || (t->condition != TCP_OPEN && t->condition != TCP_STARTS);
}

/* Why nothing more comes: E_OK, with *end, at the end of the stream. */
static enum err no_more(struct tcp_socket *t, bool waits, bool *end)
{
    struct socket *socket = &t->inet.socket;
    *end = t->ended;
    if (t->ended)
        return E_OK;
    enum err e = socket_take_error(socket);
    if (e != E_OK)
        return e;
    *end = t->inet.shut & SHUT_READ;
    if (*end)
        return E_OK;
    if (t->condition != TCP_OPEN && t->condition != TCP_STARTS)
        return E_NOTCONN;
    e = socket_wait(&socket->readable, tcp_can_receive, t, waits, socket->receive_timeout_ns);
    if (e == E_OK && t->queued <= tcp_at_hole(t) && thread_current()->signal_pending)
        e = E_INTR;
    return e;
}

/* Gives the segments of `freed` back, and their room to the peer. */
static void give_room(struct tcp_socket *t, struct pbuf *freed, uint32_t bytes)
{
    net_lock_take();
    while (freed) {
        struct pbuf *next = freed->next;
        freed->next = NULL;
        pbuf_free(freed);
        freed = next;
    }
    bool open = t->pcb && t->pcb->state != LISTEN;
    if (open && t->window < TCP_WND && (t->read_on += bytes) >= t->window &&
        net_buffers_used() < net_buffers_most() / 2) {
        t->read_on = 0;
        t->window = t->window < TCP_WND / 2 ? 2 * t->window : TCP_WND;
        tcp_apply_window(t);
    }
    if (open)
        tcp_recved(t->pcb, bytes);
    if (open && t->queued == 0 && !t->answers && (t->pcb->flags & TF_ACK_DELAY)) {
        tcp_ack_now(t->pcb);
        tcp_output(t->pcb);
    }
    net_kick();
    net_lock_drop();
}

/* Moves bytes to the message, or past it with MSG_TRUNC; *done: their number. It ends before the urgent one, or begins
 * after it. */
static enum err take_bytes(struct tcp_socket *t, struct socket_message *message, uint64_t want,
                           uint64_t *done)
{
    bool peeks = message->flags & MSG_PEEK, skips = message->flags & MSG_TRUNC;
    struct pbuf *p = t->first, *freed = NULL, **freed_end = &freed;
    uint32_t at = t->at;
    uint32_t hole = want > 0 && tcp_at_hole(t);
    enum err e = E_OK;
    *done = 0;
    at += hole;
    if (t->urgent != TCP_NOT_URGENT && t->urgent_at > 0 && want > t->urgent_at)
        want = t->urgent_at;
    while (p && *done < want && e == E_OK) {
        uint64_t size = p->len - at;
        size = size < want - *done ? size : want - *done;
        if (!skips) {
            struct io start = *message->io;
            e = io_put(message->io, (const uint8_t *)p->payload + at, size);
            if (e != E_OK) {
                *message->io = start;
                break;
            }
        }
        *done += size;
        at += (uint32_t)size;
        if (at < p->len)
            break;
        at = 0;
        struct pbuf *next = p->next;
        if (!peeks) {
            if (p == t->gather)
                t->gather = NULL;
            *freed_end = p;
            freed_end = &p->next;
            p->next = NULL;
        }
        p = next;
    }
    if (!peeks) {
        t->first = p;
        t->at = at;
        uint32_t gone = (uint32_t)*done + hole;
        t->queued -= gone;
        if (!p)
            t->last = &t->first;
        if (t->urgent != TCP_NOT_URGENT)
            tcp_pass_mark(t, gone);
        if (gone > 0)
            give_room(t, freed, gone);
    }
    return *done > 0 ? E_OK : e;
}

enum err tcp_receive(struct socket *socket, struct socket_message *message)
{
    struct tcp_socket *t = tcp_of(socket);
    uint64_t want = io_left(message->io), target = socket->low_water, moved = 0;
    if (message->flags & MSG_ERRQUEUE)
        return E_AGAIN;
    if (t->condition == TCP_LISTENS)
        return E_NOTCONN;
    if (message->flags & MSG_OOB)
        return tcp_receive_urgent(t, message);
    if ((message->flags & MSG_WAITALL) || target > want)
        target = want > 0 ? want : 1;
    bool waits = socket_waits(socket, message->flags), end = false,
         peeks = message->flags & MSG_PEEK;
    enum err e = E_OK;
    while (e == E_OK && !end) {
        uint64_t done;
        if (t->queued > 0) {
            e = take_bytes(t, message, want - moved, &done);
            moved += done;
            message->length = moved;
            if (moved == want || (moved > 0 && (peeks || tcp_at_mark(socket))))
                break;
            if (e != E_OK)
                e = copy_wait(e);
        }
        if (e == E_OK && t->queued <= tcp_at_hole(t)) {
            if (moved >= target || (moved > 0 && socket->error != E_OK))
                break;
            e = no_more(t, waits, &end);
        }
    }
    return e;
}

/* Readiness */

uint32_t tcp_poll_events(struct socket *socket)
{
    struct tcp_socket *t = tcp_of(socket);
    if (t->condition == TCP_LISTENS)
        return list_empty(&t->waiting) ? 0 : POLL_READABLE;
    uint32_t events = socket->error != E_OK ? POLL_ERR : 0, shut = t->inet.shut;
    if (shut == (SHUT_READ | SHUT_WRITE) || t->condition == TCP_UNUSED)
        events |= POLL_HUP;
    if (shut & SHUT_READ)
        events |= POLL_READABLE | POLL_RDHUP;
    if (t->condition == TCP_STARTS)
        return events;
    uint32_t readable = t->queued - tcp_at_hole(t);
    if (readable >= socket->low_water && readable > 0)
        events |= POLL_READABLE;
    if (tcp_has_urgent(t))
        events |= POLL_PRI;
    if ((shut & SHUT_WRITE) || t->condition == TCP_UNUSED || is_writable(t))
        events |= POLL_WRITABLE;
    return events;
}

enum err tcp_queued(struct socket *socket, bool out, uint32_t *bytes)
{
    const struct tcp_socket *t = tcp_of(socket);
    if (t->condition == TCP_LISTENS)
        return E_INVAL;
    *bytes = !out ? tcp_before_mark(t) : t->pcb ? TCP_SND_BUF - t->pcb->snd_buf : 0;
    return E_OK;
}

/* Callbacks: they hold kernel_lock and net_lock, which the compiler cannot see through lwIP. */

/* A buffer at the end of what was received, with room for a small segment; NULL: there is none. */
static struct pbuf *gatherer(struct tcp_socket *t, uint32_t size)
{
    struct pbuf *last = t->gather;
    if (last && t->last == &last->next && last->len + size <= GATHERED)
        return last;
    t->gather = last = pbuf_alloc(PBUF_RAW, GATHERED, PBUF_RAM);
    if (last) {
        last->len = last->tot_len = 0;
        *t->last = last;
        t->last = &last->next;
    }
    return last;
}

/* Segments stay in the buffers of the card, but for small ones behind others that wait: a buffer each would be too much. */
static void keep(struct tcp_socket *t, struct pbuf *p)
{
    uint32_t size = p->tot_len;
    struct pbuf *last = size <= SMALL && t->queued > 0 ? gatherer(t, size) : NULL;
    t->queued += size;
    if (last) {
        pbuf_copy_partial(p, (uint8_t *)last->payload + last->len, (u16_t)size, 0);
        last->len = last->tot_len = (u16_t)(last->len + size);
        pbuf_free(p);
        return;
    }
    *t->last = p;
    while (p->next)
        p = p->next;
    t->last = &p->next;
}

static err_t tcp_received(void *argument, struct tcp_pcb *pcb, struct pbuf *p,
                          err_t error) NO_LOCK_ANALYSIS
{
    struct tcp_socket *t = argument;
    (void)error;
    if (!p) {
        tcp_end_of_input(t);
        return ERR_OK;
    }
    keep(t, p);
    if (t->heard < UINT8_MAX && ++t->heard > REQUEST)
        t->answers = false;
    if (t->quick > 0 || t->options.quick_ack) {
        t->quick = t->quick > 0 ? (uint8_t)(t->quick - 1) : 0;
        tcp_ack_now(pcb);
    }
    if (t->immature)
        tcp_mature(t);
    wait_queue_wake(&t->inet.socket.readable);
    return ERR_OK;
}

static err_t tcp_acknowledged(void *argument, struct tcp_pcb *pcb, u16_t size) NO_LOCK_ANALYSIS
{
    struct tcp_socket *t = argument;
    (void)pcb;
    (void)size;
    t->full = false;
    if (is_writable(t))
        wait_queue_wake(&t->inet.socket.writable);
    return ERR_OK;
}

/* Each tick of 200 ms. */
static err_t tcp_tick_passed(void *argument, struct tcp_pcb *pcb) NO_LOCK_ANALYSIS
{
    struct tcp_socket *t = argument;
    (void)pcb;
    if (t->withheld > 0 && t->withheld++ == 2)
        tcp_push(t);
    return ERR_OK;
}

/* The pcb is gone. */
static void tcp_failed(void *argument, err_t error) NO_LOCK_ANALYSIS
{
    struct tcp_socket *t = argument;
    struct socket *socket = &t->inet.socket;
    t->pcb = NULL;
    if (error == ERR_RST)
        socket->error = t->condition == TCP_STARTS ? E_CONNREFUSED
                        : t->ended                 ? E_PIPE
                                                   : E_CONNRESET;
    else if (error != ERR_CLSD)
        socket->error = t->soft_error != E_OK ? t->soft_error : E_TIMEDOUT;
    t->condition = TCP_UNUSED;
    t->inet.shut = SHUT_READ | SHUT_WRITE;
    if (t->immature)
        tcp_mature(t);
    socket_wake(socket);
}

struct tcp_socket *tcp_socket_of(const struct tcp_pcb *pcb)
{
    return pcb->errf == tcp_failed ? pcb->callback_arg : NULL;
}

void tcp_report(struct tcp_pcb *pcb, enum err error)
{
    struct tcp_socket *t = tcp_socket_of(pcb);
    if (!t)
        return;
    t->soft_error = (uint8_t)error;
    if (pcb->state == SYN_SENT)
        tcp_abandon(pcb, 0); /* it calls tcp_failed() */
    else if (t->inet.wants & (INET_RECVERR | INET6_RECVERR))
        t->inet.socket.error = error;
    else
        return;
    socket_wake(&t->inet.socket);
}

void tcp_watch(struct tcp_socket *t)
{
    t->quick = QUICK_ACKS;
    tcp_arg(t->pcb, t);
    tcp_recv(t->pcb, tcp_received);
    tcp_sent(t->pcb, tcp_acknowledged);
    tcp_err(t->pcb, tcp_failed);
    tcp_poll(t->pcb, tcp_tick_passed, 1);
}

void tcp_unwatch(struct tcp_socket *t)
{
    tcp_arg(t->pcb, NULL);
    tcp_recv(t->pcb, NULL);
    tcp_sent(t->pcb, NULL);
    tcp_err(t->pcb, NULL);
    tcp_poll(t->pcb, NULL, 1);
}

void tcp_discard(struct tcp_socket *t)
{
    while (t->first) {
        struct pbuf *next = t->first->next;
        t->first->next = NULL;
        pbuf_free(t->first);
        t->first = next;
    }
    t->last = &t->first;
    t->gather = NULL;
    t->at = t->queued = 0;
    t->urgent = TCP_NOT_URGENT;
}

void tcp_drop_byte(struct tcp_socket *t)
{
    struct pbuf *p = t->first;
    t->queued--;
    t->pcb->rcv_wnd++;
    if (++t->at < p->len)
        return;
    t->first = p->next;
    t->at = 0;
    if (t->gather == p)
        t->gather = NULL;
    if (!t->first)
        t->last = &t->first;
    p->next = NULL;
    pbuf_free(p);
}
