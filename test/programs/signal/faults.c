/* SPDX-License-Identifier: MIT */
/* Faults that a handler catches and leaves by siglongjmp, and the siginfo that it gets. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile uintptr_t expected;
static char alternate[65536];
static const char constant[16] = "constant";
static char data[64] __attribute__((aligned(64)));

static void handler(int signal, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    greg_t *r = u->uc_mcontext.gregs;
    char here;
    int on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
    printf("  signal %d code %d address %s trap %lld error %lld alternate stack %d\n", signal,
           info->si_code, (uintptr_t)info->si_addr == expected ? "as expected" : "OTHER",
           (long long)r[REG_TRAPNO], (long long)r[REG_ERR], on_alternate);
    if (r[REG_TRAPNO] == 14)
        truth("  cr2", (uintptr_t)r[REG_CR2] == expected);
    siglongjmp(back, signal);
}

static void touch_read(uintptr_t at)
{
    (void)*(volatile char *)at;
}

static void touch_write(uintptr_t at)
{
    *(volatile char *)at = 1;
}

static void touch_execute(uintptr_t at)
{
    ((void (*)(void))at)();
}

static void attempt(const char *name, void (*touch)(uintptr_t), uintptr_t at, uintptr_t told)
{
    printf("%s\n", name);
    expected = told;
    int signal = sigsetjmp(back, 1);
    if (signal == 0) {
        touch(at);
        printf("  no fault\n");
    }
}

static int divide(int by)
{
    int result;
    __asm__ volatile("cltd; idivl %1" : "=a"(result) : "r"(by), "0"(5) : "edx", "cc");
    return result;
}

extern char after_ud2[], after_div[];

static void do_divide(uintptr_t by)
{
    printf("%d\n", divide((int)by));
}

static void do_ud2(uintptr_t unused)
{
    (void)unused;
    __asm__ volatile(".globl after_ud2\nafter_ud2: ud2");
}

static void do_int3(uintptr_t unused)
{
    (void)unused;
    __asm__ volatile("int3");
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    setvbuf(stdout, NULL, _IOLBF, 0);
    result("sigaltstack", sigaltstack(&stack, NULL));
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);

    attempt("read null", touch_read, 0, 0);
    attempt("write null + 24", touch_write, 24, 24);
    attempt("write constant", touch_write, (uintptr_t)constant, (uintptr_t)constant);
    attempt("execute data", touch_execute, (uintptr_t)data, (uintptr_t)data);
    attempt("execute null", touch_execute, 0, 0);
    attempt("write text", touch_write, (uintptr_t)touch_write, (uintptr_t)touch_write);
    attempt("read non-canonical", touch_read, 0x8000000000000000, 0);
    attempt("ud2", do_ud2, 0, (uintptr_t)after_ud2);
    attempt("int3", do_int3, 0, 0);

    char *map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    map[4096] = 1;
    mprotect(map + 4096, 4096, PROT_READ);
    attempt("write read-only page", touch_write, (uintptr_t)map + 4096, (uintptr_t)map + 4096);
    mprotect(map + 4096, 4096, PROT_NONE);
    attempt("read PROT_NONE", touch_read, (uintptr_t)map + 4097, (uintptr_t)map + 4097);
    munmap(map + 4096, 4096);
    attempt("read after munmap", touch_read, (uintptr_t)map + 5000, (uintptr_t)map + 5000);

    int fd = open("/tmp/short", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (write(fd, "short", 5) == 5) {
        char *file = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
        printf("file: %.5s, then %d\n", file, file[5]);
        attempt("read past the file", touch_read, (uintptr_t)file + 4096, (uintptr_t)file + 4096);
    }
    printf("done\n");
    expected = 1;
    int signal = sigsetjmp(back, 1);
    if (signal == 0)
        do_divide(0);
    printf("divide gave signal %d\n", signal);
    return 0;
}
