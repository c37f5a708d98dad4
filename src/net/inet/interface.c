/* SPDX-License-Identifier: MIT */
#include "net/inet/interface.h"

#include "base/fmt.h"
#include "base/str.h"
#include "mm/vm/usercopy.h"
#include "net/inet/control.h"
#include "net/stack/stack.h"

#include <lwip/ip.h>
#include <lwip/netif.h>

#define LOOPBACK_MTU      65536u
#define HARDWARE_ETHERNET 1u
#define HARDWARE_LOOPBACK 772u

enum {
    SIOCGIFNAME = 0x8910,
    SIOCGIFCONF = 0x8912,
    SIOCGIFFLAGS = 0x8913,
    SIOCGIFADDR = 0x8915,
    SIOCGIFDSTADDR = 0x8917,
    SIOCGIFBRDADDR = 0x8919,
    SIOCGIFNETMASK = 0x891b,
    SIOCGIFMETRIC = 0x891d,
    SIOCGIFMTU = 0x8921,
    SIOCGIFHWADDR = 0x8927,
    SIOCGIFINDEX = 0x8933,
    SIOCGIFTXQLEN = 0x8942,
    SIOCETHTOOL = 0x8946,
};

struct interface_request { /* struct ifreq */
    char name[INTERFACE_NAME];
    union {
        struct {
            uint16_t family, port;
            uint32_t ip;
        };
        uint8_t hardware[16]; /* family, address */
        int32_t number;
        int16_t flags;
        uint8_t bytes[24];
    };
};

struct interface_list { /* struct ifconf */
    int32_t size, unused;
    uint64_t requests;
};

bool netif_is_loopback(const struct netif *netif)
{
    return netif->name[0] == 'l' && netif->name[1] == 'o';
}

uint32_t netif_index(const struct netif *netif)
{
    return netif_get_index(netif);
}

uint32_t netif_mtu(const struct netif *netif)
{
    return netif->mtu != 0 ? netif->mtu : LOOPBACK_MTU;
}

uint32_t netif_iff(const struct netif *netif)
{
    uint32_t flags = netif_is_loopback(netif) ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST;
    if (netif_is_up(netif))
        flags |= IFF_UP;
    if (netif_is_up(netif) && netif_is_link_up(netif))
        flags |= IFF_RUNNING | IFF_LOWER_UP;
    return flags;
}

uint8_t netif_prefix(const struct netif *netif)
{
    uint32_t mask = lwip_ntohl(ip4_addr_get_u32(netif_ip4_netmask(netif)));
    return (uint8_t)(mask == 0 ? 0 : 32 - __builtin_ctz(mask));
}

static void name_netif(const struct netif *netif, char name[INTERFACE_NAME]) REQUIRES(net_lock)
{
    if (netif_is_loopback(netif))
        fmt_snprintf(name, INTERFACE_NAME, "lo");
    else
        fmt_snprintf(name, INTERFACE_NAME, "eth%u", netif_get_index(netif) - 2u);
}

static struct netif *netif_named(const char *name) REQUIRES(net_lock)
{
    struct netif *netif;
    char own[INTERFACE_NAME];
    NETIF_FOREACH(netif)
    {
        name_netif(netif, own);
        if (strcmp(name, own) == 0)
            return netif;
    }
    return NULL;
}

uint32_t interface_by_name(const char *name)
{
    const struct netif *netif = netif_named(name);
    return netif ? netif_get_index(netif) : 0;
}

uint32_t interface_by_ip4(uint32_t ip)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    {
        if (ip4_addr_get_u32(netif_ip4_addr(netif)) == ip)
            return netif_get_index(netif);
    }
    return UINT32_MAX;
}

bool interface_exists(uint32_t index)
{
    return index <= UINT8_MAX && netif_get_by_index((u8_t)index);
}

uint32_t interface_ip4(uint32_t index)
{
    const struct netif *netif = netif_get_by_index((u8_t)index);
    return netif ? ip4_addr_get_u32(netif_ip4_addr(netif)) : 0;
}

uint32_t interface_mtu_to(const ip_addr_t *to)
{
    ip_addr_t any;
    ip_addr_set_any_val(IP_IS_V6(to), any);
    const struct netif *netif = ip_route(&any, to);
    return netif ? netif_mtu(netif) : LOOPBACK_MTU;
}

void interface_name(uint32_t index, char name[INTERFACE_NAME])
{
    const struct netif *netif = netif_get_by_index((u8_t)index);
    name[0] = '\0';
    if (netif)
        name_netif(netif, name);
}

static enum err put_ip4(struct interface_request *request, uint32_t ip)
{
    memset(request->bytes, 0, sizeof(request->bytes));
    request->family = AF_INET;
    request->ip = ip;
    return E_OK;
}

static enum err answer_request(const struct netif *netif, uint32_t command,
                               struct interface_request *request) REQUIRES(net_lock)
{
    uint32_t ip = ip4_addr_get_u32(netif_ip4_addr(netif));
    uint32_t mask = ip4_addr_get_u32(netif_ip4_netmask(netif));
    bool loopback = netif_is_loopback(netif);
    bool about_ip = command == SIOCGIFADDR || command == SIOCGIFDSTADDR ||
                    command == SIOCGIFBRDADDR || command == SIOCGIFNETMASK;
    if (about_ip && ip == 0)
        return E_ADDRNOTAVAIL;
    switch (command) {
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
        return put_ip4(request, ip);
    case SIOCGIFBRDADDR:
        return put_ip4(request, loopback ? 0 : ip | ~mask);
    case SIOCGIFNETMASK:
        return put_ip4(request, mask);
    case SIOCGIFFLAGS:
        request->flags = (int16_t)(netif_iff(netif) & UINT16_MAX);
        return E_OK;
    case SIOCGIFMETRIC:
        request->number = 0;
        return E_OK;
    case SIOCGIFMTU:
        request->number = (int32_t)netif_mtu(netif);
        return E_OK;
    case SIOCGIFINDEX:
        request->number = netif_get_index(netif);
        return E_OK;
    case SIOCGIFTXQLEN:
        request->number = 1000;
        return E_OK;
    case SIOCGIFHWADDR:
        memset(request->hardware, 0, sizeof(request->hardware));
        request->family = loopback ? HARDWARE_LOOPBACK : HARDWARE_ETHERNET;
        if (!loopback)
            memcpy(request->hardware + 2, netif->hwaddr, netif->hwaddr_len);
        return E_OK;
    default:
        return E_NOTTY;
    }
}

/* SIOCGIFCONF: the interfaces that have an address of IPv4. */
static enum err list_interfaces(uint64_t argument)
{
    struct interface_list list;
    struct interface_request found[4];
    int32_t count = 0;
    enum err e = copy_in(&list, virt(argument), sizeof(list));
    if (e != E_OK)
        return e;
    struct netif *netif;
    net_lock_take();
    NETIF_FOREACH(netif)
    {
        uint32_t ip = ip4_addr_get_u32(netif_ip4_addr(netif));
        if (ip == 0 || count == (int32_t)ARRAY_LENGTH(found))
            continue;
        memset(&found[count], 0, sizeof(found[count]));
        name_netif(netif, found[count].name);
        (void)put_ip4(&found[count++], ip);
    }
    net_lock_drop();
    if (list.requests != 0) {
        int32_t room = list.size / (int32_t)sizeof(found[0]);
        count = room < 0 ? 0 : room < count ? room : count;
        for (int32_t i = 0; i < count && e == E_OK;
             i++) /* lo was added first, and stands last in lwIP's list */
            e = copy_out(virt(list.requests + (uint32_t)i * sizeof(found[0])),
                         &found[count - 1 - i], sizeof(found[0]));
    }
    list.size = count * (int32_t)sizeof(found[0]);
    return e == E_OK ? copy_out(virt(argument), &list, sizeof(list.size)) : e;
}

static enum err about_interface(uint32_t command, uint64_t argument)
{
    struct interface_request request;
    enum err e = copy_in(&request, virt(argument), sizeof(request));
    if (e != E_OK)
        return e;
    struct netif *netif;
    net_lock_take();
    if (command == SIOCGIFNAME) {
        netif =
            (uint32_t)request.number <= UINT8_MAX ? netif_get_by_index((u8_t)request.number) : NULL;
        if (netif)
            name_netif(netif, request.name);
    } else {
        request.name[INTERFACE_NAME - 1] = '\0';
        netif = netif_named(request.name);
        if (netif)
            e = answer_request(netif, command, &request);
    }
    net_lock_drop();
    if (!netif)
        return E_NODEV;
    return e == E_OK ? copy_out(virt(argument), &request, sizeof(request)) : e;
}

enum err inet_control(struct socket *socket, uint32_t command, uint64_t argument)
{
    int32_t mark = 0;
    if (command >= SIOCGIFNAME && command <= SIOCGIFTXQLEN) {
        enum err e = net_start();
        if (e != E_OK)
            return e;
    }
    switch (command) {
    case SIOCATMARK:
        return socket->family != AF_UNIX && socket->type == SOCK_STREAM
                   ? copy_out(virt(argument), &mark, sizeof(mark))
                   : E_NOTTY;
    case SIOCETHTOOL:
        return E_NOTSUP; /* of no interface */
    case SIOCGIFCONF:
        return list_interfaces(argument);
    case SIOCGIFNAME:
    case SIOCGIFFLAGS:
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFMETRIC:
    case SIOCGIFMTU:
    case SIOCGIFHWADDR:
    case SIOCGIFINDEX:
    case SIOCGIFTXQLEN:
        return about_interface(command, argument);
    default:
        return E_NOTTY;
    }
}
