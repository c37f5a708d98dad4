/* SPDX-License-Identifier: MIT */
/* The 16550 UART at COM1. Output goes at once as far as its FIFO has room, and then by interrupt; input by interrupt. */
#pragma once

#include "kern/console.h"

/* Programs 115200 8N1 and returns the line; NULL if there is no UART. Boot only. */
const struct console_line *uart_init(void);
/* Enables the interrupts: input goes to console_input(), and writers need not wait. After apic_init(). Boot
 * only. */
void uart_start(void);
