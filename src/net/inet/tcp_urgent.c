/* SPDX-License-Identifier: MIT */
/*
 * Urgent data of TCP (RFC 6093, tcp(7)). At most one byte is urgent: the last one that the peer's pointer named. It is in the
 * stream at the mark, where a read ends; the next one leaves it out, unless SO_OOBINLINE is set:
 *
 *     | bytes not read yet      ! more |
 *       <---- urgent_at ------> mark
 *
 * The byte may still be on its way.
 */
#include "fs/vfs/async.h"
#include "net/inet/tcp.h"
#include "net/stack/hooks.h"

#include <lwip/priv/tcp_priv.h>

/* Whether the byte has come. */
static bool is_there(const struct tcp_socket *t)
{
    return t->urgent_at < t->queued;
}

bool tcp_at_hole(const struct tcp_socket *t)
{
    return t->urgent != TCP_NOT_URGENT && t->urgent_at == 0 && t->queued > 0 &&
           !socket_flag(&t->inet.socket, SO_OOBINLINE);
}

uint32_t tcp_before_mark(const struct tcp_socket *t)
{
    return t->urgent != TCP_NOT_URGENT && is_there(t) && !socket_flag(&t->inet.socket, SO_OOBINLINE)
               ? t->urgent_at
               : t->queued;
}

bool tcp_at_mark(struct socket *socket)
{
    const struct tcp_socket *t = tcp_of(socket);
    return t->urgent != TCP_NOT_URGENT && t->urgent_at == 0;
}

bool tcp_has_urgent(const struct tcp_socket *t)
{
    return t->urgent == TCP_URGENT && is_there(t);
}

void tcp_pass_mark(struct tcp_socket *t, uint32_t bytes)
{
    if (bytes > t->urgent_at)
        t->urgent = TCP_NOT_URGENT;
    t->urgent_at -= bytes;
}

enum err tcp_receive_urgent(struct tcp_socket *t, struct socket_message *message)
{
    uint32_t at = t->at + t->urgent_at;
    enum err e = E_OK;
    if (t->urgent != TCP_URGENT || socket_flag(&t->inet.socket, SO_OOBINLINE))
        return E_INVAL;
    if (!is_there(t))
        return t->condition == TCP_UNUSED || (t->inet.shut & SHUT_READ) ? E_OK : E_AGAIN;
    if (!(message->flags & MSG_PEEK))
        t->urgent = TCP_URGENT_READ;
    message->result_flags = MSG_OOB;
    if (io_left(message->io) == 0) {
        message->result_flags |= MSG_TRUNC;
        return E_OK;
    }
    const struct pbuf *p = t->first;
    for (; at >= p->len; p = p->next)
        at -= p->len;
    if (!(message->flags & MSG_TRUNC))
        e = io_put(message->io, (const uint8_t *)p->payload + at, 1);
    message->length = e == E_OK;
    return e;
}

/* As the callbacks of tcp_data.c. */
void net_urgent_comes(struct tcp_pcb *pcb, uint32_t sequence, uint32_t size,
                      uint16_t pointer) NO_LOCK_ANALYSIS
{
    struct tcp_socket *t = tcp_socket_of(pcb);
    uint32_t next = pcb->rcv_nxt, ahead = sequence + pointer - (pointer != 0) - next;
    if (!t || t->ended || (int32_t)ahead < 0 || TCP_SEQ_LT(sequence + size, next) ||
        TCP_SEQ_GT(sequence, next + pcb->rcv_wnd))
        return;
    uint32_t at = t->queued + ahead;
    if (t->urgent != TCP_NOT_URGENT && at <= t->urgent_at)
        return;
    if (t->inet.socket.file)
        async_urgent(t->inet.socket.file);
    if (tcp_at_hole(t)) { /* the byte before is left out, and is no mark any more */
        tcp_drop_byte(t);
        at--;
    }
    t->urgent = TCP_URGENT;
    t->urgent_at = at;
}
