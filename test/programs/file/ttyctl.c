/* SPDX-License-Identifier: MIT */
/* Terminals by ioctl(): packet mode, flushing, a full pty, flow control, the smaller requests. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* By number: musl lacks some of the names. */
#define GETS2        0x802c542a
#define SETS2        0x402c542b
#define GPKT         0x80045438
#define GEXCL        0x80045440
#define GDEV         0x80045432
#define SIG          0x40045436
#define EXTERNAL     0x10000 /* EXTPROC */
#define SPEED_BOTHER 0x1000

static int master, slave;
static char buffer[100000];

static void make(void)
{
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    grantpt(master);
    unlockpt(master);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
}

static void drop(void)
{
    close(slave);
    close(master);
}

/* Waits until `bytes` can be read: on Linux they cross a work queue. */
static void wait_for(int fd, int bytes)
{
    int n = 0;
    for (int i = 0; i < 5000 && ioctl(fd, FIONREAD, &n) == 0 && n < bytes; i++)
        usleep(1000);
}

static void shown(const char *what, int fd, int want)
{
    wait_for(fd, want);
    ssize_t n = read(fd, buffer, sizeof buffer);
    printf("%s: %zd '", what, n);
    if (n < 0)
        printf("%s", strerror(errno));
    for (ssize_t i = 0; i < n && i < 100; i++)
        printf(buffer[i] < 32 || buffer[i] == 127 ? "\\x%02x" : "%c", (unsigned char)buffer[i]);
    puts("'");
}

static void events(const char *what, int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};
    int r = poll(&p, 1, 0);
    printf("%s: %d events %#x\n", what, r, p.revents);
}

/* The status byte, which may come a moment after the write. */
static void status(const char *what)
{
    struct pollfd p = {master, POLLPRI, 0};
    poll(&p, 1, 5000);
    events(what, master);
    shown(what, master, 0);
}

static void change(tcflag_t input, tcflag_t local, int on)
{
    struct termios t;
    tcgetattr(slave, &t);
    t.c_iflag = on ? t.c_iflag | input : t.c_iflag & ~input;
    t.c_lflag = on ? t.c_lflag | local : t.c_lflag & ~local;
    tcsetattr(slave, TCSANOW, &t);
}

static void packets(void)
{
    int on = 1, value = -1;
    make();
    change(0, ECHO, 0);
    result("get", ioctl(master, GPKT, &value));
    printf("%d\n", value);
    result("set", ioctl(master, TIOCPKT, &on));
    result("get", ioctl(master, GPKT, &value));
    printf("%d\n", value);
    result("on the terminal", ioctl(slave, TIOCPKT, &on));
    result("from nowhere", ioctl(master, TIOCPKT, 8));
    events("nothing", master);
    shown("nothing", master, 0);
    write(slave, "data", 4);
    shown("data", master, 4);
    write(slave, "data", 4);
    wait_for(master, 4);
    printf("of 1: %zd", read(master, buffer, 1));
    printf(" %d\n", buffer[0]);
    printf("of 3: %zd", read(master, buffer, 3));
    printf(" %d %.2s\n", buffer[0], buffer + 1);
    shown("the rest", master, 2);
    tcflush(slave, TCIFLUSH);
    status("flush of input");
    tcflush(slave, TCOFLUSH);
    status("flush of output");
    tcflush(slave, TCIOFLUSH);
    status("of both");
}

static void packets_of_flow(void)
{
    write(slave, "behind", 6);
    wait_for(master, 6);
    tcflow(slave, TCOOFF);
    status("stopped");
    shown("data", master, 6);
    tcflow(slave, TCOON);
    status("started");
    tcflow(slave, TCOOFF);
    tcflow(slave, TCOON);
    status("both");
    write(master, "\x13", 1);
    status("^S");
    result("a write", write(slave, "x", 1));
    events("stopped", slave);
    write(master, "\x11", 1);
    status("^Q");
}

static void packets_of_changes(void)
{
    int on = 1, off = 0;
    change(IXON, 0, 0);
    status("no flow control");
    change(IXON, 0, 1);
    status("flow control");
    change(0, EXTERNAL, 1);
    status("external");
    change(0, EXTERNAL, 0);
    status("not external");
    change(0, ICANON, 0);
    events("raw", master);
    change(0, ICANON, 1);
    struct termios t;
    tcgetattr(slave, &t);
    tcsetattr(slave, TCSAFLUSH, &t);
    status("TCSAFLUSH");
    write(master, "\x03", 1);
    status("^C");
    change(0, NOFLSH, 1);
    write(master, "\x03", 1);
    events("^C with NOFLSH", master);
    tcflush(slave, TCIFLUSH);
    result("off", ioctl(master, TIOCPKT, &off));
    events("nothing", master);
    result("on", ioctl(master, TIOCPKT, &on));
    events("forgotten", master);
    tcflush(slave, TCIFLUSH);
    close(slave);
    struct pollfd p = {master, POLLIN, 0};
    poll(&p, 1, 1000);
    events("left", master);
    shown("left", master, 0);
    shown("left", master, 0);
    close(master);
}

static void fill(const char *what, int fd, const char *piece, int size)
{
    long total = 0, r;
    int tries = 0;
    do {
        r = write(fd, piece, size);
        total += r > 0 ? r : 0;
        if (r < 0)
            usleep(2000); /* Linux's other thread moves bytes on */
    } while ((r > 0 || ++tries < 20) && total < 200000);
    printf("%s: %s, %s\n", what, total > 16384 ? "more than 16384" : "little",
           total < 40000 ? "less than 40000" : "all");
}

static long count(int fd)
{
    long total = 0, r;
    for (int tries = 0; tries < 20; tries += r < 0) {
        r = read(fd, buffer, sizeof buffer);
        total += r > 0 ? r : 0;
        if (r < 0)
            usleep(2000);
    }
    return total;
}

static int watch(int fd, uint32_t wanted)
{
    struct epoll_event e = {wanted | EPOLLET, {.fd = fd}};
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
    while (epoll_wait(epoll, &e, 1, 0) > 0)
        ;
    return epoll;
}

static void flushed(const char *what, int epoll, int fd)
{
    struct epoll_event e = {0};
    struct pollfd p = {fd, POLLOUT, 0};
    result(what, epoll_wait(epoll, &e, 1, 5000));
    printf("%#x\n", e.events);
    result("poll", poll(&p, 1, 5000));
    close(epoll);
}

static void full(void)
{
    char line[100];
    memset(line, 'l', sizeof line);
    line[99] = '\n';
    make();
    change(0, ECHO, 0);
    fill("lines", master, line, 100);
    events("the master", master);
    shown("a line", slave, 100);
    truth("whole lines", count(slave) % 100 < 100);
    tcflush(slave, TCIOFLUSH);
    change(0, ICANON, 0);
    fill("raw", master, line, 100);
    int epoll = watch(master, EPOLLOUT);
    tcflush(slave, TCIFLUSH);
    flushed("flushed by the reader", epoll, master);
    shown("nothing", slave, 0);
    fill("raw", master, line, 100);
    tcflush(master, TCOFLUSH);
    truth("a line's worth is left", count(slave) == 4095);
    change(0, ICANON, 1);
    fill("a line without an end", master, line, 99);
    write(master, "\n", 1);
    truth("cut", read(slave, buffer, sizeof buffer) > 0);
    fill("output", slave, line, 99);
    truth("output", count(master) > 0);
    drop();
}

static void *write_much(void *unused)
{
    (void)unused;
    fcntl(master, F_SETFL, O_RDWR);
    return (void *)write(master, buffer, 60000);
}

/* A writer that sleeps in the middle goes on when the reader discards. */
static void sleeper(void)
{
    pthread_t thread;
    void *written;
    make();
    change(0, ICANON | ECHO, 0);
    memset(buffer, 's', sizeof buffer);
    pthread_create(&thread, NULL, write_much, NULL);
    for (int i = 0; i < 100; i++) {
        usleep(2000);
        tcflush(slave, TCIFLUSH);
    }
    pthread_join(thread, &written);
    result("all is written", (long)written);
    drop();
}

static void small(void)
{
    struct stat s;
    int n = -1;
    make();
    result("GETD", ioctl(slave, TIOCGETD, &n));
    printf("%d\n", n);
    result("SETD", ioctl(slave, TIOCSETD, &n));
    n = 99;
    result("SETD 99", ioctl(slave, TIOCSETD, &n));
    result("MGET", ioctl(slave, TIOCMGET, &n));
    result("MSET", ioctl(slave, TIOCMSET, &n));
    result("GSERIAL", ioctl(slave, TIOCGSERIAL, buffer));
    fstat(slave, &s);
    result("GDEV", ioctl(slave, GDEV, &n));
    truth("device", major(s.st_rdev) == 136 && n == (int)s.st_rdev);
    result("GDEV of the master", ioctl(master, GDEV, &n));
    truth("device", n == (int)s.st_rdev);
    result("OUTQ", ioctl(slave, TIOCOUTQ, &n));
    printf("%d\n", n);
    result("EXCL", ioctl(slave, TIOCEXCL));
    result("GEXCL", ioctl(slave, GEXCL, &n));
    printf("%d\n", n);
    result("NXCL", ioctl(slave, TIOCNXCL));
    result("GEXCL", ioctl(slave, GEXCL, &n));
    printf("%d\n", n);
    result("SBRK", ioctl(slave, TCSBRK, 1));
    result("SBRKP", ioctl(slave, TCSBRKP, 1));
    result("break on", ioctl(slave, TIOCSBRK));
    result("break off", ioctl(slave, TIOCCBRK));
    result("CONS by the master", ioctl(master, TIOCCONS));
    result("XONC 9", ioctl(slave, TCXONC, 9));
    result("FLSH 9", ioctl(slave, TCFLSH, 9));
    result("unknown", ioctl(slave, 0x5499, &n));
    result("GPTN of the slave", ioctl(slave, TIOCGPTN, &n));
    result("SIG 2", ioctl(master, SIG, 2));
    result("SIG 9", ioctl(master, SIG, 9));
    result("SIG of the slave", ioctl(slave, SIG, 2));
}

/* Of the terminal of small(): what is locked does not change: bits of the flags, whole characters. */
static void locked(void)
{
    struct termios t;
    uint32_t lock[9] = {0}, seen[9];
    memset(seen, 0xff, sizeof seen);
    result("GLCK", ioctl(slave, TIOCGLCKTRMIOS, seen));
    printf("%d\n", memcmp(seen, lock, sizeof lock));
    lock[3] = ISIG | ICANON;
    ((unsigned char *)&lock[4])[1 + VINTR] = 1;
    result("SLCK", ioctl(slave, TIOCSLCKTRMIOS, lock));
    result("GLCK of the master", ioctl(master, TIOCGLCKTRMIOS, seen));
    printf("%d\n", memcmp(seen, lock, sizeof lock));
    tcgetattr(slave, &t);
    t.c_lflag &= ~(tcflag_t)(ISIG | ICANON | ECHO);
    t.c_cc[VINTR] = 7;
    t.c_cc[VQUIT] = 8;
    result("SETS", tcsetattr(slave, TCSANOW, &t));
    tcgetattr(slave, &t);
    printf("lflag %x, intr %d, quit %d\n", t.c_lflag, t.c_cc[VINTR], t.c_cc[VQUIT]);
    memset(lock, 0, sizeof lock);
    result("SLCK of the master", ioctl(master, TIOCSLCKTRMIOS, lock));
    t.c_lflag &= ~(tcflag_t)ISIG;
    t.c_cc[VINTR] = 7;
    tcsetattr(slave, TCSANOW, &t);
    tcgetattr(slave, &t);
    printf("lflag %x, intr %d\n", t.c_lflag, t.c_cc[VINTR]);
    result("GLCK of no memory", ioctl(slave, TIOCGLCKTRMIOS, 8));
    result("SLCK of no memory", ioctl(slave, TIOCSLCKTRMIOS, 8));
    fflush(stdout);
    if (fork() == 0) {
        if (setuid(1000) != 0)
            _exit(1);
        result("SLCK of a user", ioctl(slave, TIOCSLCKTRMIOS, lock));
        result("GLCK of a user", ioctl(slave, TIOCGLCKTRMIOS, lock));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void speeds(void)
{
    struct termios t;
    uint32_t two[11];
    result("GETS2", ioctl(slave, GETS2, two));
    printf("%x %x %x %x %u %u\n", two[0], two[1], two[2], two[3], two[9], two[10]);
    two[2] = (two[2] & ~0x100fu) | SPEED_BOTHER;
    two[9] = two[10] = 12345;
    result("SETS2", ioctl(slave, SETS2, two));
    memset(two, 0, sizeof two);
    ioctl(slave, GETS2, two);
    printf("%x %u %u\n", two[2], two[9], two[10]);
    tcgetattr(slave, &t);
    cfsetspeed(&t, B115200);
    t.c_cflag = (t.c_cflag & ~CSIZE) | CS5 | PARENB;
    tcsetattr(slave, TCSANOW, &t);
    ioctl(slave, GETS2, two);
    printf("%x %u %u\n", two[2], two[9], two[10]);
    result("SETS2 from nowhere", ioctl(slave, SETS2, 8));
}

static void flows(void)
{
    result("TCIOFF", tcflow(slave, TCIOFF));
    result("TCION", tcflow(slave, TCION));
    shown("sent", master, 2);
    tcflow(slave, TCOOFF);
    write(master, "\x11", 1);
    events("^Q after TCOOFF", slave);
    tcflow(slave, TCOON);
    events("TCOON", slave);
    result("write", write(slave, "hello", 5));
    wait_for(master, 5);
    tcflush(slave, TCOFLUSH);
    shown("what has arrived stays", master, 5);
    write(slave, "hello", 5);
    wait_for(master, 5);
    tcflush(master, TCIFLUSH);
    shown("unless the reader discards it", master, 0);
    write(slave, "hello", 5);
    wait_for(master, 5);
    write(master, "abc", 3);
    wait_for(master, 8);
    write(master, "\x03", 1);
    shown("a signal character too", master, 10);
    result("STI", ioctl(slave, TIOCSTI, "\n"));
    result("STI from nowhere", ioctl(slave, TIOCSTI, 8));
    shown("typed", slave, 1);
    drop();
}

int main(void)
{
    signal(SIGHUP, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    packets();
    packets_of_flow();
    packets_of_changes();
    full();
    sleeper();
    small();
    locked();
    speeds();
    flows();
    return 0;
}
