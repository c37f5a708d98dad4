/* SPDX-License-Identifier: MIT */
/*
 * The port to the host tool: standard streams and log in blocks (kern/console_frame.h), through a virtio
 * console (dev/virtio/console.h). The serial port remains for reports, and if the port fails.
 */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

/* Finds the port and hands the console over to it; without one, does nothing. A framed console only.
 * After time_init(). Boot. */
void port_start(const struct boot_info *boot, const struct options *options);
