/* SPDX-License-Identifier: MIT */
/*
 * The time of day from the host tool (time=host, on a framed console).
 *
 * The RTC says the time in whole seconds, and QEMU's loses the fraction of the second in which it
 * started. So the kernel sends the line "time?" early in the boot, the tool answers with its clock
 * (FRAME_TIME), and the answer arrives while the boot goes on. The host took the time at some moment
 * between question and answer: the middle is assumed, and half of the time in between bounds the
 * error. An answer that took too long is ignored, and one that was not asked for.
 */
#pragma once

#include "base/lock_class.h"

#include <stdbool.h>
#include <stdint.h>

/* Asks. After time_init(). Boot. */
void host_time_ask(void);
/* FRAME_TIME came: host_time_take() gets the bytes that follow, until it returns false. */
void host_time_begin(void) REQUIRES(class_input);
bool host_time_take(uint8_t byte) REQUIRES(class_input);
