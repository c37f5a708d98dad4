/* SPDX-License-Identifier: MIT */
#include "net/stack/timers.h"

#include "base/compiler.h"
#include "kern/time.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>

static bool tcp_waits(void)
{
    return tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL;
}

/* An interface with a link layer has neighbours, routers and addresses, which get old. */
static bool link_waits(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    if (netif_is_up(netif) && (netif->flags & NETIF_FLAG_ETHERNET))
        return true;
    return false;
}

static bool dhcp_waits(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    if (netif_dhcp_data(netif) != NULL)
        return true;
    return false;
}

static bool dhcp_asks(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    if (netif_dhcp_data(netif) != NULL && netif_dhcp_data(netif)->request_timeout != 0)
        return true;
    return false;
}

/* A membership is to be reported. */
static bool igmp_waits(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    for (const struct igmp_group *group = netif_igmp_data(netif); group != NULL;
         group = group->next)
        if (group->timer > 0)
            return true;
    return false;
}

static bool mld6_waits(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif)
    for (const struct mld_group *group = netif_mld6_data(netif); group != NULL; group = group->next)
        if (group->timer > 0)
            return true;
    return false;
}

static const struct {
    uint16_t interval_ms;
    void (*tick)(void);
    bool (*needed)(void);
} net_clocks[] = {
    {TCP_TMR_INTERVAL, tcp_tmr, tcp_waits},
    {IP_TMR_INTERVAL, ip_reass_tmr, ip_reass_waits},
    {IP6_REASS_TMR_INTERVAL, ip6_reass_tmr, ip6_reass_waits},
    {ARP_TMR_INTERVAL, etharp_tmr, link_waits},
    {ND6_TMR_INTERVAL, nd6_tmr, link_waits},
    {DHCP_FINE_TIMER_MSECS, dhcp_fine_tmr, dhcp_asks},
    {DHCP_COARSE_TIMER_MSECS, dhcp_coarse_tmr, dhcp_waits},
    {IGMP_TMR_INTERVAL, igmp_tmr, igmp_waits},
    {MLD6_TMR_INTERVAL, mld6_tmr, mld6_waits},
};

static uint64_t clock_due[ARRAY_LENGTH(net_clocks)] GUARDED_BY(net_lock); /* 0: does not run */

static uint64_t clock_interval(unsigned i)
{
    return net_clocks[i].interval_ms * UINT64_C(1000000);
}

bool net_timers_run(uint64_t now)
{
    if (net_due_left()) {
        tcp_fasttmr();
        tcp_slowtmr();
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(net_clocks); i++) {
        if (clock_due[i] == 0 || now < clock_due[i])
            continue;
        net_clocks[i].tick();
        clock_due[i] += clock_interval(i);
        if (clock_due[i] <= now) /* the work came late: not twice at once */
            clock_due[i] = now + clock_interval(i);
        if (!net_clocks[i].needed())
            clock_due[i] = 0;
    }
    return net_due_left();
}

uint64_t net_timers_next(uint64_t now)
{
    uint64_t next = NET_NEVER;
    for (unsigned i = 0; i < ARRAY_LENGTH(net_clocks); i++) {
        if (clock_due[i] == 0 && net_clocks[i].needed())
            clock_due[i] = now + clock_interval(i);
        if (clock_due[i] != 0 && clock_due[i] < next)
            next = clock_due[i];
    }
    return next;
}

/* lwIP calls it when the first connection opens; net_timers_next() finds that itself. */
void tcp_timer_needed(void)
{
}
