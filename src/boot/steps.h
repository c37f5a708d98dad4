/* SPDX-License-Identifier: MIT */
/* The steps of kmain() that join several modules. Boot. */
#pragma once

#include "kern/console.h"
#include "kern/options.h"
#include "parse/boot_info.h"

/* Starts plain output on the line (NULL: none), until options_read(). */
void console_start(const struct console_line *line);
/* Parses the command line and configures the console. An unknown word stops the machine. */
void options_read(struct boot_info *boot);
/* The parsed options, and the command line itself. Both are freed by memory_end_boot(). */
extern struct options options;
extern char boot_command_line[BOOT_COMMAND_LINE_MAX];

void memory_start(const struct boot_info *boot);
/* Replaces the small early IST stacks with guarded ones. */
void stacks_start(void);
void interrupts_start(void);
void log_machine(void);
/* Stops the machine if the page tables break a rule of the audit (mm/pt/audit.h). `both`: the
 * program was granted memory that is writable and executable. After memory_end_boot(). */
void protection_check(bool both);
