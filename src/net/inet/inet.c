/* SPDX-License-Identifier: MIT */
#include "net/inet/inet.h"

#include "fs/vfs/credentials.h"
#include "kern/netdev.h"
#include "net/inet/control.h"
#include "net/inet/families.h"
#include "net/inet/netlink.h"
#include "net/inet/packet.h"
#include "net/stack/stack.h"

#define PROTOCOLS_END 263u /* IPPROTO_MAX */
#define HOPS_DEFAULT  64u

void inet_init(struct inet_socket *inet, const struct socket_ops *ops, uint32_t family,
               uint32_t type, uint32_t protocol)
{
    socket_init(&inet->socket, ops, family, type, protocol);
    list_init(&inet->port_link);
    inet_address_any(inet, &inet->local.ip);
    inet_address_any(inet, &inet->remote.ip);
    inet->ttl = inet->hops = HOPS_DEFAULT;
    inet->multicast_ttl = inet->multicast_hops = 1;
    inet->multicast_loop = true;
    inet->mtu_probe = 1;
    inet->socket.readable.outside = inet->socket.writable.outside = netdev_first() != NULL;
}

enum err inet_autobind(struct inet_socket *inet)
{
    if (inet->port)
        return E_OK;
    enum err e = inet_port_take(inet, 0);
    return e == E_ADDRINUSE ? E_AGAIN : e;
}

/* E_ADDRNOTAVAIL: the machine does not have the address. */
static enum err check_local(const struct inet_socket *inet, const struct inet_place *place)
{
    const ip_addr_t *ip = &place->ip;
    bool stream = inet->socket.type == SOCK_STREAM;
    if (inet_is_v6(inet) && stream && IP_IS_V6(ip) && ip_addr_ismulticast(ip))
        return E_INVAL;
    if (ip_addr_isany(ip) || ip_addr_ismulticast(ip) || inet->free_bind)
        return E_OK;
    if (IP_IS_V6(ip) && ip6_addr_lacks_zone(ip_2_ip6(ip), IP6_UNKNOWN))
        return E_INVAL; /* a link-local address of no interface */
    net_lock_take();
    bool local = inet_is_local(ip) || inet_is_broadcast(ip);
    net_lock_drop();
    return local ? E_OK : E_ADDRNOTAVAIL;
}

/* bind() of a socket of AF_INET takes AF_UNSPEC for AF_INET if the address is the wildcard. */
static enum err bind_address_in(const struct inet_socket *inet,
                                const struct socket_address *address, struct inet_place *out)
{
    struct socket_address copy = *address;
    uint32_t least = inet_is_v6(inet) ? 24 : 16;
    if (address->length < least)
        return E_INVAL;
    if (address->family != inet->socket.family &&
        (inet_is_v6(inet) || address->family != AF_UNSPEC))
        return E_AFNOSUPPORT;
    copy.family = inet->socket.family;
    enum err e = inet_address_in(inet, &copy, out);
    if (e == E_NETUNREACH)
        e = E_INVAL; /* an IPv4 address, and IPV6_V6ONLY */
    return e == E_OK && address->family == AF_UNSPEC && !ip_addr_isany_val(out->ip) ? E_AFNOSUPPORT
                                                                                    : e;
}

uint64_t privileged_ports_end = 1024;

enum err inet_bind(struct inet_socket *inet, const struct socket_address *address)
{
    struct inet_place place;
    struct fs_credentials self;
    enum err e = bind_address_in(inet, address, &place);
    if (e == E_OK)
        e = net_await_address(socket_waits(&inet->socket, 0) && !ip_addr_isany_val(place.ip) &&
                              !ip_addr_isloopback(&place.ip));
    if (e == E_OK)
        e = check_local(inet, &place);
    if (e != E_OK)
        return e;
    if (place.port != 0 && place.port < privileged_ports_end && !capable(CAP_NET_BIND_SERVICE))
        return E_ACCES;
    if (inet->bound || inet->port)
        return E_INVAL;
    if (ip_addr_isany_val(place.ip) && IP_IS_V6_VAL(place.ip))
        inet_address_any(inet, &place.ip);
    struct inet_place before = inet->local;
    inet->local = place;
    fs_caller_credentials(true, &self);
    inet->uid = self.uid;
    if (inet->socket.type != SOCK_RAW)
        e = inet_port_take(inet, place.port);
    if (e == E_OK)
        inet->bound = true;
    else
        inet->local = before;
    return e;
}

enum err inet_name(struct socket *socket, bool peer, struct socket_address *out)
{
    const struct inet_socket *inet = inet_of(socket);
    if (peer && inet->remote.port == 0)
        return E_NOTCONN;
    inet_address_out(inet, peer ? &inet->remote : &inet->local, out);
    return E_OK;
}

/* The protocol of a type, and that for which the program may ask too. E_PROTONOSUPPORT. */
static enum err stream_or_datagram(uint32_t family, uint32_t type, uint32_t protocol,
                                   struct socket **out)
{
    uint32_t own = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    uint32_t icmp = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    if (type == SOCK_DGRAM && protocol == icmp)
        return E_ACCES; /* net.ipv4.ping_group_range is "1 0": no group may */
    if (protocol != 0 && protocol != own)
        return E_PROTONOSUPPORT;
    return type == SOCK_STREAM ? tcp_socket_new(family, out)
                               : datagram_socket_new(family, type, own, out);
}

static enum err inet_create_for(uint32_t family, uint32_t type, uint32_t protocol,
                                struct socket **out)
{
    if (protocol >= PROTOCOLS_END)
        return E_INVAL;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_RAW)
        return E_SOCKTNOSUPPORT;
    if (type == SOCK_RAW && protocol == 0)
        return E_PROTONOSUPPORT;
    if (type == SOCK_RAW && !capable(CAP_NET_RAW))
        return E_PERM;
    enum err e = net_start();
    if (e != E_OK)
        return e;
    return type == SOCK_RAW ? datagram_socket_new(family, type, protocol, out)
                            : stream_or_datagram(family, type, protocol, out);
}

static enum err inet4_create(uint32_t type, uint32_t protocol, struct socket **out)
{
    return inet_create_for(AF_INET, type, protocol, out);
}

static enum err inet6_create(uint32_t type, uint32_t protocol, struct socket **out)
{
    return inet_create_for(AF_INET6, type, protocol, out);
}

void inet_sockets_init(void)
{
    static struct socket_family inet4 = {
        .number = AF_INET, .create = inet4_create, .control = inet_control};
    static struct socket_family inet6 = {.number = AF_INET6, .create = inet6_create};
    socket_family_register(&inet4);
    socket_family_register(&inet6);
    netlink_init();
    packet_init();
}
