/* SPDX-License-Identifier: MIT */
/*
 * clone(2): what CLONE_FS and CLONE_FILES share, each without the other, also after an exec of the child; unshare(2); and kill(2) by the
 * tid of a thread whose credentials are its own.
 */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call) result(#call, call)
#define USER      1000

static char *self;
static int gate[2];

static void where(const char *what)
{
    char at[256] = "";
    mode_t mask = umask(0);
    umask(mask);
    getcwd(at, sizeof at);
    printf("%s: in %s, umask %o, descriptor 50 %s\n", what, at, mask,
           fcntl(50, F_GETFD) >= 0 ? "open" : "closed");
    fflush(stdout);
}

static long clone_with(unsigned long flags)
{
    fflush(stdout);
    return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

/* The child changes its place and its descriptors; then the parent does. */
static void share(const char *what, unsigned long flags)
{
    int status, there[2], back[2];
    char c;
    chdir("/");
    umask(022);
    close(50);
    pipe(there);
    pipe(back);
    printf("%s\n", what);
    long pid = clone_with(flags);
    if (pid == 0) {
        chdir("/tmp");
        umask(077);
        dup2(1, 50);
        write(back[1], "x", 1);
        read(there[0], &c, 1);
        where("  child, after its parent's change");
        _exit(0);
    }
    read(back[0], &c, 1);
    where("  parent, after its child's change");
    chdir("/etc");
    umask(027);
    if (fcntl(50, F_GETFD) >= 0)
        close(50);
    else
        dup2(1, 50);
    write(there[1], "x", 1);
    waitpid((pid_t)pid, &status, 0);
    where("  parent, at the end");
    if (!(flags & CLONE_FILES) || fcntl(there[0], F_GETFD) >= 0) {
        close(there[0]);
        close(there[1]);
        close(back[0]);
        close(back[1]);
    }
}

/* The descriptors are the child's own from exec on, the place stays shared. */
static void executed(unsigned long flags)
{
    int status;
    chdir("/");
    umask(022);
    close(50);
    long pid = clone_with(flags);
    if (pid == 0) {
        execl(self, self, "child", NULL);
        _exit(1);
    }
    waitpid((pid_t)pid, &status, 0);
    printf("status %#x\n", status);
    where("  parent, after a child that executed a program");
}

/* A chain: the grandchild shares with both. */
static void chain(void)
{
    int status;
    chdir("/");
    long pid = clone_with(CLONE_FS);
    if (pid == 0) {
        long next = clone_with(CLONE_FS);
        if (next == 0) {
            chdir("/etc");
            _exit(0);
        }
        waitpid((pid_t)next, &status, 0);
        where("  child");
        _exit(0);
    }
    waitpid((pid_t)pid, &status, 0);
    where("  parent");
    pid = clone_with(CLONE_FS);
    if (pid == 0) {
        TRY(chroot("/tmp"));
        chdir("/");
        _exit(0);
    }
    waitpid((pid_t)pid, &status, 0);
    TRY(access("/etc/passwd", F_OK));
}

static void *asleep(void *unused)
{
    pause();
    return unused;
}

/* unshare(2): a child that shares everything leaves some of it, and its parent does not see what it changes then. */
static void leave(const char *what, unsigned long flags)
{
    int status;
    chdir("/");
    umask(022);
    close(50);
    printf("%s left\n", what);
    long pid = clone_with(CLONE_FS | CLONE_FILES);
    if (pid == 0) {
        TRY(syscall(SYS_unshare, flags));
        chdir("/tmp");
        umask(077);
        dup2(1, 50);
        where("  child");
        _exit(0);
    }
    waitpid((pid_t)pid, &status, 0);
    where("  parent");
}

static void refused(void)
{
    pthread_t thread;
    TRY(syscall(SYS_unshare, 0));
    TRY(syscall(SYS_unshare, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
    TRY(syscall(SYS_unshare, CLONE_VFORK));
    TRY(syscall(SYS_unshare, 1L << 40));
    pthread_create(&thread, NULL, asleep, NULL);
    TRY(syscall(SYS_unshare, CLONE_THREAD));
    TRY(syscall(SYS_unshare, CLONE_VM));
    TRY(syscall(SYS_unshare, 0));
    if (vfork() == 0)
        _exit(syscall(SYS_unshare, CLONE_VM) == 0); /* its parent has the same memory */
    int status = 0;
    wait(&status);
    printf("status %#x\n", status);
}

static volatile int tid, stop;

static void *other_user(void *unused)
{
    syscall(SYS_setresuid, USER, USER, USER);
    tid = (int)syscall(SYS_gettid);
    while (!stop)
        usleep(1000);
    return unused;
}

static void killer(const char *who, unsigned uid)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setgroups(0, NULL);
        syscall(SYS_setresuid, uid, uid, uid);
        printf("%s\n", who);
        TRY(kill(tid, 0));
        TRY(kill(tid, SIGURG));
        TRY(kill(getppid(), 0));
        TRY(syscall(SYS_tgkill, getppid(), tid, 0));
        TRY(syscall(SYS_tkill, tid, 0));
        TRY(syscall(SYS_tkill, getppid(), 0));
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
}

static void tids(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, other_user, NULL);
    while (tid == 0)
        usleep(1000);
    killer("the thread's user", USER);
    killer("another user", USER + 1);
    stop = 1;
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1) {
        chdir("/tmp");
        umask(033);
        dup2(1, 50);
        where("  executed");
        return 0;
    }
    if (self[0] != '/') {
        static char path[300];
        snprintf(path, sizeof path, "/%s", self);
        self = path;
    }
    share("nothing", 0);
    share("CLONE_FILES", CLONE_FILES);
    share("CLONE_FS", CLONE_FS);
    share("both", CLONE_FS | CLONE_FILES);
    executed(CLONE_FS);
    executed(CLONE_FS | CLONE_FILES);
    leave("nothing", 0);
    leave("CLONE_FILES", CLONE_FILES);
    leave("CLONE_FS", CLONE_FS);
    leave("both", CLONE_FS | CLONE_FILES | CLONE_SYSVSEM);
    tids();
    chain();
    refused();
    pipe(gate);
    return 0;
}
