/* SPDX-License-Identifier: MIT */
/* Datagrams: sending, receiving, readiness. */
#include "base/str.h"
#include "fs/vfs/credentials.h"
#include "kern/net_buffer.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "net/inet/control.h"
#include "net/inet/datagram.h"
#include "net/inet/filter.h"
#include "net/inet/interface.h"
#include "net/stack/stack.h"

#include <lwip/netif.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/udp.h>

#define UDP_MAX  65507u /* bytes in a datagram of IPv4: 65,535 less the headers */
#define UDP6_MAX 65487u /* lwIP counts the header of IPv6 too */
#define RAW_MAX  65515u
#define OVERHEAD 512u /* charged for a packet besides its bytes, in steps of CHARGE */
#define CHARGE   256u

/* Sending */

struct datagram_way { /* how a packet goes: the socket's options, and the message's */
    struct inet_place to;
    struct inet_sending sending;
};

static enum err find_way(struct datagram_socket *d, const struct socket_message *message,
                         struct datagram_way *way)
{
    const struct inet_socket *inet = &d->inet;
    if (message->flags & MSG_OOB)
        return E_NOTSUP;
    if (d->corked) {
        way->to = d->cork_to;
    } else if (message->address) {
        enum err e = inet_address_in(inet, message->address, &way->to);
        if (e != E_OK)
            return e;
        if (!is_raw(d) && way->to.port == 0)
            return E_INVAL;
        inet_address_to(&way->to);
    } else if (d->connected) {
        way->to = inet->remote;
    } else {
        return E_DESTADDRREQ;
    }
    uint64_t most = is_raw(d) ? RAW_MAX : IP_IS_V6_VAL(way->to.ip) ? UDP6_MAX : UDP_MAX;
    if (io_left(message->io) > most)
        return E_MSGSIZE;
    return inet_sending_of(inet, message->controls, &way->sending);
}

/* A packet with the bytes of the message. */
static enum err make_packet(struct datagram_socket *d, struct socket_message *message,
                            struct pbuf **out)
{
    pbuf_layer layer = !is_raw(d) ? PBUF_TRANSPORT : d->inet.header_included ? PBUF_LINK : PBUF_IP;
    uint64_t size = io_left(message->io);
    net_lock_take();
    struct pbuf *p = pbuf_alloc(layer, (u16_t)size, PBUF_RAM);
    net_lock_drop();
    if (!p)
        return E_NOBUFS;
    struct io start = *message->io;
    enum err e = io_take(message->io, p->payload, size);
    if (e != E_OK) {
        *message->io = start;
        net_lock_take();
        pbuf_free(p);
        net_lock_drop();
        return e;
    }
    *out = p;
    return E_OK;
}

static struct netif *netif_for(const struct datagram_socket *d, const struct datagram_way *way)
    REQUIRES(net_lock)
{
    const ip_addr_t *to = &way->to.ip;
    uint8_t index = way->sending.interface != 0 ? way->sending.interface : d->inet.interface;
    if (index == 0 && ip_addr_ismulticast(to))
        index = d->inet.multicast_interface;
    if (index != 0)
        return netif_get_by_index(index);
    ip_addr_t source = way->sending.source;
    if (IP_GET_TYPE(&source) != IP_GET_TYPE(to))
        ip_addr_set_any_val(IP_IS_V6(to), source);
    return ip_route(&source, to);
}

static enum err send_by(struct datagram_socket *d, struct pbuf *p, const struct datagram_way *way)
    REQUIRES(net_lock)
{
    const ip_addr_t *to = &way->to.ip;
    struct ip_pcb *pcb = d->raw ? (struct ip_pcb *)d->raw : (struct ip_pcb *)d->udp;
    struct netif *netif = netif_for(d, way);
    ip_addr_t source = way->sending.source;
    if (!IP_ADDR_PCB_VERSION_MATCH(pcb, to))
        return inet_is_v6(&d->inet) ? E_NETUNREACH : E_INVAL;
    if (inet_is_broadcast(to) && !socket_flag(&d->inet.socket, SO_BROADCAST))
        return E_ACCES;
    if (!netif)
        return E_NETUNREACH;
    if (ip_addr_isany(&source) || IP_GET_TYPE(&source) != IP_GET_TYPE(to)) {
        const ip_addr_t *own = ip_netif_get_local_ip(netif, to);
        if (!own)
            return E_NETUNREACH;
        source = *own;
    }
    u8_t ttl = pcb->ttl, tos = pcb->tos;
    pcb->ttl = way->sending.ttl;
    pcb->tos = way->sending.traffic_class;
    /* The loopback interface gives everything back anyway. */
    bool once = d->udp && netif_is_loopback(netif);
    u8_t flags = once ? udp_flags(d->udp) : 0;
    if (once)
        udp_clear_flags(d->udp, UDP_FLAGS_MULTICAST_LOOP);
    err_t error = d->raw ? raw_sendto_if_src(d->raw, p, to, netif, &source)
                         : udp_sendto_if_src(d->udp, p, to, way->to.port, netif, &source);
    if (once)
        udp_setflags(d->udp, flags);
    pcb->ttl = ttl;
    pcb->tos = tos;
    net_kick();
    return error == ERR_VAL ? E_INVAL : inet_error(error);
}

/* Adds the packet to those before it; true if the datagram is not complete yet. */
static bool add_to_cork(struct datagram_socket *d, struct pbuf **p, const struct datagram_way *way,
                        bool more, enum err *e)
{
    if (!d->corked && !more)
        return false;
    if (d->corked && (uint32_t)d->corked->tot_len + (*p)->tot_len > UDP6_MAX) {
        *e = E_MSGSIZE;
        return false;
    }
    net_lock_take();
    if (d->corked)
        pbuf_cat(d->corked, *p);
    else
        d->corked = *p;
    net_lock_drop();
    d->cork_to = way->to;
    *p = d->corked;
    if (!more)
        d->corked = NULL;
    return more;
}

enum err datagram_flush(struct datagram_socket *d)
{
    struct datagram_way way = {.to = d->cork_to};
    struct pbuf *p = d->corked;
    enum err e = inet_sending_of(&d->inet, NULL, &way.sending);
    d->corked = NULL;
    net_lock_take();
    if (e == E_OK)
        e = send_by(d, p, &way);
    pbuf_free(p);
    net_lock_drop();
    return e;
}

enum err datagram_send(struct socket *socket, struct socket_message *message)
{
    struct datagram_socket *d = datagram_of(socket);
    struct datagram_way way = {0};
    struct pbuf *p;
    enum err e = find_way(d, message, &way);
    if (e == E_OK && !ip_addr_isloopback(&way.to.ip))
        e = net_await_address(socket_waits(socket, message->flags));
    if (e == E_OK)
        e = datagram_open(d);
    if (e == E_OK)
        e = socket_take_error(socket);
    if (e == E_OK && (d->inet.shut & SHUT_WRITE))
        e = E_PIPE;
    if (e != E_OK)
        return e;
    struct io start = *message->io;
    e = make_packet(d, message, &p);
    if (e != E_OK)
        return e;
    bool more = !is_raw(d) && ((message->flags & MSG_MORE) || d->cork != 0);
    if (!add_to_cork(d, &p, &way, more, &e)) {
        net_lock_take();
        if (e == E_OK)
            e = send_by(d, p, &way);
        pbuf_free(p);
        net_lock_drop();
    }
    /* No room on the way is a lost packet, as on Linux without IP_RECVERR. */
    if (e == E_NOBUFS && !(d->inet.wants & (INET_RECVERR | INET6_RECVERR)))
        e = E_OK;
    if (e != E_OK)
        *message->io = start;
    return e;
}

/* Receiving */

/* The packet with the byte behind *at others, and where in it; NULL: there is none. O(packets before). */
static struct datagram *find_datagram(const struct datagram_socket *d, uint32_t *at)
{
    list_for_each (link, &d->packets) {
        struct datagram *datagram = CONTAINER_OF(link, struct datagram, link);
        uint32_t size = datagram->p->tot_len;
        if (*at < size || *at + size == 0)
            return datagram;
        *at -= size;
    }
    return NULL;
}

struct datagram_wait {
    const struct datagram_socket *d;
    uint32_t at;
};

static bool has_datagram(void *context)
{
    struct datagram_wait wait = *(const struct datagram_wait *)context;
    return (wait.d->inet.shut & SHUT_READ) || wait.d->inet.socket.error != E_OK ||
           find_datagram(wait.d, &wait.at) != NULL;
}

/* The packet to receive, and where in it; NULL with E_OK: the socket does not receive any more. */
static enum err first_datagram(struct datagram_socket *d, uint32_t flags, struct datagram **out,
                               uint32_t *at)
{
    struct socket *socket = &d->inet.socket;
    bool waits = socket_waits(socket, flags);
    *out = NULL;
    for (;;) {
        enum err e = socket_take_error(socket);
        if (e != E_OK)
            return e;
        struct datagram_wait wait = {d, socket_peek_at(socket, flags)};
        *at = wait.at;
        if ((*out = find_datagram(d, at)) != NULL || (waits && (d->inet.shut & SHUT_READ)))
            return E_OK;
        e = socket_wait(&socket->readable, has_datagram, &wait, waits, socket->receive_timeout_ns);
        if (e != E_OK)
            return e;
    }
}

/* The bytes of the packet from `at` on. */
static enum err put_packet(struct io *io, const struct pbuf *p, uint32_t at, uint64_t size)
{
    struct io start = *io;
    enum err e = E_OK;
    for (; at >= p->len && p->next; p = p->next)
        at -= p->len;
    for (; p && size > 0 && e == E_OK; p = p->next, at = 0) {
        uint64_t rest = p->len - at, here = rest < size ? rest : size;
        e = io_put(io, (const uint8_t *)p->payload + at, here);
        size -= here;
    }
    if (e != E_OK)
        *io = start;
    return e;
}

static void drop_datagram(struct datagram_socket *d, struct datagram *datagram) REQUIRES(net_lock)
{
    list_remove(&datagram->link);
    d->used -= datagram->charge;
    pbuf_free(datagram->p);
    heap_free(datagram);
}

void datagram_purge(struct datagram_socket *d)
{
    while (!list_empty(&d->packets))
        drop_datagram(d, CONTAINER_OF(d->packets.next, struct datagram, link));
}

enum err datagram_receive(struct socket *socket, struct socket_message *message)
{
    struct datagram_socket *d = datagram_of(socket);
    struct datagram *datagram;
    if ((message->flags & MSG_OOB) && is_raw(d))
        return E_NOTSUP;
    if (message->flags & MSG_ERRQUEUE)
        return datagram_receive_error(d, message);
    uint32_t at;
    enum err e = first_datagram(d, message->flags, &datagram, &at);
    if (e != E_OK || !datagram)
        return e;
    uint64_t total = datagram->p->tot_len, room = io_left(message->io);
    uint64_t size = total - at < room ? total - at : room;
    message->length = (message->flags & MSG_TRUNC) ? total : size;
    message->result_flags = room <= total - at && size < total ? MSG_TRUNC : 0;
    e = put_packet(message->io, datagram->p, at, size);
    if (e == E_OK) {
        if (message->address)
            inet_address_out(&d->inet, &datagram->from, message->address);
        if (message->controls)
            inet_controls_of(&d->inet, datagram, message->controls);
        socket_peeked(socket, message->flags, message->length);
    } else {
        message->length = 0;
    }
    if (!(message->flags & MSG_PEEK) && e != E_INTR) {
        net_lock_take();
        drop_datagram(d, datagram);
        net_lock_drop();
    }
    return e;
}

uint32_t datagram_poll(struct socket *socket)
{
    const struct datagram_socket *d = datagram_of(socket);
    uint32_t events = POLL_ALL_WRITABLE;
    if (socket->error != E_OK || !list_empty(&d->errors))
        events |= POLL_ERR;
    if (d->inet.shut & SHUT_READ)
        events |= POLL_RDHUP | POLL_READABLE;
    if (d->inet.shut == (SHUT_READ | SHUT_WRITE))
        events |= POLL_HUP;
    if (!list_empty(&d->packets))
        events |= POLL_READABLE;
    return events;
}

enum err datagram_queued(struct socket *socket, bool out, uint32_t *bytes)
{
    const struct datagram_socket *d = datagram_of(socket);
    *bytes = 0;
    if (!out && !list_empty(&d->packets))
        *bytes = CONTAINER_OF(d->packets.next, struct datagram, link)->p->tot_len;
    return E_OK;
}

/* Callbacks: they hold kernel_lock and net_lock, which the compiler cannot see through lwIP. */

/* Takes the packet over unless the queue is full. */
static bool queue_datagram(struct datagram_socket *d, struct pbuf *p,
                           const struct inet_place *from) NO_LOCK_ANALYSIS
{
    uint32_t charge = ((uint32_t)p->tot_len + OVERHEAD + CHARGE - 1) / CHARGE * CHARGE;
    if (d->used > d->inet.socket.receive_size || (d->inet.shut & SHUT_READ) ||
        (net_buffers_are_scarce() && !list_empty(&d->packets))) {
        d->drops++;
        return false;
    }
    struct datagram *datagram = heap_alloc(sizeof(*datagram));
    if (!datagram)
        return false;
    *datagram = (struct datagram){.p = p,
                                  .from = *from,
                                  .to = *ip_current_dest_addr(),
                                  .came_ns = time_realtime_ns(),
                                  .charge = charge,
                                  .interface = netif_get_index(ip_current_input_netif())};
    if (ip_current_is_v6()) {
        datagram->ttl = IP6H_HOPLIM(ip6_current_header());
        datagram->traffic_class = (u8_t)IP6H_TC(ip6_current_header());
    } else {
        datagram->ttl = IPH_TTL(ip4_current_header());
        datagram->traffic_class = IPH_TOS(ip4_current_header());
    }
    d->used += charge;
    list_add_tail(&d->packets, &datagram->link);
    wait_queue_wake(&d->inet.socket.readable);
    return true;
}

/* SO_REUSEPORT: the sockets with the same address share what comes, by the peer's address. */
static struct datagram_socket *choose_socket(struct datagram_socket *d,
                                             const struct inet_place *from)
{
    uint32_t count = 0, choice;
    if (!socket_flag(&d->inet.socket, SO_REUSEPORT) || d->connected || !d->inet.port)
        return d;
    uint32_t hash =
        (ip_2_ip6(&from->ip)->addr[IP_IS_V6_VAL(from->ip) ? 3 : 0] ^ from->port) * 0x9e3779b1u;
    for (choice = UINT32_MAX;; choice = (hash >> 8) % count) {
        uint32_t at = 0;
        list_for_each (link, inet_port_sockets(&d->inet)) {
            struct datagram_socket *other =
                CONTAINER_OF(link, struct datagram_socket, inet.port_link);
            if (!socket_flag(&other->inet.socket, SO_REUSEPORT) || other->connected ||
                !ip_addr_cmp(&other->inet.local.ip, &d->inet.local.ip))
                continue;
            if (at++ == choice)
                return other;
        }
        count = at;
        if (choice != UINT32_MAX || count == 0)
            return d;
    }
}

/* The filter sees the header of UDP, which lies before the bytes. */
COLD static bool filter_datagram(struct datagram_socket *d, struct pbuf *p) NO_LOCK_ANALYSIS
{
    pbuf_header_force(p, UDP_HLEN);
    bool passes = filter_pbuf(&d->inet.socket, p, UDP_HLEN);
    pbuf_remove_header(p, UDP_HLEN);
    return passes;
}

void datagram_came(void *argument, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                   u16_t port) NO_LOCK_ANALYSIS
{
    struct inet_place place = {*from, port};
    struct datagram_socket *d = choose_socket(argument, &place);
    (void)pcb;
    if (unlikely(d->inet.socket.filter != NULL) && !filter_datagram(d, p)) {
        pbuf_free(p);
        return;
    }
    if (!queue_datagram(d, p, &place))
        pbuf_free(p);
}

/* ICMP_FILTER and ICMP6_FILTER: bits of the types that are not wanted. */
static bool is_filtered(const struct datagram_socket *d, const struct pbuf *p, uint16_t header)
{
    uint32_t protocol = d->inet.socket.protocol, type = pbuf_get_at(p, header);
    if (protocol == IPPROTO_ICMP && !inet_is_v6(&d->inet))
        return type < 32 && (d->filter[0] >> type & 1);
    if (protocol == IPPROTO_ICMPV6 && inet_is_v6(&d->inet))
        return d->filter[type / 32] >> type % 32 & 1;
    return false;
}

/* Others get the packet too. A socket of AF_INET gets the IP header with it. */
u8_t raw_came(void *argument, struct raw_pcb *pcb, struct pbuf *p,
              const ip_addr_t *from) NO_LOCK_ANALYSIS
{
    struct datagram_socket *d = argument;
    uint16_t header = ip_current_header_tot_len();
    struct inet_place place = {*from, 0};
    (void)pcb;
    if (d->inet.socket.protocol == IPPROTO_RAW || is_filtered(d, p, header))
        return 0;
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    if (!copy)
        return 0;
    if (inet_is_v6(&d->inet))
        pbuf_remove_header(copy, header);
    if (!filter_pbuf(&d->inet.socket, copy, 0) || !queue_datagram(d, copy, &place))
        pbuf_free(copy);
    return 0;
}
