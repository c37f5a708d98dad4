/* SPDX-License-Identifier: MIT */
/* Threads and processes that wait for the same locks: who gets them, and what is left when one of those gives up. */
#define _GNU_SOURCE
#include "result.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME "/tmp/lock_lines"

static int set(int fd, int command, short type, off_t start, off_t length)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &l);
}

/* A thread with an open file of its own. */
static struct waiter {
    pthread_t thread;
    int fd, error, state; /* state 1: waits, 2: has the lock, 3: has failed */
    short type;           /* -1: flock() */
    off_t start, length;
} waiters[8];

static void nap(void)
{
    nanosleep(&(struct timespec){0, 20000000}, NULL);
}

static void *wait_for_lock(void *argument)
{
    struct waiter *w = argument;
    __atomic_store_n(&w->state, 1, __ATOMIC_SEQ_CST);
    int result = w->type < 0 ? flock(w->fd, (int)w->length)
                             : set(w->fd, F_OFD_SETLKW, w->type, w->start, w->length);
    w->error = result == 0 ? 0 : errno;
    __atomic_store_n(&w->state, result == 0 ? 2 : 3, __ATOMIC_SEQ_CST);
    return NULL;
}

static void start(int i, short type, off_t start_at, off_t length)
{
    struct waiter *w = &waiters[i];
    *w = (struct waiter){
        .fd = open(NAME, O_RDWR), .type = type, .start = start_at, .length = length};
    pthread_create(&w->thread, NULL, wait_for_lock, w);
    nap();
}

static void show(const char *what, int count)
{
    nap();
    printf("%s:", what);
    for (int i = 0; i < count; i++) {
        int state = __atomic_load_n(&waiters[i].state, __ATOMIC_SEQ_CST);
        printf(" %s", state == 1 ? "waits" : state == 2 ? "has it" : strerror(waiters[i].error));
    }
    puts("");
}

static void end(int i)
{
    pthread_join(waiters[i].thread, NULL);
    close(waiters[i].fd);
}

static void nothing(int signal)
{
    (void)signal;
}

static void line(int a)
{
    set(a, F_OFD_SETLK, F_WRLCK, 0, 10);
    start(0, F_WRLCK, 0, 10);
    start(1, F_WRLCK, 0, 10);
    start(2, F_RDLCK, 0, 5);
    show("three behind a writer", 3);
    pthread_kill(waiters[0].thread, SIGUSR1);
    show("the first gives up", 3);
    set(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    show("the writer ends", 3);
    end(1);
    show("and the next", 3);
    end(0);
    end(2);
}

static void readers(int a)
{
    set(a, F_OFD_SETLK, F_WRLCK, 0, 10);
    start(0, F_RDLCK, 0, 10);
    start(1, F_RDLCK, 0, 10);
    start(2, F_RDLCK, 5, 10);
    set(a, F_OFD_SETLK, F_RDLCK, 0, 5);
    show("half of it is read now", 3);
    set(a, F_OFD_SETLK, F_RDLCK, 0, 10);
    show("all of it", 3);
    start(3, F_WRLCK, 0, 20);
    set(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    end(0);
    end(1);
    show("a writer behind four readers", 4);
    end(2);
    show("it is alone", 4);
    end(3);
}

static void parts(int a)
{
    set(a, F_OFD_SETLK, F_WRLCK, 0, 10);
    start(0, F_WRLCK, 0, 4);
    start(1, F_WRLCK, 0, 10);
    start(2, F_WRLCK, 6, 4);
    show("parts of a range", 3);
    set(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    show("two fit beside each other", 3);
    end(0);
    show("one has ended", 3);
    end(2);
    show("both", 3);
    end(1);
}

static void wholes(int a)
{
    flock(a, LOCK_EX);
    for (int i = 0; i < 4; i++)
        start(i, -1, 0, LOCK_SH);
    show("flock: readers", 4);
    flock(a, LOCK_UN);
    show("flock: all of them", 4);
    start(4, -1, 0, LOCK_EX);
    start(5, -1, 0, LOCK_EX);
    for (int i = 0; i < 4; i++)
        end(i);
    nap();
    truth("flock: one writer", waiters[4].state + waiters[5].state == 3);
    int first = waiters[4].state == 2 ? 4 : 5;
    end(first);
    nap();
    truth("flock: the other", waiters[9 - first].state == 2);
    end(9 - first);
}

/* Waits in a process of its own, while the parent has bytes 0 to 9: 20 to 29 are the child's. */
static pid_t process(off_t own)
{
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(NAME, O_RDWR);
        if (own)
            set(fd, F_SETLK, F_WRLCK, own, 10);
        _exit(set(fd, F_SETLKW, F_WRLCK, 0, 10) != 0);
    }
    nap();
    return pid;
}

static void circles(void)
{
    int a = open(NAME, O_RDWR), status;
    set(a, F_SETLK, F_WRLCK, 0, 10);
    pid_t first = process(0), second = process(20), third = process(40);
    result("what one waits for that waits behind another", set(a, F_SETLKW, F_WRLCK, 20, 10));
    result("and the last", set(a, F_SETLKW, F_WRLCK, 40, 10));
    set(a, F_SETLK, F_UNLCK, 0, 0);
    pid_t pids[] = {first, second, third};
    for (int i = 0; i < 3; i++) {
        waitpid(pids[i], &status, 0);
        printf("process %d: %d\n", i, status);
    }
    close(a);
}

int main(void)
{
    struct sigaction action = {.sa_handler = nothing};
    int a = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    sigaction(SIGUSR1, &action, NULL);
    line(a);
    readers(a);
    parts(a);
    wholes(a);
    circles();
    unlink(NAME);
    return 0;
}
