/* SPDX-License-Identifier: MIT */
/* A child that overflows its stack, and the kernel's report of its death (/proc/report; Linux has none). */
#pragma once

#include "json.h"

/* The program's name of that child: what it does as `explorer CRASH_ARGUMENT`. Does not return normally. */
#define CRASH_ARGUMENT "overflow"
int crash_overflow(void);

void crash_start(void);
/* Starts the child unless one runs. */
void crash_spawn(void);
/* Looks whether the child has ended. True: one still runs. */
bool crash_poll(void);
void crash_write(struct json *json);
