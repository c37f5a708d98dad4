/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "net/inet/datagram.h"
#include "net/inet/interface.h"
#include "net/inet/option.h"

#define UDP_OPTION_CORK     1u
#define RAW_OPTION_FILTER   1u /* ICMP_FILTER, ICMP6_FILTER */
#define RAW_OPTION_CHECKSUM 7u /* IPV6_CHECKSUM */

struct membership { /* struct ip_mreqn; struct ip_mreq lacks the index */
    uint32_t group, interface_ip;
    int32_t interface;
};

static enum err change_group4(struct datagram_socket *d, const struct socket_option *option)
{
    struct membership request = {0};
    ip_addr_t ip;
    if (option->size < sizeof(uint32_t) * 2)
        return E_INVAL;
    memcpy(&request, option->bytes,
           option->size < sizeof(request) ? sizeof(uint32_t) * 2 : sizeof(request));
    uint32_t index = (uint32_t)request.interface;
    if (index == 0 && request.interface_ip != 0) {
        net_lock_take();
        index = interface_by_ip4(request.interface_ip);
        net_lock_drop();
        if (index == UINT32_MAX)
            return E_NODEV;
    }
    ip_addr_set_ip4_u32_val(ip, request.group);
    return group_change(d, &ip, index, option->name == IP_ADD_MEMBERSHIP);
}

static enum err change_group6(struct datagram_socket *d, const struct socket_option *option)
{
    struct { /* struct ipv6_mreq */
        uint32_t group[4];
        uint32_t interface;
    } request;
    ip_addr_t ip;
    if (option->size < sizeof(request))
        return E_INVAL;
    memcpy(&request, option->bytes, sizeof(request));
    ip_addr_set_zero_ip6(&ip);
    memcpy(ip_2_ip6(&ip)->addr, request.group, sizeof(request.group));
    return group_change(d, &ip, request.interface, option->name == IPV6_JOIN_GROUP);
}

static enum err set_filter(struct datagram_socket *d, const struct socket_option *option)
{
    uint32_t size = option->size < sizeof(d->filter) ? option->size : sizeof(d->filter);
    bool v6 = inet_is_v6(&d->inet);
    if (!v6 && d->inet.socket.protocol != IPPROTO_ICMP)
        return E_NOTSUP;
    if (!v6 && size > sizeof(d->filter[0]))
        size = sizeof(d->filter[0]);
    memcpy(d->filter, option->bytes, size);
    return E_OK;
}

static enum err set_raw_option(struct datagram_socket *d, const struct socket_option *option)
{
    struct socket *socket = &d->inet.socket;
    if (option->level == IPPROTO_IP && option->name == IP_HDRINCL) {
        if (option->size < 1)
            return E_INVAL;
        d->inet.header_included = option->size >= 4 ? option->number != 0 : option->bytes[0] != 0;
        datagram_changed(socket);
        return E_OK;
    }
    if ((option->level == IPPROTO_RAW && !inet_is_v6(&d->inet) &&
         option->name == RAW_OPTION_FILTER) ||
        (option->level == IPPROTO_ICMPV6 && inet_is_v6(&d->inet) &&
         option->name == RAW_OPTION_FILTER))
        return set_filter(d, option);
    if (inet_is_v6(&d->inet) && option->name == RAW_OPTION_CHECKSUM &&
        (option->level == IPPROTO_IPV6 || option->level == IPPROTO_RAW)) {
        bool icmp = socket->protocol == IPPROTO_ICMPV6;
        if (option->size < sizeof(int32_t) || (option->number > 0 && (option->number & 1)) ||
            (icmp && (option->level == IPPROTO_IPV6 || option->number != 2)))
            return E_INVAL;
        d->checksum = option->number < 0 ? -1 : option->number;
        datagram_changed(socket);
        return E_OK;
    }
    return E_NOPROTOOPT;
}

enum err datagram_set_option(struct socket *socket, const struct socket_option *option)
{
    struct datagram_socket *d = datagram_of(socket);
    uint32_t level = option->level, name = option->name;
    if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
        return change_group4(d, option);
    if (level == IPPROTO_IPV6 && inet_is_v6(&d->inet) &&
        (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP))
        return change_group6(d, option);
    if (level == IPPROTO_UDP && !is_raw(d)) {
        if (name != UDP_OPTION_CORK)
            return E_NOPROTOOPT;
        if (option->size < sizeof(int32_t))
            return E_INVAL;
        d->cork = option->number != 0;
        return d->cork || !d->corked ? E_OK : datagram_flush(d);
    }
    if (is_raw(d)) {
        enum err e = set_raw_option(d, option);
        if (e != E_NOPROTOOPT)
            return e;
    }
    return inet_set_option(socket, option);
}

static enum err get_raw_option(const struct datagram_socket *d, struct socket_option *option)
{
    bool v6 = inet_is_v6(&d->inet);
    if (option->level == IPPROTO_IP && option->name == IP_HDRINCL && !v6) {
        option->number = d->inet.header_included;
        option->size = sizeof(option->number);
        return E_OK;
    }
    if (option->name == RAW_OPTION_FILTER && option->level == (v6 ? IPPROTO_ICMPV6 : IPPROTO_RAW)) {
        uint32_t most = v6 ? sizeof(d->filter) : sizeof(d->filter[0]);
        if (!v6 && d->inet.socket.protocol != IPPROTO_ICMP)
            return E_NOTSUP;
        option->size = option->size < most ? option->size : most;
        memcpy(option->bytes, d->filter, option->size);
        return E_OK;
    }
    return E_NOPROTOOPT;
}

enum err datagram_get_option(struct socket *socket, struct socket_option *option)
{
    struct datagram_socket *d = datagram_of(socket);
    if (option->level == IPPROTO_UDP && !is_raw(d)) {
        if (option->name != UDP_OPTION_CORK)
            return E_NOPROTOOPT;
        option->number = d->cork;
        option->size = sizeof(option->number);
        return E_OK;
    }
    if (is_raw(d)) {
        enum err e = get_raw_option(d, option);
        if (e != E_NOPROTOOPT)
            return e;
    }
    return inet_get_option(socket, option);
}
