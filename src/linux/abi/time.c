/* SPDX-License-Identifier: MIT */
#include "linux/abi/time.h"

#include "kern/time.h"
#include "kern/wait.h"
#include "mm/vm/usercopy.h"

struct timespec timespec_of_ns(uint64_t ns)
{
    return (struct timespec){(int64_t)(ns / NS_PER_SECOND), (int64_t)(ns % NS_PER_SECOND)};
}

struct timeval timeval_of_ns(uint64_t ns)
{
    return (struct timeval){(int64_t)(ns / NS_PER_SECOND), (int64_t)(ns % NS_PER_SECOND / 1000)};
}

enum err timespec_to_ns(const struct timespec *t, uint64_t *out)
{
    if (t->seconds < 0 || (uint64_t)t->nanoseconds >= NS_PER_SECOND)
        return E_INVAL;
    if ((uint64_t)t->seconds >= INT64_MAX / NS_PER_SECOND)
        *out = INT64_MAX;
    else
        *out = (uint64_t)t->seconds * NS_PER_SECOND + (uint64_t)t->nanoseconds;
    return E_OK;
}

enum err timeval_to_ns(const struct timeval *t, uint64_t *out)
{
    if ((uint64_t)t->microseconds >= 1000000)
        return E_INVAL;
    struct timespec spec = {t->seconds, t->microseconds * 1000};
    return timespec_to_ns(&spec, out);
}

enum err timespec_copy_in(virt_t from, uint64_t *ns)
{
    struct timespec t;
    enum err e = copy_in(&t, from, sizeof t);
    return e == E_OK ? timespec_to_ns(&t, ns) : e;
}

enum err timespec_copy_out(virt_t to, uint64_t ns)
{
    struct timespec t = timespec_of_ns(ns);
    return copy_out(to, &t, sizeof t);
}

uint64_t deadline_after_on(uint64_t now, uint64_t ns)
{
    uint64_t deadline;
    if (__builtin_add_overflow(now, ns, &deadline) || deadline == NO_DEADLINE)
        return NO_DEADLINE - 1;
    return deadline;
}

uint64_t deadline_after(uint64_t ns)
{
    return deadline_after_on(time_now_ns(), ns);
}
