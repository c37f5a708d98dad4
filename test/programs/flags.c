/* SPDX-License-Identifier: MIT */
/* A system call gives RFLAGS back as it found them: every mix of the arithmetic flags and DF. */
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

int main(void)
{
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
    return 0;
}
