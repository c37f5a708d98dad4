/* SPDX-License-Identifier: MIT */
/* The virtio source of random bytes of this machine, if there is one: its bytes go into the pool (kern/random.h). */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

/* Asks for bytes; they come later, by an interrupt, and the device is stopped then. Boot. */
void random_source(const struct boot_info *boot, const struct options *options);
