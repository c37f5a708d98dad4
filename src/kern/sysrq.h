/* SPDX-License-Identifier: MIT */
/*
 * SysRq: Alt+PrintScreen and a letter at the local keyboard (Linux: magic SysRq key). Works
 * whatever the program does. Output goes to the log port and the screen, from an interrupt.
 */
#pragma once

#include <stdbool.h>

/* Adds a letter; `what` is a short description for the list that 'h' prints. The function runs with
 * interrupts off. The strings must stay valid. Boot. */
void sysrq_add(char letter, const char *what, void (*function)(void));
/* Runs the function of the letter that was typed. Interrupts off. */
void sysrq_key(char letter);
/* True if there is a keyboard on which SysRq can be typed. After sysrq_init(). */
bool sysrq_present(void);
/* Adds the kernel's own letters: help, memory, log, restart. Boot. */
void sysrq_init(void);
