/* SPDX-License-Identifier: MIT */
/* The steps of kmain() that join several modules. Boot only. */
#pragma once

#include "kern/console.h"
#include "kern/options.h"
#include "parse/boot_info.h"

/* Plain output on the line (NULL: none), until options_read() knows better. */
void console_start(const struct console_line *line);
/* Reads the command line and sets the console up as it says. A word that is not known stops the
 * machine. */
void options_read(struct boot_info *boot);
/* What the command line said, and the line itself. Both are gone after memory_end_boot(). */
extern struct options options;
extern char boot_command_line[BOOT_COMMAND_LINE_MAX];

void memory_start(const struct boot_info *boot);
/* Guarded IST stacks take the place of the small early ones. */
void stacks_start(void);
void interrupts_start(void);
void log_machine(void);
/* Stops the machine when the page tables break a rule of protection (mm/pt/audit.h). `both`: the
 * program was granted memory that is writable and executable. Once memory_end_boot() has run. */
void protection_check(bool both);
