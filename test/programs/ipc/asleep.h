/* SPDX-License-Identifier: MIT */
/* Waits until another thread sleeps in the kernel. Included once. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int sleeper; /* the tid of the thread, which says so before its call; then 0 */

static void goes_to_sleep(void)
{
    sleeper = (int)syscall(SYS_gettid);
}

static void wait_until_asleep(void)
{
    char path[64], text[256] = "";
    for (int i = 0; i < 10000; i++) {
        usleep(2000);
        if (sleeper == 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", sleeper);
        int fd = open(path, O_RDONLY);
        ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        text[n > 0 ? n : 0] = 0;
        const char *state = strrchr(text, ')');
        if (state && state[2] == 'S')
            break;
    }
    sleeper = 0;
}
