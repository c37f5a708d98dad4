/* SPDX-License-Identifier: MIT */
/*
 * What a person can ask the kernel at the keyboard, whatever the program does: Alt+PrintScreen and a
 * letter (Linux: SysRq). Answers go to the log port and the screen, in an interrupt.
 */
#pragma once

#include <stdbool.h>

/* `what` in a few words, for the list that 'h' prints. The function runs with interrupts off. Boot
 * only; the strings stay. */
void sysrq_add(char letter, const char *what, void (*function)(void));
/* The person pressed it. Interrupts off. */
void sysrq_key(char letter);
/* Is there a keyboard to press them on? After sysrq_init(). */
bool sysrq_present(void);
/* Those that the kernel has by itself: help, memory, log, restart. Boot only. */
void sysrq_init(void);
