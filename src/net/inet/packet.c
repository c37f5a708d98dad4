/* SPDX-License-Identifier: MIT */
/*
 * Packet sockets (packet(7)): frames as they come and go, through the socket's filter, into its queue or into a ring that the program maps
 * (PACKET_RX_RING, TPACKET_V2). The card's filter of addresses stays as it is: memberships are taken without an effect. What is
 * sent has 65,535 bytes at most, 15 fewer than on Linux's lo.
 *
 *   net/stack/tap.c --> packet_came --> filter --+--> struct packet --> packet_receive()
 *                                                +--> the ring's next frame, if the program has given it back
 */
#include "net/inet/packet.h"

#include "base/str.h"
#include "fs/vfs/credentials.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "net/inet/control.h"
#include "net/inet/filter.h"
#include "net/inet/interface.h"
#include "net/inet/packet_ring.h"
#include "net/stack/hooks.h"
#include "net/stack/stack.h"
#include "net/stack/tap.h"

#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ieee.h>

#define AF_PACKET     17u
#define SOL_PACKET    263u
#define ETH_P_ALL     3u
#define OVERHEAD      512u /* charged for a frame besides its bytes */
#define ADDRESS_LEAST 12u  /* of struct link_address without the hardware's */
#define TYPE_ETHERNET 1u
#define TYPE_LOOPBACK 772u

enum { /* options */
    PACKET_ADD_MEMBERSHIP = 1,
    PACKET_DROP_MEMBERSHIP = 2,
    PACKET_RX_RING = 5,
    PACKET_STATISTICS = 6,
    PACKET_AUXDATA = 8,
    PACKET_VERSION = 10,
    PACKET_HDRLEN = 11,
    PACKET_RESERVE = 12,
    PACKET_IGNORE_OUTGOING = 23,
    TPACKET_V2 = 1,
};

struct frame_facts { /* struct tpacket_auxdata */
    uint32_t status, size, has;
    uint16_t link, network, vlan, vlan_protocol;
};

struct packet {
    struct list link;
    struct frame_facts facts;
    struct link_address from;
    uint64_t came_ns;
    uint8_t bytes[];
};

struct packet_socket {
    struct socket socket;
    struct net_tap tap;
    bool tapped, auxdata, no_outgoing;
    uint8_t interface; /* 0: all */
    uint16_t protocol; /* in the CPU's order; 0: none */
    struct list packets;
    uint32_t used; /* bytes that they are charged for */
    uint32_t received, dropped, version;
    struct packet_ring ring;
};

static const struct socket_ops packet_ops;

static struct packet_socket *packet_of(struct socket *socket)
{
    return (struct packet_socket *)(uintptr_t)socket;
}

static struct link_address address_of(uint32_t interface, uint16_t protocol) REQUIRES(net_lock)
{
    const struct netif *netif = netif_get_by_index((u8_t)interface);
    struct link_address address = {
        .family = AF_PACKET, .protocol = lwip_htons(protocol), .interface = (int32_t)interface};
    if (netif != NULL) {
        address.hardware = netif_is_loopback(netif) ? TYPE_LOOPBACK : TYPE_ETHERNET;
        address.size = NETIF_MAX_HWADDR_LEN;
        memcpy(address.address, netif->hwaddr, NETIF_MAX_HWADDR_LEN);
    }
    return address;
}

/* ---- frames that come ---- */

static bool put_in_queue(struct packet_socket *s, const struct packet *packet, const uint8_t *bytes)
{
    uint32_t charge = packet->facts.has + OVERHEAD;
    struct packet *own = s->used + charge > s->socket.receive_size
                             ? NULL
                             : heap_alloc(sizeof *own + packet->facts.has);
    if (own == NULL)
        return false;
    *own = *packet;
    memcpy(own->bytes, bytes, packet->facts.has);
    list_add_tail(&s->packets, &own->link);
    s->used += charge;
    return true;
}

static void packet_came(struct net_tap *tap, const struct tap_frame *frame) NO_LOCK_ANALYSIS
{
    struct packet_socket *s = CONTAINER_OF(tap, struct packet_socket, tap);
    uint32_t head = s->socket.type == SOCK_RAW ? 0 : TAP_HEADER;
    if ((s->interface != 0 && s->interface != frame->interface) ||
        (s->protocol != ETH_P_ALL &&
         (s->protocol != frame->protocol || frame->type == TAP_OUTGOING)) ||
        (s->no_outgoing && frame->type == TAP_OUTGOING))
        return;
    struct bpf_packet about = {.network = (int32_t)(TAP_HEADER - head), .link = -(int32_t)head};
    about.fact[BPF_PROTOCOL] = frame->protocol;
    about.fact[BPF_PACKET_TYPE] = frame->type;
    about.fact[BPF_INTERFACE] = frame->interface;
    struct packet packet = {
        .facts = {.status = PACKET_USER, .size = frame->size - head, .network = TAP_HEADER},
        .from = address_of(frame->interface, frame->protocol),
        .came_ns = time_realtime_ns()};
    about.fact[BPF_HARDWARE_TYPE] = packet.from.hardware;
    packet.facts.has = filter_bytes(&s->socket, &about, frame->bytes + head, packet.facts.size);
    if (packet.facts.has == 0)
        return;
    packet.from.type = frame->type;
    memcpy(packet.from.address, frame->bytes + TAP_SOURCE, NETIF_MAX_HWADDR_LEN);
    if (head != 0)
        packet.facts.network = 0;
    s->received++;
    const struct packet_sizes sizes = {packet.facts.size, packet.facts.has, TAP_HEADER - head,
                                       s->dropped};
    bool fits = s->ring.pages != NULL ? packet_ring_put(&s->ring, &packet.from, packet.came_ns,
                                                        frame->bytes + head, &sizes)
                                      : put_in_queue(s, &packet, frame->bytes + head);
    if (fits)
        wait_queue_wake(&s->socket.readable);
    else
        s->dropped++;
}

/* ---- the socket ---- */

static void tap_by_protocol(struct packet_socket *s) REQUIRES(net_lock)
{
    bool taps = s->protocol != 0;
    net_poll_less();
    if (taps && !s->tapped)
        list_add_tail(&net_taps, &s->tap.link);
    else if (!taps && s->tapped)
        list_remove(&s->tap.link);
    s->tapped = taps;
}

static enum err packet_create(uint32_t type, uint32_t protocol, struct socket **out)
{
    if (!capable(CAP_NET_RAW))
        return E_PERM;
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return E_SOCKTNOSUPPORT;
    enum err e = net_start();
    if (e != E_OK)
        return e;
    struct packet_socket *s = heap_alloc_zero(sizeof *s);
    if (s == NULL)
        return E_NOMEM;
    socket_init(&s->socket, &packet_ops, AF_PACKET, type, protocol);
    list_init(&s->packets);
    s->tap.frame = packet_came;
    s->protocol = lwip_ntohs((uint16_t)protocol);
    net_lock_take();
    tap_by_protocol(s);
    net_lock_drop();
    *out = &s->socket;
    return E_OK;
}

static enum err packet_bind(struct socket *socket, const struct socket_address *address)
{
    struct packet_socket *s = packet_of(socket);
    struct link_address to;
    if (address->length < sizeof to)
        return E_INVAL;
    memcpy(&to, address->bytes, sizeof to);
    if (to.family != AF_PACKET)
        return E_INVAL;
    net_lock_take();
    enum err e = to.interface == 0 || interface_exists((uint32_t)to.interface) ? E_OK : E_NODEV;
    if (e == E_OK) {
        s->interface = (uint8_t)to.interface;
        if (to.protocol != 0)
            s->protocol = lwip_ntohs(to.protocol);
        tap_by_protocol(s);
    }
    net_lock_drop();
    return e;
}

static enum err packet_not_there(struct socket *socket, const struct socket_address *address)
{
    (void)socket;
    (void)address;
    return E_NOTSUP;
}

static enum err packet_listen(struct socket *socket, uint32_t backlog)
{
    (void)socket;
    (void)backlog;
    return E_NOTSUP;
}

static enum err packet_accept(struct socket *socket, struct socket **out)
{
    (void)socket;
    (void)out;
    return E_NOTSUP;
}

static void link_address_out(const struct link_address *address, uint32_t size,
                             struct socket_address *out)
{
    out->length = size;
    memcpy(out->bytes, address, sizeof *address);
}

static enum err packet_name(struct socket *socket, bool peer, struct socket_address *out)
{
    const struct packet_socket *s = packet_of(socket);
    if (peer)
        return E_NOTSUP;
    net_lock_take();
    struct link_address own = address_of(s->interface, s->protocol);
    net_lock_drop();
    link_address_out(&own, ADDRESS_LEAST + own.size, out);
    return E_OK;
}

/* The frame of the message, with a header of Ethernet before it if the socket is a datagram's. */
static enum err make_frame(struct socket_message *message, const struct link_address *to, bool raw,
                           const struct netif *netif, struct pbuf **out)
{
    uint32_t head = raw ? 0 : TAP_HEADER;
    uint64_t size = io_left(message->io);
    net_lock_take();
    bool fits =
        size <= netif_mtu(netif) + TAP_HEADER - head && head + size <= UINT16_MAX; /* of a pbuf */
    enum err e = !fits ? E_MSGSIZE : raw && size < TAP_HEADER ? E_INVAL : E_OK;
    struct pbuf *p = e == E_OK ? pbuf_alloc(PBUF_RAW, (u16_t)(head + size), PBUF_RAM) : NULL;
    net_lock_drop();
    if (p == NULL)
        return e == E_OK ? E_NOBUFS : e;
    uint8_t *bytes = p->payload;
    struct io start = *message->io;
    e = io_take(message->io, bytes + head, size);
    if (e != E_OK) {
        *message->io = start;
        net_lock_take();
        pbuf_free(p);
        net_lock_drop();
        return e;
    }
    if (!raw) {
        memcpy(bytes, to->address, TAP_SOURCE);
        memcpy(bytes + TAP_SOURCE, netif->hwaddr, TAP_SOURCE);
        memcpy(bytes + TAP_PROTOCOL, &to->protocol, sizeof to->protocol);
    }
    *out = p;
    return E_OK;
}

static enum err packet_send(struct socket *socket, struct socket_message *message)
{
    struct packet_socket *s = packet_of(socket);
    struct link_address to = {.interface = s->interface, .protocol = lwip_htons(s->protocol)};
    bool raw = socket->type == SOCK_RAW;
    struct pbuf *p;
    if (message->address) {
        if (message->address->length < ADDRESS_LEAST)
            return E_INVAL;
        memcpy(&to, message->address->bytes, sizeof to);
        if (to.family != AF_PACKET ||
            (!raw && message->address->length < ADDRESS_LEAST + (uint32_t)to.size))
            return E_INVAL;
    }
    enum err e = E_OK;
    net_lock_take();
    struct netif *netif =
        (uint32_t)to.interface - 1 < UINT8_MAX ? netif_get_by_index((u8_t)to.interface) : NULL;
    if (netif == NULL)
        e = E_NXIO;
    else if (!netif_is_up(netif))
        e = E_NETDOWN;
    net_lock_drop(); /* interfaces stay */
    if (e == E_OK)
        e = make_frame(message, &to, raw, netif, &p);
    if (e != E_OK)
        return e;
    net_lock_take();
    if (!netif_is_loopback(netif)) {
        e = inet_error(netif->linkoutput(netif, p));
    } else { /* Linux's IP drops there what did not come by a route */
        net_tap_card(netif, p, true);
        net_tap_card(netif, p, false);
    }
    pbuf_free(p);
    net_kick();
    net_lock_drop();
    return e;
}

static bool packet_is_there(void *context)
{
    return !list_empty(&((const struct packet_socket *)context)->packets);
}

static void drop_packet(struct packet_socket *s, struct packet *packet)
{
    list_remove(&packet->link);
    s->used -= packet->facts.has + OVERHEAD;
    heap_free(packet);
}

static void add_controls(const struct packet_socket *s, const struct packet *packet,
                         struct socket_controls *out)
{
    inet_stamp_of(&s->socket, packet->came_ns, out);
    if (s->auxdata)
        inet_control_add(out, SOL_PACKET, PACKET_AUXDATA, &packet->facts, sizeof packet->facts);
}

static enum err packet_receive(struct socket *socket, struct socket_message *message)
{
    struct packet_socket *s = packet_of(socket);
    if (message->flags & (MSG_OOB | MSG_ERRQUEUE))
        return message->flags & MSG_OOB ? E_INVAL : E_AGAIN;
    if (list_empty(&s->packets)) {
        enum err e = socket_wait(&socket->readable, packet_is_there, s,
                                 socket_waits(socket, message->flags), socket->receive_timeout_ns);
        if (e != E_OK)
            return e;
    }
    struct packet *packet = CONTAINER_OF(s->packets.next, struct packet, link);
    uint64_t room = io_left(message->io), has = packet->facts.has;
    uint64_t size = has < room ? has : room;
    message->length = (message->flags & MSG_TRUNC) ? has : size;
    message->result_flags = size < has ? MSG_TRUNC : 0;
    struct io start = *message->io;
    enum err e = io_put(message->io, packet->bytes, size);
    if (e != E_OK) {
        *message->io = start;
        message->length = 0;
    } else {
        if (message->address)
            link_address_out(&packet->from, sizeof packet->from, message->address);
        if (message->controls)
            add_controls(s, packet, message->controls);
    }
    if (!(message->flags & MSG_PEEK) && e != E_INTR)
        drop_packet(s, packet);
    return e;
}

static uint32_t packet_poll(struct socket *socket)
{
    const struct packet_socket *s = packet_of(socket);
    bool some = s->ring.pages ? packet_ring_has(&s->ring) : !list_empty(&s->packets);
    return POLL_ALL_WRITABLE | (some ? POLL_READABLE : 0);
}

static enum err packet_queued(struct socket *socket, bool out, uint32_t *bytes)
{
    const struct packet_socket *s = packet_of(socket);
    *bytes = out || list_empty(&s->packets)
                 ? 0
                 : CONTAINER_OF(s->packets.next, struct packet, link)->facts.has;
    return E_OK;
}

static enum err packet_peer(struct socket *socket, struct fs_credentials *out)
{
    (void)socket;
    *out = (struct fs_credentials){0, UINT32_MAX, UINT32_MAX};
    return E_OK;
}

static bool packet_listens(const struct socket *socket)
{
    (void)socket;
    return false;
}

/* ---- options ---- */

static enum err set_membership(const struct socket_option *option)
{
    if (option->size < 16) /* struct packet_mreq */
        return E_INVAL;
    net_lock_take();
    bool exists = option->number > 0 && interface_exists((uint32_t)option->number);
    net_lock_drop();
    return exists ? E_OK : E_NODEV;
}

static enum err packet_set_option(struct socket *socket, const struct socket_option *option)
{
    struct packet_socket *s = packet_of(socket);
    if (option->level != SOL_PACKET)
        return E_NOPROTOOPT;
    if (option->size < sizeof option->number)
        return E_INVAL;
    uint32_t value = (uint32_t)option->number;
    switch (option->name) {
    case PACKET_ADD_MEMBERSHIP:
    case PACKET_DROP_MEMBERSHIP:
        return set_membership(option);
    case PACKET_RX_RING:
        return option->size < sizeof s->ring.shape || s->version != TPACKET_V2
                   ? E_INVAL
                   : packet_ring_set(&s->ring, (const struct packet_ring_request *)option->bytes);
    case PACKET_AUXDATA:
        s->auxdata = value != 0;
        return E_OK;
    case PACKET_IGNORE_OUTGOING:
        if (value > 1)
            return E_INVAL;
        s->no_outgoing = value != 0;
        return E_OK;
    case PACKET_VERSION:
    case PACKET_RESERVE:
        if (s->ring.pages != NULL)
            return E_BUSY;
        if (value > (option->name == PACKET_VERSION ? TPACKET_V2 : UINT16_MAX / 2))
            return E_INVAL;
        *(option->name == PACKET_VERSION ? &s->version : &s->ring.reserve) = value;
        return E_OK;
    default:
        return E_NOPROTOOPT;
    }
}

static enum err packet_get_option(struct socket *socket, struct socket_option *option)
{
    struct packet_socket *s = packet_of(socket);
    uint32_t value[2] = {0, 0}, size = sizeof value[0], asked = (uint32_t)option->number;
    if (option->level != SOL_PACKET)
        return E_NOPROTOOPT;
    switch (option->name) {
    case PACKET_STATISTICS:
        value[0] = s->received;
        value[1] = s->dropped;
        s->received = s->dropped = 0;
        size = sizeof value;
        break;
    case PACKET_AUXDATA:
        value[0] = s->auxdata;
        break;
    case PACKET_IGNORE_OUTGOING:
        value[0] = s->no_outgoing;
        break;
    case PACKET_VERSION:
        value[0] = s->version;
        break;
    case PACKET_RESERVE:
        value[0] = s->ring.reserve;
        break;
    case PACKET_HDRLEN:
        if (option->size < size || asked > TPACKET_V2)
            return E_INVAL;
        value[0] = asked == TPACKET_V2 ? 32 : 28; /* without the address */
        break;
    default:
        return E_NOPROTOOPT;
    }
    option->size = option->size < size ? option->size : size;
    memcpy(option->bytes, value, option->size);
    return E_OK;
}

static struct page_source *packet_pages(struct socket *socket)
{
    const struct packet_socket *s = packet_of(socket);
    return s->ring.pages ? &s->ring.pages->source : NULL;
}

static void packet_release(struct socket *socket)
{
    struct packet_socket *s = packet_of(socket);
    s->protocol = 0;
    net_lock_take();
    tap_by_protocol(s);
    net_lock_drop();
    while (!list_empty(&s->packets))
        drop_packet(s, CONTAINER_OF(s->packets.next, struct packet, link));
    packet_ring_drop(&s->ring);
    heap_free(s);
}

static const struct socket_ops packet_ops = {
    .bind = packet_bind,
    .connect = packet_not_there,
    .listen = packet_listen,
    .accept = packet_accept,
    .name = packet_name,
    .shutdown = packet_listen,
    .send = packet_send,
    .receive = packet_receive,
    .poll = packet_poll,
    .queued = packet_queued,
    .peer = packet_peer,
    .listens = packet_listens,
    .release = packet_release,
    .set_option = packet_set_option,
    .get_option = packet_get_option,
    .pages = packet_pages,
    .filters = true,
};

void packet_init(void)
{
    static struct socket_family family = {.number = AF_PACKET, .create = packet_create};
    socket_family_register(&family);
}
