/* SPDX-License-Identifier: MIT */
/* Executes itself several times and prints which of its parts were at the same address each time. */
#define _GNU_SOURCE
#include "result.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROUNDS 6
#define PARTS  5

static const char *const names[PARTS] = {"image", "heap", "mmap", "stack", "vdso"};
static const char constant;

/* argv: round, then for each part its first address and whether it has moved. */
int main(int argc, char **argv)
{
    uint64_t now[PARTS] = {
        (uintptr_t)&constant, (uintptr_t)sbrk(0),
        (uintptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        (uintptr_t)__builtin_frame_address(0) >> 12, getauxval(AT_SYSINFO_EHDR)};
    char text[2 + 2 * PARTS][32];
    char *next[3 + 2 * PARTS];
    int round = argc > 1 ? atoi(argv[1]) : 0;
    snprintf(text[1], sizeof text[1], "%d", round + 1);
    next[0] = argv[0];
    next[1] = text[1];
    for (int i = 0; i < PARTS; i++) {
        uint64_t first = round == 0 ? now[i] : strtoull(argv[2 + 2 * i], NULL, 16);
        int moved = round == 0 ? 0 : atoi(argv[3 + 2 * i]);
        moved |= now[i] != first;
        snprintf(text[2 + 2 * i], sizeof text[0], "%llx", (unsigned long long)first);
        next[2 + 2 * i] = text[2 + 2 * i];
        next[3 + 2 * i] = moved ? "1" : "0";
        if (round == ROUNDS)
            printf("%s: %s\n", names[i], moved ? "moves" : "stays");
    }
    next[2 + 2 * PARTS] = NULL;
    if (round == ROUNDS)
        return 0;
    execv("/proc/self/exe", next);
    perror("execv");
    return 1;
}
