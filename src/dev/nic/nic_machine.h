/* SPDX-License-Identifier: MIT */
/* The network card of this machine, and what a network needs besides: random bytes. */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

/* Finds a card that a driver knows, and registers it (kern/netdev.h); it is started by its open(). Asks the source of
 * random bytes (dev/virtio/random_machine.h). Neither with ip=off. After port_start(). Boot. */
void nic_start(const struct boot_info *boot, const struct options *options);
