/* SPDX-License-Identifier: MIT */
#include "linux/abi/argument.h"

#include "base/fmt.h"
#include "base/str.h"

/* Not listed: an address that is not followed. */
const struct argument_form argument_forms[ARG_KINDS] = {
    [ARG_INT] = {.plain = PLAIN_INT},
    [ARG_UINT] = {.plain = PLAIN_UINT},
    [ARG_SIZE] = {.plain = PLAIN_SIZE},
    [ARG_HEX] = {.plain = PLAIN_HEX},
    [ARG_MODE] = {.plain = PLAIN_OCTAL},
    [ARG_FD] = {.plain = PLAIN_INT},
    [ARG_SIGNAL] = {.plain = PLAIN_INT},
    [ARG_OPEN_MODE] = {.plain = PLAIN_OCTAL},
    [ARG_FCNTL_ARG] = {.plain = PLAIN_HEX},
    [ARG_FUTEX_VALUE] = {.plain = PLAIN_UINT},
    [ARG_FUTEX_BITS] = {.plain = PLAIN_UINT},

    [ARG_STR] = {.target = TARGET_STRING},
    [ARG_STR_OUT] = {.target = TARGET_STRING, .out = true},
    [ARG_BYTES] = {.target = TARGET_BYTES},
    [ARG_BYTES_OUT] = {.target = TARGET_BYTES, .out = true},
    [ARG_IOV] = {.target = TARGET_IOVEC},
    [ARG_IOV_OUT] = {.target = TARGET_IOVEC, .out = true},
    [ARG_LIST] = {.target = TARGET_LIST},
    [ARG_ENV] = {.target = TARGET_ENVIRONMENT},
    [ARG_TIME] = {.target = TARGET_TIME},
    [ARG_TIME_OUT] = {.target = TARGET_TIME, .out = true},
    [ARG_SIGSET] = {.target = TARGET_SIGSET},
    [ARG_SIGSET_OUT] = {.target = TARGET_SIGSET, .out = true},
    [ARG_ACTION] = {.target = TARGET_ACTION},
    [ARG_ACTION_OUT] = {.target = TARGET_ACTION, .out = true},
    [ARG_STAT_OUT] = {.target = TARGET_STAT, .out = true},
    [ARG_STATUS_OUT] = {.target = TARGET_STATUS, .out = true},
    [ARG_FDS_OUT] = {.target = TARGET_FDS, .out = true},

    [ARG_AT] = {.plain = PLAIN_HEX},
    [ARG_CLOCK] = {.plain = PLAIN_INT},
    [ARG_FAMILY] = {.plain = PLAIN_INT},
    [ARG_EPOLL] = {.plain = PLAIN_INT},
    [ARG_FCNTL] = {.plain = PLAIN_INT},
    [ARG_HOW] = {.plain = PLAIN_INT},
    [ARG_IOCTL] = {.plain = PLAIN_HEX},
    [ARG_ADVICE] = {.plain = PLAIN_INT},
    [ARG_CLONE] = {.plain = PLAIN_HEX},
    [ARG_WHENCE] = {.plain = PLAIN_INT},
    [ARG_MAP] = {.plain = PLAIN_HEX},
    [ARG_OFLAGS] = {.plain = PLAIN_HEX},
    [ARG_PROT] = {.plain = PLAIN_HEX},
    [ARG_PRCTL] = {.plain = PLAIN_INT},
    [ARG_RLIMIT] = {.plain = PLAIN_INT},
    [ARG_ACCESS] = {.plain = PLAIN_HEX},
    [ARG_FDFLAGS] = {.plain = PLAIN_HEX},
    [ARG_WAIT] = {.plain = PLAIN_HEX},
    [ARG_FUTEX] = {.plain = PLAIN_HEX},
    [ARG_SOCK] = {.plain = PLAIN_HEX},
    [ARG_ARCH_PRCTL] = {.plain = PLAIN_HEX},
};

/*
 * Names of flags are text, to keep them small:
 *
 *     prefix / mask name=value ... / name=value ...
 *
 * (numbers are hexadecimal): the bits of the mask are one number with one name; of the rest each
 * name stands for its bits, all of which must be on; a name for 0 stands alone.
 */
static const char *const flag_names[ARG_KINDS - ARG_FLAGS] = {
    [ARG_AT - ARG_FLAGS] =
        "AT_/0/SYMLINK_NOFOLLOW=100 REMOVEDIR=200 SYMLINK_FOLLOW=400 NO_AUTOMOUNT=800 "
        "EMPTY_PATH=1000",
    [ARG_CLOCK - ARG_FLAGS] =
        "CLOCK_/ffffffff REALTIME=0 MONOTONIC=1 PROCESS_CPUTIME_ID=2 "
        "THREAD_CPUTIME_ID=3 MONOTONIC_RAW=4 REALTIME_COARSE=5 MONOTONIC_COARSE=6 "
        "BOOTTIME=7/",
    [ARG_FAMILY - ARG_FLAGS] = "AF_/ffffffff UNIX=1 INET=2 INET6=a NETLINK=10/",
    [ARG_EPOLL - ARG_FLAGS] = "EPOLL_CTL_/ffffffff ADD=1 DEL=2 MOD=3/",
    [ARG_FCNTL - ARG_FLAGS] =
        "F_/ffffffff DUPFD=0 GETFD=1 SETFD=2 GETFL=3 SETFL=4 GETLK=5 SETLK=6 SETLKW=7 "
        "SETOWN=8 GETOWN=9 DUPFD_CLOEXEC=406 SETPIPE_SZ=407 GETPIPE_SZ=408 "
        "ADD_SEALS=409 GET_SEALS=40a/",
    [ARG_HOW - ARG_FLAGS] = "SIG_/ffffffff BLOCK=0 UNBLOCK=1 SETMASK=2/",
    [ARG_IOCTL - ARG_FLAGS] =
        "/ffffffff TCGETS=5401 TCSETS=5402 TCSETSW=5403 TCSETSF=5404 TIOCGPGRP=540f "
        "TIOCSPGRP=5410 TIOCGWINSZ=5413 FIONREAD=541b FIONBIO=5421 FIOCLEX=5451/",
    [ARG_ADVICE - ARG_FLAGS] =
        "MADV_/ffffffff NORMAL=0 RANDOM=1 SEQUENTIAL=2 WILLNEED=3 DONTNEED=4 FREE=8 "
        "HUGEPAGE=e NOHUGEPAGE=f DONTDUMP=10/",
    [ARG_CLONE - ARG_FLAGS] =
        "CLONE_/0/VM=100 FS=200 FILES=400 SIGHAND=800 PIDFD=1000 VFORK=4000 PARENT=8000 "
        "THREAD=10000 SYSVSEM=40000 SETTLS=80000 PARENT_SETTID=100000 "
        "CHILD_CLEARTID=200000 DETACHED=400000 CHILD_SETTID=1000000",
    [ARG_WHENCE - ARG_FLAGS] = "SEEK_/ffffffff SET=0 CUR=1 END=2 DATA=3 HOLE=4/",
    [ARG_MAP - ARG_FLAGS] =
        "MAP_/f SHARED=1 PRIVATE=2 SHARED_VALIDATE=3/FIXED=10 ANONYMOUS=20 32BIT=40 "
        "GROWSDOWN=100 DENYWRITE=800 EXECUTABLE=1000 LOCKED=2000 NORESERVE=4000 "
        "POPULATE=8000 NONBLOCK=10000 STACK=20000 HUGETLB=40000 "
        "FIXED_NOREPLACE=100000",
    [ARG_OFLAGS - ARG_FLAGS] =
        "O_/3 RDONLY=0 WRONLY=1 RDWR=2/CREAT=40 EXCL=80 NOCTTY=100 TRUNC=200 APPEND=400 "
        "NONBLOCK=800 SYNC=101000 DSYNC=1000 DIRECT=4000 LARGEFILE=8000 TMPFILE=410000 "
        "NOFOLLOW=20000 NOATIME=40000 CLOEXEC=80000 DIRECTORY=10000 PATH=200000",
    [ARG_PROT - ARG_FLAGS] = "PROT_/0/NONE=0 READ=1 WRITE=2 EXEC=4 GROWSDOWN=1000000",
    [ARG_PRCTL - ARG_FLAGS] =
        "PR_/ffffffff SET_PDEATHSIG=1 GET_DUMPABLE=3 SET_DUMPABLE=4 SET_NAME=f "
        "GET_NAME=10 CAPBSET_READ=17 SET_CHILD_SUBREAPER=24 SET_NO_NEW_PRIVS=26/",
    [ARG_RLIMIT - ARG_FLAGS] =
        "RLIMIT_/ffffffff CPU=0 FSIZE=1 DATA=2 STACK=3 CORE=4 RSS=5 NPROC=6 NOFILE=7 "
        "MEMLOCK=8 AS=9 LOCKS=a SIGPENDING=b MSGQUEUE=c NICE=d RTPRIO=e RTTIME=f/",
    [ARG_ACCESS - ARG_FLAGS] = "/0/F_OK=0 R_OK=4 W_OK=2 X_OK=1",
    [ARG_FDFLAGS - ARG_FLAGS] = "O_/0/NONBLOCK=800 DIRECT=4000 CLOEXEC=80000",
    [ARG_WAIT - ARG_FLAGS] = "/0/WNOHANG=1 WSTOPPED=2 WEXITED=4 WCONTINUED=8 WNOWAIT=1000000 "
                             "__WNOTHREAD=20000000 __WALL=40000000 __WCLONE=80000000",
    [ARG_FUTEX - ARG_FLAGS] =
        "FUTEX_/ff WAIT=0 WAKE=1 REQUEUE=3 CMP_REQUEUE=4 WAKE_OP=5 LOCK_PI=6 UNLOCK_PI=7 "
        "TRYLOCK_PI=8 WAIT_BITSET=9 WAKE_BITSET=a WAIT_PRIVATE=80 WAKE_PRIVATE=81 "
        "REQUEUE_PRIVATE=83 CMP_REQUEUE_PRIVATE=84 WAKE_OP_PRIVATE=85 "
        "LOCK_PI_PRIVATE=86 UNLOCK_PI_PRIVATE=87 TRYLOCK_PI_PRIVATE=88 "
        "WAIT_BITSET_PRIVATE=89 WAKE_BITSET_PRIVATE=8a/CLOCK_REALTIME=100",
    [ARG_SOCK - ARG_FLAGS] =
        "SOCK_/f STREAM=1 DGRAM=2 RAW=3 SEQPACKET=5/NONBLOCK=800 CLOEXEC=80000",
    [ARG_ARCH_PRCTL - ARG_FLAGS] =
        "ARCH_/ffffffff SET_GS=1001 SET_FS=1002 GET_FS=1003 GET_GS=1004/",
};

void text_put(struct text_out *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t n = fmt_vsnprintf(t->at, t->left, format, args);
    va_end(args);
    if (n >= t->left)
        n = t->left != 0 ? t->left - 1 : 0;
    t->at += n;
    t->left -= n;
}

void argument_put_plain(struct text_out *t, enum argument_kind kind, uint64_t value)
{
    switch ((enum argument_plain)argument_forms[kind].plain) {
    case PLAIN_INT:
        text_put(t, "%d", (int)value);
        break;
    case PLAIN_UINT:
        text_put(t, "%u", (unsigned)value);
        break;
    case PLAIN_SIZE:
        text_put(t, "%llu", (unsigned long long)value);
        break;
    case PLAIN_OCTAL:
        text_put(t, "0%o", (unsigned)value);
        break;
    case PLAIN_ADDRESS:
        text_put(t, value != 0 ? "0x%llx" : "NULL", (unsigned long long)value);
        break;
    case PLAIN_HEX:
        text_put(t, "0x%llx", (unsigned long long)value);
        break;
    }
}

static const char *read_hex(const char *p, uint64_t *out)
{
    *out = 0;
    for (;; p++) {
        if (*p >= '0' && *p <= '9')
            *out = *out * 16 + (uint64_t)(*p - '0');
        else if (*p >= 'a' && *p <= 'f')
            *out = *out * 16 + (uint64_t)(*p - 'a' + 10);
        else
            return p;
    }
}

struct name {
    const char *text;
    int length;
    uint64_t value;
};

/* The name at *p, behind which *p goes; false at the end of its part. */
static bool next_name(const char **p, struct name *out)
{
    while (**p == ' ')
        ++*p;
    if (**p == '/' || **p == '\0')
        return false;
    const char *end = strchr(*p, '=');
    out->text = *p;
    out->length = (int)(end - *p);
    *p = read_hex(end + 1, &out->value);
    return true;
}

bool argument_put_flags(struct text_out *t, enum argument_kind kind, uint64_t value)
{
    if (kind < ARG_FLAGS)
        return false;
    const char *set = flag_names[kind - ARG_FLAGS];
    value = (uint32_t)value;
    const char *p = strchr(set, '/'), *separator = "";
    int prefix = (int)(p - set);
    uint64_t mask, left = value;
    struct name name;
    p = read_hex(p + 1, &mask);
    bool whole = mask == UINT32_MAX;
    while (next_name(&p, &name)) {
        if (name.value != (value & mask))
            continue;
        text_put(t, "%.*s%.*s", prefix, set, name.length, name.text);
        separator = "|";
        left &= ~mask;
    }
    for (p++; *p != '\0' && next_name(&p, &name);) {
        bool is_on = name.value == 0 ? value == 0 : (left & name.value) == name.value;
        if (!is_on)
            continue;
        text_put(t, "%s%.*s%.*s", separator, prefix, set, name.length, name.text);
        separator = "|";
        left &= ~name.value;
    }
    if (left != 0 || *separator == '\0')
        text_put(t, whole || value == 0 ? "%s%d" : "%s0x%x", separator, (unsigned)left);
    return true;
}

void text_put_quoted(struct text_out *t, const char *bytes, size_t size, bool more)
{
    static const char plain[] = "\"\\\n\t\r\v\f", escaped[] = "\"\\ntrvf";
    text_put(t, "\"");
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        const char *special = c != '\0' ? strchr(plain, c) : NULL;
        bool digit = i + 1 < size && bytes[i + 1] >= '0' && bytes[i + 1] <= '7';
        if (special != NULL)
            text_put(t, "\\%c", escaped[special - plain]);
        else if (c >= ' ' && c <= '~')
            text_put(t, "%c", c);
        else
            text_put(t, digit ? "\\%03o" : "\\%o", (unsigned char)c);
    }
    text_put(t, more ? "\"..." : "\"");
}
