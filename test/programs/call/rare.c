/* SPDX-License-Identifier: MIT */
/* Calls that few programs make: kcmp(2), sysfs(2), ustat(2), pkeys(7). */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FILES = 2,
    FILE_ = 0,
    VM = 1,
    FS = 3,
    SIGHAND = 4,
    IO = 5,
    SYSVSEM = 6,
    EPOLL_TFD = 7,
};

static long kcmp(pid_t a, pid_t b, int type, unsigned long i, unsigned long k)
{
    return syscall(SYS_kcmp, a, b, type, i, k);
}

/* 1 and 2, less and greater, depend on addresses. */
static void same(const char *what, long result_)
{
    if (result_ < 0)
        result(what, result_);
    else
        printf("%s: %s\n", what, result_ == 0 ? "the same" : "not the same");
}

static void *thread(void *unused)
{
    (void)unused;
    pid_t me = (pid_t)syscall(SYS_gettid), first = getpid();
    for (int type = VM; type <= SYSVSEM; type++)
        same("thread", kcmp(first, me, type, 0, 0));
    return NULL;
}

static void compare(void)
{
    pthread_t other;
    pid_t me = getpid();
    int a = open("/etc/passwd", O_RDONLY), b = dup(a), c = open("/etc/passwd", O_RDONLY);
    same("dup", kcmp(me, me, FILE_, a, b));
    same("opened twice", kcmp(me, me, FILE_, a, c));
    truth("an order", kcmp(me, me, FILE_, a, c) + kcmp(me, me, FILE_, c, a) == 3);
    same("no file", kcmp(me, me, FILE_, a, 99));
    same("no file", kcmp(me, me, FILE_, UINT64_MAX, a));
    same("no process", kcmp(me, 4000000, VM, 0, 0));
    same("no type", kcmp(me, me, 8, 0, 0));
    same("negative", kcmp(me, me, -1, 0, 0));
    int go[2];
    if (pipe(go) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(go[1]);
        _exit(read(go[0], &byte, 1) != 0);
    }
    for (int type = VM; type <= SYSVSEM; type++)
        if (type != IO)
            same("child", kcmp(me, child, type, 0, 0));
    same("its file", kcmp(me, child, FILE_, a, b));
    same("another of its files", kcmp(me, child, FILE_, a, c));
    close(go[1]);
    waitpid(child, NULL, 0);
    pthread_create(&other, NULL, thread, NULL);
    pthread_join(other, NULL);

    struct slot {
        uint32_t epoll, fd, offset;
    } slot = {(uint32_t)epoll_create1(0), (uint32_t)go[0], 0};
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl((int)slot.epoll, EPOLL_CTL_ADD, go[0], &event);
    same("watched", kcmp(me, me, EPOLL_TFD, go[0], (unsigned long)&slot));
    same("not watched", kcmp(me, me, EPOLL_TFD, a, (unsigned long)&slot));
    slot.offset = 1;
    same("not there", kcmp(me, me, EPOLL_TFD, go[0], (unsigned long)&slot));
    slot.epoll = (uint32_t)a;
    same("no epoll", kcmp(me, me, EPOLL_TFD, go[0], (unsigned long)&slot));
    same("nowhere", kcmp(me, me, EPOLL_TFD, go[0], 8));
}

static void file_systems(void)
{
    char name[64] = "";
    long count = syscall(SYS_sysfs, 3);
    truth("there are types", count > 5);
    long proc = syscall(SYS_sysfs, 1, "proc");
    truth("proc is one", proc >= 0 && proc < count);
    result("its name", syscall(SYS_sysfs, 2, proc, name));
    puts(name);
    result("none of that name", syscall(SYS_sysfs, 1, "bogus"));
    result("no name", syscall(SYS_sysfs, 1, 8));
    result("none behind the last", syscall(SYS_sysfs, 2, count, name));
    result("to nowhere", syscall(SYS_sysfs, 2, proc, 8));
    result("option 0", syscall(SYS_sysfs, 0));
    result("option 4", syscall(SYS_sysfs, 4));

    struct {
        int blocks;
        unsigned long files;
        char names[16];
    } room;
    struct stat status;
    memset(&room, 255, sizeof room);
    stat("/tmp", &status);
    result("ustat", syscall(SYS_ustat, (unsigned)status.st_dev, &room));
    truth("without names", memcmp(room.names, (char[12]){0}, 12) == 0);
    result("no device", syscall(SYS_ustat, 0xfff, &room));
    result("to nowhere", syscall(SYS_ustat, (unsigned)status.st_dev, 8));
}

static void keys(void)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    result("pkey_alloc with flags", syscall(SYS_pkey_alloc, 1, 0));
    result("pkey_alloc with rights", syscall(SYS_pkey_alloc, 0, 4));
    result("pkey_free of none", syscall(SYS_pkey_free, 77));
    result("pkey_mprotect of none", syscall(SYS_pkey_mprotect, page, 4096, PROT_NONE, 77));
    result("pkey_mprotect without one",
           syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_WRITE, -1));
    *page = 1;
}

int main(void)
{
    compare();
    file_systems();
    keys();
    return 0;
}
