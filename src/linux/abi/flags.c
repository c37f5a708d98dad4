/* SPDX-License-Identifier: MIT */
/*
 * Names of flags, as text to keep them small:
 *
 *     prefix / mask name=value ... / name=value ...
 *
 * (numbers are hexadecimal): the bits of the mask are one number with one name; of the rest each
 * name stands for its bits, all of which must be on; a name for 0 stands alone.
 */
#include "base/str.h"
#include "linux/abi/text.h"

static const char *const sets['Z' - 'A' + 1] = {
    ['A' - 'A'] = "AT_/0/SYMLINK_NOFOLLOW=100 REMOVEDIR=200 SYMLINK_FOLLOW=400 NO_AUTOMOUNT=800 "
                  "EMPTY_PATH=1000",
    ['C' - 'A'] = "CLOCK_/ffffffff REALTIME=0 MONOTONIC=1 PROCESS_CPUTIME_ID=2 "
                  "THREAD_CPUTIME_ID=3 MONOTONIC_RAW=4 REALTIME_COARSE=5 MONOTONIC_COARSE=6 "
                  "BOOTTIME=7/",
    ['D' - 'A'] = "AF_/ffffffff UNIX=1 INET=2 INET6=a NETLINK=10/",
    ['E' - 'A'] = "EPOLL_CTL_/ffffffff ADD=1 DEL=2 MOD=3/",
    ['F' - 'A'] = "F_/ffffffff DUPFD=0 GETFD=1 SETFD=2 GETFL=3 SETFL=4 GETLK=5 SETLK=6 SETLKW=7 "
                  "SETOWN=8 GETOWN=9 DUPFD_CLOEXEC=406 SETPIPE_SZ=407 GETPIPE_SZ=408 "
                  "ADD_SEALS=409 GET_SEALS=40a/",
    ['H' - 'A'] = "SIG_/ffffffff BLOCK=0 UNBLOCK=1 SETMASK=2/",
    ['I' - 'A'] = "/ffffffff TCGETS=5401 TCSETS=5402 TCSETSW=5403 TCSETSF=5404 TIOCGPGRP=540f "
                  "TIOCSPGRP=5410 TIOCGWINSZ=5413 FIONREAD=541b FIONBIO=5421 FIOCLEX=5451/",
    ['J' - 'A'] = "MADV_/ffffffff NORMAL=0 RANDOM=1 SEQUENTIAL=2 WILLNEED=3 DONTNEED=4 FREE=8 "
                  "HUGEPAGE=e NOHUGEPAGE=f DONTDUMP=10/",
    ['K' - 'A'] = "CLONE_/0/VM=100 FS=200 FILES=400 SIGHAND=800 PIDFD=1000 VFORK=4000 PARENT=8000 "
                  "THREAD=10000 SYSVSEM=40000 SETTLS=80000 PARENT_SETTID=100000 "
                  "CHILD_CLEARTID=200000 DETACHED=400000 CHILD_SETTID=1000000",
    ['L' - 'A'] = "SEEK_/ffffffff SET=0 CUR=1 END=2 DATA=3 HOLE=4/",
    ['M' - 'A'] = "MAP_/f SHARED=1 PRIVATE=2 SHARED_VALIDATE=3/FIXED=10 ANONYMOUS=20 32BIT=40 "
                  "GROWSDOWN=100 DENYWRITE=800 EXECUTABLE=1000 LOCKED=2000 NORESERVE=4000 "
                  "POPULATE=8000 NONBLOCK=10000 STACK=20000 HUGETLB=40000 "
                  "FIXED_NOREPLACE=100000",
    ['O' - 'A'] = "O_/3 RDONLY=0 WRONLY=1 RDWR=2/CREAT=40 EXCL=80 NOCTTY=100 TRUNC=200 APPEND=400 "
                  "NONBLOCK=800 SYNC=101000 DSYNC=1000 DIRECT=4000 LARGEFILE=8000 TMPFILE=410000 "
                  "NOFOLLOW=20000 NOATIME=40000 CLOEXEC=80000 DIRECTORY=10000 PATH=200000",
    ['P' - 'A'] = "PROT_/0/NONE=0 READ=1 WRITE=2 EXEC=4 GROWSDOWN=1000000",
    ['Q' - 'A'] = "PR_/ffffffff SET_PDEATHSIG=1 GET_DUMPABLE=3 SET_DUMPABLE=4 SET_NAME=f "
                  "GET_NAME=10 CAPBSET_READ=17 SET_CHILD_SUBREAPER=24 SET_NO_NEW_PRIVS=26/",
    ['R' - 'A'] = "RLIMIT_/ffffffff CPU=0 FSIZE=1 DATA=2 STACK=3 CORE=4 RSS=5 NPROC=6 NOFILE=7 "
                  "MEMLOCK=8 AS=9 LOCKS=a SIGPENDING=b MSGQUEUE=c NICE=d RTPRIO=e RTTIME=f/",
    ['U' - 'A'] = "/0/F_OK=0 R_OK=4 W_OK=2 X_OK=1",
    ['V' - 'A'] = "O_/0/NONBLOCK=800 DIRECT=4000 CLOEXEC=80000",
    ['W' - 'A'] = "/0/WNOHANG=1 WSTOPPED=2 WEXITED=4 WCONTINUED=8 WNOWAIT=1000000 "
                  "__WNOTHREAD=20000000 __WALL=40000000 __WCLONE=80000000",
    ['X' - 'A'] = "FUTEX_/ff WAIT=0 WAKE=1 REQUEUE=3 CMP_REQUEUE=4 WAKE_OP=5 LOCK_PI=6 UNLOCK_PI=7 "
                  "TRYLOCK_PI=8 WAIT_BITSET=9 WAKE_BITSET=a WAIT_PRIVATE=80 WAKE_PRIVATE=81 "
                  "REQUEUE_PRIVATE=83 CMP_REQUEUE_PRIVATE=84 WAKE_OP_PRIVATE=85 "
                  "LOCK_PI_PRIVATE=86 UNLOCK_PI_PRIVATE=87 TRYLOCK_PI_PRIVATE=88 "
                  "WAIT_BITSET_PRIVATE=89 WAKE_BITSET_PRIVATE=8a/CLOCK_REALTIME=100",
    ['Y' - 'A'] = "SOCK_/f STREAM=1 DGRAM=2 RAW=3 SEQPACKET=5/NONBLOCK=800 CLOEXEC=80000",
    ['Z' - 'A'] = "ARCH_/ffffffff SET_GS=1001 SET_FS=1002 GET_FS=1003 GET_GS=1004/",
};

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

bool syscall_put_flags(struct text_out *t, char letter, uint64_t value)
{
    const char *set = letter >= 'A' && letter <= 'Z' ? sets[letter - 'A'] : NULL;
    if (set == NULL)
        return false;
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

void syscall_put_quoted(struct text_out *t, const char *bytes, size_t size, bool more)
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
