/* SPDX-License-Identifier: MIT */
/* values.c: the words that the texts of arguments stand for. */
#define _GNU_SOURCE
#include "answers.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *name;
    uint64_t value;
} constants[] = {
#define C(name)                                                                                    \
    {                                                                                              \
#name, (uint64_t)(int64_t)(name)                                                           \
    }
    C(O_RDONLY),
    C(O_WRONLY),
    C(O_RDWR),
    C(O_CREAT),
    C(O_EXCL),
    C(O_NOCTTY),
    C(O_TRUNC),
    C(O_APPEND),
    C(O_NONBLOCK),
    C(O_DSYNC),
    C(O_SYNC),
    C(O_DIRECT),
    C(O_DIRECTORY),
    C(O_NOFOLLOW),
    C(O_NOATIME),
    C(O_CLOEXEC),
    C(O_PATH),
    C(O_TMPFILE),
    C(O_ASYNC),
    C(F_DUPFD),
    C(F_GETFD),
    C(F_SETFD),
    C(F_GETFL),
    C(F_SETFL),
    C(F_GETLK),
    C(F_SETLK),
    C(F_SETLKW),
    C(F_SETOWN),
    C(F_GETOWN),
    C(F_SETSIG),
    C(F_GETSIG),
    C(F_SETLEASE),
    C(F_GETLEASE),
    C(F_NOTIFY),
    C(F_DUPFD_CLOEXEC),
    C(F_SETPIPE_SZ),
    C(F_GETPIPE_SZ),
    C(F_ADD_SEALS),
    C(F_GET_SEALS),
    C(F_OFD_GETLK),
    C(F_OFD_SETLK),
    C(F_SETOWN_EX),
    C(F_GETOWN_EX),
    C(LOCK_SH),
    C(LOCK_EX),
    C(LOCK_NB),
    C(LOCK_UN),
    C(SEEK_SET),
    C(SEEK_CUR),
    C(SEEK_END),
    C(SEEK_DATA),
    C(SEEK_HOLE),
    C(PROT_READ),
    C(PROT_WRITE),
    C(PROT_EXEC),
    C(MAP_SHARED),
    C(MAP_PRIVATE),
    C(MAP_SHARED_VALIDATE),
    C(MAP_FIXED),
    C(MAP_ANONYMOUS),
    C(MAP_FIXED_NOREPLACE),
    C(MAP_POPULATE),
    C(MAP_NORESERVE),
    C(MAP_GROWSDOWN),
    C(MAP_HUGETLB),
    C(MAP_SYNC),
    C(MAP_LOCKED),
    C(MS_ASYNC),
    C(MS_SYNC),
    C(MS_INVALIDATE),
    C(MREMAP_MAYMOVE),
    C(MREMAP_FIXED),
    C(MREMAP_DONTUNMAP),
    C(SIGHUP),
    C(SIGUSR1),
    C(SIGUSR2),
    C(SIGKILL),
    C(SIGSTOP),
    C(SIGCHLD),
    C(SIGCONT),
    C(SIGALRM),
    C(SIGSEGV),
    C(SIGWINCH),
    C(SIGTERM),
    C(AT_FDCWD),
    C(AT_SYMLINK_NOFOLLOW),
    C(AT_REMOVEDIR),
    C(AT_SYMLINK_FOLLOW),
    C(AT_NO_AUTOMOUNT),
    C(AT_EMPTY_PATH),
    C(AT_EACCESS),
    C(AT_STATX_FORCE_SYNC),
    C(AT_STATX_DONT_SYNC),
    C(EPOLL_CTL_ADD),
    C(EPOLL_CTL_DEL),
    C(EPOLL_CTL_MOD),
    C(EPOLLIN),
    C(EPOLLOUT),
    C(EPOLLET),
    C(EPOLLONESHOT),
    C(EPOLLEXCLUSIVE),
    C(EPOLLWAKEUP),
    C(AF_UNIX),
    C(AF_INET),
    C(SOCK_STREAM),
    C(SOCK_DGRAM),
    C(SOCK_SEQPACKET),
    C(SOCK_RAW),
    C(SOCK_NONBLOCK),
    C(SOCK_CLOEXEC),
    C(SOL_SOCKET),
    C(MSG_PEEK),
    C(MSG_DONTWAIT),
    C(MSG_TRUNC),
    C(MSG_WAITALL),
    C(MSG_OOB),
    C(MSG_NOSIGNAL),
    C(MSG_CTRUNC),
    C(MSG_ERRQUEUE),
    C(MSG_MORE),
    C(SHUT_RD),
    C(SHUT_WR),
    C(SHUT_RDWR),
    C(TCGETS),
    C(TCSETS),
    C(TIOCGWINSZ),
    C(TIOCSWINSZ),
    C(TIOCGPGRP),
    C(TIOCSPGRP),
    C(TIOCGSID),
    C(TIOCSCTTY),
    C(TIOCNOTTY),
    C(TIOCGPTN),
    C(TIOCSPTLCK),
    C(TIOCGPTLCK),
    C(TIOCOUTQ),
    C(TCFLSH),
    C(TCSBRK),
    C(TIOCPKT),
    C(TIOCSTI),
    C(TIOCEXCL),
    C(FIONREAD),
    C(FIONBIO),
    C(FIOASYNC),
    C(FIOCLEX),
    C(FIONCLEX),
    C(TFD_NONBLOCK),
    C(TFD_CLOEXEC),
    C(TFD_TIMER_ABSTIME),
    C(EFD_SEMAPHORE),
    C(EFD_NONBLOCK),
    C(IN_MODIFY),
    C(IN_CREATE),
    C(IN_ONLYDIR),
    C(IN_MASK_ADD),
    C(IN_MASK_CREATE),
    C(IN_ONESHOT),
    C(IN_DONT_FOLLOW),
    C(CLOCK_REALTIME),
    C(CLOCK_MONOTONIC),
    C(CLOCK_PROCESS_CPUTIME_ID),
    C(CLOCK_THREAD_CPUTIME_ID),
    C(CLOCK_MONOTONIC_RAW),
    C(CLOCK_REALTIME_COARSE),
    C(CLOCK_MONOTONIC_COARSE),
    C(CLOCK_BOOTTIME),
    C(CLOCK_REALTIME_ALARM),
    C(CLOCK_BOOTTIME_ALARM),
    C(CLOCK_TAI),
    C(TIMER_ABSTIME),
    C(UTIME_NOW),
    C(UTIME_OMIT),
    C(WNOHANG),
    C(WUNTRACED),
    C(WCONTINUED),
    C(WEXITED),
    C(WSTOPPED),
    C(WNOWAIT),
    C(P_ALL),
    C(P_PID),
    C(P_PGID),
    C(P_PIDFD),
    C(RLIMIT_NOFILE),
    C(RLIMIT_CORE),
    C(RLIMIT_FSIZE),
    C(RLIMIT_NICE),
    C(PRIO_PROCESS),
    C(PRIO_PGRP),
    C(PRIO_USER),
    C(SCHED_OTHER),
    C(SCHED_FIFO),
    C(SCHED_RR),
    C(SCHED_BATCH),
    C(SCHED_IDLE),
    C(SCHED_RESET_ON_FORK),
    C(MCL_CURRENT),
    C(MCL_FUTURE),
    C(MCL_ONFAULT),
    C(MFD_CLOEXEC),
    C(MFD_ALLOW_SEALING),
    C(MFD_HUGETLB),
    C(S_IFREG),
    C(S_IFDIR),
    C(S_IFCHR),
    C(S_IFBLK),
    C(S_IFIFO),
    C(S_IFSOCK),
    C(S_IFLNK),
    C(FALLOC_FL_KEEP_SIZE),
    C(FALLOC_FL_PUNCH_HOLE),
    C(FALLOC_FL_ZERO_RANGE),
    C(FALLOC_FL_COLLAPSE_RANGE),
    C(SPLICE_F_MOVE),
    C(SPLICE_F_NONBLOCK),
    C(SPLICE_F_MORE),
    C(SPLICE_F_GIFT),
    C(RENAME_NOREPLACE),
    C(RENAME_EXCHANGE),
    C(RENAME_WHITEOUT),
    C(GRND_NONBLOCK),
    C(GRND_RANDOM),
    C(RWF_APPEND),
    C(RWF_NOWAIT),
    C(RWF_HIPRI),
    C(RWF_DSYNC),
    C(RWF_SYNC),
    C(FUTEX_WAIT),
    C(FUTEX_WAKE),
    C(FUTEX_REQUEUE),
    C(FUTEX_CMP_REQUEUE),
    C(FUTEX_WAKE_OP),
    C(FUTEX_LOCK_PI),
    C(FUTEX_UNLOCK_PI),
    C(FUTEX_TRYLOCK_PI),
    C(FUTEX_WAIT_BITSET),
    C(FUTEX_WAKE_BITSET),
    C(FUTEX_LOCK_PI2),
    C(FUTEX_FD),
    C(FUTEX_PRIVATE_FLAG),
    C(FUTEX_CLOCK_REALTIME),
    C(CLONE_VM),
    C(CLONE_VFORK),
    C(CLONE_FS),
    C(CLONE_FILES),
    C(CLONE_SIGHAND),
    C(CLONE_THREAD),
    C(CLONE_NEWNS),
    C(CLONE_NEWUSER),
    C(CLONE_PARENT_SETTID),
    C(CLONE_CHILD_SETTID),
    C(CLONE_CHILD_CLEARTID),
    C(CLONE_SETTLS),
    C(CLONE_PARENT),
    C(CLONE_PIDFD),
    C(SIG_BLOCK),
    C(SIG_UNBLOCK),
    C(SIG_SETMASK),
    C(SA_SIGINFO),
    C(SA_RESTART),
    C(SA_NODEFER),
    C(SA_RESETHAND),
    C(SA_ONSTACK),
    C(SS_DISABLE),
    C(SS_ONSTACK),
    C(MADV_NORMAL),
    C(MADV_RANDOM),
    C(MADV_SEQUENTIAL),
    C(MADV_WILLNEED),
    C(MADV_DONTNEED),
    C(MADV_FREE),
    C(MADV_REMOVE),
    C(MADV_DONTFORK),
    C(MADV_DOFORK),
    C(MADV_HUGEPAGE),
    C(MADV_NOHUGEPAGE),
    C(MADV_DONTDUMP),
    C(MADV_DODUMP),
    C(MADV_WIPEONFORK),
    C(MADV_KEEPONFORK),
    C(MADV_COLD),
    C(MADV_PAGEOUT),
    C(MADV_POPULATE_READ),
    C(MADV_POPULATE_WRITE),
    C(MADV_MERGEABLE),
    C(MADV_UNMERGEABLE),
    C(MADV_HWPOISON),
    C(PR_SET_PDEATHSIG),
    C(PR_GET_PDEATHSIG),
    C(PR_GET_DUMPABLE),
    C(PR_SET_DUMPABLE),
    C(PR_GET_KEEPCAPS),
    C(PR_SET_KEEPCAPS),
    C(PR_GET_TIMING),
    C(PR_SET_TIMING),
    C(PR_SET_NAME),
    C(PR_GET_NAME),
    C(PR_GET_SECCOMP),
    C(PR_CAPBSET_READ),
    C(PR_CAPBSET_DROP),
    C(PR_GET_TSC),
    C(PR_GET_SECUREBITS),
    C(PR_SET_SECUREBITS),
    C(PR_SET_TIMERSLACK),
    C(PR_GET_TIMERSLACK),
    C(PR_MCE_KILL_GET),
    C(PR_SET_CHILD_SUBREAPER),
    C(PR_GET_CHILD_SUBREAPER),
    C(PR_SET_NO_NEW_PRIVS),
    C(PR_GET_NO_NEW_PRIVS),
    C(PR_GET_TID_ADDRESS),
    C(PR_SET_THP_DISABLE),
    C(PR_GET_THP_DISABLE),
    C(PR_CAP_AMBIENT),
    C(PR_SET_VMA),
    C(PR_SET_MM),
    C(PR_GET_SPECULATION_CTRL),
    C(PR_SET_IO_FLUSHER),
    C(PR_GET_IO_FLUSHER),
    C(PR_SCHED_CORE),
    C(PR_GET_UNALIGN),
    C(PR_GET_FPEMU),
    C(PR_GET_ENDIAN),
    C(PR_SET_PTRACER),
#undef C
};

void arena_make(void)
{
    long prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    RAW(SYS_munlockall);
    RAW(SYS_munmap, ARENA, ARENA_END - ARENA);
    for (unsigned i = 0; i < ARGUMENTS; i++)
        RAW(SYS_mmap, ARENA + i * SLOT, SLOT_BYTES, prot, flags, -1, 0);
    RAW(SYS_mmap, ARENA_RO, PAGE, PROT_READ, flags, -1, 0);
    RAW(SYS_mmap, ARENA_EXTRA, SLOT_BYTES, prot, flags, -1, 0);
    RAW(SYS_mmap, ARENA_MAP, MAP_PAGES * PAGE, prot, flags, -1, 0);
    for (unsigned i = 0; i < MAP_PAGES; i++)
        *(volatile uint64_t *)(ARENA_MAP + i * PAGE) = i + 1;
    RAW(SYS_mprotect, ARENA_MAP + 4 * PAGE, 2 * PAGE, PROT_READ);
    RAW(SYS_munmap, ARENA_MAP + 8 * PAGE, 2 * PAGE);
    int fd = (int)RAW(SYS_openat, AT_FDCWD, TREE "/file", O_RDWR);
    RAW(SYS_mmap, ARENA_MAP + 12 * PAGE, 2 * PAGE, prot, MAP_SHARED | MAP_FIXED, fd, 0);
    RAW(SYS_close, fd);
}

/* Names of descriptors, in the order of their numbers from FD_FIRST on, and how each is made. */
static const struct {
    const char *name;
    const char *path; /* opened with the flags; NULL: made by make_other() */
    int flags;
} descriptors[] = {
    {"rw", "file", O_RDWR},
    {"ro", "file", O_RDONLY},
    {"wo", "file", O_WRONLY},
    {"ap", "file", O_RDWR | O_APPEND},
    {"opath", "file", O_PATH},
    {"dir", "dir", O_RDONLY},
    {"pdir", "dir", O_PATH},
    {"null", "/dev/null", O_RDWR},
    {"zero", "/dev/zero", O_RDWR},
    {"full", "/dev/full", O_RDWR},
    {"rnd", "/dev/urandom", O_RDWR},
    {"proc", "/proc/self/comm", O_RDONLY},
    {"pcdir", "/proc/self", O_RDONLY},
    {"piper", NULL, 0}, /* a pipe with data: the end to read */
    {"pipew", NULL, 0},
    {"pipee", NULL, 0}, /* an empty pipe */
    {"pipef", NULL, 0}, /* the end to write of a full pipe */
    {"piped", NULL, 0}, /* the end to write of a pipe without a reader */
    {"pipeh", NULL, 0}, /* the end to read of an empty pipe without a writer */
    {"sock", NULL, 0},  /* connected, with data to read */
    {"dgram", NULL, 0},
    {"nosock", NULL, 0}, /* not connected */
    {"lsock", NULL, 0},  /* listens */
    {"ev", NULL, 0},
    {"tm", NULL, 0},
    {"sg", NULL, 0},
    {"ep", NULL, 0},
    {"in", NULL, 0},
    {"ptm", NULL, 0},
    {"pts", NULL, 0},
    {"mem", NULL, 0},
    {"seal", NULL, 0},
    {"rwnb", "file", O_RDWR | O_NONBLOCK},
};
enum {
    DESCRIPTORS = sizeof descriptors / sizeof *descriptors
};
_Static_assert(FD_FIRST + DESCRIPTORS <= FD_END, "numbers");

const char *descriptor_name(int number)
{
    int i = number - FD_FIRST;
    return i >= 0 && i < DESCRIPTORS ? descriptors[i].name : NULL;
}

static int named(const char *name)
{
    for (int i = 0; i < DESCRIPTORS; i++)
        if (strcmp(descriptors[i].name, name) == 0)
            return FD_FIRST + i;
    return -1;
}

static void place(long fd, const char *name)
{
    if (fd < 0)
        give_up("%s cannot be made: %s", name, errno_name(-fd));
    RAW(SYS_dup2, fd, named(name));
    RAW(SYS_close, fd);
}

static void make_pair(const char *name)
{
    int two[2];
    static char bytes[65536];
    if (strcmp(name, "sock") == 0 || strcmp(name, "dgram") == 0) {
        RAW(SYS_socketpair, AF_UNIX, name[0] == 's' ? SOCK_STREAM : SOCK_DGRAM, 0, two);
        RAW(SYS_write, two[1], "socket data", 11);
        place(two[0], name);
        RAW(SYS_dup2, two[1], FD_END + (name[0] == 's')); /* the peer stays */
        RAW(SYS_close, two[1]);
        return;
    }
    RAW(SYS_pipe, two);
    bool writes =
        strcmp(name, "pipew") == 0 || strcmp(name, "pipef") == 0 || strcmp(name, "piped") == 0;
    if (strcmp(name, "piper") == 0)
        RAW(SYS_write, two[1], "pipe data", 9);
    if (strcmp(name, "pipef") == 0)
        RAW(SYS_write, two[1], bytes, sizeof bytes);
    place(two[!writes], name);
    if (strcmp(name, "piped") != 0 && strcmp(name, "pipeh") != 0)
        RAW(SYS_dup2, two[writes], FD_END + 2);
    RAW(SYS_close, two[writes]);
}

static void make_pty(void)
{
    int zero = 0, number = 0;
    long master = RAW(SYS_open, "/dev/ptmx", O_RDWR | O_NOCTTY);
    if (master < 0)
        give_up("/dev/ptmx: %s", errno_name(-master));
    RAW(SYS_ioctl, master, TIOCSPTLCK, &zero);
    RAW(SYS_ioctl, master, TIOCGPTN, &number);
    char path[32];
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    place(RAW(SYS_open, path, O_RDWR | O_NOCTTY), "pts");
    place(master, "ptm");
}

static void make_socket(const char *name)
{
    long fd = RAW(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    place(fd, name);
    if (name[0] != 'l')
        return;
    struct sockaddr_un at = {AF_UNIX, "\0answers"};
    RAW(SYS_bind, named(name), &at, 10);
    RAW(SYS_listen, named(name), 1);
}

static void make_other(const char *name)
{
    uint64_t mask = 1ul << (SIGUSR1 - 1);
    if (strncmp(name, "pipe", 4) == 0 || strcmp(name, "sock") == 0 || strcmp(name, "dgram") == 0)
        make_pair(name);
    else if (strcmp(name, "nosock") == 0 || strcmp(name, "lsock") == 0)
        make_socket(name);
    else if (strncmp(name, "pt", 2) == 0)
        make_pty();
    else if (strcmp(name, "ev") == 0)
        place(RAW(SYS_eventfd2, 3, 0), name);
    else if (strcmp(name, "tm") == 0)
        place(RAW(SYS_timerfd_create, CLOCK_MONOTONIC, 0), name);
    else if (strcmp(name, "sg") == 0)
        place(RAW(SYS_signalfd4, -1, &mask, 8, 0), name);
    else if (strcmp(name, "ep") == 0)
        place(RAW(SYS_epoll_create1, 0), name);
    else if (strcmp(name, "in") == 0)
        place(RAW(SYS_inotify_init1, 0), name);
    else {
        place(RAW(SYS_memfd_create, "m", MFD_ALLOW_SEALING), name);
        RAW(SYS_write, named(name), "memory file data", 16);
        RAW(SYS_lseek, named(name), 0, SEEK_SET);
        if (name[0] == 's')
            RAW(SYS_fcntl, named(name), F_ADD_SEALS,
                F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    }
}

int descriptor_of(const char *text)
{
    int number = named(text);
    if (number < 0 || RAW(SYS_fcntl, number, F_GETFD) >= 0)
        return number;
    const char *path = descriptors[number - FD_FIRST].path;
    if (path)
        place(RAW(SYS_open, path, descriptors[number - FD_FIRST].flags), text);
    else
        make_other(text);
    return number;
}

/* A number, or constants' names, joined by |. */
static bool number_of(const char *text, uint64_t *out)
{
    char part[64];
    uint64_t sum = 0;
    for (;;) {
        size_t length = strcspn(text, "|");
        if (length == 0 || length >= sizeof part)
            return false;
        memcpy(part, text, length);
        part[length] = 0;
        char *end;
        uint64_t value = strtoull(part, &end, 0);
        if (*end) {
            size_t i = 0;
            while (i < sizeof constants / sizeof *constants && strcmp(constants[i].name, part) != 0)
                i++;
            if (i == sizeof constants / sizeof *constants)
                return false;
            value = constants[i].value;
        }
        sum |= value;
        if (text[length] == 0)
            break;
        text += length + 1;
    }
    *out = sum;
    return true;
}

/* Words of 2^shift bytes in hexadecimal, decimal or by name, separated by colons: placed so that they end where the slot's
 * memory ends. */
static uint64_t words_of(const char *text, unsigned slot, unsigned shift)
{
    uint8_t bytes[1024];
    size_t used = 0, size = (size_t)1 << shift;
    char part[128];
    while (*text) {
        size_t length = strcspn(text, ":");
        memcpy(part, text, length);
        part[length] = 0;
        uint64_t word = value_of(part, slot);
        memcpy(bytes + used, &word, size);
        used += size;
        text += length + (text[length] == ':');
    }
    uint64_t at = ARENA + slot * SLOT + SLOT_BYTES - used;
    memcpy((void *)at, bytes, used);
    return at;
}

static uint64_t string_of(const char *text, unsigned slot)
{
    static char string[8192];
    if (text[0] == '@') { /* @N: a name of N letters; @/N: a path of N bytes */
        size_t length = (size_t)atoi(text + 1 + (text[1] == '/'));
        memset(string, 'n', length);
        for (size_t i = 0; text[1] == '/' && i < length; i++)
            string[i] = i % 2 ? '/' : '.';
        string[length] = 0;
    } else {
        strcpy(string, text);
    }
    size_t size = strlen(string) + 1;
    uint64_t at = ARENA + slot * SLOT + SLOT_BYTES - size;
    memcpy((void *)at, string, size);
    return at;
}

/* struct iovec, msghdr, sigevent ...: words that lead to the extra pages. */
static const struct {
    const char *name;
    uint64_t word;
} places[] = {
    {"buf", 0}, /* the slot's own start */
    {"bad", SLOT_BYTES + ARENA + 7 * SLOT},
    {"rop", ARENA_RO},
    {"extra", ARENA_EXTRA},
    {"extra2", ARENA_EXTRA + PAGE},
    {"kern", 0xffffffff81000000ul},
    {"noncanon", 0x800000000000ul},
    {"top", 0x7ffffffff000ul},
    {"last", 0xfffffffffffff000ul},
    {"map", ARENA_MAP},
    {"closed", FD_CLOSED},
    {"cwd", (uint64_t)AT_FDCWD},
};

uint64_t value_of(const char *text, unsigned slot)
{
    uint64_t value;
    if (*text == '*')
        text++;
    if (*text == '"')
        return string_of(text + 1, slot);
    if (strncmp(text, "q:", 2) == 0)
        return words_of(text + 2, slot, 3);
    if (strncmp(text, "d:", 2) == 0)
        return words_of(text + 2, slot, 2);
    if (strncmp(text, "h:", 2) == 0)
        return words_of(text + 2, slot, 1);
    if (strcmp(text, "buf") == 0)
        return ARENA + slot * SLOT;
    if (strcmp(text, "odd") == 0)
        return ARENA + slot * SLOT + 1;
    if (strcmp(text, "edge") == 0)
        return ARENA + slot * SLOT + SLOT_BYTES - 4;
    if (strcmp(text, "noterm") == 0)
        return ARENA + slot * SLOT + SLOT_BYTES - 8;
    if (strcmp(text, "pid") == 0)
        return (uint64_t)RAW(SYS_getpid);
    if (strcmp(text, "ppid") == 0)
        return (uint64_t)RAW(SYS_getppid);
    for (size_t i = 1; i < sizeof places / sizeof *places; i++)
        if (strcmp(places[i].name, text) == 0)
            return places[i].word;
    if (strncmp(text, "map+", 4) == 0 && number_of(text + 4, &value))
        return ARENA_MAP + value * PAGE;
    int fd = descriptor_of(text);
    if (fd >= 0)
        return (uint64_t)fd;
    if (!number_of(text, &value))
        give_up("calls.txt: %s is no value", text);
    return value;
}
