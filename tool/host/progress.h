/* SPDX-License-Identifier: MIT */
/*
 * Progress of long jobs: one line on stderr that is rewritten, from the third second of a job on, and
 * only on a terminal.
 */
#pragma once

#include <stdint.h>

/* Starts a job and its clock: "packing", "making the image". */
void progress_start(const char *job);
/* `done` of `total` bytes; total 0: unknown. Cheap enough to call for every block. */
void progress_step(uint64_t done, uint64_t total);
/* Erases the line, if shown. Call it before printing anything else. */
void progress_clear(void);
