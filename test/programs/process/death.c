/* SPDX-License-Identifier: MIT */
/* Ends in the way that its argument names, for a comparison of the exit status. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile int zero;

/* volatile: the compiler must not see that this never ends. */
static volatile int more = 1;

static int deeper(volatile char *above)
{
    volatile char here[4096];
    here[0] = *above;
    return more ? deeper(here) + here[0] : 0;
}

static void on_segv(int signal)
{
    (void)signal;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    char first = 1;
    setvbuf(stdout, NULL, _IONBF, 0);
    printf("ending by %s\n", how);
    if (strcmp(how, "exit") == 0)
        exit(argc > 2 ? atoi(argv[2]) : 0);
    else if (strcmp(how, "kill") == 0)
        kill(getpid(), atoi(argv[2]));
    else if (strcmp(how, "raise") == 0)
        raise(atoi(argv[2]));
    else if (strcmp(how, "abort") == 0)
        abort();
    else if (strcmp(how, "null") == 0)
        *(volatile int *)(uintptr_t)zero = 1;
    else if (strcmp(how, "divide") == 0)
        printf("%d\n", 1 / zero);
    else if (strcmp(how, "ud2") == 0)
        __asm__ volatile("ud2");
    else if (strcmp(how, "int3") == 0)
        __asm__ volatile("int3");
    else if (strcmp(how, "overflow") == 0)
        return deeper(&first);
    else if (strcmp(how, "pipe") == 0) {
        int fd[2];
        if (pipe(fd) == 0) {
            close(fd[0]);
            printf("%zd\n", write(fd[1], "x", 1));
        }
    } else if (strcmp(how, "alarm") == 0) {
        alarm(1);
        pause();
    } else if (strcmp(how, "blocked") == 0) { /* a fault ends it even if blocked */
        sigset_t set;
        signal(SIGSEGV, on_segv);
        sigemptyset(&set);
        sigaddset(&set, SIGSEGV);
        sigprocmask(SIG_BLOCK, &set, NULL);
        *(volatile int *)(uintptr_t)zero = 1;
    } else if (strcmp(how, "ignored") == 0) {
        signal(SIGSEGV, SIG_IGN);
        *(volatile int *)(uintptr_t)zero = 1;
    }
    printf("still here\n");
    return 0;
}
