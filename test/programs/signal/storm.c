/* SPDX-License-Identifier: MIT */
/* Hundreds of signals during arithmetic, system calls and the allocator: no result may change. */
#include "result.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int count;

static void handler(int signal)
{
    (void)signal;
    count++;
}

static double work(long *wrong)
{
    double sum = 0;
    long pid = getpid();
    for (int i = 0; i < 1000000; i++) {
        sum += sqrt(i) * 1.5;
        if (i % 100 != 0)
            continue;
        *wrong += syscall(SYS_getpid) != pid;
        char *block = malloc(100);
        memset(block, i, 100);
        *wrong += block[99] != (char)i;
        free(block);
    }
    return sum;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler};
    struct itimerval fast = {{0, 300}, {0, 300}}, off = {{0, 0}, {0, 0}};
    long wrong = 0;
    double disturbed = 0;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_REAL, &fast, NULL);
    setitimer(ITIMER_PROF, &fast, NULL);
    while (count < 200)
        disturbed = work(&wrong);
    setitimer(ITIMER_REAL, &off, NULL);
    setitimer(ITIMER_PROF, &off, NULL);
    truth("the same sum in peace", disturbed == work(&wrong));
    result("wrong answers", wrong);
    return 0;
}
