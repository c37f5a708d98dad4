/* SPDX-License-Identifier: MIT */
/* Fills pipes while its own memory takes most of the machine's, then reads all of it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OWN   (11u << 20)
#define PIPES 80

int main(void)
{
    static char block[65536];
    unsigned char *own = malloc(OWN);
    unsigned long written = 0, sum = 0;
    if (!own)
        return 1;
    for (unsigned at = 0; at < OWN; at += 4096)
        own[at] = (unsigned char)(at >> 12);
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) != 0)
            return 1;
        ssize_t put = write(ends[1], block, sizeof block);
        written += put > 0 ? (unsigned long)put : 0;
    }
    for (unsigned at = 0; at < OWN; at += 4096)
        sum += own[at];
    printf("%lu bytes in pipes, sum %lu\n", written, sum);
    return 0;
}
