/* SPDX-License-Identifier: MIT */
/* Limits: no more descriptors, names that are too long, loops of links, a folder with 100,000 files. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void descriptors(void)
{
    struct rlimit limit = {40, 4096}, was;
    int p[2] = {-7, -7}, s[2], fd, opened = 0;
    getrlimit(RLIMIT_NOFILE, &was);
    limit.rlim_max = was.rlim_max;
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un a = {AF_UNIX, "\0limits"};
    bind(listener, (struct sockaddr *)&a, 9);
    listen(listener, 1);
    connect(client, (struct sockaddr *)&a, 9);
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec v = {control, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_len = CMSG_LEN(sizeof(int));
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    sendmsg(s[0], &m, 0);
    result("limit", setrlimit(RLIMIT_NOFILE, &limit));
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        opened = fd;
    result("open", fd);
    printf("the last was %d\n", opened);
    result("openat", openat(AT_FDCWD, "/tmp/limits-new", O_CREAT | O_RDWR, 0600));
    result("what it would have made", access("/tmp/limits-new", F_OK));
    result("dup", dup(0));
    result("dup2 beyond", dup2(0, 40));
    result("dup2 inside", dup2(0, opened));
    result("F_DUPFD", fcntl(0, F_DUPFD, 3));
    result("F_DUPFD beyond", fcntl(0, F_DUPFD, 40));
    result("pipe", pipe(p));
    printf("%d %d\n", p[0], p[1]);
    result("socket", socket(AF_UNIX, SOCK_STREAM, 0));
    result("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    result("accept", accept(listener, NULL, NULL));
    m.msg_controllen = sizeof control;
    result("recvmsg", recvmsg(s[1], &m, 0));
    printf("flags %#x control %zu\n", m.msg_flags, (size_t)m.msg_controllen);
    result("eventfd", eventfd(0, 0));
    result("epoll", epoll_create1(0));
    result("inotify", inotify_init1(0));
    sigset_t set;
    sigemptyset(&set);
    result("signalfd", signalfd(-1, &set, 0));
    result("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
    result("memfd", memfd_create("x", 0));
    result("opendir", opendir("/") ? 0 : -1);
    close(opened);
    int end = accept(listener, NULL, NULL);
    result("the connection still waits", end < 0 ? -1 : (long)write(end, "x", 1));
    close(end);
    result("one again", open("/dev/null", O_RDONLY));
    close(opened);
    result("pipe needs two", pipe(p));
    result("one is still there", open("/dev/null", O_RDONLY));
    syscall(SYS_close_range, 3, 1000, 0);
    setrlimit(RLIMIT_NOFILE, &was);
    unlink("/tmp/limits-new");
    result("the first", open("/dev/null", O_RDONLY));
    close(3);
}

static void names(void)
{
    static char path[9000], big[6000];
    char name[300];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    chdir("/tmp");
    result("255", mkdir(name, 0700));
    result("gone", rmdir(name));
    name[255] = 'n';
    name[256] = 0;
    result("256", mkdir(name, 0700));
    result("256", open(name, O_CREAT, 0600));
    result("256", symlink("x", name));
    result("256", rename("/tmp", name));
    snprintf(path, sizeof path, "missing/%s", name);
    result("behind what is missing", access(path, F_OK));
    name[100] = 0;
    int depth = 0;
    while (depth < 60 && mkdir(name, 0700) == 0 && chdir(name) == 0)
        depth++;
    printf("%d deep\n", depth);
    result("getcwd", getcwd(path, sizeof path) ? (long)strlen(path) : -1);
    result("getcwd of 4096", syscall(SYS_getcwd, path, 4096));
    result("getcwd of 10", getcwd(path, 10) ? 0 : -1);
    result("a file there", open("deep", O_CREAT | O_RDWR, 0600) >= 0 ? 0 : -1);
    result("unlink", unlink("deep"));
    for (int i = 0; i < depth; i++) {
        chdir("..");
        rmdir(name);
    }
    rmdir(name);
    memset(path, '/', 5000);
    strcpy(path + 4090, "tmp");
    result("4093 bytes", access(path, F_OK));
    memset(path, '/', 5000);
    strcpy(path + 4092, "tmp");
    result("4095 bytes", access(path, F_OK));
    strcpy(path + 4092, "/tmp");
    result("4096 bytes", access(path, F_OK));
    result("4096 bytes", open(path, O_RDONLY));
    memset(big, 'x', sizeof big - 1);
    result("text of a link", symlink(big, "/tmp/big"));
    big[4095] = 0;
    result("4095", symlink(big, "/tmp/big"));
    result("followed", access("/tmp/big", F_OK));
    result("readlink", readlink("/tmp/big", path, sizeof path));
    unlink("/tmp/big");
    result("empty", open("", O_RDONLY));
    result("empty link", symlink("", "/tmp/big"));
    result("empty unlink", unlink(""));
}

static void circles(void)
{
    char from[32], to[32];
    mkdir("/tmp/c", 0700);
    chdir("/tmp/c");
    symlink("self", "self");
    symlink("b", "a");
    symlink("a", "b");
    result("itself", access("self", F_OK));
    result("each other", open("a", O_RDONLY));
    result("created through", open("a", O_CREAT | O_RDWR, 0600));
    result("as a folder", access("self/x", F_OK));
    result("not followed", open("self", O_RDONLY | O_NOFOLLOW));
    result("O_PATH of the link", open("self", O_PATH | O_NOFOLLOW) >= 0 ? 0 : -1);
    result("lstat", lstat("self", &(struct stat){0}));
    result("mkdir", mkdir("self", 0700));
    result("chdir", chdir("a"));
    result("exec", execl("a", "a", NULL));
    close(open("end", O_CREAT | O_RDWR, 0600));
    symlink("end", "l0");
    for (int i = 1; i < 45; i++) {
        snprintf(from, sizeof from, "l%d", i);
        snprintf(to, sizeof to, "l%d", i - 1);
        symlink(to, from);
    }
    result("40 links", access("l39", F_OK));
    result("41 links", access("l40", F_OK));
    symlink("../c", "up");
    char path[400] = "";
    for (int i = 0; i < 40; i++)
        strcat(path, "up/");
    strcat(path, "end");
    result("40 in a path", access(path, F_OK));
    memmove(path + 3, path, strlen(path) + 1);
    memcpy(path, "up/", 3);
    result("41 in a path", access(path, F_OK));
    chdir("/tmp");
    DIR *d = opendir("/tmp/c");
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    result("removed", rmdir("/tmp/c"));
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void crowd(int times)
{
    enum {
        FILES = 100000
    };
    char name[32];
    double start = now(), took[6];
    int bad = 0;
    mkdir("/tmp/many", 0700);
    chdir("/tmp/many");
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "file-%d", i);
        int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
        bad += fd < 0;
        close(fd);
    }
    took[0] = now() - start, start = now();
    printf("%d not made\n", bad);
    bad = 0;
    struct stat st;
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "file-%d", (i * 7919) % FILES);
        bad += stat(name, &st) != 0;
    }
    took[1] = now() - start, start = now();
    printf("%d not found\n", bad);
    static unsigned char seen[FILES];
    DIR *d = opendir(".");
    long count = 0, half = 0;
    char at_half[300] = "";
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        seen[atoi(e->d_name + 5)]++;
        if (++count == FILES / 2)
            half = telldir(d);
        if (count == FILES / 2 + 1)
            strcpy(at_half, e->d_name);
    }
    for (int i = 0; i < FILES; i++)
        bad += seen[i] != 1;
    printf("%ld listed, %d not once\n", count, bad);
    seekdir(d, half);
    struct dirent *e = readdir(d);
    truth("seekdir", e && strcmp(e->d_name, at_half) == 0);
    for (count = 0; readdir(d);)
        count++;
    truth("the rest", count >= FILES / 2 - 3 && count <= FILES / 2);
    took[2] = now() - start, start = now();
    rewinddir(d);
    for (count = 0; (e = readdir(d));)
        if (e->d_name[0] != '.') /* files removed during the listing are listed once */
            count += unlinkat(dirfd(d), e->d_name, 0) == 0;
    closedir(d);
    took[3] = now() - start;
    printf("%ld removed\n", count);
    chdir("/tmp");
    result("empty", rmdir("/tmp/many"));
    if (times)
        fprintf(stderr, "made %.2f s, found %.2f s, listed %.2f s, removed %.2f s\n", took[0],
                took[1], took[2], took[3]);
}

int main(int argc, char **argv)
{
    (void)argv;
    descriptors();
    names();
    circles();
    crowd(argc > 1);
    return 0;
}
