/* SPDX-License-Identifier: MIT */
#include "net/inet/datagram.h"

#include "mm/heap/heap.h"
#include "net/stack/stack.h"

#include <lwip/netif.h>

static const struct socket_ops datagram_ops;

enum err datagram_socket_new(uint32_t family, uint32_t type, uint32_t protocol, struct socket **out)
{
    struct datagram_socket *d = heap_alloc_zero(sizeof(*d));
    if (!d)
        return E_NOMEM;
    inet_init(&d->inet, &datagram_ops, family, type, protocol);
    list_init(&d->packets);
    list_init(&d->errors);
    list_init(&d->groups);
    d->checksum = protocol == IPPROTO_ICMPV6 && family == AF_INET6 ? 2 : -1;
    d->inet.header_included = type == SOCK_RAW && protocol == IPPROTO_RAW;
    if (type == SOCK_RAW) {
        enum err e = datagram_open(d);
        if (e != E_OK) {
            heap_free(d);
            return e;
        }
    }
    *out = &d->inet.socket;
    return E_OK;
}

static u8_t hops_of(const struct inet_socket *inet)
{
    return IP_IS_V6_VAL(inet->local.ip) ? inet->hops : inet->ttl;
}

void datagram_apply_options(struct datagram_socket *d)
{
    const struct inet_socket *inet = &d->inet;
    bool v6 = inet_is_v6(inet);
    struct ip_pcb *pcb = d->raw ? (struct ip_pcb *)d->raw : (struct ip_pcb *)d->udp;
    u8_t hops = v6 ? inet->multicast_hops : inet->multicast_ttl;
    if (!pcb)
        return;
    pcb->ttl = hops_of(inet);
    pcb->tos = v6 ? inet->traffic_class : inet->tos;
    pcb->netif_idx = inet->interface;
    ip_set_option(pcb, SOF_REUSEADDR);
    if (socket_flag(&inet->socket, SO_BROADCAST))
        ip_set_option(pcb, SOF_BROADCAST);
    else
        ip_reset_option(pcb, SOF_BROADCAST);
    if (d->udp) {
        u8_t loop = inet->multicast_loop ? UDP_FLAGS_MULTICAST_LOOP : 0;
        udp_setflags(d->udp, (u8_t)((udp_flags(d->udp) & ~UDP_FLAGS_MULTICAST_LOOP) | loop));
        udp_set_multicast_ttl(d->udp, hops);
        udp_set_multicast_netif_index(d->udp, inet->multicast_interface);
    } else {
        u8_t flags = (u8_t)((inet->multicast_loop ? RAW_FLAGS_MULTICAST_LOOP : 0) |
                            (inet->header_included ? RAW_FLAGS_HDRINCL : 0));
        u8_t old = raw_flags(d->raw) & RAW_FLAGS_CONNECTED;
        raw_setflags(d->raw, (u8_t)(old | flags));
        raw_set_multicast_ttl(d->raw, hops);
        raw_set_multicast_netif_index(d->raw, inet->multicast_interface);
        d->raw->chksum_reqd = d->checksum >= 0;
        d->raw->chksum_offset = (u16_t)(d->checksum < 0 ? 0 : d->checksum);
    }
}

void datagram_changed(struct socket *socket)
{
    net_lock_take();
    datagram_apply_options(datagram_of(socket));
    net_lock_drop();
}

static enum err open_raw(struct datagram_socket *d) REQUIRES(net_lock)
{
    u8_t type = inet_is_v6(&d->inet) ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4;
    d->raw = raw_new_ip_type(type, (u8_t)d->inet.socket.protocol);
    if (!d->raw)
        return E_NOBUFS;
    raw_recv(d->raw, raw_came, d);
    return E_OK;
}

static enum err open_udp(struct datagram_socket *d) REQUIRES(net_lock)
{
    const struct inet_socket *inet = &d->inet;
    d->udp = udp_new_ip_type(IP_GET_TYPE(&inet->local.ip));
    if (!d->udp)
        return E_NOBUFS;
    datagram_apply_options(d);
    enum err e = inet_error(udp_bind(d->udp, &inet->local.ip, inet->local.port));
    if (e != E_OK) {
        udp_remove(d->udp);
        d->udp = NULL;
        return e;
    }
    udp_recv(d->udp, datagram_came, d);
    return E_OK;
}

enum err datagram_open(struct datagram_socket *d)
{
    if (d->udp || d->raw)
        return E_OK;
    enum err e = is_raw(d) ? E_OK : inet_autobind(&d->inet);
    if (e != E_OK)
        return e;
    net_lock_take();
    icmp_error_start();
    e = is_raw(d) ? open_raw(d) : open_udp(d);
    if (e == E_OK)
        datagram_apply_options(d);
    net_lock_drop();
    return e;
}

static enum err datagram_bind(struct socket *socket, const struct socket_address *address)
{
    struct datagram_socket *d = datagram_of(socket);
    enum err e = inet_bind(&d->inet, address);
    if (e != E_OK)
        return e;
    if (is_raw(d)) {
        net_lock_take();
        raw_bind(d->raw, &d->inet.local.ip);
        net_lock_drop();
        return E_OK;
    }
    e = datagram_open(d);
    if (e != E_OK) {
        inet_port_drop(&d->inet);
        d->inet.bound = false;
        d->inet.local.port = 0;
        inet_address_any(&d->inet, &d->inet.local.ip);
    }
    return e;
}

/* The address of the machine that packets to `to` carry. E_NETUNREACH. */
static enum err choose_source(const struct inet_socket *inet, const ip_addr_t *to, ip_addr_t *out)
    REQUIRES(net_lock)
{
    if (!ip_addr_isany(&inet->local.ip) && !ip_addr_ismulticast(&inet->local.ip)) {
        *out = inet->local.ip;
        return IP_GET_TYPE(out) == IP_GET_TYPE(to) ? E_OK : E_NETUNREACH;
    }
    ip_addr_t any;
    ip_addr_set_any_val(IP_IS_V6(to), any);
    struct netif *netif =
        inet->interface != 0 ? netif_get_by_index(inet->interface) : ip_route(&any, to);
    const ip_addr_t *source = netif ? ip_netif_get_local_ip(netif, to) : NULL;
    if (!source)
        return E_NETUNREACH;
    *out = *source;
    return E_OK;
}

static void forget_peer(struct datagram_socket *d)
{
    struct inet_socket *inet = &d->inet;
    d->connected = false;
    inet->remote.port = 0;
    inet_address_any(inet, &inet->remote.ip);
    net_lock_take();
    if (d->udp)
        udp_disconnect(d->udp);
    if (d->raw)
        raw_disconnect(d->raw);
    if (!inet->bound) {
        inet_address_any(inet, &inet->local.ip);
        if (d->udp)
            ip_addr_copy(d->udp->local_ip, inet->local.ip);
    }
    net_lock_drop();
}

static enum err set_peer(struct datagram_socket *d, const struct inet_place *to) REQUIRES(net_lock)
{
    struct inet_socket *inet = &d->inet;
    ip_addr_t source;
    enum err e = choose_source(inet, &to->ip, &source);
    if (e != E_OK)
        return e;
    inet->local.ip = source;
    inet->remote = *to;
    if (!d->udp) {
        raw_bind(d->raw, &source);
        return inet_error(raw_connect(d->raw, &to->ip));
    }
    ip_addr_copy(d->udp->local_ip, source);
    return inet_error(udp_connect(d->udp, &to->ip, to->port));
}

static enum err datagram_connect(struct socket *socket, const struct socket_address *address)
{
    struct datagram_socket *d = datagram_of(socket);
    struct inet_socket *inet = &d->inet;
    struct inet_place to;
    if (address->length < sizeof(address->family))
        return E_INVAL;
    if (address->family == AF_UNSPEC) {
        forget_peer(d);
        return E_OK;
    }
    enum err e = inet_address_in(inet, address, &to);
    if (e != E_OK)
        return e;
    inet_address_to(&to);
    if (!ip_addr_isloopback(&to.ip))
        e = net_await_address(socket_waits(socket, 0));
    if (e == E_OK)
        e = datagram_open(d);
    if (e != E_OK)
        return e;
    if (d->connected)
        forget_peer(d);
    net_lock_take();
    if (inet_is_broadcast(&to.ip) && !socket_flag(socket, SO_BROADCAST))
        e = E_ACCES;
    if (e == E_OK)
        e = set_peer(d, &to);
    net_lock_drop();
    d->connected = e == E_OK;
    return e;
}

static enum err datagram_listen(struct socket *socket, uint32_t backlog)
{
    (void)socket;
    (void)backlog;
    return E_NOTSUP;
}

static enum err datagram_accept(struct socket *socket, struct socket **out)
{
    (void)socket;
    (void)out;
    return E_NOTSUP;
}

static enum err datagram_shutdown(struct socket *socket, uint32_t how)
{
    struct datagram_socket *d = datagram_of(socket);
    d->inet.shut |= (uint8_t)how;
    socket_wake(socket);
    return d->connected ? E_OK : E_NOTCONN;
}

static enum err datagram_peer(struct socket *socket, struct fs_credentials *out)
{
    (void)socket;
    *out = (struct fs_credentials){0, UINT32_MAX, UINT32_MAX};
    return E_OK;
}

static bool datagram_listens(const struct socket *socket)
{
    (void)socket;
    return false;
}

static void datagram_release(struct socket *socket)
{
    struct datagram_socket *d = datagram_of(socket);
    net_lock_take();
    group_leave_all(d);
    if (d->udp)
        udp_remove(d->udp);
    if (d->raw)
        raw_remove(d->raw);
    datagram_purge(d);
    if (d->corked)
        pbuf_free(d->corked);
    net_kick();
    net_lock_drop();
    datagram_forget_errors(d);
    inet_port_drop(&d->inet);
    heap_free(d);
}

static const struct socket_ops datagram_ops = {
    .bind = datagram_bind,
    .connect = datagram_connect,
    .listen = datagram_listen,
    .accept = datagram_accept,
    .name = inet_name,
    .shutdown = datagram_shutdown,
    .send = datagram_send,
    .receive = datagram_receive,
    .poll = datagram_poll,
    .queued = datagram_queued,
    .peer = datagram_peer,
    .listens = datagram_listens,
    .release = datagram_release,
    .set_option = datagram_set_option,
    .get_option = datagram_get_option,
    .changed = datagram_changed,
    .filters = true,
};
