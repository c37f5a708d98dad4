/* SPDX-License-Identifier: MIT */
/* The two ends of a stream with urgent data, and its signals. */
#pragma once

#include <signal.h>

#ifndef SIOCATMARK
#define SIOCATMARK 0x8905
#endif

static int end[2];
static volatile sig_atomic_t urgent_signals;

static void on_urgent(int number)
{
    (void)number;
    urgent_signals++;
}
