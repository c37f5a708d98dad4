/* SPDX-License-Identifier: MIT */
/* The 16550 UART at COM1: polled output, input by interrupt. */
#pragma once

#include "kern/console.h"

/* Programs 115200 8N1 and returns the device; NULL if there is no UART. Boot only. */
const struct console_device *uart_init(void);
/* Enables the receive interrupt: input goes to console_input(). After apic_init(). Boot only. */
void uart_start_input(void);
