/* SPDX-License-Identifier: MIT */
/* Pseudoterminals: creation, the line discipline between the ends, sessions, hangup. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;
static char buffer[100000];
static volatile int caught[65];

static void catch (int number)
{
    caught[number]++;
}

/* Reads until `want` bytes have come or no more will: what crosses a pty on Linux comes by a work queue, in pieces and a moment
 * after the write. Returns how many came, or -1. */
static ssize_t gathered(int fd, ssize_t want)
{
    ssize_t total = 0, n;
    do {
        struct pollfd p = {fd, POLLIN, 0};
        poll(&p, 1, total < want ? 5000 : 0);
        n = read(fd, buffer + total, sizeof buffer - total);
        total += n > 0 ? n : 0;
    } while (n > 0 && total < want);
    return total ? total : n;
}

/* Prints what comes from `fd`, which is `want` bytes: 0 for none. */
static void shown(const char *what, int fd, ssize_t want)
{
    ssize_t n = gathered(fd, want);
    printf("%s: %zd '", what, n);
    if (n < 0)
        printf("%s", strerror(errno));
    for (ssize_t i = 0; i < n && i < 100; i++)
        printf(buffer[i] < 32 || buffer[i] == 127 ? "\\x%02x" : "%c", (unsigned char)buffer[i]);
    puts("'");
}

static void events(const char *what, int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0};
    int r = poll(&p, 1, 0);
    printf("%s: %d events %#x\n", what, r, p.revents);
}

static void making(void)
{
    int number = -1, value = -1;
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    truth("open", master >= 0);
    truth("is a terminal", isatty(master));
    result("number", ioctl(master, TIOCGPTN, &number));
    truth("number", number >= 0);
    result("lock", ioctl(master, TIOCGPTLCK, &value));
    printf("%d\n", value);
    events("fresh", master);
    char *name = ptsname(master), expected[32];
    snprintf(expected, sizeof expected, "/dev/pts/%d", number);
    truth("name", name && strcmp(name, expected) == 0);
    result("open the locked slave", open(name, O_RDWR | O_NOCTTY));
    result("grant", grantpt(master));
    result("unlock", unlockpt(master));
    slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    truth("slave", slave >= 0);
    printf("flags %o\n", fcntl(slave, F_GETFL) & (O_NOCTTY | O_NONBLOCK));
    struct stat a, b;
    fstat(slave, &a);
    stat(name, &b);
    truth("same node", a.st_rdev == b.st_rdev && a.st_ino == b.st_ino);
    printf("type %o device %d\n", a.st_mode & S_IFMT, (int)(a.st_rdev >> 8));
    truth("ttyname", ttyname(slave) && strcmp(ttyname(slave), name) == 0);
    result("no device", open("/dev/pts/9999", O_RDWR));
    int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    truth("peer", peer >= 0 && isatty(peer));
    close(peer);
    result("lseek", lseek(slave, 0, SEEK_CUR));
    result("session of nobody", ioctl(slave, TIOCGSID, &value));
    result("group of nobody", ioctl(slave, TIOCGPGRP, &value));
}

static void lines(void)
{
    struct termios t;
    tcgetattr(slave, &t);
    printf("%x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
    result("half a line", write(master, "hal", 3));
    shown("not yet", slave, 0);
    result("the rest", write(master,
                             "f\x7f"
                             "ve\n",
                             5));
    shown("a line", slave, 6);
    shown("its echo", master, 11);
    result("output", write(slave, "one\ntwo\n", 8));
    shown("made ready", master, 10);
    shown("no more", master, 0);
    events("master", master);
    events("slave", slave);
    write(master,
          "a\x04"
          "b\x04\x04",
          5);
    shown("ended by ^D", slave, 1);
    shown("again", slave, 1);
    shown("end of file", slave, 1);
    shown("nothing", slave, 0);
    shown("echo", master, 2);
    write(master, "two\nlines\n", 10);
    int n = -1;
    while (ioctl(slave, FIONREAD, &n) == 0 && n < 10)
        usleep(1000);
    printf("%d to read\n", n);
    shown("one at a time", slave, 4);
    tcflush(slave, TCIFLUSH);
    shown("flushed", slave, 0);
    tcflush(master, TCIOFLUSH);
    read(master, buffer, sizeof buffer);
}

static void raw(void)
{
    struct termios t;
    tcgetattr(slave, &t);
    cfmakeraw(&t);
    t.c_cc[VMIN] = 1;
    result("raw", tcsetattr(slave, TCSAFLUSH, &t));
    write(master, "x\r\x03", 3);
    shown("raw bytes", slave, 3);
    shown("no echo", master, 0);
    write(slave, "a\nb", 3);
    shown("as they are", master, 3);
    memset(buffer, 'r', sizeof buffer);
    long total = 0, r;
    while ((r = write(slave, buffer, 1000)) > 0)
        total += r;
    result("full", r);
    truth("something went in", total >= 2000 && total < 100000);
    truth("all came out", gathered(master, total) == total);
    for (total = 0; (r = write(master, buffer, 1000)) > 0;)
        total += r;
    truth("typing stops too", total >= 2000 && total < 100000);
    truth("all of it is read", gathered(slave, total) == total);
    tcgetattr(master, &t);
    printf("the master's are the slave's: %x\n", t.c_lflag);
    t.c_lflag = ICANON | ISIG | ECHO;
    t.c_iflag = ICRNL;
    tcsetattr(master, TCSANOW, &t);
}

static void sessions(void)
{
    struct winsize w = {10, 20, 0, 0};
    pid_t group;
    int other;
    signal(SIGINT, catch);
    signal(SIGWINCH, catch);
    signal(SIGHUP, catch);
    signal(SIGCONT, catch);
    result("control", ioctl(slave, TIOCSCTTY, 0));
    other = open("/dev/tty", O_RDWR);
    truth("/dev/tty", other >= 0);
    truth("my session", tcgetsid(slave) == getsid(0));
    truth("my group", tcgetpgrp(slave) == getpgrp());
    truth("from the master", ioctl(master, TIOCGPGRP, &group) == 0 && group == getpgrp());
    result("a group that is not there", tcsetpgrp(slave, 99999));
    result("my own group", tcsetpgrp(slave, getpgrp()));
    write(master, "gone\x03", 5);
    while (!caught[SIGINT])
        usleep(1000);
    printf("SIGINT %d\n", caught[SIGINT]);
    shown("flushed", slave, 0);
    shown("echo", master, 1);
    result("window", ioctl(master, TIOCSWINSZ, &w));
    while (!caught[SIGWINCH])
        usleep(1000);
    printf("SIGWINCH %d\n", caught[SIGWINCH]);
    result("the same", ioctl(slave, TIOCSWINSZ, &w));
    memset(&w, 0, sizeof w);
    ioctl(other, TIOCGWINSZ, &w);
    printf("%d x %d, SIGWINCH %d\n", w.ws_row, w.ws_col, caught[SIGWINCH]);
    result("through /dev/tty", write(other, "hello", 5));
    shown("arrives", master, 5);
    close(other);
}

static void *late(void *unused)
{
    (void)unused;
    usleep(20000);
    write(master, "late\n", 5);
    usleep(20000);
    close(master);
    return NULL;
}

static void hanging_up(void)
{
    int again;
    char name[64];
    strcpy(name, ptsname(master));
    close(slave);
    shown("no slave", master, 0);
    events("no slave", master);
    slave = open(name, O_RDWR | O_NOCTTY);
    events("a slave again", master);
    pthread_t thread;
    pthread_create(&thread, NULL, late, NULL);
    shown("waits", slave, 5);
    char byte; /* Linux ends a read that waits with EIO if it runs before the hang-up is complete */
    ssize_t size = read(slave, &byte, 1);
    truth("hung up", size == 0 || (size == -1 && errno == EIO));
    pthread_join(thread, NULL);
    while (!caught[SIGHUP])
        usleep(1000);
    truth("SIGHUP", caught[SIGHUP] > 0);
    shown("still", slave, 1);
    result("write", write(slave, "x", 1));
    events("hung up", slave);
    struct termios t;
    result("ioctl", tcgetattr(slave, &t));
    result("the node is gone", access(name, F_OK));
    result("no controlling terminal", open("/dev/tty", O_RDWR));
    close(slave);
    again = posix_openpt(O_RDWR);
    truth("another", again >= 0);
    close(again);
}

int main(void)
{
    setsid(); /* fails for process 1, which leads a session already */
    making();
    lines();
    raw();
    sessions();
    hanging_up();
    return 0;
}
