/* SPDX-License-Identifier: MIT */
/*
 * Corners of fcntl(2) and rename(2): F_NOTIFY, the hints of F_SET_RW_HINT, RENAME_WHITEOUT, and how long a lease that is
 * being broken lasts (/proc/sys/fs/lease-break-time).
 */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define TRY(call)  result(#call, call)
#define NOTIFY     1026 /* F_NOTIFY */
#define MULTI      0x80000000u
#define GET_HINT   1035
#define SET_HINT   1036
#define BREAK_TIME "/proc/sys/fs/lease-break-time"

static sigset_t both;

/* The signals of the folder's events so far. */
static void events(const char *what, int fd)
{
    siginfo_t info;
    struct timespec none = {0, 0};
    int n, count = 0;
    printf("%s:", what);
    while ((n = sigtimedwait(&both, &info, &none)) > 0) {
        printf(" %s", n == SIGIO ? "SIGIO" : "SIGRTMIN");
        if (n != SIGIO)
            printf(" code %d band %#lx %s;", info.si_code, info.si_band,
                   info.si_fd == fd ? "fd" : "another fd");
        count++;
    }
    printf(" %d\n", count);
}

static void touch(const char *path)
{
    close(open(path, O_CREAT | O_WRONLY, 0644));
}

static void directory(void)
{
    mkdir("/tmp/d", 0755);
    mkdir("/tmp/d/below", 0755);
    touch("/tmp/d/old");
    int file = open("/tmp/d/old", O_RDWR), d = open("/tmp/d", O_RDONLY),
        path = open("/tmp/d", O_PATH);
    TRY(fcntl(file, NOTIFY, DN_CREATE));
    TRY(fcntl(path, NOTIFY, DN_CREATE));
    TRY(fcntl(d, NOTIFY, 0));
    TRY(fcntl(d, NOTIFY, DN_CREATE));
    truth("the owner is this process", fcntl(d, F_GETOWN) == getpid());
    touch("/tmp/d/new");
    events("created", d);
    touch("/tmp/d/new2");
    events("once only", d);
    TRY(fcntl(d, F_SETSIG, SIGRTMIN));
    TRY(fcntl(d, NOTIFY,
              DN_CREATE | DN_DELETE | DN_RENAME | DN_MODIFY | DN_ACCESS | DN_ATTRIB | MULTI));
    events("nothing yet", d);
    touch("/tmp/d/new3");
    events("created", d);
    write(file, "x", 1);
    events("written", d);
    lseek(file, 0, SEEK_SET);
    char c;
    read(file, &c, 1);
    events("read", d);
    fchmod(file, 0600);
    events("changed", d);
    chmod("/tmp/d", 0700);
    events("changed itself", d);
    rename("/tmp/d/new", "/tmp/d/newer");
    events("renamed within", d);
    rename("/tmp/d/newer", "/tmp/d/below/moved");
    events("moved away", d);
    rename("/tmp/d/below/moved", "/tmp/d/newer");
    events("moved here", d);
    unlink("/tmp/d/newer");
    events("removed", d);
    touch("/tmp/d/below/deeper");
    events("created below", d);
    TRY(fcntl(d, NOTIFY, MULTI));
    touch("/tmp/d/new4");
    events("given up", d);
    TRY(fcntl(d, NOTIFY, DN_DELETE | MULTI));
    int again = open("/tmp/d", O_RDONLY);
    TRY(fcntl(again, F_SETSIG, SIGRTMIN));
    TRY(fcntl(again, NOTIFY, DN_DELETE | DN_CREATE));
    unlink("/tmp/d/new4");
    events("two of them", d);
    close(d);
    unlink("/tmp/d/new3");
    events("closed", d);
    close(again);
    close(file);
    close(path);
}

static void hint(const char *what, int fd)
{
    uint64_t value = 99;
    long r = fcntl(fd, GET_HINT, &value);
    printf("%s: %ld, hint %lu\n", what, r, (unsigned long)value);
}

static void hints(void)
{
    int fd = open("/tmp/hinted", O_CREAT | O_RDWR, 0644), only = open("/tmp/hinted", O_RDONLY);
    uint64_t value = 3, wrong = 6;
    hint("at first", fd);
    TRY(fcntl(only, SET_HINT, &value));
    hint("set by a reader", fd);
    TRY(fcntl(fd, SET_HINT, &wrong));
    TRY(fcntl(fd, SET_HINT, (uint64_t *)8));
    TRY(fcntl(fd, GET_HINT, (uint64_t *)8));
    hint("after errors", only);
    close(only);
    close(fd);
}

static long rename2(const char *from, const char *to, unsigned flags)
{
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void about(const char *path)
{
    struct stat s;
    if (lstat(path, &s) < 0) {
        printf("%s: %s\n", path, strerror(errno));
        return;
    }
    printf("%s: mode %o device %u:%u links %lu size %ld\n", path, s.st_mode, major(s.st_rdev),
           minor(s.st_rdev), (unsigned long)s.st_nlink, S_ISREG(s.st_mode) ? (long)s.st_size : 0L);
}

#define NOREPLACE 1u
#define EXCHANGE  2u
#define WHITEOUT  4u

static void whiteouts(void)
{
    mkdir("/tmp/u", 0755);
    mkdir("/tmp/u/sub", 0755);
    touch("/tmp/u/a");
    touch("/tmp/u/b");
    TRY(rename2("/tmp/u/a", "/tmp/u/sub/a", WHITEOUT));
    about("/tmp/u/a");
    about("/tmp/u/sub/a");
    TRY(rename2("/tmp/u/b", "/tmp/u/sub/a", WHITEOUT | NOREPLACE));
    TRY(rename2("/tmp/u/b", "/tmp/u/sub/a", WHITEOUT | EXCHANGE));
    TRY(rename2("/tmp/u/b", "/tmp/u/sub/a", WHITEOUT));
    about("/tmp/u/b");
    TRY(open("/tmp/u/b", O_RDONLY));
    TRY(rename2("/tmp/u/sub", "/tmp/u/moved", WHITEOUT));
    about("/tmp/u/sub");
    about("/tmp/u/moved");
    about("/tmp/u");
    TRY(rename2("/tmp/u/a", "/tmp/u/c", 0));
    about("/tmp/u/c");
    TRY(unlink("/tmp/u/c"));
    TRY(unlink("/tmp/u/b"));
    TRY(rename2("/tmp/u/moved", "/tmp/u/moved", WHITEOUT));
    about("/tmp/u/moved");
}

static long set_time(const char *text)
{
    int fd = open(BREAK_TIME, O_WRONLY);
    long r = write(fd, text, strlen(text));
    close(fd);
    return r;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* On Linux the time is that of a computer in use: it is only looked at. */
static void lease_time(void)
{
    char before[32] = "";
    bool here = access("/proc/ouro", F_OK) == 0;
    int fd = open(BREAK_TIME, O_RDONLY);
    read(fd, before, sizeof before - 1);
    close(fd);
    printf("before: %s", before);
    truth("no text", !here || (set_time("x") == -1 && errno == EINVAL));
    truth("set", !here || set_time("1\n") == 2);
    touch("/tmp/leased");
    fd = open("/tmp/leased", O_RDONLY);
    TRY(fcntl(fd, F_SETLEASE, F_RDLCK));
    double start = now();
    int other = open("/tmp/leased", here ? O_WRONLY : O_WRONLY | O_NONBLOCK);
    double took = now() - start;
    truth("the other waits", here ? other >= 0 : errno == EWOULDBLOCK);
    truth("for a second", !here || (took > 0.9 && took < 20));
    events("of the lease", fd);
    TRY(fcntl(fd, F_GETLEASE));
    truth("set back", !here || set_time(before) == (long)strlen(before));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    sigemptyset(&both);
    sigaddset(&both, SIGIO);
    sigaddset(&both, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &both, NULL);
    directory();
    hints();
    whiteouts();
    lease_time();
    return 0;
}
