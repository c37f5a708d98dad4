/* SPDX-License-Identifier: MIT */
#include "kern/host_time.h"

#include "base/compiler.h"
#include "kern/console.h"
#include "kern/console_frame.h"
#include "kern/time.h"

#define DIGITS_MAX   19 /* as many as the year 2262 has, and 10^19 fits 64 bits */
#define ROUND_MAX_NS NS_PER_SECOND

/* Written before the question is sent, so before any answer can come. */
static uint64_t asked_ns;
static bool waiting;

static uint64_t host_ns GUARDED_BY(class_input); /* the digits so far */
static unsigned host_digits GUARDED_BY(class_input);

INIT_CODE void host_time_ask(void)
{
    asked_ns = time_now_ns();
    waiting = true;
    console_tell_host(FRAME_ASK_TIME);
}

void host_time_begin(void)
{
    host_ns = host_digits = 0;
}

bool host_time_take(uint8_t byte)
{
    if (byte >= '0' && byte <= '9' && host_digits < DIGITS_MAX) {
        host_ns = host_ns * 10 + (byte - '0');
        host_digits++;
        return true;
    }
    uint64_t round = time_now_ns() - asked_ns;
    if (byte == '\n' && host_digits > 0 && waiting && round < ROUND_MAX_NS && host_ns >> 63 == 0)
        time_correct_realtime_ns(host_ns + round / 2);
    waiting = false;
    return false;
}
