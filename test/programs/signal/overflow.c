/* SPDX-License-Identifier: MIT */
/* Stack overflows, of the main thread and of others, caught on alternate stacks. */
#define _GNU_SOURCE
#include "result.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile uintptr_t deepest, fault_at;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    uintptr_t at = (uintptr_t)info->si_addr;
    fault_at = at;
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

/* A thread of the C library: its stack overflows into the guard page that the library put below it. */
static void *in_thread(void *unused)
{
    pthread_attr_t attributes;
    void *low;
    size_t size, guard;
    stack_t stack = {.ss_size = 65536};
    (void)unused;
    stack.ss_sp = malloc(stack.ss_size);
    result("sigaltstack", sigaltstack(&stack, NULL));
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_getguardsize(&attributes, &guard);
    if (sigsetjmp(back, 1) == 0)
        deeper(0);
    /* glibc counts the guard as part of the stack, musl does not. */
    uintptr_t stack_low = (uintptr_t)low;
    printf("guard of %zu, touched: %d\n", guard,
           fault_at >= stack_low - guard && fault_at < stack_low + guard);
    printf("all of the stack: %d\n", deepest < stack_low + guard + 4096);
    return NULL;
}

static void threads(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 << 10);
    for (size_t guard = 4096; guard <= 65536; guard *= 16) {
        pthread_t thread;
        pthread_attr_setguardsize(&attributes, guard);
        int error = pthread_create(&thread, &attributes, in_thread, NULL);
        if (error == 0)
            pthread_join(thread, NULL);
        result("pthread_create", error);
    }
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
    /* Limits of a vfork() child do not apply to the parent, whose memory it shares. */
    const struct rlimit small = {65536, 65536};
    pid_t child = vfork();
    if (child == 0)
        _exit(setrlimit(RLIMIT_STACK, &small) != 0);
    int status = -1;
    result("wait", waitpid(child, &status, 0) == child ? status : -1);
    for (volatile int i = 0; i < 2; i++) {
        if (sigsetjmp(back, 1) == 0)
            deeper(0);
        printf("used %s\n", (uintptr_t)&first - deepest > 7 << 20 ? "most of 8 MiB" : "LESS");
    }
    sigaltstack(NULL, &now);
    printf("flags %d\n", now.ss_flags);
    threads();
    return 0;
}
