/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "net/inet/inet.h"

#include <lwip/ip.h>
#include <lwip/netif.h>

#define SIN_SIZE   16u
#define SIN6_LEAST 24u /* without sin6_scope_id (RFC 2133) */
#define SIN6_SIZE  28u

struct address_in { /* struct sockaddr_in; the port and the address are in network order */
    uint16_t family, port;
    uint32_t ip;
    uint8_t zero[8];
};

struct address_in6 { /* struct sockaddr_in6 */
    uint16_t family, port;
    uint32_t flow;
    uint32_t ip[4];
    uint32_t scope;
};

enum err inet_error(err_t error)
{
    switch (error) {
    case ERR_OK:
        return E_OK;
    case ERR_MEM:
    case ERR_BUF:
        return E_NOBUFS;
    case ERR_RTE:
        return E_NETUNREACH;
    case ERR_USE:
        return E_ADDRINUSE;
    case ERR_RST:
        return E_CONNRESET;
    case ERR_ABRT:
    case ERR_TIMEOUT:
        return E_TIMEDOUT;
    case ERR_IF:
        return E_NETDOWN;
    case ERR_CONN:
    case ERR_CLSD:
        return E_NOTCONN;
    default:
        return E_INVAL;
    }
}

static enum err in6_address(const struct inet_socket *inet, const struct socket_address *address,
                            struct inet_place *out)
{
    struct address_in6 in6 = {0};
    memcpy(&in6, address->bytes, address->length < SIN6_SIZE ? address->length : SIN6_SIZE);
    out->port = lwip_ntohs(in6.port);
    if (in6.ip[0] == 0 && in6.ip[1] == 0 && in6.ip[2] == PP_HTONL(0xffff)) {
        ip_addr_set_ip4_u32_val(out->ip, in6.ip[3]);
        return inet->v6only ? E_NETUNREACH : E_OK;
    }
    ip6_addr_t *ip6 = ip_2_ip6(&out->ip);
    memcpy(ip6->addr, in6.ip, sizeof(in6.ip));
    ip6_addr_clear_zone(ip6);
    IP_SET_TYPE_VAL(out->ip, IPADDR_TYPE_V6);
    if (ip6_addr_has_scope(ip6, IP6_UNKNOWN)) {
        uint32_t scope = in6.scope != 0 ? in6.scope : inet->interface;
        if (scope > UINT8_MAX)
            return E_NODEV;
        ip6_addr_set_zone(ip6, (u8_t)scope);
    }
    return E_OK;
}

enum err inet_address_in(const struct inet_socket *inet, const struct socket_address *address,
                         struct inet_place *out)
{
    bool datagram = inet->socket.type != SOCK_STREAM;
    *out = (struct inet_place){0};
    if (inet_is_v6(inet) &&
        !(datagram && address->length >= SIN_SIZE && address->family == AF_INET)) {
        if (address->length < SIN6_LEAST)
            return E_INVAL;
        return address->family == AF_INET6 ? in6_address(inet, address, out) : E_AFNOSUPPORT;
    }
    struct address_in in;
    if (address->length < sizeof(in))
        return E_INVAL;
    if (address->family != AF_INET)
        return E_AFNOSUPPORT;
    if (inet_is_v6(inet) && inet->v6only)
        return E_NETUNREACH;
    memcpy(&in, address->bytes, sizeof(in));
    ip_addr_set_ip4_u32_val(out->ip, in.ip);
    out->port = lwip_ntohs(in.port);
    return E_OK;
}

void inet_address_out(const struct inet_socket *inet, const struct inet_place *place,
                      struct socket_address *out)
{
    if (!inet_is_v6(inet)) {
        struct address_in in = {.family = AF_INET, .port = lwip_htons(place->port)};
        in.ip = ip_addr_get_ip4_u32(&place->ip);
        memcpy(out->bytes, &in, sizeof(in));
        out->length = sizeof(in);
        return;
    }
    struct address_in6 in6 = {.family = AF_INET6, .port = lwip_htons(place->port)};
    if (IP_IS_V4_VAL(place->ip)) {
        in6.ip[2] = PP_HTONL(0xffff);
        in6.ip[3] = ip_addr_get_ip4_u32(&place->ip);
    } else {
        const ip6_addr_t *ip6 = ip_2_ip6(&place->ip);
        memcpy(in6.ip, ip6->addr, sizeof(in6.ip));
        if (ip6_addr_islinklocal(ip6))
            in6.scope = ip6_addr_zone(ip6);
    }
    memcpy(out->bytes, &in6, sizeof(in6));
    out->length = sizeof(in6);
}

void inet_address_to(struct inet_place *place)
{
    if (ip_addr_isany_val(place->ip))
        ip_addr_set_loopback_val(IP_IS_V6_VAL(place->ip), place->ip);
}

void inet_address_any(const struct inet_socket *inet, ip_addr_t *out)
{
    ip_addr_set_zero_ip6(out);
    IP_SET_TYPE(out, !inet_is_v6(inet) ? IPADDR_TYPE_V4
                     : inet->v6only    ? IPADDR_TYPE_V6
                                       : IPADDR_TYPE_ANY);
}

bool inet_addresses_meet(const struct inet_socket *a, const struct inet_socket *b)
{
    const ip_addr_t *x = &a->local.ip, *y = &b->local.ip;
    bool both = IP_IS_ANY_TYPE_VAL(*x) || IP_IS_ANY_TYPE_VAL(*y);
    if (a->interface != 0 && b->interface != 0 && a->interface != b->interface)
        return false;
    if (both)
        return true;
    if (IP_GET_TYPE(x) != IP_GET_TYPE(y))
        return false;
    return ip_addr_isany(x) || ip_addr_isany(y) || ip_addr_cmp(x, y);
}

static bool has_ip6(const struct netif *netif, const ip6_addr_t *ip6)
{
    for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
            ip6_addr_cmp_zoneless(netif_ip6_addr(netif, i), ip6))
            return true;
    }
    return false;
}

bool inet_is_local(const ip_addr_t *ip)
{
    struct netif *netif;
    if (IP_IS_V4(ip) && ip4_addr_isloopback(ip_2_ip4(ip)))
        return true;
    NETIF_FOREACH(netif)
    {
        if (IP_IS_V6(ip) ? has_ip6(netif, ip_2_ip6(ip))
                         : ip4_addr_cmp(netif_ip4_addr(netif), ip_2_ip4(ip)))
            return true;
    }
    return false;
}

bool inet_is_broadcast(const ip_addr_t *ip)
{
    struct netif *netif;
    if (!IP_IS_V4(ip))
        return false;
    if (ip4_addr_get_u32(ip_2_ip4(ip)) == IPADDR_BROADCAST)
        return true;
    NETIF_FOREACH(netif)
    {
        if (!ip4_addr_isany_val(*ip_2_ip4(ip)) && ip4_addr_isbroadcast(ip_2_ip4(ip), netif))
            return true;
    }
    return false;
}
