/* SPDX-License-Identifier: MIT */
/* A system call preserves RFLAGS, with every combination of the arithmetic flags and DF, and all
 * registers but rax, rcx (the return address) and r11 (the flags). */
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

#define FLAGS 0xcd5u /* OF DF SF ZF AF PF CF */

static uint64_t across_call(long number, uint64_t flags)
{
    uint64_t after;
    long rax = number;
    __asm__ volatile("sub $128, %%rsp\n\t" /* the red zone is the compiler's */
                     "push %2\n\t"
                     "popfq\n\t"
                     "syscall\n\t"
                     "pushfq\n\t"
                     "cld\n\t"
                     "pop %0\n\t"
                     "add $128, %%rsp"
                     : "=&r"(after), "+a"(rax)
                     : "r"(flags)
                     : "rcx", "r11", "cc", "memory");
    return after;
}

/* The number of registers that a call changes. Before it register n holds n times the first's value. */
static int registers_across(long number)
{
    uint64_t after[13];
    uint64_t first = 0x1111111111111111, pattern = first, *to = after;
    __asm__ volatile("sub $128, %%rsp\n\t"
                     "push %%rbp\n\t"
                     "push %%rbx\n\t"
                     "push %%rcx\n\t" /* the address of after */
                     "mov %%rdx, %%rbx\n\t"
                     "lea (%%rbx,%%rbx), %%rbp\n\t"
                     "lea (%%rbx,%%rbp), %%r8\n\t"
                     "lea (%%rbx,%%r8), %%r9\n\t"
                     "lea (%%rbx,%%r9), %%r10\n\t"
                     "lea (%%rbx,%%r10), %%r12\n\t"
                     "lea (%%rbx,%%r12), %%r13\n\t"
                     "lea (%%rbx,%%r13), %%r14\n\t"
                     "lea (%%rbx,%%r14), %%r15\n\t"
                     "lea (%%rbx,%%r15), %%rdi\n\t"
                     "lea (%%rbx,%%rdi), %%rsi\n\t"
                     "lea (%%rbx,%%rsi), %%rdx\n\t"
                     "syscall\n\t"
                     "1: xchg %%rax, (%%rsp)\n\t"
                     "mov %%rbx, (%%rax)\n\t"
                     "mov %%rbp, 8(%%rax)\n\t"
                     "mov %%r8, 16(%%rax)\n\t"
                     "mov %%r9, 24(%%rax)\n\t"
                     "mov %%r10, 32(%%rax)\n\t"
                     "mov %%r12, 40(%%rax)\n\t"
                     "mov %%r13, 48(%%rax)\n\t"
                     "mov %%r14, 56(%%rax)\n\t"
                     "mov %%r15, 64(%%rax)\n\t"
                     "mov %%rdi, 72(%%rax)\n\t"
                     "mov %%rsi, 80(%%rax)\n\t"
                     "mov %%rdx, 88(%%rax)\n\t"
                     "lea 1b(%%rip), %%rdx\n\t"
                     "sub %%rcx, %%rdx\n\t"
                     "mov %%rdx, 96(%%rax)\n\t"
                     "pop %%rax\n\t" /* the result */
                     "pop %%rbx\n\t"
                     "pop %%rbp\n\t"
                     "add $128, %%rsp"
                     : "+a"(number), "+c"(to), "+d"(pattern)
                     :
                     : "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
                       "memory");
    int wrong = after[12] != 0; /* rcx: the return address */
    for (unsigned i = 0; i < 12; i++)
        wrong += after[i] != first * (i + 1);
    return wrong;
}

int main(void)
{
    static const long numbers[] = {SYS_getppid, SYS_getuid, SYS_gettid, SYS_sched_yield, SYS_close};
    uint64_t base, wrong = 0;
    int mixes = 0;
    __asm__ volatile("pushfq; pop %0" : "=r"(base));
    for (uint64_t flags = 0; flags <= FLAGS; flags++) {
        if (flags & ~(uint64_t)FLAGS)
            continue;
        mixes++;
        wrong |= (across_call(SYS_getppid, (base & ~(uint64_t)FLAGS) | flags) ^ flags) & FLAGS;
        wrong |= (across_call(SYS_sched_yield, (base & ~(uint64_t)FLAGS) | flags) ^ flags) & FLAGS;
    }
    printf("%d mixes, flags that came back changed: %#lx\n", mixes, (unsigned long)wrong);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int changed = registers_across(numbers[i]);
        printf("call %ld: %d registers changed\n", numbers[i], changed);
    }
    return 0;
}
