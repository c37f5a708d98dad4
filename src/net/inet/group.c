/* SPDX-License-Identifier: MIT */
#include "mm/heap/heap.h"
#include "net/inet/datagram.h"
#include "net/inet/interface.h"
#include "net/stack/stack.h"

#include <lwip/igmp.h>
#include <lwip/mld6.h>
#include <lwip/netif.h>

static struct multicast_group *group_find(struct datagram_socket *d, const ip_addr_t *ip,
                                          uint32_t interface)
{
    list_for_each (link, &d->groups) {
        struct multicast_group *group = CONTAINER_OF(link, struct multicast_group, link);
        if (ip_addr_cmp_zoneless(&group->ip, ip) &&
            (interface == 0 || group->interface == interface))
            return group;
    }
    return NULL;
}

/* Linux chooses the interface by the route; without one it has the card. */
static struct netif *netif_of_group(const ip_addr_t *ip, uint32_t interface) REQUIRES(net_lock)
{
    ip_addr_t any;
    ip_addr_set_any_val(IP_IS_V6(ip), any);
    if (interface != 0)
        return interface <= UINT8_MAX ? netif_get_by_index((u8_t)interface) : NULL;
    struct netif *netif = ip_route(&any, ip);
    return netif ? netif : netif_list;
}

static err_t group_tell(struct netif *netif, const ip_addr_t *ip, bool join) REQUIRES(net_lock)
{
    if (IP_IS_V6(ip))
        return join ? mld6_joingroup_netif(netif, ip_2_ip6(ip))
                    : mld6_leavegroup_netif(netif, ip_2_ip6(ip));
    return join ? igmp_joingroup_netif(netif, ip_2_ip4(ip))
                : igmp_leavegroup_netif(netif, ip_2_ip4(ip));
}

static void group_leave(struct multicast_group *group) REQUIRES(net_lock)
{
    struct netif *netif = netif_get_by_index(group->interface);
    if (netif)
        (void)group_tell(netif, &group->ip, false);
    list_remove(&group->link);
    heap_free(group);
}

static enum err group_join(struct datagram_socket *d, const ip_addr_t *ip, uint32_t interface)
    REQUIRES(net_lock)
{
    struct netif *netif = netif_of_group(ip, interface);
    if (!netif)
        return E_NODEV;
    if (group_find(d, ip, netif_get_index(netif)))
        return E_ADDRINUSE;
    struct multicast_group *group = heap_alloc_zero(sizeof(*group));
    if (!group)
        return E_NOMEM;
    if (group_tell(netif, ip, true) != ERR_OK) {
        heap_free(group);
        return E_NOBUFS;
    }
    group->ip = *ip;
    group->interface = netif_get_index(netif);
    list_add_tail(&d->groups, &group->link);
    return E_OK;
}

enum err group_change(struct datagram_socket *d, const ip_addr_t *ip, uint32_t interface, bool join)
{
    enum err e = E_OK;
    if (!ip_addr_ismulticast(ip))
        return join ? E_INVAL : E_ADDRNOTAVAIL;
    net_lock_take();
    if (join) {
        e = group_join(d, ip, interface);
    } else {
        struct multicast_group *group = group_find(d, ip, interface);
        if (group)
            group_leave(group);
        else
            e = E_ADDRNOTAVAIL;
    }
    net_kick();
    net_lock_drop();
    return e;
}

void group_leave_all(struct datagram_socket *d)
{
    while (!list_empty(&d->groups))
        group_leave(CONTAINER_OF(d->groups.next, struct multicast_group, link));
}
