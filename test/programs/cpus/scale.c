/* SPDX-License-Identifier: MIT */
/* How much faster two threads are than one. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long rounds;

static void *compute(void *unused)
{
    volatile uint64_t x = 1;
    for (long i = 0; i < rounds; i++)
        x = x * 3 + 1;
    return unused;
}

static double seconds(int threads)
{
    struct timespec from, to;
    pthread_t thread[2];
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, compute, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
    rounds = argc > 1 ? atol(argv[1]) : 1000000;
    double one = seconds(1), two = seconds(2);
    printf("compute %.2f\n", 2 * one / two);
    return 2 * one / two < 1.95;
}
