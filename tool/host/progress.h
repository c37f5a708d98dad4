/* SPDX-License-Identifier: MIT */
/*
 * What the tool is doing, for a person who waits: one line on stderr that rewrites itself, from the
 * third second of a job on, only on a terminal. In a pipe nothing is ever printed.
 */
#pragma once

#include <stdint.h>

/* Starts a job: "packing", "making the image". The clock starts. */
void progress_start(const char *job);
/* `done` of `total` bytes; total 0 when unknown. Cheap enough for every block. */
void progress_step(uint64_t done, uint64_t total);
/* Takes the line away, if one is shown. Called before anything else is printed. */
void progress_clear(void);
