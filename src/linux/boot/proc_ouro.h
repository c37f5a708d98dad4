/* SPDX-License-Identifier: MIT */
/* /proc/cmdline and /proc/ouro: how this machine was booted. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

/* Copies the command line. Boot. */
MUST_CHECK enum err start_proc_fill(void);
/* The program is about to start: boot took until now. */
void start_proc_booted(void);
