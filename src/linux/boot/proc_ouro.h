/* SPDX-License-Identifier: MIT */
/* /proc/cmdline and /proc/ouro: parameters and timing of the boot. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

/* Copies the command line. Boot. */
MUST_CHECK enum err start_proc_keep(void);
/* Adds the files. E_NOMEM. */
MUST_CHECK enum err start_proc_add(void);
/* Records the end of the boot: the program is about to start. */
void start_proc_booted(void);
