/* SPDX-License-Identifier: MIT */
/* The 16550 at COM1: output polled, input by interrupt. */
#pragma once

#include "kern/console.h"

/* Programs 115200 8N1 and returns the device; NULL when there is no UART. Boot only. */
const struct console_device *uart_init(void);
/* From now on input is handed to console_input(). After apic_init(). Boot only. */
void uart_start_input(void);
