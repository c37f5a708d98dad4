/* SPDX-License-Identifier: MIT */
/* Signals of writes to broken pipes, of kill() with a thread's id or a full queue, and stops. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int tid, handled;
static int gate[2];

static void count(int signal)
{
    (void)signal;
    handled++;
}

static void broken(const char *name, int fd, const sigset_t *set)
{
    struct timespec none = {0, 0};
    sigset_t pending;
    siginfo_t info;
    printf("%s\n", name);
    result("write", write(fd, "x", 1));
    sigpending(&pending);
    result("pending", sigismember(&pending, SIGPIPE));
    result("taken", sigtimedwait(set, &info, &none));
    printf("code %d from itself %d\n", info.si_code, info.si_pid == getpid());
    result("taken again", sigtimedwait(set, &info, &none));
}

/* SIGPIPE goes to the thread that writes: it can block it for itself. */
static void *writer(void *unused)
{
    int p[2], s[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pipe(p);
    close(p[0]);
    broken("pipe", p[1], &set);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    close(s[0]);
    broken("socket", s[1], &set);
    return unused;
}

static void *sleeper(void *unused)
{
    char byte;
    tid = (int)syscall(SYS_gettid);
    write(gate[1], "t", 1);
    while (handled < 100 && read(gate[0], &byte, 0) == 0)
        usleep(1000);
    return unused;
}

static void by_tid(void)
{
    pthread_t thread;
    struct rlimit limit;
    char byte;
    pipe(gate);
    signal(SIGUSR1, count);
    pthread_create(&thread, NULL, sleeper, NULL);
    read(gate[0], &byte, 1);
    result("kill(tid, 0)", kill(tid, 0));
    result("kill(tid)", kill(tid, SIGUSR1));
    while (handled == 0)
        usleep(1000);
    truth("getpgid(tid)", getpgid(tid) == getpgid(0));
    truth("getsid(tid)", getsid(tid) == getsid(0));
    result("setpgid(tid)", setpgid(tid, 0));
    result("prlimit(tid)", syscall(SYS_prlimit64, tid, RLIMIT_NOFILE, NULL, &limit));
    result("sched_getscheduler(tid)", sched_getscheduler(tid));
    handled = 100;
    pthread_join(thread, NULL);
}

static void full_queue(void)
{
    const struct rlimit none = {0, 0};
    struct timespec now = {0, 0};
    siginfo_t info;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    setrlimit(RLIMIT_SIGPENDING, &none);
    result("sigqueue", sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}));
    result("tgkill", syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN));
    result("kill", kill(getpid(), SIGRTMIN + 1));
    result("kill again", kill(getpid(), SIGRTMIN + 1));
    truth("taken", sigtimedwait(&set, &info, &now) == SIGRTMIN + 1);
    printf("code %d pid %d\n", info.si_code, info.si_pid);
    result("once", sigtimedwait(&set, &info, &now));
    signal(SIGRTMIN + 1, count);
    handled = 0;
    kill(getpid(), SIGRTMIN + 1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    result("handled", handled);
}

static char state;

static int continue_parent(void *argument)
{
    char path[64], text[400];
    int parent = *(int *)argument;
    struct timespec soon = {0, 10000000};
    snprintf(path, sizeof path, "/proc/%d/stat", parent);
    for (int i = 0; i < 1000 && state != 'T'; i++) {
        syscall(SYS_nanosleep, &soon, NULL);
        int fd = open(path, O_RDONLY);
        long n = read(fd, text, sizeof text - 1);
        close(fd);
        text[n > 0 ? n : 0] = 0;
        const char *end = strrchr(text, ')');
        state = end != NULL ? end[2] : '?';
    }
    syscall(SYS_kill, parent, SIGCONT);
    syscall(SYS_exit, 0);
    return 0;
}

/* This is the first process of the machine. */
static void stops(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    int self = getpid();
    signal(SIGCONT, count);
    handled = 0;
    int pid = clone(continue_parent, stack + sizeof stack, CLONE_VM | SIGCHLD, &self);
    result("stop", kill(self, SIGSTOP));
    truth("stopped until continued", state == 'T');
    result("handler of SIGCONT", handled);
    truth("child", waitpid(pid, NULL, 0) == pid);
}

int main(void)
{
    pthread_t thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_create(&thread, NULL, writer, NULL);
    pthread_join(thread, NULL);
    by_tid();
    full_queue();
    stops();
    int file = open("/tmp", O_RDONLY);
    struct epoll_event event = {0};
    result("neither an epoll nor pollable", epoll_ctl(file, EPOLL_CTL_ADD, file, &event));
    result("not an epoll", epoll_ctl(gate[0], EPOLL_CTL_ADD, gate[1], &event));
    return 0;
}
