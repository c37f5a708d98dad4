/* SPDX-License-Identifier: MIT */
/*
 * Kinds of arguments and results of system calls, and their text. Each row of linux/call/rows.inc gives its
 * arguments a kind, and argument_forms[] says how a kind is printed. Fault reports print plain numbers and
 * addresses; strace also prints names of flags and what pointers lead to. Pure.
 *
 * A kind that ends in _OUT is a pointer to what the call fills in: strace prints the target after success.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGUMENTS_MAX 6

enum argument_kind {
    ARG_NONE,        /* terminator: no further argument */
    ARG_ = ARG_NONE, /* ARG_##a of an empty argument of ARGS() */
    ARG_INT,         /* int */
    ARG_UINT,        /* unsigned int */
    ARG_SIZE,        /* size_t, off_t */
    ARG_HEX,         /* flags or words without names here */
    ARG_MODE,        /* mode_t: octal */
    ARG_FD,          /* descriptor, or AT_FDCWD */
    ARG_SIGNAL,      /* number of a signal */
    ARG_PTR,         /* address that is not followed */
    ARG_STR,         /* string that ends in NUL */
    ARG_STR_OUT,     /* string that ends in NUL */
    ARG_BYTES,       /* buffer; the next argument is its size */
    ARG_BYTES_OUT,   /* buffer; the result is the number of valid bytes */
    ARG_IOV,         /* struct iovec[]; the next argument is its length */
    ARG_IOV_OUT,     /* struct iovec[]; the result is the number of valid bytes */
    ARG_LIST,        /* char *[], ends in NULL */
    ARG_ENV,         /* char *[], ends in NULL; only the length is printed */
    ARG_TIME,        /* struct timespec */
    ARG_TIME_OUT,    /* struct timespec */
    ARG_SIGSET,      /* sigset_t */
    ARG_SIGSET_OUT,  /* sigset_t */
    ARG_ACTION,      /* struct sigaction */
    ARG_ACTION_OUT,  /* struct sigaction */
    ARG_STAT_OUT,    /* struct stat */
    ARG_STATUS_OUT,  /* int: status of a child, as wait4() writes it */
    ARG_FDS_OUT,     /* int[2]: two descriptors */
    ARG_OPEN_MODE,   /* MODE; absent if the flags before it create no file */
    ARG_FCNTL_ARG,   /* depends on the command before it */
    ARG_FUTEX_VALUE, /* the last four of futex(): depend on its operation */
    ARG_FUTEX_TIME,
    ARG_FUTEX_PTR,
    ARG_FUTEX_BITS,
    ARG_FLAGS,
    ARG_AT = ARG_FLAGS, /* from here on flags and choices with names: AT_* */
    ARG_CLOCK,          /* CLOCK_* */
    ARG_FAMILY,         /* AF_* */
    ARG_EPOLL,          /* EPOLL_CTL_* */
    ARG_FCNTL,          /* F_*: command of fcntl() */
    ARG_HOW,            /* SIG_BLOCK ... of sigprocmask() */
    ARG_IOCTL,          /* request of ioctl() */
    ARG_ADVICE,         /* MADV_* */
    ARG_CLONE,          /* CLONE_* */
    ARG_WHENCE,         /* SEEK_* */
    ARG_MAP,            /* MAP_* */
    ARG_OFLAGS,         /* O_* of open() */
    ARG_PROT,           /* PROT_* */
    ARG_PRCTL,          /* PR_* */
    ARG_RLIMIT,         /* RLIMIT_* */
    ARG_ACCESS,         /* R_OK ... of access() */
    ARG_FDFLAGS,        /* O_* of pipe2(), dup3() */
    ARG_WAIT,           /* W* of wait4(), waitid() */
    ARG_FUTEX,          /* operation of futex() */
    ARG_SOCK,           /* SOCK_* */
    ARG_ARCH_PRCTL,     /* ARCH_* */
    ARG_KINDS
};

/* ARGS(FD, STR) is {ARG_FD, ARG_STR}: the initialiser of an array of up to six kinds; ARGS() is {ARG_NONE}. */
#define ARGS(...)                                                                                  \
    {                                                                                              \
        KINDS_OF(__VA_ARGS__, KINDS_6, KINDS_5, KINDS_4, KINDS_3, KINDS_2, KINDS_1, )(__VA_ARGS__) \
    }
#define KINDS_OF(a, b, c, d, e, f, kinds, ...) kinds
#define KINDS_1(a)                             ARG_##a
#define KINDS_2(a, ...)                        ARG_##a, KINDS_1(__VA_ARGS__)
#define KINDS_3(a, ...)                        ARG_##a, KINDS_2(__VA_ARGS__)
#define KINDS_4(a, ...)                        ARG_##a, KINDS_3(__VA_ARGS__)
#define KINDS_5(a, ...)                        ARG_##a, KINDS_4(__VA_ARGS__)
#define KINDS_6(a, ...)                        ARG_##a, KINDS_5(__VA_ARGS__)

/* Format in which strace prints a result without an error. */
enum result_kind {
    RET_INT,   /* a number; hexadecimal if it does not fit in an int */
    RET_FD,    /* a descriptor: printed as RET_INT */
    RET_HEX,   /* hexadecimal from PAGE_SIZE on: addresses, ticks */
    RET_MODE,  /* octal */
    RET_FRAME, /* rax of the frame that rt_sigreturn() restored */
    RET_NEVER, /* "?": the call does not return */
};

/* How a kind is printed as a bare number. */
enum argument_plain {
    PLAIN_ADDRESS, /* 0x1000, NULL */
    PLAIN_INT,     /* -1 */
    PLAIN_UINT,
    PLAIN_SIZE,
    PLAIN_OCTAL, /* 0644 */
    PLAIN_HEX,   /* 0x0 */
};

/* Type of the data at an address. */
enum argument_target {
    TARGET_NONE, /* the argument is no pointer, or is not followed */
    TARGET_STRING,
    TARGET_BYTES,
    TARGET_IOVEC,
    TARGET_LIST,
    TARGET_ENVIRONMENT,
    TARGET_TIME,
    TARGET_SIGSET,
    TARGET_ACTION,
    TARGET_STAT,
    TARGET_STATUS,
    TARGET_FDS,
};

struct argument_form {
    uint8_t plain : 3;  /* enum argument_plain */
    uint8_t target : 4; /* enum argument_target */
    bool out : 1;       /* the target is valid only after the call has succeeded */
};
extern const struct argument_form argument_forms[ARG_KINDS];

/* Text, truncated at the end of its buffer. */
struct text_out {
    char *at;
    size_t left;
};

void text_put(struct text_out *t, const char *format, ...) PRINTF_LIKE(2, 3);
/* As a C string; `more`: the string is longer than shown. */
void text_put_quoted(struct text_out *t, const char *bytes, size_t size, bool more);

/* A number or an address, in the plain form of the kind. */
void argument_put_plain(struct text_out *t, enum argument_kind kind, uint64_t value);

/* The names of the flags in the value, "O_RDWR|O_CREAT". False: the kind has no names, nothing was put. */
bool argument_put_flags(struct text_out *t, enum argument_kind kind, uint64_t value);
