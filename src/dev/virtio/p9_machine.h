/* SPDX-License-Identifier: MIT */
/* The folders that the host shows this machine by virtio devices: each is a channel (kern/p9_channel.h). */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

/* Finds them all, on PCI and at the places that kernel words name. Boot. */
void shares_start(const struct boot_info *boot, const struct options *options);
