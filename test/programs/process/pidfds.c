/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of processes: pidfd_open(2), CLONE_PIDFD, poll(2), waitid(P_PIDFD), pidfd_send_signal(2), pidfd_getfd(2); the
 * tid that clone3(2) is told; process_vm_readv(2) and process_vm_writev(2).
 */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call)  result(#call, call)
#define OPEN       434
#define SEND       424
#define GETFD      438
#define CLONE3     435
#define BY_PIDFD   3      /* P_PIDFD */
#define WITH_PIDFD 0x1000 /* CLONE_PIDFD */

struct args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size, cgroup;
};

static int gate[2];

/* A child that ends when the gate is closed, or by a signal. */
static pid_t sleeper(void)
{
    char c;
    pipe(gate);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(gate[1]);
        read(gate[0], &c, 1);
        _exit(7);
    }
    close(gate[0]);
    return pid;
}

static void events(const char *what, int fd, int timeout)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    int n = poll(&p, 1, timeout);
    printf("%s: poll %d events %#x\n", what, n,
           p.revents & ~POLLHUP); /* newer kernels: POLLHUP at the end */
}

static void wait_for(const char *what, int fd, int options)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    long r = syscall(SYS_waitid, BY_PIDFD, fd, &info, options, NULL);
    if (r < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: signal %d code %d status %d\n", what, info.si_signo, info.si_code,
               info.si_status);
}

/* The folder /proc/PID does for pidfd_send_signal(). */
static int folders(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int folder = open(path, O_RDONLY | O_DIRECTORY), root = open("/proc", O_RDONLY | O_DIRECTORY),
        named = open(path, O_PATH), tasks = openat(folder, "task", O_RDONLY | O_DIRECTORY);
    TRY(syscall(SEND, folder, 0, NULL, 0));
    TRY(syscall(SEND, root, 0, NULL, 0));
    TRY(syscall(SEND, named, 0, NULL, 0));
    TRY(syscall(SEND, tasks, 0, NULL, 0));
    close(root);
    close(named);
    close(tasks);
    return folder;
}

static void basics(void)
{
    pid_t pid = sleeper();
    int fd = (int)syscall(OPEN, pid, 0), again = (int)syscall(OPEN, pid, O_NONBLOCK);
    char text[200] = "", path[64], link[64] = "";
    truth("opened", fd >= 0 && again >= 0);
    TRY(fcntl(fd, F_GETFD));
    TRY(syscall(OPEN, 0, 0));
    TRY(syscall(OPEN, -1, 0));
    TRY(syscall(OPEN, 32767, 0));
    TRY(syscall(OPEN, pid, 1));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    readlink(path, link, sizeof link - 1);
    printf("%s\n", link);
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    int info = open(path, O_RDONLY);
    read(info, text, sizeof text - 1);
    close(info);
    char *line = strstr(text, "Pid:");
    truth("fdinfo", line && atoi(line + 4) == pid && strstr(line, "NSpid:"));
    char c;
    TRY(read(fd, &c, 1));
    TRY(write(fd, &c, 1));
    events("alive", fd, 0);
    wait_for("not blocking", again, WEXITED);
    wait_for("WNOHANG", fd, WEXITED | WNOHANG);
    wait_for("closed", 99, WEXITED);
    wait_for("a pipe", gate[1], WEXITED);
    wait_for("negative", -1, WEXITED);
    TRY(syscall(SEND, fd, 0, NULL, 0));
    TRY(syscall(SEND, fd, 65, NULL, 0));
    TRY(syscall(SEND, fd, 0, NULL, 64));
    TRY(syscall(SEND, gate[1], 0, NULL, 0));
    TRY(syscall(SEND, 99, 0, NULL, 0));
    int folder = folders(pid);
    siginfo_t queued;
    memset(&queued, 0, sizeof queued);
    queued.si_signo = SIGURG;
    TRY(syscall(SEND, fd, SIGURG, &queued, 0));
    queued.si_code = SI_QUEUE;
    TRY(syscall(SEND, fd, SIGCHLD, &queued, 0));
    TRY(syscall(SEND, fd, SIGURG, &queued, 0));
    TRY(syscall(SEND, fd, SIGURG, 8, 0));
    close(gate[1]);
    events("ended", fd, 20000);
    TRY(syscall(SEND, fd, 0, NULL, 0));
    int third = (int)syscall(OPEN, pid, 0);
    truth("a zombie can be opened", third >= 0);
    wait_for("not consumed", fd, WEXITED | WNOWAIT);
    wait_for("consumed", again, WEXITED);
    wait_for("gone", fd, WEXITED);
    TRY(syscall(SEND, folder, 0, NULL, 0));
    close(folder);
    events("gone", third, 0);
    TRY(syscall(SEND, fd, 0, NULL, 0));
    TRY(syscall(OPEN, pid, 0));
    close(fd);
    close(again);
    close(third);
}

static void signalled(void)
{
    pid_t pid = sleeper();
    int fd = (int)syscall(OPEN, pid, 0);
    TRY(syscall(SEND, fd, SIGTERM, NULL, 0));
    wait_for("killed", fd, WEXITED);
    close(gate[1]);
    close(fd);
    fd = (int)syscall(OPEN, getpid(), 0);
    wait_for("itself", fd, WEXITED | WNOHANG);
    close(fd);
}

static void clones(void)
{
    int fd = -5, status;
    fflush(stdout);
    pid_t pid = (pid_t)syscall(SYS_clone, WITH_PIDFD | SIGCHLD, 0, &fd, 0, 0);
    if (pid == 0)
        _exit(fcntl(fd, F_GETFD) == -1 ? 3 : 4);
    TRY(fcntl(fd, F_GETFD));
    wait_for("cloned", fd, WEXITED);
    close(fd);
    TRY(syscall(SYS_clone, WITH_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
    TRY(syscall(SYS_clone, WITH_PIDFD | SIGCHLD, 0, 8, 0, 0));
    struct args a = {.flags = WITH_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
    fflush(stdout);
    pid = (pid_t)syscall(CLONE3, &a, sizeof a);
    if (pid == 0)
        _exit(5);
    wait_for("clone3", fd, WEXITED);
    close(fd);
    while (waitpid(-1, &status, 0) > 0)
        printf("left: %#x\n", status);
}

static long clone_as(int32_t tid, uint64_t count)
{
    int32_t tids[2] = {tid, 1};
    struct args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids, .set_tid_size = count};
    fflush(stdout);
    long pid = syscall(CLONE3, &a, sizeof a);
    if (pid == 0)
        _exit(getpid() == tid ? 1 : 2);
    return pid;
}

static void chosen(void)
{
    int status = -1, tid = 29999;
    while (kill(tid, 0) == 0)
        tid--;
    truth("the tid", clone_as(tid, 1) == tid);
    truth("taken", clone_as(tid, 1) == -1 && errno == EEXIST);
    waitpid(tid, &status, 0);
    printf("status %#x\n", status);
    TRY(clone_as(0, 1));
    TRY(clone_as(-1, 1));
    TRY(clone_as(1 << 30, 1));
    TRY(clone_as(tid, 33));
    TRY(clone_as(tid, 0));
    pid_t pid = fork();
    if (pid == 0) {
        setgroups(0, NULL);
        syscall(SYS_setresuid, 1000, 1000, 1000);
        TRY(clone_as(tid, 1));
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
}

static void descriptors(void)
{
    char text[20] = "";
    int there[2], back[2], status;
    pipe(there);
    pipe(back);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open("/etc/passwd", O_RDONLY);
        lseek(fd, 3, SEEK_SET);
        dup2(fd, 60);
        write(back[1], "x", 1);
        read(there[0], text, 1);
        printf("the child's offset %ld\n", (long)lseek(60, 0, SEEK_CUR));
        fflush(stdout);
        _exit(0);
    }
    read(back[0], text, 1);
    int process = (int)syscall(OPEN, pid, 0);
    int fd = (int)syscall(GETFD, process, 60, 0);
    truth("got", fd >= 0);
    TRY(fcntl(fd, F_GETFD));
    printf("offset %ld\n", (long)lseek(fd, 2, SEEK_CUR));
    TRY(syscall(GETFD, process, 61, 0));
    TRY(syscall(GETFD, process, 60, 1));
    TRY(syscall(GETFD, 0, 60, 0));
    pid_t user = fork();
    if (user == 0) {
        setgroups(0, NULL);
        syscall(SYS_setresuid, 1000, 1000, 1000);
        TRY(syscall(GETFD, process, 60, 0));
        TRY(syscall(SEND, process, 0, NULL, 0));
        fflush(stdout);
        _exit(0);
    }
    waitpid(user, &status, 0);
    write(there[1], "x", 1);
    waitpid(pid, &status, 0);
    TRY(syscall(GETFD, process, 60, 0));
    close(process);
}

#define SIZE (300 << 10)

static struct iovec vec(void *at, size_t size)
{
    return (struct iovec){at, size};
}

static long move(int number, pid_t pid, struct iovec local, struct iovec remote)
{
    return syscall(number, pid, &local, 1UL, &remote, 1UL, 0UL);
}

#define READ(pid, a, n, b, m)  move(SYS_process_vm_readv, pid, vec(a, n), vec(b, m))
#define WRITE(pid, a, n, b, m) move(SYS_process_vm_writev, pid, vec(a, n), vec(b, m))

static char own[SIZE], other[SIZE];

static void edges(pid_t pid, char *two)
{
    TRY(READ(pid, own, 100, two, 50));
    printf("%s\n", own);
    TRY(READ(pid, own, 50, two + 4090, 50));
    TRY(READ(pid, own, 50, two + 4096, 50));
    TRY(WRITE(pid, own, 50, two + 2 * 4096, 50));
    TRY(READ(pid, own, 50, two + 2 * 4096, 50));
    TRY(READ(pid, own, 0, two, 50));
    TRY(READ(pid, own, 50, two, 0));
    TRY(READ(pid, (void *)8, 50, two, 50));
    TRY(READ(pid, own, 50, (void *)8, 50));
    TRY(READ(30000, own, 50, two, 50));
    TRY(READ(0, own, 50, two, 50));
    TRY(READ(pid, own, 50, two, (size_t)-1));
    TRY(syscall(SYS_process_vm_readv, pid, 8, 1UL, 8, 1UL, 0UL));
    TRY(syscall(SYS_process_vm_readv, pid, NULL, 0UL, NULL, 0UL, 1UL));
    TRY(syscall(SYS_process_vm_readv, pid, NULL, 1025UL, NULL, 0UL, 0UL));
    struct iovec l[2] = {{own, 4}, {own + 10, 7}}, r[3] = {{two, 2}, {two + 2, 3}, {two + 5, 100}};
    memset(own, 0, 20);
    TRY(syscall(SYS_process_vm_readv, pid, l, 2UL, r, 3UL, 0UL));
    printf("%s|%s\n", own, own + 10);
    r[1].iov_base = (void *)8;
    TRY(syscall(SYS_process_vm_readv, pid, l, 2UL, r, 3UL, 0UL));
    TRY(READ(getpid(), own, 5, "self", 5));
    printf("%s\n", own);
}

static void memory(void)
{
    int there[2], back[2], status;
    char c;
    pipe(there);
    pipe(back);
    char *two = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(two + 4096, 4096);
    mprotect(two + 2 * 4096, 4096, PROT_READ);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < SIZE; i++)
            other[i] = (char)(i * 7 % 251);
        strcpy(two, "the child's");
        write(back[1], "x", 1);
        read(there[0], &c, 1);
        int same = 1;
        for (int i = 0; i < SIZE; i++)
            same &= other[i] == (char)(i * 5 % 241);
        truth("the child sees what was written", same);
        fflush(stdout);
        _exit(0);
    }
    read(back[0], &c, 1);
    TRY(READ(pid, own, SIZE, other, SIZE));
    int same = 1;
    for (int i = 0; i < SIZE; i++)
        same &= own[i] == (char)(i * 7 % 251);
    truth("all is there", same);
    for (int i = 0; i < SIZE; i++)
        own[i] = (char)(i * 5 % 241);
    TRY(WRITE(pid, own, SIZE, other, SIZE));
    edges(pid, two);
    pid_t user = fork();
    if (user == 0) {
        setgroups(0, NULL);
        syscall(SYS_setresuid, 1000, 1000, 1000);
        TRY(READ(pid, own, 50, two, 50));
        fflush(stdout);
        _exit(0);
    }
    waitpid(user, &status, 0);
    write(there[1], "x", 1);
    waitpid(pid, &status, 0);
    TRY(READ(pid, own, 50, two, 50));
}

#define MADVISE(fd, v, n, advice, flags) syscall(440, fd, v, n, advice, flags)
#define MRELEASE(fd, flags)              syscall(448, fd, flags)

static void release(void)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    kill(pid, SIGKILL);
    long released = MRELEASE(fd, 0); /* it may have ended */
    truth("released", released == 0 || errno == ESRCH);
    waitpid(pid, &status, 0);
    close(fd);
}

/* process_madvise(2), process_mrelease(2). */
static void advise(void)
{
    int there[2], status;
    char c;
    char *range = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pipe(there);
    memset(range, 7, 4 * 4096);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        read(there[0], &c, 1);
        int same = 1;
        for (int i = 0; i < 4 * 4096; i++)
            same &= range[i] == 7;
        _exit(same ? 3 : 4);
    }
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct iovec v[2] = {{range, 4096}, {range + 2 * 4096, 2 * 4096}}, hole = {(void *)16384, 4096};
    TRY(MADVISE(fd, v, 2, MADV_COLD, 0));
    TRY(MADVISE(fd, v, 2, MADV_PAGEOUT, 0));
    TRY(MADVISE(fd, v, 1, MADV_WILLNEED, 0));
    TRY(MADVISE(fd, v, 1, MADV_DONTNEED, 0));
    TRY(MADVISE(fd, v, 1, MADV_COLD, 1));
    TRY(MADVISE(fd, v, 2000, MADV_COLD, 0));
    TRY(MADVISE(fd, NULL, 1, MADV_COLD, 0));
    TRY(MADVISE(fd, &hole, 1, MADV_COLD, 0));
    TRY(MADVISE(fd, v, 0, MADV_COLD, 0));
    TRY(MADVISE(1, v, 1, MADV_COLD, 0));
    TRY(MADVISE(99, v, 1, MADV_COLD, 0));
    fflush(stdout);
    pid_t user = fork();
    if (user == 0) {
        syscall(SYS_setresuid, 1000, 1000, 1000);
        TRY(MADVISE(fd, v, 1, MADV_COLD, 0));
        fflush(stdout);
        _exit(0);
    }
    waitpid(user, &status, 0);
    TRY(MRELEASE(fd, 1));
    TRY(MRELEASE(99, 0));
    TRY(MRELEASE(1, 0));
    TRY(MRELEASE(fd, 0)); /* lives */
    write(there[1], "x", 1);
    waitpid(pid, &status, 0);
    printf("unchanged: %d\n", WEXITSTATUS(status));
    TRY(MADVISE(fd, v, 1, MADV_COLD, 0));
    TRY(MRELEASE(fd, 0));
    close(fd);
    close(there[0]);
    close(there[1]);
    munmap(range, 4 * 4096);
}

/* CAP_SYS_RESOURCE. */
static void large_pipe(void)
{
    int p[2];
    pipe2(p, O_NONBLOCK);
    int size = fcntl(p[1], F_SETPIPE_SZ, 2 << 20);
    truth("2 MiB, or without the capability EPERM", size == 2 << 20 || errno == EPERM);
    size = fcntl(p[1], F_GETPIPE_SZ);
    memset(own, 'x', SIZE);
    long sum = 0, n;
    while ((n = write(p[1], own, SIZE)) > 0)
        sum += n;
    truth("full", sum == size);
    truth("too full for less", fcntl(p[1], F_SETPIPE_SZ, 4096) == -1 && errno == EBUSY);
    while ((n = read(p[0], other, SIZE)) > 0)
        sum -= n;
    printf("%ld bytes left\n", sum);
    TRY(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);

    basics();
    signalled();
    clones();
    chosen();
    descriptors();
    memory();
    advise();
    release();
    large_pipe();
    return 0;
}
