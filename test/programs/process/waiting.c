/* SPDX-License-Identifier: MIT */
/* timerfd, signalfd, threads in /proc, execve with several threads. */
#define _GNU_SOURCE
#include "result.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000

static void test_timerfd(void)
{
    struct itimerspec to = {.it_value = {0, 5 * MS}, .it_interval = {0, 5 * MS}}, now;
    uint64_t count = 0;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct pollfd poller = {fd, POLLIN, 0};
    result("timerfd is made", fd >= 0);
    result("read of a disarmed one", read(fd, &count, sizeof count));
    result("armed", timerfd_settime(fd, 0, &to, NULL));
    result("short read", read(fd, &count, 4));
    result("poll", poll(&poller, 1, 5000));
    result("read", read(fd, &count, sizeof count));
    truth("it counted", count >= 1 && count < 10000);
    struct timespec nap = {0, 30 * MS};
    nanosleep(&nap, NULL);
    result("read", read(fd, &count, sizeof count));
    truth("it counted what passed", count >= 5);
    timerfd_gettime(fd, &now);
    truth("the interval is shown", now.it_interval.tv_nsec == 5 * MS);
    truth("time is left", now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 5 * MS);
    memset(&to, 0, sizeof to);
    result("disarmed", timerfd_settime(fd, 0, &to, &now));
    result("poll", poll(&poller, 1, 20));
    clock_gettime(CLOCK_REALTIME, &to.it_value);
    int wall = timerfd_create(CLOCK_REALTIME, 0);
    result("a time that has passed", timerfd_settime(wall, TFD_TIMER_ABSTIME, &to, NULL));
    result("read", read(wall, &count, sizeof count));
    result("once", (long)count);
    result("bad clock", timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    result("bad flags", timerfd_create(CLOCK_MONOTONIC, 1));
    result("bad settime flags", timerfd_settime(fd, 8, &to, NULL));
    to.it_value.tv_nsec = 1000 * MS;
    result("bad time", timerfd_settime(fd, 0, &to, NULL));
    result("not a timer", timerfd_gettime(1, &now));
    result("no file", timerfd_gettime(99, &now));
    result("write", write(fd, &count, sizeof count));
    close(fd);
    close(wall);
}

static void *raise_later(void *argument)
{
    usleep(20000);
    kill(getpid(), (int)(intptr_t)argument);
    return NULL;
}

static void test_signalfd(void)
{
    struct signalfd_siginfo got[3];
    sigset_t set;
    pthread_t thread;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    struct pollfd poller = {fd, POLLIN, 0};
    result("signalfd is made", fd >= 0);
    result("poll", poll(&poller, 1, 0));
    union sigval value = {.sival_int = 77};
    sigqueue(getpid(), SIGRTMIN + 1, value);
    value.sival_int = 78;
    sigqueue(getpid(), SIGRTMIN + 1, value);
    kill(getpid(), SIGUSR1);
    result("poll", poll(&poller, 1, 0));
    result("records", read(fd, got, sizeof got) / (long)sizeof got[0]);
    for (int i = 0; i < 3; i++)
        printf("signal %u code %d value %d own %d\n", got[i].ssi_signo, got[i].ssi_code,
               got[i].ssi_int, got[i].ssi_pid == (uint32_t)getpid());
    pthread_create(&thread, NULL, raise_later, (void *)(intptr_t)SIGUSR1);
    result("a read that waits", read(fd, got, sizeof got));
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, raise_later, (void *)(intptr_t)SIGUSR1);
    result("a poll that waits", poll(&poller, 1, 10000));
    pthread_join(thread, NULL);
    sigdelset(&set, SIGUSR1);
    truth("another mask", signalfd(fd, &set, 0) == fd);
    result("poll", poll(&poller, 1, 0));
    result("short read", read(fd, got, 100));
    result("bad flags", signalfd(-1, &set, 1));
    result("not a signalfd", signalfd(1, &set, 0));
    result("bad size", syscall(SYS_signalfd4, -1, &set, 4, 0));
    close(fd);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    struct timespec none = {0, 0};
    result("still pending", sigtimedwait(&set, NULL, &none));
}

static int shared_epoll, shared_signalfd;

static int watch_and_end(void *argument)
{
    struct epoll_event event = {.events = EPOLLIN};
    shared_signalfd = (int)syscall(SYS_signalfd4, -1, argument, 8, 0);
    syscall(SYS_epoll_ctl, shared_epoll, EPOLL_CTL_ADD, shared_signalfd, &event);
    syscall(SYS_exit, 0);
    return 0;
}

/* An epoll watches the signals of the process that added the signalfd, which has ended. */
static void test_signalfd_of_another_process(void)
{
    static char stack[16384] __attribute__((aligned(16)));
    struct timespec none = {0, 0};
    struct epoll_event event;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    shared_epoll = epoll_create1(0);
    int pid = clone(watch_and_end, stack + sizeof stack, CLONE_VM | CLONE_FILES | SIGCHLD, &set);
    truth("the other process has ended", waitpid(pid, NULL, 0) == pid);
    result("nothing yet", epoll_wait(shared_epoll, &event, 1, 20));
    kill(getpid(), SIGUSR1);
    result("a signal to this process", epoll_wait(shared_epoll, &event, 1, 20));
    struct pollfd poller = {shared_signalfd, POLLIN, 0};
    result("is seen by poll", poll(&poller, 1, 0));
    result("modified", epoll_ctl(shared_epoll, EPOLL_CTL_MOD, shared_signalfd,
                                 &(struct epoll_event){.events = EPOLLIN}));
    result("is seen now", epoll_wait(shared_epoll, &event, 1, 20));
    result("taken", sigtimedwait(&set, NULL, &none));
    close(shared_signalfd);
    close(shared_epoll);
}

static pthread_barrier_t barrier;

static void *stay(void *argument)
{
    *(int *)argument = (int)syscall(SYS_gettid);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static long read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY);
    long length = fd < 0 ? -1 : read(fd, text, size - 1);
    text[length > 0 ? length : 0] = '\0';
    if (fd >= 0)
        close(fd);
    return length;
}

static void test_proc(void)
{
    char path[64], text[4096];
    int tid = 0, entries = 0, found = 0;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, stay, &tid);
    pthread_barrier_wait(&barrier);
    DIR *directory = opendir("/proc/self/task");
    for (struct dirent *e; directory && (e = readdir(directory));) {
        entries += e->d_name[0] != '.';
        found += atoi(e->d_name) == tid;
    }
    closedir(directory);
    result("threads in /proc/self/task", entries);
    result("the new one among them", found);
    result("pthread_setname_np", pthread_setname_np(thread, "worker"));
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    read_text(path, text, sizeof text);
    printf("comm: %s", text);
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    char name[32] = "", state = 0;
    int number = 0;
    do { /* it may not sleep yet */
        read_text(path, text, sizeof text);
        sscanf(text, "%d (%31[^)]) %c", &number, name, &state);
    } while (state == 'R');
    truth("stat is the thread's", number == tid && strcmp(name, "worker") == 0 && state == 'S');
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    read_text(path, text, sizeof text);
    snprintf(name, sizeof name, "\nPid:\t%d\n", tid);
    truth("status is the thread's", strstr(text, name) != NULL);
    snprintf(name, sizeof name, "\nTgid:\t%d\n", getpid());
    truth("and names the process", strstr(text, name) != NULL);
    truth("two threads", strstr(text, "\nThreads:\t2\n") != NULL);
    result("no such thread", open("/proc/self/task/99999/comm", O_RDONLY));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&barrier);
}

static void *pause_for_ever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static char **arguments;

static void *start_again(void *unused)
{
    char *const words[] = {arguments[0], "again", NULL};
    (void)unused;
    printf("execve from a thread\n");
    execv("/proc/self/exe", words);
    result("execv", -1);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    arguments = argv;
    if (argc > 1) {
        char text[4096];
        truth("the new program has the leader's tid", syscall(SYS_gettid) == getpid());
        read_text("/proc/self/status", text, sizeof text);
        truth("and is alone", strstr(text, "\nThreads:\t1\n") != NULL);
        return 7;
    }
    test_timerfd();
    test_signalfd();
    test_signalfd_of_another_process();
    test_proc();
    for (int i = 0; i < 5; i++)
        pthread_create(&thread, NULL, pause_for_ever, NULL);
    pthread_create(&thread, NULL, start_again, NULL);
    for (;;)
        pause();
}
