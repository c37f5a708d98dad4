/* SPDX-License-Identifier: MIT */
/* /proc/cmdline and /proc/ouro: parameters and timing of the boot. */
#pragma once

#include "fs/proc/procfs.h"

/* Copies the command line. Boot. */
MUST_CHECK enum err start_proc_keep(void);
/* Records the end of the boot: the program is about to start. */
void start_proc_booted(void);

void proc_show_command_line(struct text *text, void *context);
void proc_show_ouro(struct text *text, void *context);
