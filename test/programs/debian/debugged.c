/* SPDX-License-Identifier: MIT */
/* What gdb looks at: tracers.sh. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int add(int a, int b)
{
    int sum = a + b;
    return sum;
}

static int work(int n)
{
    int total = 0;
    for (int i = 0; i < n; i++)
        total = add(total, i);
    return total;
}

static void *other(void *argument)
{
    *(int *)argument = add(3, 3);
    return argument;
}

int main(void)
{
    int result = work(4), seen = 0;
    double half = result / 2.0;
    pthread_t thread;
    pthread_create(&thread, NULL, other, &seen);
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(work(3));
    int status = 0;
    waitpid(child, &status, 0);
    raise(SIGUSR1);
    printf("result %d seen %d half %.1f status %d\n", result, seen, half, WEXITSTATUS(status));
    fflush(stdout);
    *(volatile int *volatile)16 = result;
    return 0;
}
