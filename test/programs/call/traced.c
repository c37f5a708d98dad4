/* SPDX-License-Identifier: MIT */
/* Calls for test/programs/strace.sh: strace(1) and --strace must print the same lines between the two chdir(). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_WAKE_PRIVATE 0x81
#define CALL(name, ...)    syscall(SYS_##name, ##__VA_ARGS__)

static void on_signal(int signal)
{
    (void)signal;
}

int main(void)
{
    char text[100] = "", zeros[3] = "a\0", *page;
    char buffer[100];
    int fd[2], status, word = 1;
    struct stat st;
    struct timespec time = {0, 1000};
    struct iovec parts[2] = {{"one ", 4}, {"two\n", 4}}, room[2] = {{buffer, 3}, {buffer + 3, 90}};
    sigset_t set;
    CALL(chdir, "/begin");

    CALL(openat, AT_FDCWD, "/missing", O_RDWR | O_APPEND);
    CALL(openat, AT_FDCWD, "/tmp/traced \"file\"", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    CALL(write, 3, "a line\twith\\ \1\0\3334 and\r\n", 24);
    CALL(write, 3, "0123456789012345678901234567890123456789", 40);
    CALL(write, 3, NULL, 5);
    CALL(lseek, 3, 0, SEEK_SET);
    CALL(read, 3, buffer, 10);
    CALL(pread64, 3, buffer, 100, 60);
    CALL(pwrite64, 3, zeros, 3, 64);
    CALL(writev, 3, parts, 2);
    CALL(lseek, 3, 0, SEEK_SET);
    CALL(readv, 3, room, 2);
    CALL(newfstatat, 3, "", &st, AT_EMPTY_PATH);
    CALL(newfstatat, AT_FDCWD, "/dev/null", &st, 0);
    CALL(newfstatat, AT_FDCWD, "/missing", &st, AT_SYMLINK_NOFOLLOW);
    CALL(fcntl, 3, F_GETFD);
    CALL(fcntl, 3, F_DUPFD, 50);
    CALL(dup3, 3, 11, O_CLOEXEC);
    CALL(pipe2, fd, O_NONBLOCK);
    CALL(read, fd[0], text, 10);
    CALL(close, 99);
    CALL(access, "/dev/null", R_OK | W_OK);
    CALL(faccessat, AT_FDCWD, "/missing", F_OK);
    CALL(symlinkat, "target of link", AT_FDCWD, "/tmp/traced link");
    CALL(readlinkat, AT_FDCWD, "/tmp/traced link", buffer, 100);
    CALL(unlinkat, AT_FDCWD, "/tmp/traced link", 0);
    CALL(unlinkat, AT_FDCWD, "/tmp/missing", AT_REMOVEDIR);
    CALL(mkdirat, AT_FDCWD, "/tmp", 0755);
    CALL(getcwd, buffer, 100);
    page =
        (char *)CALL(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(mprotect, page, 4096, PROT_NONE);
    CALL(madvise, page, 4096, MADV_DONTNEED);
    CALL(munmap, page, 4096);
    CALL(mmap, NULL, 4096, PROT_READ, MAP_SHARED, 99, 0);
    CALL(munmap, 1, 1);

    signal(SIGUSR1, on_signal);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
    CALL(rt_sigprocmask, SIG_SETMASK, NULL, &set, 8);
    CALL(rt_sigaction, SIGKILL, NULL, &set, 8);
    CALL(kill, getpid(), 0);
    CALL(tgkill, getpid(), getpid(), SIGUSR1);
    CALL(wait4, -1, &status, WNOHANG, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL);
    CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1);
    CALL(sched_yield);
    CALL(umask, 022);
    CALL(getpid);
    CALL(chdir, "/end");
    CALL(unlinkat, AT_FDCWD, "/tmp/traced \"file\"", 0);
    return 3;
}
