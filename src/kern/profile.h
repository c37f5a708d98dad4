/* SPDX-License-Identifier: MIT */
/*
 * The sampling profiler (kernel command line: `profile`). A timer records each CPU's position each
 * millisecond and counts equal positions together. At the end the host tool receives:
 *
 *     image START                  load address of the program's image, hex
 *     sample COUNT PC PC ...       innermost first, hex: the kernel's frames, then one of the program
 *     samples TAKEN LOST           LOST found the table full
 *
 * Only the program's rip is recorded, no chain: programs do not keep frame pointers reliably. While
 * interrupts are off no sample is taken; the sample falls on the instruction that enables them. An
 * idle CPU is not sampled.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "cpu/trap_frame.h"

#include <stdint.h>

/* Starts the profiler. E_NOMEM. Caller: boot, on the thread that becomes the program. */
MUST_CHECK enum err profile_start(void);
/* Of several CPUs: VECTOR_KICK has come. */
void profile_kicked(const struct trap_frame *frame);
/* Stops the profiler, if started, and sends the samples to the host. */
void profile_tell(uint64_t image_start);
