/* SPDX-License-Identifier: MIT */
/* clocks: on two CPUs in turn, CLOCK_MONOTONIC never goes back, goes on, and stays near what both had before. An argument: the vDSO is not there. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <time.h>

#define TURNS 400

static volatile int turn;
static volatile int64_t last;
static int64_t longest;
static int back;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *read_in_turn(void *which)
{
    int self = which != NULL;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(self, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        perror("sched_setaffinity");
    for (int i = 0; i < TURNS; i++) {
        while (turn % 2 != self)
            sched_yield();
        int64_t now = now_ns();
        back += now < last;
        if (last != 0 && now - last > longest)
            longest = now - last;
        last = now;
        turn++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    (void)argv;
    static int second;
    pthread_t other;
    int64_t from = now_ns();
    pthread_create(&other, NULL, read_in_turn, &second);
    read_in_turn(NULL);
    pthread_join(other, NULL);
    printf("goes back: %s\n", back ? "YES" : "no");
    printf("leaps: %s\n", longest > INT64_C(500000000) ? "YES" : "no");
    printf("goes on: %s\n", last > from ? "yes" : "NO");
    printf("vDSO as wanted: %s\n", (getauxval(AT_SYSINFO_EHDR) == 0) == (argc > 1) ? "yes" : "NO");
    return 0;
}
