/* SPDX-License-Identifier: MIT */
/* POSIX threads, which C libraries implement by clone, futex and signals. */
#define _GNU_SOURCE
#include "result.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Thread_local int local = 5;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter;

static void *answer(void *argument)
{
    local += (int)(intptr_t)argument;
    return (void *)(intptr_t)local;
}

static void test_join(void)
{
    pthread_t threads[8];
    long sum = 0;
    for (intptr_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, answer, (void *)i);
    for (int i = 0; i < 8; i++) {
        void *got;
        pthread_join(threads[i], &got);
        sum += (intptr_t)got;
    }
    result("sum of thread-local values", sum);
    result("the main thread's", local);
}

static void *count_up(void *argument)
{
    for (long i = 0; i < (intptr_t)argument; i++) {
        pthread_mutex_lock(&mutex);
        long now = counter;
        if (i % 64 == 0)
            sched_yield();
        counter = now + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void test_mutex(void)
{
    pthread_t threads[6];
    counter = 0;
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, count_up, (void *)2000);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    result("counted under a mutex", counter);
}

/* A thread without system calls does not stop the others from running. */
static atomic_int stop;

static void *spin(void *argument)
{
    unsigned long *turns = argument;
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        ++*turns;
    return NULL;
}

static void test_preemption(void)
{
    static unsigned long turns[3];
    pthread_t threads[3];
    atomic_store(&stop, 0);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, spin, &turns[i]);
    struct timespec nap = {0, 60 * 1000 * 1000};
    nanosleep(&nap, NULL);
    for (int i = 0; i < 3; i++) /* on a loaded machine, too, each runs in the end */
        while (*(volatile unsigned long *)&turns[i] == 0)
            sched_yield();
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    truth("all spinners ran", turns[0] && turns[1] && turns[2]);
}

struct queue {
    int items[4];
    unsigned in, out;
    long sum;
};

static struct queue queue;

static void *produce(void *argument)
{
    for (int i = 1; i <= (intptr_t)argument; i++) {
        pthread_mutex_lock(&mutex);
        while (queue.in - queue.out == 4)
            pthread_cond_wait(&changed, &mutex);
        queue.items[queue.in++ % 4] = i;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *consume(void *argument)
{
    for (int i = 0; i < (intptr_t)argument; i++) {
        pthread_mutex_lock(&mutex);
        while (queue.in == queue.out)
            pthread_cond_wait(&changed, &mutex);
        queue.sum += queue.items[queue.out++ % 4];
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void test_condition(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, i % 2 ? consume : produce, (void *)500);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    result("sum of what went through", queue.sum);

    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20 * 1000 * 1000;
    if (soon.tv_nsec >= 1000000000) {
        soon.tv_nsec -= 1000000000;
        soon.tv_sec++;
    }
    pthread_mutex_lock(&mutex);
    result("timed wait", pthread_cond_timedwait(&changed, &mutex, &soon));
    pthread_mutex_unlock(&mutex);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static long shared_value;
static atomic_int torn, serial;

static void *read_and_write(void *argument)
{
    for (int i = 0; i < 300; i++) {
        if ((intptr_t)argument == 0) {
            pthread_rwlock_wrlock(&rwlock);
            shared_value++;
            sched_yield();
            shared_value++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            if (shared_value % 2)
                atomic_fetch_add(&torn, 1);
        }
        pthread_rwlock_unlock(&rwlock);
    }
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
        atomic_fetch_add(&serial, 1);
    return NULL;
}

static void test_rwlock_and_barrier(void)
{
    pthread_t threads[5];
    pthread_barrier_init(&barrier, NULL, 5);
    for (intptr_t i = 0; i < 5; i++)
        pthread_create(&threads[i], NULL, read_and_write, (void *)(i % 3));
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    result("written under the lock", shared_value);
    result("seen half done", torn);
    result("one is told apart at the barrier", serial);
    pthread_barrier_destroy(&barrier);
}

static void cleanup(void *argument)
{
    ++*(int *)argument;
}

static void *wait_for_cancel(void *argument)
{
    pthread_cleanup_push(cleanup, argument);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}

static void *cancel_myself_late(void *argument)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    *(atomic_int *)argument = 1;
    for (;;)
        ;
    return NULL;
}

static void test_cancel(void)
{
    int cleaned = 0;
    atomic_int running = 0;
    pthread_t thread;
    void *end;
    pthread_create(&thread, NULL, wait_for_cancel, &cleaned);
    sched_yield();
    result("pthread_cancel", pthread_cancel(thread));
    pthread_join(thread, &end);
    truth("cancelled in pause()", end == PTHREAD_CANCELED && cleaned == 1);
    pthread_create(&thread, NULL, cancel_myself_late, &running);
    while (!atomic_load(&running))
        sched_yield();
    pthread_cancel(thread);
    pthread_join(thread, &end);
    truth("cancelled in a loop", end == PTHREAD_CANCELED);
}

static sem_t handled;
static atomic_int in_thread, on_stack;
static pthread_t expected;

static void handler(int signal)
{
    char here;
    stack_t stack;
    (void)signal;
    if (pthread_equal(pthread_self(), expected))
        atomic_fetch_add(&in_thread, 1);
    sigaltstack(NULL, &stack);
    if ((stack.ss_flags & SS_ONSTACK) && &here >= (char *)stack.ss_sp &&
        &here < (char *)stack.ss_sp + stack.ss_size)
        atomic_fetch_add(&on_stack, 1);
    sem_post(&handled);
}

static atomic_int ready;

static void *sleep_in_pause(void *argument)
{
    stack_t stack = {.ss_sp = argument, .ss_size = 65536};
    sigaltstack(&stack, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    atomic_store(&ready, 1);
    while (atomic_load(&ready) != 2)
        usleep(1000);
    return NULL;
}

static void test_signals(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    static char stacks[65536];
    sigset_t set, before;
    sem_init(&handled, 0, 0);
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    pthread_create(&expected, NULL, sleep_in_pause, stacks);
    while (!atomic_load(&ready))
        sched_yield();
    for (int i = 0; i < 20; i++) {
        if (i % 2)
            pthread_kill(expected, SIGUSR1);
        else
            kill(getpid(), SIGUSR1); /* the main thread blocks it */
        while (sem_wait(&handled) != 0)
            ;
    }
    atomic_store(&ready, 2);
    pthread_join(expected, NULL);
    result("handled in the thread that takes them", in_thread);
    result("on its alternate stack", on_stack);

    kill(getpid(), SIGUSR1); /* all block it */
    struct timespec none = {0, 0};
    siginfo_t info;
    result("sigtimedwait", sigtimedwait(&set, &info, &none));
    truth("from this process", info.si_pid == getpid() && info.si_code == SI_USER);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    result("a thread that is gone", syscall(SYS_tgkill, getpid(), 30000, 0));
}

static void *report_tid(void *argument)
{
    char name[16] = "";
    *(int *)argument = (int)syscall(SYS_gettid);
    prctl(PR_SET_NAME, "a-name-longer-than-15");
    prctl(PR_GET_NAME, name);
    truth("name is cut", strcmp(name, "a-name-longer-t") == 0);
    truth("getpid is of the process", getpid() != *(int *)argument);
    return NULL;
}

static void test_ids(void)
{
    int tid = 0;
    char name[16] = "";
    pthread_t thread;
    prctl(PR_SET_NAME, "main");
    pthread_create(&thread, NULL, report_tid, &tid);
    pthread_join(thread, NULL);
    prctl(PR_GET_NAME, name);
    printf("name of the main thread: %s\n", name);
    truth("gettid of the main thread", syscall(SYS_gettid) == getpid());
    truth("gettid of the other", tid != getpid() && tid > 0);
    /* pthread_join() may return before the thread is removed. */
    long found;
    while ((found = syscall(SYS_tgkill, getpid(), tid, 0)) == 0)
        sched_yield();
    result("tgkill of the ended thread", found);
}

static void *robust_owner(void *argument)
{
    pthread_mutex_lock(argument);
    return NULL;
}

static void test_robust(int protocol, const char *what)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t robust;
    pthread_t thread;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (pthread_mutexattr_setprotocol(&attributes, protocol) != 0)
        printf("no such protocol\n");
    pthread_mutex_init(&robust, &attributes);
    pthread_create(&thread, NULL, robust_owner, &robust);
    pthread_join(thread, NULL);
    printf("%s\n", what);
    result("owner died", pthread_mutex_lock(&robust));
    result("consistent", pthread_mutex_consistent(&robust));
    result("unlock", pthread_mutex_unlock(&robust));
    result("lock", pthread_mutex_lock(&robust));
    result("trylock by the owner", pthread_mutex_trylock(&robust));
    pthread_mutex_unlock(&robust);
    pthread_mutex_destroy(&robust);
}

static pthread_mutex_t pi_mutex;

static void *pi_count(void *argument)
{
    for (long i = 0; i < (intptr_t)argument; i++) {
        pthread_mutex_lock(&pi_mutex);
        long now = counter;
        if (i % 16 == 0)
            sched_yield();
        counter = now + 1;
        pthread_mutex_unlock(&pi_mutex);
    }
    return NULL;
}

static void test_pi(void)
{
    pthread_mutexattr_t attributes;
    pthread_t threads[5];
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&pi_mutex, &attributes);
    counter = 0;
    for (int i = 0; i < 5; i++)
        pthread_create(&threads[i], NULL, pi_count, (void *)1000);
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    result("counted under a priority-inheriting mutex", counter);
}

/* A thousand threads at once, which all wait for the gate. */
static atomic_int waiting;
static atomic_int opened;

static void *wait_at_gate(void *argument)
{
    atomic_fetch_add(&waiting, 1);
    pthread_mutex_lock(&mutex);
    while (!opened)
        pthread_cond_wait(&changed, &mutex);
    counter += (intptr_t)argument;
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void test_many(void)
{
    enum {
        MANY = 1000
    };
    static pthread_t threads[MANY];
    pthread_attr_t attributes;
    int made = 0;
    counter = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32768);
    while (made < MANY && pthread_create(&threads[made], &attributes, wait_at_gate, (void *)1) == 0)
        made++;
    result("threads made", made);
    while (atomic_load(&waiting) < made)
        sched_yield();
    pthread_mutex_lock(&mutex);
    opened = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
    result("all went through the gate", counter);
}

static int pipes[3][2];

static void *pass_along(void *argument)
{
    int from = (int)(intptr_t)argument;
    char byte;
    long sum = 0;
    while (read(pipes[from][0], &byte, 1) == 1) {
        sum += byte;
        if (from < 2 && write(pipes[from + 1][1], &byte, 1) != 1)
            break;
    }
    if (from < 2)
        close(pipes[from + 1][1]);
    return (void *)(intptr_t)sum;
}

static void test_pipes(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        if (pipe(pipes[i]) != 0)
            return;
    for (intptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, pass_along, (void *)i);
    for (int i = 0; i < 1000; i++) {
        char byte = (char)(i % 100);
        if (write(pipes[0][1], &byte, 1) != 1)
            break;
    }
    close(pipes[0][1]);
    for (int i = 0; i < 3; i++) {
        void *sum;
        pthread_join(threads[i], &sum);
        result("passed along", (intptr_t)sum);
        close(pipes[i][0]);
    }
}

static void *leave_last(void *argument)
{
    pthread_join(*(pthread_t *)argument, NULL);
    printf("the last thread ends the process\n");
    return NULL;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_join();
    test_mutex();
    test_preemption();
    test_condition();
    test_rwlock_and_barrier();
    test_cancel();
    test_signals();
    test_ids();
    test_robust(PTHREAD_PRIO_NONE, "robust");
    test_pi();
    test_many();
    test_pipes();
    if (argc > 1 && strcmp(argv[1], "exit") == 0) { /* exit() by another thread */
        static pthread_t self;
        self = pthread_self();
        pthread_t thread;
        pthread_create(&thread, NULL, leave_last, &self);
        pthread_exit(NULL);
    }
    return 0;
}
