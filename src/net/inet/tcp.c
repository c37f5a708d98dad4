/* SPDX-License-Identifier: MIT */
/* Connections: how they begin, wait to be accepted, and end. */
#include "net/inet/tcp.h"

#include "base/panic.h"
#include "base/str.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "net/stack/stack.h"

#include <lwip/priv/tcp_priv.h>

#define TCP_RECEIVE_BUFFER 131072u
#define TCP_SEND_BUFFER    16384u

static const struct socket_ops tcp_ops;

static struct tcp_socket *tcp_new_socket(uint32_t family)
{
    struct tcp_socket *t = heap_alloc_zero(sizeof(*t));
    if (!t)
        return NULL;
    inet_init(&t->inet, &tcp_ops, family, SOCK_STREAM, IPPROTO_TCP);
    t->inet.socket.receive_size = TCP_RECEIVE_BUFFER;
    t->inet.socket.send_size = TCP_SEND_BUFFER;
    t->last = &t->first;
    t->quick = 1;
    t->window = TCP_WINDOW_FIRST;
    list_init(&t->group_link);
    list_init(&t->waiting);
    list_init(&t->immature_ones);
    list_init(&t->waiting_link);
    tcp_options_init(&t->options);
    return t;
}

enum err tcp_socket_new(uint32_t family, struct socket **out)
{
    struct tcp_socket *t = tcp_new_socket(family);
    if (!t)
        return E_NOMEM;
    *out = &t->inet.socket;
    return E_OK;
}

/* A pcb with the socket's local address, in lwIP's list of those that are bound. */
static enum err make_pcb(struct tcp_socket *t, u8_t type) REQUIRES(net_lock)
{
    const ip_addr_t *local = &t->inet.local.ip;
    struct tcp_pcb *pcb = tcp_new_ip_type(type);
    if (!pcb)
        return E_NOBUFS;
    if (!ip_addr_isany(local) || type == IPADDR_TYPE_ANY)
        ip_addr_copy(pcb->local_ip, *local);
    else
        ip_addr_set_any_val(type == IPADDR_TYPE_V6, pcb->local_ip);
    IP_SET_TYPE_VAL(pcb->local_ip, type);
    pcb->local_port = t->inet.local.port;
    ip_set_option(pcb, SOF_REUSEADDR); /* lwIP looks for the same pair of addresses, not at ports */
    if (pcb->local_port != 0)
        TCP_REG(&tcp_bound_pcbs, pcb);
    t->pcb = pcb;
    tcp_apply_options(t);
    return E_OK;
}

/* Ends the connection in lwIP; `reset` sends a RST. */
static void drop_pcb(struct tcp_socket *t, bool reset) REQUIRES(net_lock)
{
    struct tcp_pcb *pcb = t->pcb;
    if (!pcb)
        return;
    tcp_unwatch(t);
    t->pcb = NULL;
    pcb->rcv_wnd = TCP_WND_MAX(pcb); /* or tcp_close() takes what was read for unread */
    if (reset || tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
    net_kick();
}

/* As connect(2) has it for AF_UNSPEC: the socket is as new, with its address if it was bound. */
static void tcp_reset_socket(struct tcp_socket *t)
{
    net_lock_take();
    drop_pcb(t, t->condition == TCP_OPEN);
    tcp_discard(t);
    net_lock_drop();
    struct inet_socket *inet = &t->inet;
    t->condition = TCP_UNUSED;
    t->use = TCP_UNCONNECTED;
    t->ended = t->full = false;
    t->withheld = 0;
    inet->shut = 0;
    inet->remote.port = 0;
    inet_address_any(inet, &inet->remote.ip);
    if (!inet->bound) {
        inet_port_drop(inet);
        inet->local.port = 0;
        inet_address_any(inet, &inet->local.ip);
    }
}

static err_t tcp_established(void *argument, struct tcp_pcb *pcb, err_t error) NO_LOCK_ANALYSIS
{
    struct tcp_socket *t = argument;
    (void)error;
    t->condition = TCP_OPEN;
    ip_addr_copy(t->inet.local.ip, pcb->local_ip);
    tcp_apply_options(t);
    socket_wake(&t->inet.socket);
    return ERR_OK;
}

/* Sends the SYN. E_ADDRINUSE: that pair of addresses has a connection, or is in TIME_WAIT. */
static enum err send_syn(struct tcp_socket *t, const struct inet_place *to) REQUIRES(net_lock)
{
    enum err e = make_pcb(t, IP_GET_TYPE(&to->ip));
    if (e != E_OK)
        return e;
    if (!t->inet.bound)
        ip_reset_option(t->pcb,
                        SOF_REUSEADDR); /* the port is only its own, or chosen for these ends */
    tcp_watch(t);
    icmp_error_start();
    t->soft_error = E_OK;
    e = inet_error(tcp_connect(t->pcb, &to->ip, to->port, tcp_established));
    if (e == E_OK && !t->inet.port)
        e = inet_port_adopt(&t->inet, t->pcb->local_port);
    if (e == E_OK)
        ip_addr_copy(t->inet.local.ip, t->pcb->local_ip);
    else
        drop_pcb(t, true);
    net_kick();
    return e;
}

enum err tcp_begin(struct tcp_socket *t, const struct socket_address *address)
{
    struct inet_socket *inet = &t->inet;
    struct inet_place to;
    enum err e = inet_address_in(inet, address, &to);
    if (e != E_OK)
        return e;
    inet_address_to(&to);
    if (ip_addr_ismulticast(&to.ip) || ip_addr_get_ip4_u32(&to.ip) == IPADDR_BROADCAST)
        return E_NETUNREACH;
    if (!ip_addr_isany(&inet->local.ip) && IP_GET_TYPE(&inet->local.ip) != IP_GET_TYPE(&to.ip))
        return E_INVAL;
    if (!ip_addr_isloopback(&to.ip)) {
        e = net_await_address(socket_waits(&inet->socket, 0));
        if (e != E_OK)
            return e;
    }
    bool own_port = inet->port == NULL;
    e = inet_autobind(inet);
    if (e == E_AGAIN) /* every port is in use: lwIP finds one that may serve these ends too */
        e = E_OK;
    if (e == E_OK) {
        net_lock_take();
        e = send_syn(t, &to);
        net_lock_drop();
    }
    if (e != E_OK) {
        if (own_port) {
            inet_port_drop(inet);
            inet->local.port = 0;
        }
        return e == E_ADDRINUSE ? E_ADDRNOTAVAIL : e;
    }
    inet->remote = to;
    t->condition = TCP_STARTS;
    t->use = TCP_CONNECTING;
    return E_OK;
}

static bool is_decided(void *context)
{
    return ((const struct tcp_socket *)context)->condition != TCP_STARTS;
}

static enum err tcp_connect_to(struct socket *socket, const struct socket_address *address)
{
    struct tcp_socket *t = tcp_of(socket);
    bool waits = socket_waits(socket, 0), first = t->use == TCP_UNCONNECTED;
    if (address->length < sizeof(address->family))
        return E_INVAL;
    if (address->family == AF_UNSPEC) {
        if (t->condition != TCP_LISTENS)
            tcp_reset_socket(t);
        return E_OK;
    }
    if (t->use == TCP_CONNECTED || t->condition == TCP_LISTENS)
        return E_ISCONN;
    if (first) {
        enum err e = tcp_begin(t, address);
        if (e != E_OK)
            return e;
    }
    if (!is_decided(t)) {
        enum err e = socket_wait(&socket->writable, is_decided, t, waits, socket->send_timeout_ns);
        if (e == E_AGAIN)
            return first ? E_INPROGRESS : waits ? E_INPROGRESS : E_ALREADY;
        if (e != E_OK)
            return e;
    }
    if (t->condition == TCP_OPEN) {
        t->use = TCP_CONNECTED;
        return E_OK;
    }
    enum err e = socket_take_error(socket);
    tcp_reset_socket(t);
    return e == E_OK ? E_CONNABORTED : e;
}

static bool is_full(const struct tcp_socket *listener)
{
    return listener->waiting_count > listener->backlog;
}

/* Spreads connections over the listeners of a group by the peer's address, as Linux. */
static struct tcp_socket *choose_listener(const struct tcp_group *group, const struct tcp_pcb *pcb)
{
    uint32_t hash =
        (lwip_ntohl(ip_2_ip6(&pcb->remote_ip)->addr[IP_IS_V6_VAL(pcb->remote_ip) ? 3 : 0]) ^
         pcb->remote_port) *
        0x9e3779b1u;
    uint32_t skip = group->count > 1 ? (hash >> 8) % group->count : 0;
    struct list *link = group->members.next;
    while (skip-- > 0)
        link = link->next;
    struct tcp_socket *chosen = CONTAINER_OF(link, struct tcp_socket, group_link);
    for (uint32_t tries = group->count; tries > 0 && is_full(chosen); tries--) {
        link = link->next == &group->members ? group->members.next : link->next;
        chosen = CONTAINER_OF(link, struct tcp_socket, group_link);
    }
    return chosen;
}

/* Handshakes that have begun are finished, so that the queue may become longer by their number; no others begin while
 * the queues of all members are full. O(members). */
static void note_room(struct tcp_group *group) REQUIRES(net_lock)
{
    bool full = true;
    list_for_each (link, &group->members)
        full = full && is_full(CONTAINER_OF(link, struct tcp_socket, group_link));
    ((struct tcp_pcb_listen *)(void *)group->pcb)->accept_full = full;
}

static void queue_connection(struct tcp_socket *listener, struct tcp_socket *t)
{
    t->immature = false;
    list_add_tail(&listener->waiting, &t->waiting_link);
    wait_queue_wake(&listener->inet.socket.readable);
}

void tcp_mature(struct tcp_socket *t)
{
    list_remove(&t->waiting_link);
    queue_connection(t->listener, t);
}

static void inherit(struct tcp_socket *t, const struct tcp_socket *listener)
{
    struct inet_socket *to = &t->inet;
    const struct inet_socket *from = &listener->inet;
    t->options = listener->options;
    to->socket.flags = from->socket.flags;
    to->socket.send_size = from->socket.send_size;
    to->socket.receive_size = from->socket.receive_size;
    to->socket.low_water = from->socket.low_water;
    to->socket.priority = from->socket.priority;
    to->socket.linger = from->socket.linger;
    to->v6only = from->v6only;
    to->interface = from->interface;
    to->tos = from->tos;
    to->ttl = from->ttl;
    to->hops = from->hops;
    to->traffic_class = from->traffic_class;
    to->wants = from->wants;
    to->uid = from->uid;
}

/* A connection that is established, before any of its data. */
static err_t tcp_arrived(void *argument, struct tcp_pcb *pcb, err_t error) NO_LOCK_ANALYSIS
{
    if (error != ERR_OK || !pcb || !argument)
        return ERR_VAL;
    struct tcp_socket *listener = choose_listener(argument, pcb);
    struct tcp_socket *t = tcp_new_socket(listener->inet.socket.family);
    if (!t)
        return ERR_MEM;
    inherit(t, listener);
    inet_port_share(&t->inet, &listener->inet);
    ip_addr_copy(t->inet.local.ip, pcb->local_ip);
    t->inet.remote = (struct inet_place){pcb->remote_ip, pcb->remote_port};
    t->pcb = pcb;
    t->listener = listener;
    t->condition = TCP_OPEN;
    t->use = TCP_CONNECTED;
    tcp_watch(t);
    tcp_apply_options(t);
    listener->waiting_count++;
    note_room(listener->group);
    t->immature = listener->options.defer_accept > 0;
    if (t->immature)
        list_add_tail(&listener->immature_ones, &t->waiting_link);
    else
        queue_connection(listener, t);
    return ERR_OK;
}

/* The group of a socket with the same address and SO_REUSEPORT; NULL: there is none. */
static struct tcp_group *find_group(struct tcp_socket *t)
{
    list_for_each (link, inet_port_sockets(&t->inet)) {
        struct tcp_socket *other = CONTAINER_OF(link, struct tcp_socket, inet.port_link);
        if (other != t && other->group && ip_addr_cmp(&other->inet.local.ip, &t->inet.local.ip) &&
            IP_GET_TYPE(&other->inet.local.ip) == IP_GET_TYPE(&t->inet.local.ip))
            return other->group;
    }
    return NULL;
}

static enum err make_group(struct tcp_socket *t, uint32_t backlog)
{
    struct tcp_group *group = heap_alloc_zero(sizeof(*group));
    if (!group)
        return E_NOMEM;
    list_init(&group->members);
    net_lock_take();
    enum err e = make_pcb(t, IP_GET_TYPE(&t->inet.local.ip));
    if (e == E_OK) {
        err_t error;
        group->pcb = tcp_listen_with_backlog_and_err(t->pcb, (u16_t)(backlog + 1), &error);
        if (!group->pcb) {
            drop_pcb(t, false);
            e = inet_error(error);
        }
        t->pcb = NULL;
    }
    if (e == E_OK) {
        tcp_arg(group->pcb, group);
        tcp_accept(group->pcb, tcp_arrived);
    }
    net_lock_drop();
    if (e == E_OK)
        t->group = group;
    else
        heap_free(group);
    return e;
}

static enum err tcp_listen_on(struct socket *socket, uint32_t backlog)
{
    struct tcp_socket *t = tcp_of(socket);
    if (t->use != TCP_UNCONNECTED || (t->condition != TCP_UNUSED && t->condition != TCP_LISTENS))
        return E_INVAL;
    if (backlog >= UINT16_MAX) /* lwIP counts one more in 16 bits */
        backlog = UINT16_MAX - 1;
    if (t->condition == TCP_UNUSED) {
        enum err e = inet_autobind(&t->inet);
        if (e != E_OK)
            return e == E_AGAIN ? E_ADDRINUSE : e;
        /* Sockets that share the port by SO_REUSEADDR: only one of them may listen. */
        struct tcp_group *group = find_group(t);
        if (group && !socket_flag(socket, SO_REUSEPORT))
            return E_ADDRINUSE;
        if (group)
            t->group = group;
        else
            e = make_group(t, backlog);
        if (e != E_OK)
            return e;
        list_add_tail(&t->group->members, &t->group_link);
        t->group->count++;
        t->condition = TCP_LISTENS;
        t->inet.listening = true;
    }
    t->backlog = backlog;
    net_lock_take();
    if (t->group->count == 1)
        tcp_backlog_set(t->group->pcb, (u16_t)(backlog + 1));
    note_room(t->group);
    net_lock_drop();
    return E_OK;
}

/* The first connection that may be accepted; NULL: none. */
static struct tcp_socket *first_waiting(const struct tcp_socket *t)
{
    return list_empty(&t->waiting) ? NULL
                                   : CONTAINER_OF(t->waiting.next, struct tcp_socket, waiting_link);
}

static bool tcp_can_accept(void *context)
{
    const struct tcp_socket *t = context;
    return t->condition != TCP_LISTENS || first_waiting(t) != NULL;
}

static enum err tcp_accept_one(struct socket *socket, struct socket **out)
{
    struct tcp_socket *t = tcp_of(socket);
    if (t->condition != TCP_LISTENS)
        return E_INVAL;
    if (!tcp_can_accept(t)) {
        enum err e = socket_wait_one(&socket->readable, tcp_can_accept, t, socket_waits(socket, 0),
                                     socket->receive_timeout_ns);
        if (e != E_OK)
            return e;
    }
    struct tcp_socket *end = t->condition == TCP_LISTENS ? first_waiting(t) : NULL;
    if (!end)
        return E_INVAL;
    list_remove(&end->waiting_link);
    end->listener = NULL;
    t->waiting_count--;
    net_lock_take();
    note_room(t->group);
    net_lock_drop();
    if (first_waiting(t))
        wait_queue_wake_one(&socket->readable);
    *out = &end->inet.socket;
    return E_OK;
}

static void tcp_release(struct socket *socket);

/* The connections that nobody accepts any more are reset. */
static void stop_listening(struct tcp_socket *t)
{
    struct tcp_group *group = t->group;
    t->condition = TCP_UNUSED;
    t->inet.listening = false;
    t->group = NULL;
    list_remove(&t->group_link);
    if (--group->count == 0) {
        net_lock_take();
        tcp_arg(group->pcb, NULL);
        tcp_close(group->pcb);
        net_lock_drop();
        heap_free(group);
    } else {
        net_lock_take();
        note_room(group);
        net_lock_drop();
    }
    list_splice_head(&t->waiting, &t->immature_ones);
    while (!list_empty(&t->waiting)) {
        struct tcp_socket *end = CONTAINER_OF(t->waiting.next, struct tcp_socket, waiting_link);
        list_remove(&end->waiting_link);
        net_lock_take();
        drop_pcb(end, true);
        net_lock_drop();
        tcp_release(&end->inet.socket);
    }
    t->waiting_count = 0;
    socket_wake(&t->inet.socket);
}

void tcp_end_of_input(struct tcp_socket *t)
{
    t->ended = true;
    t->inet.shut |= SHUT_READ;
    if (t->immature)
        tcp_mature(t);
    /* Both sides have said their last: lwIP frees such a pcb without a word. */
    if (t->pcb->state == TIME_WAIT || t->pcb->state == CLOSING) {
        tcp_unwatch(t);
        t->pcb = NULL;
        t->condition = TCP_UNUSED;
        t->inet.shut = SHUT_READ | SHUT_WRITE;
    }
    socket_wake(&t->inet.socket);
}

static enum err tcp_shutdown_side(struct socket *socket, uint32_t how)
{
    struct tcp_socket *t = tcp_of(socket);
    if (t->condition == TCP_LISTENS) {
        if (how & SHUT_READ)
            stop_listening(t);
        return E_OK;
    }
    if (t->condition == TCP_STARTS) {
        tcp_reset_socket(t);
        socket_wake(socket);
        return E_OK;
    }
    enum err e = t->condition == TCP_UNUSED ? E_NOTCONN : E_OK;
    if ((how & SHUT_WRITE) && !(t->inet.shut & SHUT_WRITE) && t->pcb) {
        net_lock_take();
        tcp_push(t);
        tcp_shutdown(t->pcb, 0, 1);
        net_kick();
        net_lock_drop();
    }
    t->inet.shut |= (uint8_t)how;
    socket_wake(socket);
    return e;
}

static bool tcp_all_sent(void *context)
{
    const struct tcp_socket *t = context;
    return !t->pcb || (!t->pcb->unsent && !t->pcb->unacked);
}

/* SO_LINGER: close() waits until the peer has acknowledged all, or the time is over. */
static void tcp_linger(struct tcp_socket *t, uint32_t seconds)
{
    net_lock_take();
    tcp_push(t);
    tcp_shutdown(t->pcb, 0, 1);
    net_kick();
    net_lock_drop();
    enum err e = socket_wait(&t->inet.socket.writable, tcp_all_sent, t,
                             !thread_current()->signal_pending, seconds * UINT64_C(1000000000));
    (void)e;
}

static void tcp_release(struct socket *socket)
{
    struct tcp_socket *t = tcp_of(socket);
    struct linger {
        int32_t on, seconds;
    } linger;
    memcpy(&linger, &socket->linger, sizeof(linger));
    if (t->group)
        stop_listening(t);
    if (t->listener) { /* accepted, but without a descriptor */
        t->listener->waiting_count--;
        list_remove(&t->waiting_link);
    }
    bool reset = t->condition == TCP_OPEN && (t->queued > 0 || (linger.on && linger.seconds == 0));
    if (t->pcb && !reset && linger.on && socket->file && !tcp_all_sent(t))
        tcp_linger(t, (uint32_t)linger.seconds);
    net_lock_take();
    if (t->pcb && !reset)
        tcp_push(t);
    drop_pcb(t, reset);
    tcp_discard(t);
    net_lock_drop();
    inet_port_drop(&t->inet);
    heap_free(t);
}

static bool tcp_listens(const struct socket *socket)
{
    return ((const struct tcp_socket *)socket)->condition == TCP_LISTENS;
}

static enum err tcp_bind_to(struct socket *socket, const struct socket_address *address)
{
    struct tcp_socket *t = tcp_of(socket);
    return t->condition == TCP_UNUSED ? inet_bind(&t->inet, address) : E_INVAL;
}

static enum err tcp_name(struct socket *socket, bool peer, struct socket_address *out)
{
    struct tcp_socket *t = tcp_of(socket);
    /* accept() asks for the name of a connection that has no file yet, and that may have ended. */
    if (peer && socket->file && t->condition != TCP_OPEN)
        return E_NOTCONN;
    return inet_name(socket, peer, out);
}

static enum err inet_peer_credentials(struct socket *socket, struct fs_credentials *out)
{
    (void)socket;
    *out = (struct fs_credentials){0, UINT32_MAX, UINT32_MAX};
    return E_OK;
}

static const struct socket_ops tcp_ops = {
    .bind = tcp_bind_to,
    .connect = tcp_connect_to,
    .listen = tcp_listen_on,
    .accept = tcp_accept_one,
    .name = tcp_name,
    .shutdown = tcp_shutdown_side,
    .send = tcp_send,
    .receive = tcp_receive,
    .poll = tcp_poll_events,
    .queued = tcp_queued,
    .at_mark = tcp_at_mark,
    .peer = inet_peer_credentials,
    .listens = tcp_listens,
    .release = tcp_release,
    .set_option = tcp_set_option,
    .get_option = tcp_get_option,
    .changed = tcp_changed,
};
