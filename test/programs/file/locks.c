/* SPDX-License-Identifier: MIT */
/* Record locks of open files (OFD) against each other and against those of the process, with threads. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static int lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &l);
}

static void test(const char *what, int fd, int command, short type, off_t start, off_t length)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (fcntl(fd, command, &l) != 0) {
        result(what, -1);
        return;
    }
    printf("%s: type %d", what, l.l_type);
    if (l.l_type != F_UNLCK)
        printf(" whence %d from %ld, %ld bytes, pid %s", l.l_whence, (long)l.l_start, (long)l.l_len,
               l.l_pid == -1         ? "-1"
               : l.l_pid == getpid() ? "mine"
                                     : "other");
    puts("");
}

static int a, b;

static void *waits(void *argument)
{
    int *stage = argument;
    result("waited", lock(b, F_OFD_SETLKW, F_WRLCK, 0, 10));
    *stage = 2;
    return NULL;
}

/* The remaining locks of a, by F_GETLK on b. */
static void list(const char *what)
{
    printf("%s:", what);
    for (off_t at = 0;;) {
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at};
        if (fcntl(b, F_OFD_GETLK, &l) != 0 || l.l_type == F_UNLCK)
            break;
        printf(" %c%ld+%ld", l.l_type == F_WRLCK ? 'w' : 'r', (long)l.l_start, (long)l.l_len);
        if (l.l_len == 0)
            break;
        at = l.l_start + l.l_len;
    }
    puts("");
}

static void owners(void)
{
    a = open("/tmp/locks", O_RDWR | O_CREAT | O_TRUNC, 0600);
    b = open("/tmp/locks", O_RDWR);
    int r = open("/tmp/locks", O_RDONLY);
    truth("ten bytes", write(a, "0123456789", 10) == 10);
    result("read lock of a writer", lock(r, F_SETLK, F_WRLCK, 0, 1));
    result("bad type", lock(a, F_SETLK, 9, 0, 1));
    result("bad pointer", fcntl(a, F_SETLK, 8));
    result("negative", lock(a, F_SETLK, F_WRLCK, 5, -6));
    result("start before the file", lock(a, F_SETLK, F_WRLCK, -1, 1));
    result("too long", lock(a, F_SETLK, F_WRLCK, 2, 0x7fffffffffffffff));
    struct flock odd = {.l_type = F_WRLCK, .l_whence = 7};
    result("whence", fcntl(a, F_SETLK, &odd));
    odd = (struct flock){.l_type = F_WRLCK, .l_pid = 3};
    result("pid of an open file's", fcntl(a, F_OFD_SETLK, &odd));
    /* Locks of one process never conflict. */
    result("own", lock(a, F_SETLK, F_WRLCK, 0, 0));
    result("own again", lock(b, F_SETLKW, F_WRLCK, 3, 4));
    test("own", b, F_GETLK, F_WRLCK, 0, 0);
    test("for an open file", b, F_OFD_GETLK, F_RDLCK, 2, 5);
    result("an open file's", lock(b, F_OFD_SETLK, F_RDLCK, 2, 5));
    close(r); /* releases all locks of the process */
    test("closing one descriptor ends them", b, F_OFD_GETLK, F_WRLCK, 0, 0);
    result("open file's", lock(b, F_OFD_SETLK, F_RDLCK, 2, 5));
    test("it is in the way of the process", a, F_GETLK, F_WRLCK, 0, 0);
    test("not of readers", a, F_GETLK, F_RDLCK, 0, 0);
    result("refused", lock(a, F_SETLK, F_WRLCK, 6, 1));
    result("beside it", lock(a, F_SETLK, F_WRLCK, 7, 1));
    result("unlock what is not", lock(a, F_SETLK, F_UNLCK, 100, 0));
    close(dup(b)); /* does not release the open file's */
    result("still refused", lock(a, F_SETLK, F_WRLCK, 6, 1));
    result("unlock", lock(b, F_OFD_SETLK, F_UNLCK, 0, 0));
    result("unlock", lock(a, F_SETLK, F_UNLCK, 0, 0));
}

static void splitting(void)
{
    lock(a, F_OFD_SETLK, F_WRLCK, 10, 30);
    list("one");
    lock(a, F_OFD_SETLK, F_UNLCK, 20, 5);
    list("two");
    lock(a, F_OFD_SETLK, F_RDLCK, 12, 4);
    list("a reader inside");
    lock(a, F_OFD_SETLK, F_WRLCK, 16, 9);
    list("joined");
    lock(a, F_OFD_SETLK, F_WRLCK, 12, 4);
    list("one again");
    lock(a, F_OFD_SETLK, F_WRLCK, 40, 0);
    list("to the end");
    lock(a, F_OFD_SETLK, F_UNLCK, 0, 100);
    list("behind 100");
    lock(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    list("none");
    struct flock back = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -2, .l_len = -3};
    result("backwards from the end", fcntl(a, F_OFD_SETLK, &back));
    list("five to seven");
}

static void waiting(void)
{
    pthread_t thread;
    int stage = 0;
    pthread_create(&thread, NULL, waits, &stage);
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    truth("it waits", stage == 0);
    lock(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    pthread_join(thread, NULL);
    truth("it has it", stage == 2);
    test("the other has it", a, F_OFD_GETLK, F_RDLCK, 0, 0);
    /* The last close of the open file releases its locks; flock() locks are independent. */
    result("flock", flock(a, LOCK_EX | LOCK_NB));
    close(b);
    test("nobody", a, F_OFD_GETLK, F_WRLCK, 0, 0);
    b = open("/tmp/locks", O_RDWR);
    result("flock of another", flock(b, LOCK_SH | LOCK_NB));
    result("not in the way", lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
    unlink("/tmp/locks");
}

int main(void)
{
    owners();
    splitting();
    waiting();
    return 0;
}
