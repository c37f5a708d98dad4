/* SPDX-License-Identifier: MIT */
/* inotify: the events of all operations on files, in order. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int n;
static uint32_t last_cookie;

static void show(const char *what)
{
    static char buffer[100000] __attribute__((aligned(8)));
    printf("%s:\n", what);
    for (;;) {
        ssize_t size = read(n, buffer, sizeof buffer);
        if (size <= 0)
            break;
        for (char *at = buffer; at < buffer + size;) {
            struct inotify_event *e = (struct inotify_event *)at;
            printf("  wd %d mask %#x%s", e->wd, e->mask,
                   !e->cookie                 ? ""
                   : e->cookie == last_cookie ? " the same cookie"
                                              : " a new cookie");
            if (e->cookie)
                last_cookie = e->cookie;
            if (e->len > 0)
                printf(" '%s' len %u", e->name, e->len);
            puts("");
            at += sizeof *e + e->len;
        }
    }
}

static int fd;
static char bytes[100];

static void watching(void)
{
    result("flags", inotify_init1(1));
    n = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    mkdir("/tmp/w", 0755);
    close(open("/tmp/w/old", O_CREAT | O_WRONLY, 0644));
    result("no bits", inotify_add_watch(n, "/tmp/w", 0));
    result("missing", inotify_add_watch(n, "/tmp/missing", IN_ALL_EVENTS));
    result("pointer", inotify_add_watch(n, (char *)(uintptr_t)8, IN_ALL_EVENTS));
    result("no inotify", inotify_add_watch(0, "/tmp", IN_ALL_EVENTS));
    result("closed", inotify_add_watch(99, "/tmp", IN_ALL_EVENTS));
    result("not a folder", inotify_add_watch(n, "/tmp/w/old", IN_ALL_EVENTS | IN_ONLYDIR));
    result("both", inotify_add_watch(n, "/tmp/w", IN_ALL_EVENTS | IN_MASK_ADD | IN_MASK_CREATE));
    result("remove", inotify_rm_watch(n, 1));
    result("empty", read(n, bytes, sizeof bytes));
    result("folder", inotify_add_watch(n, "/tmp/w", IN_ALL_EVENTS));
    result("again", inotify_add_watch(n, "/tmp/w", IN_ALL_EVENTS));
    result("again, not", inotify_add_watch(n, "/tmp/w", IN_ALL_EVENTS | IN_MASK_CREATE));
    result("file", inotify_add_watch(n, "/tmp/w/old", IN_ALL_EVENTS));
    show("nothing yet");
}

static void files(void)
{
    fd = open("/tmp/w/new", O_CREAT | O_RDWR | O_TRUNC, 0600);
    write(fd, "abc", 3);
    write(fd, "def", 3);
    pread(fd, bytes, 3, 0);
    ftruncate(fd, 1);
    fchmod(fd, 0644);
    fchown(fd, getuid(), getgid());
    int size = -1;
    ioctl(n, FIONREAD, &size);
    printf("%d bytes\n", size);
    struct pollfd p = {n, POLLIN, 0};
    result("poll", poll(&p, 1, 0));
    result("too small", read(n, bytes, 16));
    close(fd);
    show("a new file");
    fd = open("/tmp/w/old", O_RDONLY);
    read(fd, bytes, 1);
    close(fd);
    show("read of nothing");
    fd = open("/tmp/w/old", O_WRONLY | O_TRUNC);
    write(fd, "x", 1);
    close(fd);
    truncate("/tmp/w/old", 100);
    futimens(AT_FDCWD, NULL);
    struct timespec t[2] = {{5, 0}, {0, UTIME_OMIT}};
    utimensat(AT_FDCWD, "/tmp/w/old", t, 0);
    t[1] = (struct timespec){6, 0};
    utimensat(AT_FDCWD, "/tmp/w/old", t, 0);
    t[0].tv_nsec = UTIME_OMIT;
    utimensat(AT_FDCWD, "/tmp/w/old", t, 0);
    show("an old one");
}

static void names(void)
{
    mkdir("/tmp/w/sub", 0755);
    mknod("/tmp/w/fifo", S_IFIFO | 0600, 0);
    symlink("old", "/tmp/w/link");
    link("/tmp/w/old", "/tmp/w/hard");
    show("made");
    unlink("/tmp/w/hard");
    unlink("/tmp/w/link");
    unlink("/tmp/w/fifo");
    show("removed");
    rename("/tmp/w/new", "/tmp/w/newer");
    rename("/tmp/w/newer", "/tmp/away");
    rename("/tmp/away", "/tmp/w/new");
    rename("/tmp/w/old", "/tmp/w/older");
    show("moved");
    result("sub", inotify_add_watch(n, "/tmp/w/sub", IN_ALL_EVENTS));
    rename("/tmp/w/sub", "/tmp/w/folder");
    rename("/tmp/w/new", "/tmp/w/folder/new");
    show("folders");
    syscall(SYS_renameat2, AT_FDCWD, "/tmp/w/folder/new", AT_FDCWD, "/tmp/w/older",
            2 /* RENAME_EXCHANGE */);
    show("exchanged");
    rename("/tmp/w/older", "/tmp/w/folder/new");
    show("replaced");
    unlink("/tmp/w/folder/new");
    rmdir("/tmp/w/folder");
    show("the folder is gone");
    result("its watch", inotify_rm_watch(n, 3));
}

static void masks(void)
{
    fd = open("/tmp/w/held", O_CREAT | O_RDWR, 0600);
    result("held", inotify_add_watch(n, "/tmp/w/held", IN_ALL_EVENTS | IN_EXCL_UNLINK));
    show("made");
    unlink("/tmp/w/held");
    show("unlinked, open");
    write(fd, "x", 1);
    close(fd);
    show("and closed");
    result("once", inotify_add_watch(n, "/tmp/w", IN_CREATE | IN_ONESHOT));
    mkdir("/tmp/w/1", 0755);
    mkdir("/tmp/w/2", 0755);
    show("once");
    int wd = (int)result("folder", inotify_add_watch(n, "/tmp/w", IN_CREATE));
    inotify_add_watch(n, "/tmp/w", IN_DELETE | IN_MASK_ADD);
    mkdir("/tmp/w/3", 0755);
    rmdir("/tmp/w/3");
    inotify_add_watch(n, "/tmp/w", IN_DELETE);
    mkdir("/tmp/w/3", 0755);
    rmdir("/tmp/w/3");
    show("masks");
    result("remove", inotify_rm_watch(n, wd));
    rmdir("/tmp/w/1");
    show("removed");
}

static void overflow(void)
{
    inotify_add_watch(n, "/tmp/w", IN_CREATE | IN_DELETE);
    for (int i = 0; i < 10000; i++) {
        mkdir("/tmp/w/x", 0755);
        rmdir("/tmp/w/x");
    }
    static char all[2000000];
    ssize_t got = 0, more;
    while ((more = read(n, all + got, sizeof all - (size_t)got)) > 0)
        got += more;
    int count = 0;
    struct inotify_event *e = NULL;
    for (char *at = all; at < all + got; at += sizeof *e + e->len, count++)
        e = (struct inotify_event *)at;
    printf("%d events, the last: wd %d mask %#x len %u\n", count, e->wd, e->mask, e->len);
    rmdir("/tmp/w/2");
    show("afterwards");
    close(n);
    rmdir("/tmp/w");
}

int main(void)
{
    watching();
    files();
    names();
    masks();
    overflow();
    return 0;
}
