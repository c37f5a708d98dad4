/* SPDX-License-Identifier: MIT */
/* Errors of calls with wrong arguments, by syscall(2), so that no library function checks them first. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL(name, ...)   result(#name "(" #__VA_ARGS__ ")", syscall(SYS_##name, __VA_ARGS__))

#define FUTEX_WAIT        0
#define FUTEX_WAKE        1
#define FUTEX_WAIT_BITSET 9

#define BAD               ((void *)0x10)               /* never mapped */
#define KERNEL            ((void *)0xffffffff80000000) /* in the kernel's half */
#define ODD               ((void *)0x8000000000000000) /* not canonical */
#define END               ((void *)0x00007ffffffff000) /* one past the last address */

static void files(void)
{
    char *text = (char *)"x";
    CALL(read, -1, NULL, 0);
    CALL(read, 99, text, 1);
    CALL(write, -1, text, 1);
    CALL(close, -1);
    CALL(close, 99);
    CALL(open, "/missing", O_RDONLY);
    CALL(open, "", O_RDONLY);
    CALL(open, BAD, O_RDONLY);
    CALL(open, KERNEL, O_RDONLY);
    CALL(open, ODD, O_RDONLY);
    CALL(open, "/", O_WRONLY);
    CALL(open, "/missing/x", O_RDONLY | O_CREAT, 0644);
    CALL(open, "/etc/passwd/x", O_RDONLY);
    CALL(open, "/etc/passwd", O_RDONLY | O_DIRECTORY);
    CALL(open, "/etc/passwd", O_CREAT | O_EXCL | O_RDWR, 0600);
    CALL(openat, -5, "relative", O_RDONLY);
    CALL(stat, "/missing", BAD);
    CALL(stat, "/", BAD);
    CALL(fstat, 99, BAD);
    CALL(newfstatat, AT_FDCWD, "", BAD, 0);
    CALL(newfstatat, AT_FDCWD, "/", BAD, 0x40000000);
    CALL(lseek, 99, 0L, SEEK_SET);
    CALL(dup, 99);
    CALL(dup2, 99, 1);
    CALL(dup2, 1, -1);
    CALL(dup3, 1, 1, 0);
    CALL(dup3, 1, 9, 1);
    CALL(fcntl, 99, F_GETFD);
    CALL(fcntl, 1, 9999);
    CALL(pipe2, BAD, 0);
    CALL(pipe2, BAD, 1);
    CALL(mkdir, "/", 0755);
    CALL(mkdir, "/missing/x", 0755);
    CALL(rmdir, "/");
    CALL(rmdir, "/etc");
    CALL(rmdir, "/etc/passwd");
    CALL(rmdir, "/missing");
    CALL(rmdir, "/etc/.");
    CALL(unlink, "/etc");
    CALL(unlink, "/missing");
    CALL(rename, "/missing", "/x");
    CALL(rename, "/etc", "/etc/x");
    CALL(renameat2, AT_FDCWD, "/etc/passwd", AT_FDCWD, "/etc/group", 1);
    CALL(renameat2, AT_FDCWD, "/etc/passwd", AT_FDCWD, "/etc/group", 99);
    CALL(link, "/etc", "/x");
    CALL(link, "/etc/passwd", "/etc/group");
    CALL(symlink, "", "/x");
    CALL(readlink, "/etc/passwd", text, 1);
    CALL(readlink, "/etc/link", text, 0);
    CALL(chdir, "/etc/passwd");
    CALL(chdir, "/missing");
    CALL(fchdir, 1);
    CALL(truncate, "/etc/passwd", -1L);
    CALL(truncate, "/etc", 0);
    CALL(ftruncate, 0, 0L);
    CALL(getdents64, 99, BAD, 100);
    CALL(getcwd, text, 0);
    CALL(ioctl, 99, 0, 0);
    CALL(access, "/etc/passwd", 8);
    CALL(access, "/etc/passwd", X_OK);
    CALL(unlinkat, AT_FDCWD, "/etc/passwd", 1);
    CALL(poll, BAD, 1, 0);
    CALL(readv, 0, BAD, 1);
    CALL(readv, 0, BAD, -1);
    CALL(readv, 0, BAD, 1025);
    CALL(pread64, 0, text, 1, -1L);
    CALL(statfs, "/missing", BAD);
    CALL(umask, 022);
}

static void memory(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(mmap, 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(mmap, 0, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0);
    CALL(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, -1, 0);
    CALL(mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1L);
    CALL(mmap, 1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CALL(mmap, 0x0000800000000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CALL(mmap, 0, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(munmap, 1, 4096);
    CALL(munmap, page, 0);
    CALL(munmap, KERNEL, 4096);
    CALL(mprotect, page + 1, 4096, PROT_READ);
    CALL(mprotect, page, 4096, 0x1000);
    CALL(mprotect, END, 4096, PROT_READ);
    CALL(mremap, page + 1, 4096, 8192, 0);
    CALL(mremap, page, 4096, 0, 0);
    CALL(mremap, page, 4096, 8192, 99);
    CALL(madvise, page + 1, 4096, MADV_DONTNEED);
    CALL(madvise, page, 4096, 9999);
    CALL(madvise, page, 0, MADV_DONTNEED);
    CALL(msync, page, 4096, MS_SYNC | MS_ASYNC);
    CALL(munmap, page, 4096);
    CALL(madvise, page, 4096, MADV_DONTNEED);
    CALL(mprotect, page, 4096, PROT_READ);
    CALL(msync, page, 4096, MS_SYNC);
    CALL(mincore, page, 4096, BAD);
}

static void signals(void)
{
    int self = getpid();
    struct sigaction action;
    stack_t small = {.ss_sp = &action, .ss_size = 100};
    stack_t odd = {.ss_sp = &action, .ss_size = 100000, .ss_flags = 8};
    CALL(kill, self, 65);
    CALL(kill, self, -1);
    CALL(kill, self, 0);
    CALL(kill, 0x3fffffff, 0);
    CALL(kill, INT_MIN, 0);
    CALL(tkill, 0, 0);
    CALL(tkill, -1, SIGTERM);
    CALL(tgkill, self, 0, SIGTERM);
    CALL(tgkill, 0, self, SIGTERM);
    CALL(tgkill, self, 0x3fffffff, SIGTERM);
    CALL(tgkill, self, self, 99);
    CALL(rt_sigaction, 0, NULL, NULL, 8);
    CALL(rt_sigaction, 65, NULL, NULL, 8);
    CALL(rt_sigaction, SIGKILL, NULL, BAD, 8);
    CALL(rt_sigaction, SIGKILL, &action, NULL, 8);
    CALL(rt_sigaction, SIGUSR1, NULL, NULL, 4);
    CALL(rt_sigaction, SIGUSR1, BAD, NULL, 8);
    CALL(rt_sigprocmask, 5, &action, NULL, 8);
    CALL(rt_sigprocmask, 5, NULL, NULL, 8);
    CALL(rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8);
    CALL(rt_sigprocmask, SIG_BLOCK, NULL, NULL, 16);
    CALL(rt_sigpending, BAD, 8);
    CALL(rt_sigpending, BAD, 16);
    CALL(rt_sigsuspend, BAD, 8);
    CALL(rt_sigsuspend, BAD, 9);
    CALL(rt_sigtimedwait, BAD, NULL, NULL, 8);
    CALL(rt_sigqueueinfo, self, SIGUSR1, BAD);
    CALL(sigaltstack, &small, NULL);
    CALL(sigaltstack, &odd, NULL);
    CALL(sigaltstack, BAD, NULL);
}

static void times_and_timers(void)
{
    struct timespec bad_ns = {0, 1000000000}, negative = {-1, 0}, zero = {0, 0};
    struct itimerval bad_us = {.it_value = {0, 1000000}};
    CALL(clock_gettime, 99, &zero);
    CALL(clock_gettime, 10, &zero);
    CALL(clock_gettime, 0, BAD);
    CALL(clock_getres, 99, NULL);
    CALL(clock_settime, 1, &zero);
    CALL(clock_nanosleep, 99, 0, &zero, NULL);
    CALL(clock_nanosleep, 4, 0, &zero, NULL);
    CALL(clock_nanosleep, 3, 0, &zero, NULL);
    CALL(clock_nanosleep, 1, 0, &bad_ns, NULL);
    CALL(nanosleep, &bad_ns, NULL);
    CALL(nanosleep, &negative, NULL);
    CALL(nanosleep, BAD, NULL);
    CALL(setitimer, 3, &bad_us, NULL);
    CALL(setitimer, 0, &bad_us, NULL);
    CALL(getitimer, 3, BAD);
    CALL(getitimer, 0, BAD);
    CALL(timer_gettime, 99, BAD);
    CALL(timer_settime, 99, 0, NULL, NULL);
    CALL(gettimeofday, BAD, NULL);
    CALL(time, BAD);
    CALL(times, BAD);
}

static void processes(void)
{
    int self = getpid();
    struct rlimit limit = {10, 5};
    struct sched_param param = {.sched_priority = 1};
    uint32_t word = 1;
    CALL(wait4, -1, NULL, 0, NULL);
    CALL(wait4, -1, NULL, 0x100, NULL);
    CALL(waitid, P_ALL, 0, NULL, 0, NULL);
    CALL(waitid, P_ALL, 0, NULL, WEXITED, NULL);
    CALL(waitid, 9, 0, NULL, WEXITED, NULL);
    CALL(getpgid, 0x3fffffff);
    CALL(getsid, 0x3fffffff);
    CALL(getrlimit, 99, &limit);
    CALL(setrlimit, RLIMIT_CORE, &limit);
    CALL(setrlimit, 99, &limit);
    CALL(prlimit64, 0x3fffffff, 0, NULL, NULL);
    CALL(prlimit64, 0, 0, BAD, NULL);
    CALL(getrusage, 5, BAD);
    CALL(getrusage, 0, BAD);
    CALL(prctl, 9999, 0, 0, 0, 0);
    CALL(prctl, PR_SET_NAME, BAD, 0, 0, 0);
    CALL(prctl, PR_SET_DUMPABLE, 7, 0, 0, 0);
    CALL(prctl, PR_CAPBSET_READ, 99, 0, 0, 0);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
    CALL(arch_prctl, 0x9999, 0);
    CALL(arch_prctl, 0x1002, KERNEL);
    CALL(arch_prctl, 0x1003, BAD);
    CALL(set_robust_list, NULL, 23);
    CALL(get_robust_list, 0x3fffffff, BAD, BAD);
    CALL(sched_getscheduler, -1);
    CALL(sched_getscheduler, 0x3fffffff);
    CALL(sched_setscheduler, self, 99, &param);
    CALL(sched_setparam, 0, &param);
    CALL(sched_getparam, 0, NULL);
    CALL(sched_get_priority_max, SCHED_FIFO);
    CALL(sched_get_priority_min, SCHED_RR);
    CALL(sched_get_priority_max, 99);
    CALL(sched_getaffinity, 0, 7, BAD);
    CALL(sched_getaffinity, 0, 1024, BAD);
    CALL(getpriority, 9, 0);
    CALL(getgroups, -1, NULL);
    CALL(setgroups, 100000, NULL);
    CALL(uname, BAD);
    CALL(sysinfo, BAD);
    CALL(getrandom, BAD, 8, 0);
    CALL(getrandom, BAD, 8, 99);
    CALL(getrandom, BAD, 0, 0);
    CALL(futex, &word, FUTEX_WAIT, 2, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
    CALL(futex, (char *)&word + 1, FUTEX_WAIT, 1, NULL, NULL, 0);
    CALL(futex, BAD, FUTEX_WAIT, 1, NULL, NULL, 0);
    CALL(futex, &word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0);
    CALL(futex, &word, 99, 1, NULL, NULL, 0);
    CALL(membarrier, 0x4000, 0, 0);
    CALL(capget, BAD, NULL);
    CALL(reboot, 1, 2, 3, NULL);
    CALL(getpeername, 0, BAD, BAD);
    CALL(getpeername, 99, BAD, BAD);
    CALL(listen, 1, 1);
    CALL(execve, "/missing", NULL, NULL);
    CALL(execve, "/etc", NULL, NULL);
    CALL(execve, "/etc/passwd", NULL, NULL);
    CALL(execve, BAD, NULL, NULL);
    CALL(execve, "/etc/script", BAD, NULL);
    CALL(execve, "/etc/not-a-program", NULL, NULL);
    CALL(execve, "/exec/empty", NULL, NULL);
    CALL(execve, "/exec/dynamic", NULL, NULL);
    CALL(execve, "/exec/truncated", NULL, NULL);
    CALL(execve, "/exec/script-loop", NULL, NULL);
    CALL(execve, "/exec/script-missing", NULL, NULL);
    CALL(execve, "/exec/script-nobody", NULL, NULL);
    CALL(execve, "/exec/script-blank", NULL, NULL);
    CALL(execve, "/exec/script-folder", NULL, NULL);
    CALL(execve, "/exec/script-short", NULL, NULL);
    CALL(execveat, AT_FDCWD, "/exec/link", NULL, NULL, 0x100);
    CALL(execveat, 1, "", NULL, NULL, 0x1000);
    CALL(execveat, 99, "", NULL, NULL, 0x1000);
    CALL(execveat, AT_FDCWD, "/exec/empty", NULL, NULL, 4);
    CALL(execveat, -5, "x", NULL, NULL, 0);
    CALL(execveat, AT_FDCWD, "", NULL, NULL, 0);
    result("syscall(9999)", syscall(9999));
    result("syscall(-1)", syscall(-1));
    result("syscall(400)", syscall(400));
}

int main(void)
{
    /* Some of these calls do harm if they succeed: they are made only in the tests' own root folder. */
    if (access("/etc/ouro-test-root", F_OK) != 0) {
        fputs("errors: not in the root folder of the program tests\n", stderr);
        return 77;
    }
    setvbuf(stdout, NULL, _IOFBF, 65536);
    files();
    memory();
    signals();
    times_and_timers();
    processes();
    return 0;
}
