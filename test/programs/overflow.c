/* SPDX-License-Identifier: MIT */
/* A stack overflow, caught on the alternate stack. */
#define _GNU_SOURCE
#include "result.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile uintptr_t deepest;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    uintptr_t at = (uintptr_t)info->si_addr;
    printf("signal %d, near the stack pointer: %d\n", signal,
           at > deepest - 65536 && at <= deepest + 65536);
    siglongjmp(back, 1);
}

/* volatile: the compiler must not see that this never ends. */
static volatile int more = 1;

static int deeper(int n)
{
    volatile char here[1024];
    here[0] = (char)n;
    deepest = (uintptr_t)here;
    return more ? deeper(n + 1) + here[0] : 0;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_size = 65536}, now;
    stack.ss_sp = malloc(stack.ss_size);
    setvbuf(stdout, NULL, _IOLBF, 0);
    result("sigaltstack", sigaltstack(&stack, NULL));
    sigaction(SIGSEGV, &action, NULL);
    char first;
    for (int i = 0; i < 2; i++) {
        if (sigsetjmp(back, 1) == 0)
            deeper(0);
        printf("used %s\n", (uintptr_t)&first - deepest > 7 << 20 ? "most of 8 MiB" : "LESS");
    }
    sigaltstack(NULL, &now);
    printf("flags %d\n", now.ss_flags);
    return 0;
}
