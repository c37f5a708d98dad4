/* SPDX-License-Identifier: MIT */
/*
 * Signals of the x86-64 ABI (signal(7); asm/signal.h, asm-generic/siginfo.h): numbers, codes and
 * the structures shared with the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNAL_COUNT    64 /* _NSIG; numbers start at 1 */
#define SIGNAL_REALTIME 32 /* the kernel's SIGRTMIN: signals from here on are queued */

enum signal_number {
    SIGNAL_HUP = 1,
    SIGNAL_INT,
    SIGNAL_QUIT,
    SIGNAL_ILL,
    SIGNAL_TRAP,
    SIGNAL_ABRT,
    SIGNAL_BUS,
    SIGNAL_FPE,
    SIGNAL_KILL,
    SIGNAL_USR1,
    SIGNAL_SEGV,
    SIGNAL_USR2,
    SIGNAL_PIPE,
    SIGNAL_ALRM,
    SIGNAL_TERM,
    SIGNAL_STKFLT,
    SIGNAL_CHLD,
    SIGNAL_CONT,
    SIGNAL_STOP,
    SIGNAL_TSTP,
    SIGNAL_TTIN,
    SIGNAL_TTOU,
    SIGNAL_URG,
    SIGNAL_XCPU,
    SIGNAL_XFSZ,
    SIGNAL_VTALRM,
    SIGNAL_PROF,
    SIGNAL_WINCH,
    SIGNAL_IO,
    SIGNAL_PWR,
    SIGNAL_SYS,
};

/* A set of signals: bit n-1 is signal n. */
static inline uint64_t signal_bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

#define SIGNAL_SET(n)       (UINT64_C(1) << ((n)-1))
#define SIGNAL_SET_UNMASKED (SIGNAL_SET(SIGNAL_KILL) | SIGNAL_SET(SIGNAL_STOP))
#define SIGNAL_SET_STOP                                                                            \
    (SIGNAL_SET(SIGNAL_STOP) | SIGNAL_SET(SIGNAL_TSTP) | SIGNAL_SET(SIGNAL_TTIN) |                 \
     SIGNAL_SET(SIGNAL_TTOU))
#define SIGNAL_SET_SYNCHRONOUS                                                                     \
    (SIGNAL_SET(SIGNAL_SEGV) | SIGNAL_SET(SIGNAL_BUS) | SIGNAL_SET(SIGNAL_ILL) |                   \
     SIGNAL_SET(SIGNAL_TRAP) | SIGNAL_SET(SIGNAL_FPE) | SIGNAL_SET(SIGNAL_SYS))

#define SIG_DFL      UINT64_C(0)
#define SIG_IGN      UINT64_C(1)

#define SA_SIGINFO   UINT64_C(0x4)
#define SA_RESTORER  UINT64_C(0x04000000)
#define SA_ONSTACK   UINT64_C(0x08000000)
#define SA_RESTART   UINT64_C(0x10000000)
#define SA_NODEFER   UINT64_C(0x40000000)
#define SA_RESETHAND UINT64_C(0x80000000)
/* The flags that rt_sigaction() stores: those above, SA_NOCLDSTOP, SA_NOCLDWAIT,
 * SA_EXPOSE_TAGBITS. */
#define SA_KNOWN                                                                                   \
    (UINT64_C(0x807) | SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND)

enum sigmask_how {
    SIG_BLOCK,
    SIG_UNBLOCK,
    SIG_SETMASK,
};

struct signal_action { /* the kernel's struct sigaction */
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};

struct signal_stack { /* stack_t */
    uint64_t base;
    uint32_t flags;
    uint32_t padding;
    uint64_t size;
};

#define SS_ONSTACK    UINT32_C(1)
#define SS_DISABLE    UINT32_C(2)
#define SS_AUTODISARM UINT32_C(0x80000000)
#define MINSIGSTKSZ   2048

enum signal_code { /* si_code; positive values are sent by the kernel */
    SI_USER = 0,
    SI_KERNEL = 0x80,
    SI_QUEUE = -1,
    SI_TIMER = -2,
    SI_SIGIO = -5,
    SI_TKILL = -6,
    ILL_ILLOPN = 2,
    FPE_INTDIV = 1,
    FPE_INTOVF = 2,
    FPE_FLTDIV = 3,
    FPE_FLTOVF = 4,
    FPE_FLTUND = 5,
    FPE_FLTRES = 6,
    FPE_FLTINV = 7,
    SEGV_MAPERR = 1,
    SEGV_ACCERR = 2,
    BUS_ADRALN = 1,
    BUS_ADRERR = 2,
    TRAP_BRKPT = 1,
    TRAP_TRACE = 2,
    TRAP_HWBKPT = 4,
    CLD_EXITED = 1,
    CLD_KILLED = 2,
    CLD_TRAPPED = 4,
    CLD_STOPPED = 5,
    CLD_CONTINUED = 6,
};

struct siginfo { /* siginfo_t */
    int32_t signal, error, code;
    int32_t padding;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            uint64_t value; /* SI_QUEUE */
        } user;
        struct {
            int32_t id, overrun;
            uint64_t value;
            int32_t private;
        } timer;
        struct {
            uint64_t address;
        } fault;
        struct { /* SIGIO */
            int64_t band;
            int32_t fd;
        } io;
        struct { /* SIGCHLD; times in clock ticks */
            int32_t pid;
            uint32_t uid;
            int32_t status;
            int64_t user_time, system_time;
        } child;
        uint8_t bytes[112];
    };
};

_Static_assert(sizeof(struct siginfo) == 128, "asm-generic/siginfo.h");
_Static_assert(sizeof(struct signal_action) == 32 && sizeof(struct signal_stack) == 24, "signal.h");
