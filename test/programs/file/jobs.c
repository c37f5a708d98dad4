/* SPDX-License-Identifier: MIT */
/* Job control: background processes of a terminal, orphaned groups, and who is told of a stop. The processes share their memory
 * with the first one. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;
static volatile long answer;
static volatile int answer_errno, caught;
static siginfo_t news;

static pid_t start(int (*function)(void *))
{
    char *stack = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return clone(function, stack + (1 << 16), CLONE_VM | SIGCHLD, NULL);
}

static void keep(long value)
{
    answer = value;
    answer_errno = errno;
}

static void count(int number)
{
    caught = number;
}

/* ---- what a background process does; it leads a group of its own ---- */

static long reads(void)
{
    char c;
    return read(slave, &c, 1);
}

static long reads_nothing(void)
{
    return read(slave, "", 0);
}

static long writes(void)
{
    return write(slave, "x", 1);
}

static long sets(void)
{
    struct termios t;
    tcgetattr(slave, &t);
    return tcsetattr(slave, TCSANOW, &t);
}

static long sets_nowhere(void)
{
    return ioctl(slave, TCSETS, 8);
}

static long sets_by_master(void)
{
    struct termios t;
    tcgetattr(master, &t);
    return tcsetattr(master, TCSANOW, &t);
}

static long sets_group(void)
{
    pid_t group = getpid();
    return ioctl(slave, TIOCSPGRP, &group);
}

static long flushes(void)
{
    return tcflush(slave, TCIFLUSH);
}

static long flushes_by_master(void)
{
    return tcflush(master, TCIFLUSH);
}

static long flows(void)
{
    return tcflow(slave, TCOON);
}

static long breaks(void)
{
    return tcsendbreak(slave, 0);
}

static long drains(void)
{
    return tcdrain(slave);
}

static long sizes(void)
{
    struct winsize w = {5, 6, 0, 0};
    return ioctl(slave, TIOCSWINSZ, &w);
}

static long asks(void)
{
    struct termios t;
    return tcgetattr(slave, &t);
}

static long disciplines(void)
{
    int zero = 0;
    return ioctl(slave, TIOCSETD, &zero);
}

static long (*doing)(void);
static volatile int disposition,
    blocking; /* SIG_IGN, SIG_DFL or a handler: 1, 0, 2; 3: with SA_RESTART */

static int background(void *unused)
{
    (void)unused;
    struct sigaction action = {.sa_handler = disposition == 1 ? SIG_IGN
                                             : disposition    ? count
                                                              : SIG_DFL,
                               .sa_flags = disposition == 3 ? SA_RESTART : 0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTTIN);
    sigaddset(&set, SIGTTOU);
    sigaction(SIGTTIN, &action, NULL);
    sigaction(SIGTTOU, &action, NULL);
    sigprocmask(blocking ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
    setpgid(0, 0);
    errno = 0;
    keep(doing());
    _exit(7);
}

static void show_end(int status)
{
    if (WIFSTOPPED(status))
        printf("stopped by %d", WSTOPSIG(status));
    else if (WIFSIGNALED(status))
        printf("killed by %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 7)
        printf("status %d", WEXITSTATUS(status));
    else
        printf("answer %ld%s%s", answer, answer == -1 ? " " : "",
               answer == -1 ? strerror(answer_errno) : "");
}

static void tried(const char *what, long (*function)(void), int how, int blocked)
{
    int status;
    doing = function;
    disposition = how;
    blocking = blocked;
    caught = 0;
    pid_t pid = start(background);
    waitpid(pid, &status, WUNTRACED);
    printf("%s%s%s: ", what,
           how == 1 ? ", ignored"
           : how    ? ", caught"
                    : "",
           blocked ? ", blocked" : "");
    show_end(status);
    printf(how > 1 ? ", signal %d\n" : "\n", caught);
    if (WIFSTOPPED(status)) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
}

/* Stopped by its read, put into the foreground and continued: the read goes on. */
static void foreground(void)
{
    int status;
    doing = reads;
    disposition = blocking = 0;
    pid_t pid = start(background);
    waitpid(pid, &status, WUNTRACED);
    show_end(status);
    puts(", the reader");
    signal(SIGTTOU, SIG_IGN);
    result("its group", tcsetpgrp(slave, pid));
    kill(pid, SIGCONT);
    memset(&news, 0, sizeof news);
    waitid(P_PID, pid, &news, WCONTINUED);
    printf("news %d status %d\n", news.si_code, news.si_status);
    write(master, "go\n", 3);
    waitpid(pid, &status, WUNTRACED);
    show_end(status);
    puts(", the reader");
    /* Now this process is in the background. */
    char c;
    signal(SIGTTIN, SIG_IGN);
    result("the leader reads", read(slave, &c, 1));
    signal(SIGTTIN, SIG_DFL);
    result("its group is orphaned", read(slave, &c, 1));
    result("back", tcsetpgrp(slave, getpgrp()));
    signal(SIGTTOU, SIG_DFL);
    result("the rest", read(slave, &c, 1));
    tcflush(slave, TCIFLUSH);
}

/* A stopped child whose group is orphaned by the end of its parent: SIGHUP and SIGCONT. */
static volatile pid_t grandchild;

static int stops(void *unused)
{
    (void)unused;
    setpgid(0, 0);
    kill(getpid(), SIGSTOP);
    _exit(0);
}

static int father(void *unused)
{
    (void)unused;
    int status;
    setsid();
    grandchild = start(stops);
    waitpid(grandchild, &status, WUNTRACED);
    printf("grandchild: ");
    show_end(status);
    puts("");
    fflush(stdout);
    _exit(0);
}

static int tstp(void *unused)
{
    (void)unused;
    kill(getpid(), SIGTSTP);
    _exit(3);
}

/* A session without a terminal. The group of its leader is orphaned: SIGTSTP has no effect. */
static int session(void *unused)
{
    (void)unused;
    int status;
    setsid();
    pid_t pid = start(tstp);
    waitpid(pid, &status, WUNTRACED);
    printf("SIGTSTP in an orphaned group: ");
    show_end(status);
    puts("");
    fflush(stdout);
    _exit(0);
}

static int leader(void *unused)
{
    (void)unused;
    setsid();
    slave = open(ptsname(master), O_RDWR);
    truth("the foreground", tcgetpgrp(slave) == getpid());
    tried("read", reads, 0, 0);
    tried("read", reads, 1, 0);
    tried("read", reads, 0, 1);
    tried("read", reads, 2, 0);
    tried("read of nothing", reads_nothing, 0, 0);
    tried("write", writes, 0, 0);
    struct termios t;
    tcgetattr(slave, &t);
    t.c_lflag |= TOSTOP;
    tcsetattr(slave, TCSANOW, &t);
    tried("write, TOSTOP", writes, 0, 0);
    tried("write, TOSTOP", writes, 1, 0);
    tried("write, TOSTOP", writes, 2, 0);
    t.c_lflag &= ~TOSTOP;
    tcsetattr(slave, TCSANOW, &t);
    tried("tcsetattr", sets, 0, 0);
    tried("tcsetattr", sets, 1, 0);
    tried("tcsetattr", sets, 0, 1);
    tried("tcsetattr", sets, 2, 0);
    tried("tcsetattr of nothing", sets_nowhere, 0, 0);
    tried("tcsetattr of nothing", sets_nowhere, 1, 0);
    tried("tcsetattr by the master", sets_by_master, 0, 0);
    tried("tcsetpgrp", sets_group, 0, 0);
    tried("tcflush", flushes, 0, 0);
    tried("tcflush by the master", flushes_by_master, 0, 0);
    tried("tcflow", flows, 0, 0);
    tried("tcsendbreak", breaks, 0, 0);
    tried("tcdrain", drains, 0, 0);
    tried("window size", sizes, 0, 0);
    tried("tcgetattr", asks, 0, 0);
    tried("discipline", disciplines, 0, 0);
    foreground();
    int status;
    pid_t pid = start(session);
    waitpid(pid, &status, 0);
    _exit(0);
}

int main(void)
{
    int status;
    setvbuf(stdout, NULL, _IOLBF, 0);
    master = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(master);
    unlockpt(master);
    waitpid(start(leader), &status, 0);
    /* The grandchild's end is seen by this process. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    waitpid(start(father), &status, 0);
    result("the grandchild is left", waitpid(grandchild, &status, WUNTRACED) == grandchild);
    show_end(status);
    puts("");
    return 0;
}
