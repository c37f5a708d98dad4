/* SPDX-License-Identifier: MIT */
#include "net/inet/option.h"

#include "base/str.h"
#include "fs/vfs/credentials.h"
#include "net/inet/interface.h"

#include <lwip/netif.h>

#define OPTION_SOL_SOCKET    1u
#define HOPS_BY_DEFAULT      64
#define MULTICAST_BY_DEFAULT 1

static const struct inet_option *option_find(const struct inet_option *rows, size_t count,
                                             const struct socket_option *option)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].level == option->level && rows[i].name == option->name)
            return &rows[i];
    }
    return NULL;
}

/* The options of SOL_IP may also be given as one byte. */
static bool option_number(const struct socket_option *option, int32_t *out)
{
    if (option->size >= sizeof(*out))
        *out = option->number;
    else if (option->level == IPPROTO_IP) /* no bytes: 0, as in Linux */
        *out = option->size > 0 ? option->bytes[0] : 0;
    else
        return false;
    return true;
}

enum err inet_option_set(const struct inet_option *rows, size_t count, void *base,
                         const struct socket_option *option)
{
    const struct inet_option *row = option_find(rows, count, option);
    int32_t value;
    if (!row)
        return E_NOPROTOOPT;
    if (!option_number(option, &value))
        return E_INVAL;
    if (row->kind == OPTION_BOOL || row->kind == OPTION_WANTS)
        value = value != 0;
    if (value < row->least || value > row->most)
        return E_INVAL;
    uint8_t *at = (uint8_t *)base + row->offset;
    struct inet_socket *inet = base;
    switch (row->kind) {
    case OPTION_WORD:
        memcpy(at, &value, sizeof(value));
        break;
    case OPTION_WANTS:
        inet->wants = value ? inet->wants | row->offset : inet->wants & ~(uint32_t)row->offset;
        break;
    case OPTION_FIXED:
        break;
    default:
        *at = (uint8_t)value;
    }
    return E_OK;
}

enum err inet_option_get(const struct inet_option *rows, size_t count, const void *base,
                         struct socket_option *option)
{
    const struct inet_option *row = option_find(rows, count, option);
    if (!row)
        return E_NOPROTOOPT;
    const uint8_t *at = (const uint8_t *)base + row->offset;
    const struct inet_socket *inet = base;
    int32_t value = *at;
    if (row->kind == OPTION_WORD)
        memcpy(&value, at, sizeof(value));
    else if (row->kind == OPTION_WANTS)
        value = (inet->wants & row->offset) != 0;
    else if (row->kind == OPTION_FIXED)
        value = row->offset;
    /* SOL_IP gives a byte where there is room for no more. */
    bool byte = option->level == IPPROTO_IP && option->size > 0 && option->size < sizeof(value) &&
                value >= 0 && value <= INT32_C(255);
    option->size = byte ? 1 : sizeof(value);
    option->number = value;
    return E_OK;
}

#define AT(member) offsetof(struct inet_socket, member)

static const struct inet_option inet_rows[] = {
    {IPPROTO_IP, IP_TOS, OPTION_BYTE, AT(tos), INT32_MIN, INT32_MAX},
    {IPPROTO_IP, IP_TTL, OPTION_BYTE, AT(ttl), 1, 255},
    {IPPROTO_IP, IP_PKTINFO, OPTION_WANTS, INET_PKTINFO, 0, 1},
    {IPPROTO_IP, IP_MTU_DISCOVER, OPTION_BYTE, AT(mtu_probe), 0, 5},
    {IPPROTO_IP, IP_RECVERR, OPTION_WANTS, INET_RECVERR, 0, 1},
    {IPPROTO_IP, IP_RECVTTL, OPTION_WANTS, INET_TTL, 0, 1},
    {IPPROTO_IP, IP_RECVTOS, OPTION_WANTS, INET_TOS, 0, 1},
    {IPPROTO_IP, IP_RECVORIGDSTADDR, OPTION_WANTS, INET_ORIGDSTADDR, 0, 1},
    {IPPROTO_IP, IP_FREEBIND, OPTION_BOOL, AT(free_bind), 0, 1},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, OPTION_BOOL, AT(bind_late), 0, 1},
    {IPPROTO_IP, IP_MULTICAST_TTL, OPTION_BYTE, AT(multicast_ttl), 0, 255},
    {IPPROTO_IP, IP_MULTICAST_LOOP, OPTION_BOOL, AT(multicast_loop), 0, 1},
    {IPPROTO_IPV6, IPV6_2292PKTINFO, OPTION_WANTS, INET6_PKTINFO_OLD, 0, 1},
    {IPPROTO_IPV6, IPV6_2292HOPLIMIT, OPTION_WANTS, INET6_HOPLIMIT_OLD, 0, 1},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, OPTION_BYTE, AT(hops), 0, 255},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, OPTION_BYTE, AT(multicast_hops), 0, 255},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, OPTION_BYTE, AT(multicast_loop), 0, 1},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, OPTION_BYTE, AT(mtu_probe), 0, 5},
    {IPPROTO_IPV6, IPV6_RECVERR, OPTION_WANTS, INET6_RECVERR, 0, 1},
    {IPPROTO_IPV6, IPV6_V6ONLY, OPTION_BOOL, AT(v6only), 0, 1},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, OPTION_WANTS, INET6_PKTINFO, 0, 1},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, OPTION_WANTS, INET6_HOPLIMIT, 0, 1},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, OPTION_WANTS, INET6_TCLASS, 0, 1},
    {IPPROTO_IPV6, IPV6_TCLASS, OPTION_BYTE, AT(traffic_class), 0, 255},
    {IPPROTO_IPV6, IPV6_FREEBIND, OPTION_BOOL, AT(free_bind), 0, 1},
};

/* A level that the family does not have. SOL_IP is for sockets of AF_INET6 too, unless they are raw. */
static bool has_level(const struct inet_socket *inet, uint32_t level)
{
    if (level == IPPROTO_IPV6)
        return inet_is_v6(inet);
    if (level == IPPROTO_IP)
        return !inet_is_v6(inet) || inet->socket.type != SOCK_RAW;
    return level == OPTION_SOL_SOCKET;
}

/* -1 stands for the default. */
static int32_t default_of(const struct socket_option *option)
{
    if (option->level == IPPROTO_IP && option->name == IP_TTL)
        return HOPS_BY_DEFAULT;
    if (option->level == IPPROTO_IP && option->name == IP_MULTICAST_TTL)
        return MULTICAST_BY_DEFAULT;
    if (option->level != IPPROTO_IPV6)
        return -1;
    return option->name == IPV6_UNICAST_HOPS     ? HOPS_BY_DEFAULT
           : option->name == IPV6_MULTICAST_HOPS ? MULTICAST_BY_DEFAULT
           : option->name == IPV6_TCLASS         ? 0
                                                 : -1;
}

static enum err bind_to_device(struct inet_socket *inet, const struct socket_option *option)
{
    char name[16] = {0};
    memcpy(name, option->bytes, option->size < sizeof(name) - 1 ? option->size : sizeof(name) - 1);
    uint32_t index = 0;
    if (inet->interface != 0 && !capable(CAP_NET_RAW))
        return E_PERM;
    if (name[0] != '\0') {
        net_lock_take();
        index = interface_by_name(name);
        net_lock_drop();
        if (index == 0)
            return E_NODEV;
    }
    inet->interface = (uint8_t)index;
    return E_OK;
}

static enum err set_multicast_interface(struct inet_socket *inet,
                                        const struct socket_option *option)
{
    struct { /* struct ip_mreqn; an address alone, or an index */
        uint32_t group, ip;
        int32_t interface;
    } request = {0};
    uint32_t index;
    if (option->size < sizeof(uint32_t))
        return E_INVAL;
    if (option->level == IPPROTO_IPV6) {
        index = (uint32_t)option->number;
    } else if (option->size >= 8) {
        memcpy(&request, option->bytes,
               option->size < sizeof(request) ? option->size : sizeof(request));
        index = (uint32_t)request.interface;
    } else {
        memcpy(&request.ip, option->bytes, sizeof(request.ip));
        index = 0;
    }
    net_lock_take();
    if (index == 0 && request.ip != 0)
        index = interface_by_ip4(request.ip);
    else if (index != 0 && !interface_exists(index))
        index = UINT32_MAX;
    net_lock_drop();
    if (index == UINT32_MAX)
        return option->level == IPPROTO_IPV6 ? E_NODEV : E_ADDRNOTAVAIL;
    inet->multicast_interface = (uint8_t)index;
    return E_OK;
}

enum err inet_set_option(struct socket *socket, const struct socket_option *option)
{
    struct inet_socket *inet = inet_of(socket);
    if (option->level == OPTION_SOL_SOCKET) {
        if (option->name == SO_BINDTODEVICE)
            return bind_to_device(inet, option);
        return option->name == SO_INCOMING_CPU ? E_OK : E_NOPROTOOPT;
    }
    if (!has_level(inet, option->level))
        return E_NOPROTOOPT;
    if ((option->level == IPPROTO_IP && option->name == IP_MULTICAST_IF) ||
        (option->level == IPPROTO_IPV6 && option->name == IPV6_MULTICAST_IF))
        return set_multicast_interface(inet, option);
    if (option->level == IPPROTO_IPV6 && option->name == IPV6_V6ONLY && inet->port)
        return E_INVAL;
    struct socket_option copy = {option->level, option->name, option->size, {option->number}};
    if (option->size >= sizeof(int32_t) && option->number == -1 && default_of(option) >= 0)
        copy.number = default_of(option);
    enum err e = inet_option_set(inet_rows, ARRAY_LENGTH(inet_rows), inet, &copy);
    if (e == E_OK && !inet->bound)
        inet_address_any(inet, &inet->local.ip); /* IPV6_V6ONLY */
    if (e == E_OK && socket->ops->changed)
        socket->ops->changed(socket);
    return e;
}

static enum err get_device(const struct inet_socket *inet, struct socket_option *option)
{
    char name[16] = {0};
    if (inet->interface == 0) {
        option->size = 0;
        return E_OK;
    }
    if (option->size < sizeof(name))
        return E_INVAL;
    net_lock_take();
    interface_name(inet->interface, name);
    net_lock_drop();
    option->size = (uint32_t)strlen(name) + 1;
    memcpy(option->bytes, name, sizeof(name));
    return E_OK;
}

/* IP_MTU and IPV6_MTU: of the way to the peer. */
static enum err get_mtu(const struct inet_socket *inet, struct socket_option *option)
{
    if (inet->remote.port == 0)
        return E_NOTCONN;
    net_lock_take();
    option->number = (int32_t)interface_mtu_to(&inet->remote.ip);
    net_lock_drop();
    option->size = sizeof(option->number);
    return E_OK;
}

enum err inet_get_option(struct socket *socket, struct socket_option *option)
{
    const struct inet_socket *inet = inet_of(socket);
    if (option->level == OPTION_SOL_SOCKET && option->name == SO_BINDTODEVICE)
        return get_device(inet, option);
    if (option->level == OPTION_SOL_SOCKET && option->name == SO_INCOMING_CPU) {
        option->number = 0;
        option->size = sizeof(option->number);
        return E_OK;
    }
    if (!has_level(inet, option->level))
        return inet_is_v6(inet) ? E_NOPROTOOPT : E_NOTSUP; /* as Linux has it */
    if ((option->level == IPPROTO_IP && option->name == IP_MTU) ||
        (option->level == IPPROTO_IPV6 && option->name == IPV6_MTU))
        return get_mtu(inet, option);
    if (option->level == IPPROTO_IP && option->name == IP_OPTIONS) {
        option->size = 0;
        return E_OK;
    }
    if (option->level == IPPROTO_IPV6 && option->name == IPV6_MULTICAST_IF) {
        option->number = inet->multicast_interface;
        option->size = sizeof(option->number);
        return E_OK;
    }
    if (option->level == IPPROTO_IP && option->name == IP_MULTICAST_IF) {
        net_lock_take();
        uint32_t ip = interface_ip4(inet->multicast_interface);
        net_lock_drop();
        option->size = sizeof(ip);
        memcpy(option->bytes, &ip, sizeof(ip));
        return E_OK;
    }
    return inet_option_get(inet_rows, ARRAY_LENGTH(inet_rows), inet, option);
}
