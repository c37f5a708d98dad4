/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "kern/time.h"
#include "net/stack/hooks.h"

#define EACH_NS (NS_PER_SECOND / 1000) /* Linux's net.ipv4.icmp_msgs_per_sec and icmp_msgs_burst */
#define BURST   50

/* When as many as may be at once could be sent again. */
static uint64_t icmp_full;

COLD bool net_icmp_may_send(void)
{
    uint64_t now = time_now_ns();
    if (icmp_full < now)
        icmp_full = now;
    if (icmp_full - now > (BURST - 1) * EACH_NS)
        return false;
    icmp_full += EACH_NS;
    return true;
}
