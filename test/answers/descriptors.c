/* SPDX-License-Identifier: MIT */
/* descriptors.c: the open files that calls are asked with. */
#define _GNU_SOURCE
#include "answers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Names of descriptors, in the order of their numbers from FD_FIRST on, and how each is made. */
static const struct {
    const char *name;
    const char *path; /* opened with the flags; NULL: made by make_other() */
    int flags;
} descriptors[] = {
    {"rw", "file", O_RDWR},
    {"ro", "file", O_RDONLY},
    {"wo", "file", O_WRONLY},
    {"ap", "file", O_RDWR | O_APPEND},
    {"opath", "file", O_PATH},
    {"dir", "dir", O_RDONLY},
    {"pdir", "dir", O_PATH},
    {"null", "/dev/null", O_RDWR},
    {"zero", "/dev/zero", O_RDWR},
    {"full", "/dev/full", O_RDWR},
    {"rnd", "/dev/urandom", O_RDWR},
    {"proc", "/proc/self/comm", O_RDONLY},
    {"pcdir", "/proc/self", O_RDONLY},
    {"piper", NULL, 0}, /* a pipe with data: the end to read */
    {"pipew", NULL, 0},
    {"pipee", NULL, 0}, /* an empty pipe */
    {"pipef", NULL, 0}, /* the end to write of a full pipe */
    {"piped", NULL, 0}, /* the end to write of a pipe without a reader */
    {"pipeh", NULL, 0}, /* the end to read of an empty pipe without a writer */
    {"sock", NULL, 0},  /* connected, with data to read */
    {"dgram", NULL, 0},
    {"nosock", NULL, 0}, /* not connected */
    {"lsock", NULL, 0},  /* listens */
    {"ev", NULL, 0},
    {"tm", NULL, 0},
    {"sg", NULL, 0},
    {"ep", NULL, 0},
    {"in", NULL, 0},
    {"ptm", NULL, 0},
    {"pts", NULL, 0},
    {"mem", NULL, 0},
    {"seal", NULL, 0},
    {"rwnb", "file", O_RDWR | O_NONBLOCK},
    {"tcp", NULL, 0}, /* of AF_INET, neither bound nor connected */
    {"udp", NULL, 0},
    {"udp6", NULL, 0},
};
enum {
    DESCRIPTORS = sizeof descriptors / sizeof *descriptors
};
_Static_assert(FD_FIRST + DESCRIPTORS <= FD_END, "numbers");

const char *descriptor_name(int number)
{
    int i = number - FD_FIRST;
    return i >= 0 && i < DESCRIPTORS ? descriptors[i].name : NULL;
}

static int named(const char *name)
{
    for (int i = 0; i < DESCRIPTORS; i++)
        if (strcmp(descriptors[i].name, name) == 0)
            return FD_FIRST + i;
    return -1;
}

static void place(long fd, const char *name)
{
    if (fd < 0)
        give_up("%s cannot be made: %s", name, errno_name(-fd));
    RAW(SYS_dup2, fd, named(name));
    RAW(SYS_close, fd);
}

static void make_pair(const char *name)
{
    int two[2], peer = FD_END + named(name) - named("piper");
    static char bytes[65536];
    if (strcmp(name, "sock") == 0 || strcmp(name, "dgram") == 0) {
        RAW(SYS_socketpair, AF_UNIX, name[0] == 's' ? SOCK_STREAM : SOCK_DGRAM, 0, two);
        RAW(SYS_write, two[1], "socket data", 11);
        place(two[0], name);
        RAW(SYS_dup2, two[1], peer); /* it stays */
        RAW(SYS_close, two[1]);
        return;
    }
    RAW(SYS_pipe, two);
    bool writes =
        strcmp(name, "pipew") == 0 || strcmp(name, "pipef") == 0 || strcmp(name, "piped") == 0;
    if (strcmp(name, "piper") == 0)
        RAW(SYS_write, two[1], "pipe data", 9);
    if (strcmp(name, "pipef") == 0)
        RAW(SYS_write, two[1], bytes, sizeof bytes);
    place(two[writes], name);
    if (strcmp(name, "piped") != 0 && strcmp(name, "pipeh") != 0)
        RAW(SYS_dup2, two[!writes], peer);
    RAW(SYS_close, two[!writes]);
}

static void make_pty(void)
{
    int zero = 0, number = 0;
    long master = RAW(SYS_open, "/dev/ptmx", O_RDWR | O_NOCTTY);
    if (master < 0)
        give_up("/dev/ptmx: %s", errno_name(-master));
    RAW(SYS_ioctl, master, TIOCSPTLCK, &zero);
    RAW(SYS_ioctl, master, TIOCGPTN, &number);
    char path[32];
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    place(RAW(SYS_open, path, O_RDWR | O_NOCTTY), "pts");
    place(master, "ptm");
}

static void make_socket(const char *name)
{
    long fd = RAW(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    place(fd, name);
    if (name[0] != 'l')
        return;
    struct sockaddr_un at = {AF_UNIX, "\0answers"};
    RAW(SYS_bind, named(name), &at, 10);
    RAW(SYS_listen, named(name), 1);
}

static void make_other(const char *name)
{
    uint64_t mask = 1ul << (SIGUSR1 - 1);
    if (strncmp(name, "pipe", 4) == 0 || strcmp(name, "sock") == 0 || strcmp(name, "dgram") == 0)
        make_pair(name);
    else if (strcmp(name, "nosock") == 0 || strcmp(name, "lsock") == 0)
        make_socket(name);
    else if (strcmp(name, "tcp") == 0)
        place(RAW(SYS_socket, AF_INET, SOCK_STREAM, 0), name);
    else if (strncmp(name, "udp", 3) == 0)
        place(RAW(SYS_socket, name[3] ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), name);
    else if (strncmp(name, "pt", 2) == 0)
        make_pty();
    else if (strcmp(name, "ev") == 0)
        place(RAW(SYS_eventfd2, 3, 0), name);
    else if (strcmp(name, "tm") == 0)
        place(RAW(SYS_timerfd_create, CLOCK_MONOTONIC, 0), name);
    else if (strcmp(name, "sg") == 0)
        place(RAW(SYS_signalfd4, -1, &mask, 8, 0), name);
    else if (strcmp(name, "ep") == 0)
        place(RAW(SYS_epoll_create1, 0), name);
    else if (strcmp(name, "in") == 0)
        place(RAW(SYS_inotify_init1, 0), name);
    else {
        place(RAW(SYS_memfd_create, "m", MFD_ALLOW_SEALING), name);
        RAW(SYS_write, named(name), "memory file data", 16);
        RAW(SYS_lseek, named(name), 0, SEEK_SET);
        if (name[0] == 's')
            RAW(SYS_fcntl, named(name), F_ADD_SEALS,
                F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    }
}

int descriptor_of(const char *text)
{
    int number = named(text);
    if (number < 0 || RAW(SYS_fcntl, number, F_GETFD) >= 0)
        return number;
    const char *path = descriptors[number - FD_FIRST].path;
    if (path)
        place(RAW(SYS_open, path, descriptors[number - FD_FIRST].flags), text);
    else
        make_other(text);
    return number;
}
