/* SPDX-License-Identifier: MIT */
/* A handler sees the interrupted registers, and its changes to them are loaded on return. With "beside": XRSTOR in another
 * process. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define XSTATE_WORD1 0x46505853u
#define XSTATE_WORD2 0x46505845u

static volatile int mode;

static void inspect_vectors(ucontext_t *u)
{
    uint8_t *f = (uint8_t *)u->uc_mcontext.fpregs;
    uint32_t magic1, extended, size, magic2 = 0;
    memcpy(&magic1, f + 464, 4);
    memcpy(&extended, f + 468, 4);
    memcpy(&size, f + 480, 4);
    truth("fpstate is aligned", (uintptr_t)f % 64 == 0);
    if (u->uc_flags & 1) {
        memcpy(&magic2, f + size, 4);
        truth("magic words", magic1 == XSTATE_WORD1 && magic2 == XSTATE_WORD2);
        truth("sizes", extended == size + 4 && size >= 576);
    } else {
        truth("magic words", magic1 == 0);
        truth("sizes", 1);
    }
    uint64_t xmm3[2];
    memcpy(xmm3, f + 160 + 3 * 16, 16);
    printf("xmm3 in the frame: %llx %llx\n", (unsigned long long)xmm3[0],
           (unsigned long long)xmm3[1]);
    xmm3[0] ^= 0xff;
    memcpy(f + 160 + 3 * 16, xmm3, 16);
}

static void handler(int signal, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    greg_t *r = u->uc_mcontext.gregs;
    (void)info;
    if (signal == SIGUSR1) {
        printf("flags %lx aligned %d\n", u->uc_flags & ~1ul,
               (int)((uintptr_t)__builtin_frame_address(0) % 16 == 0));
        truth("rsp below the red zone", (uintptr_t)context < (uintptr_t)r[REG_RSP] - 128);
        inspect_vectors(u);
        r[REG_RBX] += 1000;
        /* destroy the registers that sigreturn must restore */
        __asm__ volatile("pxor %%xmm3, %%xmm3; pxor %%xmm4, %%xmm4; fninit" : : : "xmm3", "xmm4");
    } else {
        r[REG_RIP] += 2; /* skip ud2 */
        r[REG_RAX] = 4711;
    }
}

/* Another process loses its turn between XSAVE and XRSTOR. Neither of its turns uses the registers otherwise. */
static void restored_beside(void)
{
    static uint8_t area[8192] __attribute__((aligned(64)));
    uint32_t a = 1, b, c = 0, d;
    int there[2], back[2], wrong = 0;
    static char byte;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (pipe(there) != 0 || pipe(back) != 0)
        return;
    pid_t child = fork();
    while (child == 0) {
        read(there[0], &byte, 1);
        if (c & 1u << 27) /* OSXSAVE */
            __asm__ volatile("xsave (%0)" : : "r"(area), "a"(7), "d"(0) : "memory");
        write(back[1], &byte, 1);
        read(there[0], &byte, 1);
        if (c & 1u << 27)
            __asm__ volatile("xrstor (%0)" : : "r"(area), "a"(7), "d"(0) : "memory");
        write(back[1], &byte, 1);
    }
    for (uint64_t i = 1; i <= 1000; i++) {
        uint64_t after;
        long call = SYS_write;
        __asm__ volatile("movq %[i], %%xmm3\n\t"
                         "mov %[there], %%rdi\n\t"
                         "syscall\n\t"
                         "mov %[back], %%rdi\n\t"
                         "xor %%eax, %%eax\n\t" /* SYS_read */
                         "syscall\n\t"
                         "movq %%xmm3, %[after]"
                         : [after] "=r"(after), "+a"(call)
                         : [i] "r"(i), [there] "r"((long)there[1]), [back] "r"((long)back[0]),
                           "S"(&byte), "d"(1l)
                         : "rcx", "r11", "rdi", "xmm3", "memory");
        wrong += after != i;
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    result("registers of another process", wrong);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    uint64_t in[4] = {0x1111222233334444, 0x5555666677778888, 0x9999, 0xaaaa}, out[4];
    uint64_t rbx = 5, red = 0;
    long double pi = 3.25L, after;
    if (argc > 1 && strcmp(argv[1], "beside") == 0) {
        restored_beside();
        return 0;
    }
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGILL, &action, NULL);

    /* tgkill from assembler, with live FPU registers, x87 stack and red zone. */
    __asm__ volatile("movups (%[in]), %%xmm3\n\t"
                     "movups 16(%[in]), %%xmm4\n\t"
                     "fldt %[pi]\n\t"
                     "movq $0x777, -8(%%rsp)\n\t"
                     "mov %[rbx], %%rbx\n\t"
                     "syscall\n\t"
                     "mov -8(%%rsp), %[red]\n\t"
                     "mov %%rbx, %[rbx]\n\t"
                     "fstpt %[after]\n\t"
                     "movups %%xmm3, (%[out])\n\t"
                     "movups %%xmm4, 16(%[out])\n\t"
                     : [rbx] "+r"(rbx), [red] "=&r"(red), [after] "=m"(after)
                     : [in] "r"(in), [out] "r"(out), [pi] "m"(pi), "a"((long)SYS_kill),
                       "D"((long)getpid()), "S"((long)SIGUSR1)
                     : "rbx", "rcx", "r11", "xmm3", "xmm4", "memory");
    printf("rbx %llu red zone %llx\n", (unsigned long long)rbx, (unsigned long long)red);
    printf("xmm3 %llx %llx\n", (unsigned long long)out[0], (unsigned long long)out[1]);
    printf("xmm4 %llx %llx\n", (unsigned long long)out[2], (unsigned long long)out[3]);
    printf("x87 %d\n", after == pi);

    long rax = 0;
    __asm__ volatile("ud2" : "+a"(rax) : : "memory");
    printf("after ud2: rax %ld\n", rax);
    (void)mode;
    return 0;
}
