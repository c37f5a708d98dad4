/* SPDX-License-Identifier: MIT */
#include "kern/netdev.h"

static struct netdev *first_netdev;

void netdev_register(struct netdev *netdev)
{
    if (first_netdev == NULL)
        first_netdev = netdev;
}

struct netdev *netdev_first(void)
{
    return first_netdev;
}
