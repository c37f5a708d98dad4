/* SPDX-License-Identifier: MIT */
#include "host/delay.h"
#include "unit.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUSY      2
#define SECONDS   0.5
#define NANOSLEEP 10000000

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Two processes that compute on one processor keep each other waiting; one that sleeps is not kept waiting. */
static void test_only_waiting_for_a_processor_counts(void **state)
{
    pid_t pid[BUSY + 1];
    double start = now();
    (void)state;
    for (int i = 0; i <= BUSY; i++) {
        pid[i] = fork();
        if (pid[i] != 0)
            continue;
        cpu_set_t first;
        CPU_ZERO(&first);
        CPU_SET(0, &first);
        sched_setaffinity(0, sizeof first, &first);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            if (i == BUSY)
                pause();
    }
    double busy = 0;
    while (busy < SECONDS && now() < start + 60) {
        nanosleep(&(struct timespec){0, NANOSLEEP}, NULL);
        busy = delay_of(pid[0]) + delay_of(pid[1]);
    }
    double asleep = delay_of(pid[BUSY]), all = now() - start;
    for (int i = 0; i <= BUSY; i++) {
        kill(pid[i], SIGKILL);
        waitpid(pid[i], NULL, 0);
    }
    assert_true(busy >= SECONDS);
    assert_true(busy <= BUSY * all);
    assert_true(asleep < busy);
    assert_true(delay_of(pid[0]) == 0); /* it has ended */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_waiting_for_a_processor_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
