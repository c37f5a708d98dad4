/* SPDX-License-Identifier: MIT */
/* Which thread gets what several wait for: by real-time priority, in order of arrival among equals;
 * and which thread takes a signal to the process. */
#define _GNU_SOURCE
#include "result.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_WAIT        0
#define FUTEX_WAKE        1
#define FUTEX_CMP_REQUEUE 4

#define COUNT             7

static const struct {
    int policy, priority;
} schedules[COUNT] = {{SCHED_OTHER, 0}, {SCHED_FIFO, 10}, {SCHED_OTHER, 0}, {SCHED_FIFO, 30},
                      {SCHED_RR, 10},   {SCHED_RR, 20},   {SCHED_FIFO, 30}};

static int word, other_word;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, pi_mutex;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static volatile int tids[COUNT], done;
static char order[COUNT + 1];

static void nap(void)
{
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void record(long self)
{
    int at = __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    order[at] = (char)('a' + self);
}

static void on_futex(long self)
{
    syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL);
    record(self);
}

static void on_mutex(long self)
{
    pthread_mutex_lock(&mutex);
    record(self);
    pthread_mutex_unlock(&mutex);
}

static void on_pi_mutex(long self)
{
    pthread_mutex_lock(&pi_mutex);
    record(self);
    pthread_mutex_unlock(&pi_mutex);
}

static void on_condition(long self)
{
    pthread_mutex_lock(&mutex);
    tids[self] = (int)syscall(SYS_gettid);
    pthread_cond_wait(&changed, &mutex);
    record(self);
    pthread_mutex_unlock(&mutex);
}

static void (*waiter)(long self);

static void *wait_thread(void *argument)
{
    long self = (long)argument;
    if (waiter != on_condition)
        tids[self] = (int)syscall(SYS_gettid);
    waiter(self);
    return NULL;
}

static char state_of(int tid)
{
    char path[64], text[400] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 'X';
    if (fread(text, 1, sizeof text - 1, file) == 0)
        text[0] = 0;
    fclose(file);
    const char *end = strrchr(text, ')');
    return end != NULL ? end[2] : '?';
}

static pthread_t threads[COUNT];

/* Starts the threads one after the other; each sleeps before the next starts. */
static void start(void (*function)(long))
{
    waiter = function;
    done = 0;
    memset(order, 0, sizeof order);
    for (long i = 0; i < COUNT; i++) {
        pthread_attr_t attributes;
        struct sched_param parameters = {.sched_priority = schedules[i].priority};
        pthread_attr_init(&attributes);
        pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attributes, schedules[i].policy);
        pthread_attr_setschedparam(&attributes, &parameters);
        tids[i] = 0;
        if (pthread_create(&threads[i], &attributes, wait_thread, (void *)i) != 0)
            exit(1);
        while (tids[i] == 0 || state_of(tids[i]) != 'S')
            nap();
    }
}

static void finish(const char *what)
{
    for (int i = 0; i < COUNT; i++)
        pthread_join(threads[i], NULL);
    printf("%s: %s\n", what, order);
}

static void wake_one_by_one(int *from)
{
    for (int i = 0; i < COUNT; i++) {
        syscall(SYS_futex, from, FUTEX_WAKE, 1);
        while (done <= i)
            nap();
    }
}

static void orders(void)
{
    start(on_futex);
    wake_one_by_one(&word);
    finish("futex");

    start(on_futex);
    result("requeued", syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 0, COUNT, &other_word, 0));
    wake_one_by_one(&other_word);
    finish("requeued futex");

    pthread_mutex_lock(&mutex);
    start(on_mutex);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < COUNT; i++)
        pthread_join(threads[i], NULL);
    printf("mutex, first: %c\n", order[0]);

    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&pi_mutex, &attributes);
    pthread_mutex_lock(&pi_mutex);
    start(on_pi_mutex);
    pthread_mutex_unlock(&pi_mutex);
    finish("priority-inheriting mutex");
}

static void condition(void)
{
    start(on_condition);
    for (int i = 0; i < COUNT; i++) {
        pthread_mutex_lock(&mutex);
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
        while (done <= i)
            nap();
    }
    for (int i = 0; i < COUNT; i++)
        pthread_join(threads[i], NULL);
    printf("condition: all\n");
}

static volatile int spinning, taker;

static void take(int signal)
{
    (void)signal;
    taker = (int)syscall(SYS_gettid);
    spinning = 0;
}

static void *spin(void *argument)
{
    int set_up = 0;
    struct sigaction action = {.sa_handler = take};
    struct itimerval soon = {.it_value = {0, 20000}};
    struct itimerspec soon_too = {.it_value = {0, 20000000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    int kind = *(const int *)argument;
    sigaction(SIGPROF, &action, NULL);
    sigaction(SIGVTALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    spinning = 1;
    if (kind < 2)
        set_up = setitimer(kind == 0 ? ITIMER_PROF : ITIMER_VIRTUAL, &soon, NULL);
    else
        set_up =
            timer_create(kind == 2 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &event, &timer) ||
            timer_settime(timer, 0, &soon_too, NULL);
    if (set_up != 0)
        exit(2);
    while (spinning)
        ;
    if (kind >= 2)
        timer_delete(timer);
    return (void *)(long)(taker == (int)syscall(SYS_gettid));
}

/* The main thread sleeps, and on one CPU it is starved by a thread that does not. */
static void signals(void)
{
    static const char *const names[] = {"ITIMER_PROF", "ITIMER_VIRTUAL", "timer on CPU time",
                                        "timer"};
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    for (int kind = 0; kind < 4; kind++) {
        pthread_attr_t attributes;
        pthread_t thread;
        void *right;
        struct sched_param parameters = {.sched_priority = 5};
        pthread_attr_init(&attributes);
        pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
        pthread_attr_setschedparam(&attributes, &parameters);
        if (pthread_create(&thread, &attributes, spin, &kind) != 0)
            exit(1);
        pthread_join(thread, &right);
        printf("%s: %s\n", names[kind], right != NULL ? "the running thread" : "ANOTHER THREAD");
    }
}

/* A timer on the CPU clock of a child stands while the child sleeps, whatever this process computes. */
static void clock_of_child(void)
{
    struct sigaction action = {.sa_handler = take};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec soon = {.it_value = {0, 30000000}};
    struct timespec before, now = {0};
    clockid_t of_child;
    timer_t timer;
    char byte = 'x';
    int go[2];
    taker = 0;
    sigaction(SIGUSR1, &action, NULL);
    if (pipe(go) != 0)
        exit(1);
    pid_t child = fork();
    while (child == 0 && read(go[0], &byte, 1) == 1)
        for (;;)
            ;
    result("clock_getcpuclockid", clock_getcpuclockid(child, &of_child));
    do { /* until it sleeps */
        before = now;
        usleep(20000);
        clock_gettime(of_child, &now);
    } while (now.tv_sec != before.tv_sec || now.tv_nsec != before.tv_nsec);
    result("timer_create", timer_create(of_child, &event, &timer));
    result("timer_settime", timer_settime(timer, 0, &soon, NULL));
    for (clock_t from = clock(); clock() - from < CLOCKS_PER_SEC / 10;)
        ;
    printf("while the child sleeps: %s\n", taker != 0 ? "FIRED" : "not yet");
    if (write(go[1], &byte, 1) != 1)
        exit(1);
    while (taker == 0)
        nap();
    puts("while the child computes: fired");
    timer_delete(timer);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static volatile int enough;

static void *loop_at_realtime(void *unused)
{
    const struct sched_param param = {.sched_priority = 40};
    result("loop", pthread_setschedparam(pthread_self(), SCHED_FIFO, &param));
    while (!enough)
        ;
    return unused;
}

/* A loop at real-time priority leaves 5 % to other threads, of which one ends it (sched_rt_runtime_us). */
static void realtime_loop(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, loop_at_realtime, NULL);
    for (int i = 0; i < 3; i++)
        nap();
    enough = 1;
    result("join", pthread_join(thread, NULL));
}

int main(void)
{
    orders();
    condition();
    signals();
    clock_of_child();
    realtime_loop();
    return 0;
}
