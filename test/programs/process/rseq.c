/* SPDX-License-Identifier: MIT */
/* A restartable sequence that loops until a signal aborts it. For a C library without rseq of its own. */
#define _GNU_SOURCE
#include "result.h"

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define SIGNATURE 0x53053053

static struct {
    uint32_t cpu_id_start, cpu_id;
    uint64_t sequence;
    uint32_t flags, node_id, mm_cid, padding;
} area __attribute__((aligned(32)));

static void handler(int signal)
{
    (void)signal;
}

static int spin(void)
{
    int aborted = 0;
    __asm__ volatile(".pushsection .data\n\t"
                     ".balign 32\n"
                     "7:\t.long 0, 0\n\t"
                     ".quad 1f, 2f - 1f, 4f\n\t"
                     ".popsection\n\t"
                     "leaq 7b(%%rip), %%rax\n\t"
                     "movq %%rax, %[sequence]\n"
                     "1:\tjmp 1b\n"
                     "2:\tjmp 5f\n\t"
                     ".long 0x53053053\n"
                     "4:\tmovl $1, %[aborted]\n"
                     "5:\n"
                     : [sequence] "=m"(area.sequence), [aborted] "+r"(aborted)
                     :
                     : "rax", "memory");
    return aborted;
}

int main(void)
{
    struct itimerval soon = {.it_value = {0, 20000}};
    signal(SIGALRM, handler);
    area.cpu_id = 99;
    result("odd address", syscall(SYS_rseq, (char *)&area + 4, 32, 0, SIGNATURE));
    result("short", syscall(SYS_rseq, &area, 16, 0, SIGNATURE));
    result("flags", syscall(SYS_rseq, &area, 32, 2, SIGNATURE));
    result("unregister", syscall(SYS_rseq, &area, 32, 1, SIGNATURE));
    result("register", syscall(SYS_rseq, &area, 32, 0, SIGNATURE));
    result("again", syscall(SYS_rseq, &area, 32, 0, SIGNATURE));
    result("other signature", syscall(SYS_rseq, &area, 32, 0, 1));
    truth("CPU is known", area.cpu_id < 4096 && area.cpu_id_start == area.cpu_id);
    setitimer(ITIMER_REAL, &soon, NULL);
    printf("aborted %d\n", spin());
    truth("sequence cleared", area.sequence == 0);
    result("unregister", syscall(SYS_rseq, &area, 32, 1, SIGNATURE));
    truth("CPU is unknown again", area.cpu_id == UINT32_MAX);
    return 0;
}
