/* SPDX-License-Identifier: MIT */
/* Terminals that are hung up (vhangup(2), TIOCVHANGUP), the console's output elsewhere (TIOCCONS), System V's termio. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define TRY(call)  result(#call, call)
#define HANGUP     0x5437 /* TIOCVHANGUP */
#define GET_TERMIO 0x5405 /* TCGETA */

struct termio_old {
    unsigned short iflag, oflag, cflag, lflag;
    unsigned char line, cc[8];
};

static int master, slave;

static void make(int flags)
{
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    grantpt(master);
    unlockpt(master);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | flags);
}

static void drop(void)
{
    close(slave);
    close(master);
}

static void show_termio(const char *what, int fd)
{
    struct termio_old t;
    memset(&t, 0xee, sizeof t);
    long r = ioctl(fd, GET_TERMIO, &t);
    printf("%s: %ld iflag %o oflag %o cflag %o lflag %o line %d cc", what, r, t.iflag, t.oflag,
           t.cflag, t.lflag, t.line);
    for (int i = 0; i < 8; i++)
        printf(" %d", t.cc[i]);
    printf("\n");
}

static void termio(void)
{
    struct termio_old t;
    struct termios full;
    make(O_NONBLOCK);
    show_termio("at first", slave);
    ioctl(slave, GET_TERMIO, &t);
    t.lflag &= (unsigned short)~(ICANON | ECHO);
    t.cc[6] = 5;
    t.cc[0] = 7;
    TRY(ioctl(slave, 0x5406, &t));
    for (int command = 0x5406; command <= 0x5408; command++) { /* TCSETA, TCSETAW, TCSETAF */
        int n = 0;
        write(master, "typed", 5);
        for (int i = 0; i < 5000 && ioctl(slave, FIONREAD, &n) == 0 && n < 5; i++)
            usleep(1000); /* on Linux they cross a work queue */
        t.cc[5] = (unsigned char)(command & 1);
        printf("command %#x: ", (unsigned)command);
        TRY(ioctl(slave, (unsigned long)command, &t));
        show_termio("then", slave);
        show_termio("of the master", master);
        n = -1;
        ioctl(slave, FIONREAD, &n);
        printf("left %d\n", n);
        tcgetattr(slave, &full);
        printf("full: %o %o %o %o; %d %d %d\n", (unsigned)full.c_iflag, (unsigned)full.c_oflag,
               (unsigned)full.c_cflag, (unsigned)full.c_lflag, full.c_cc[0], full.c_cc[6],
               full.c_cc[8]);
        tcflush(slave, TCIFLUSH);
    }
    TRY(ioctl(slave, 0x5406, (void *)8));
    TRY(ioctl(slave, GET_TERMIO, (void *)8));
    drop();
}

static void ask(const char *what, int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    char c;
    int n = 0, group = 0;
    printf("%s:\n", what);
    result("  poll", poll(&p, 1, 0));
    printf("  events %#x\n", p.revents);
    result("  read", read(fd, &c, 1));
    result("  write", write(fd, "w", 1));
    result("  FIONREAD", ioctl(fd, FIONREAD, &n));
    result("  TIOCSPGRP", ioctl(fd, TIOCSPGRP, &group));
    result("  TIOCEXCL", ioctl(fd, TIOCEXCL));
}

static void *sleeps(void *unused)
{
    char c;
    long r = read(slave, &c, 1);
    printf("the sleeping read: %ld, %s\n", r, r < 0 ? strerror(errno) : "");
    return unused;
}

static void by_request(void)
{
    pthread_t thread;
    make(0);
    int other = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct termios raw;
    tcgetattr(slave, &raw);
    raw.c_lflag = 0;
    tcsetattr(slave, TCSANOW, &raw);
    pthread_create(&thread, NULL, sleeps, NULL);
    usleep(100000);
    int r = ioctl(other, HANGUP);
    pthread_join(thread, NULL);
    result("TIOCVHANGUP", r);
    ask("the slave", slave);
    ask("another file of it", other);
    int again = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
    truth("it can be opened again", again >= 0);
    tcgetattr(again, &raw);
    printf("lflag %o\n", (unsigned)raw.c_lflag);
    TRY(write(again, "x", 1));
    close(again);
    close(other);
    drop();
}

static volatile sig_atomic_t hups, conts;

static void on_signal(int signal)
{
    if (signal == SIGHUP)
        hups++;
    else
        conts++;
}

/* In a session of its own, whose terminal is the slave. */
static int session(void)
{
    setsid();
    make(0);
    TRY(ioctl(slave, TIOCSCTTY, 0));
    signal(SIGHUP, on_signal);
    signal(SIGCONT, on_signal);
    TRY(open("/dev/tty", O_RDWR) >= 0);
    TRY(syscall(SYS_vhangup));
    usleep(100000);
    printf("SIGHUP %d SIGCONT %d\n", hups, conts);
    TRY(open("/dev/tty", O_RDWR));
    ask("the slave", slave);
    syscall(SYS_setresuid, 1000, 1000, 1000);
    TRY(syscall(SYS_vhangup));
    drop();
    make(O_NONBLOCK);
    TRY(ioctl(slave, HANGUP));
    TRY(ioctl(slave, TIOCCONS));
    return 0;
}

static void forked(int (*part)(void))
{
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int r = part();
        fflush(stdout);
        _exit(r);
    }
    waitpid(pid, &status, 0);
    printf("status %#x\n", status);
}

/* Only in Ouro: the console of a computer in use is left alone. */
static int redirected(void)
{
    char got[8] = "";
    int to = open("/dev/console", O_RDWR | O_NOCTTY);
    int ok = ioctl(slave, TIOCCONS) == 0 && ioctl(slave, TIOCCONS) == -1 && errno == EBUSY;
    ok = ok && write(to, "said", 4) == 4 && read(master, got, sizeof got) == 4;
    ok = ok && memcmp(got, "said", 4) == 0 && ioctl(to, TIOCCONS) == 0;
    ok = ok && read(master, got, sizeof got) == -1 && ioctl(slave, TIOCCONS) == 0;
    ok = ok && ioctl(slave, HANGUP) == 0; /* which ends it, too */
    close(to);
    return ok;
}

static void console(void)
{
    make(O_NONBLOCK);
    int reads = open(ptsname(master), O_RDONLY | O_NOCTTY | O_NONBLOCK);
    TRY(ioctl(master, TIOCCONS));
    TRY(ioctl(reads, TIOCCONS));
    truth("the console's output goes to the terminal",
          access("/proc/ouro", F_OK) < 0 || redirected());
    drop();
    close(reads);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    termio();
    by_request();
    forked(session);
    console();
    return 0;
}
