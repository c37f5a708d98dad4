/* SPDX-License-Identifier: MIT */
/* The lines that the programs print: a name, and the value or the errno of a call. Included once. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One line, "name = 3" or "name: ENOENT's text". A call that fails leaves its errno. */
static inline long result(const char *name, long value)
{
    if (value == -1)
        printf("%s: errno %d, %s\n", name, errno, strerror(errno));
    else
        printf("%s = %ld\n", name, value);
    return value;
}

/* For values that differ from run to run: prints only whether they are right. */
static inline void truth(const char *name, int holds)
{
    printf("%s: %s\n", name, holds ? "yes" : "NO");
}
