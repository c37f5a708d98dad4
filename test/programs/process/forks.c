/* SPDX-License-Identifier: MIT */
/* fork(): what a child has of its parent, what each keeps for itself, and what neither may lose. */
#define _GNU_SOURCE
#include "../result.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
/* musl has no <linux/futex.h> */
#define FUTEX_WAIT         0
#define FUTEX_WAKE         1
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

static int data = 1;
static char bss[3 * PAGE];

/* The status of a child that runs `function`. */
static int status_of(int (*function)(void))
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int result = function();
        fflush(stdout);
        _exit(result);
    }
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

static char *map(size_t size, int flags)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

/* ---- memory ---- */

static char *heap, *shared, *stack_word, *wiped, *absent, *denied;

static int write_all(void)
{
    data = 2;
    bss[PAGE] = 2;
    heap[5 * PAGE] = 2;
    *stack_word = 2;
    shared[0] = 2;
    bool same = data == 2 && bss[PAGE] == 2 && heap[5 * PAGE] == 2 && heap[6 * PAGE] == 1;
    unsigned char in;
    bool gone = mincore(absent, PAGE, &in) != 0 && errno == ENOMEM;
    return same && wiped[0] == 0 && gone ? 7 : 8;
}

static void copies(void)
{
    char on_stack = 1;
    stack_word = &on_stack;
    heap = malloc(64 * PAGE);
    memset(heap, 1, 64 * PAGE);
    shared = map(PAGE, MAP_SHARED);
    wiped = map(PAGE, MAP_PRIVATE);
    absent = map(PAGE, MAP_PRIVATE);
    wiped[0] = absent[0] = 1;
    truth("wiped", madvise(wiped, PAGE, MADV_WIPEONFORK) == 0);
    truth("not in the child", madvise(absent, PAGE, MADV_DONTFORK) == 0);
    truth("child's own memory", status_of(write_all) == 7 << 8);
    truth("parent's", data == 1 && bss[PAGE] == 0 && heap[5 * PAGE] == 1 && on_stack == 1);
    truth("parent's areas", wiped[0] == 1 && absent[0] == 1);
    truth("shared", shared[0] == 2);
}

static int write_denied(void)
{
    if (mprotect(denied, PAGE, PROT_READ | PROT_WRITE) != 0)
        return 1;
    denied[0]++;
    return denied[0] == 4 ? 0 : 2;
}

/* Rights that change after the copy do not make a shared frame writable. */
static void rights(void)
{
    denied = map(PAGE, MAP_PRIVATE);
    denied[0] = 3;
    mprotect(denied, PAGE, PROT_NONE);
    truth("child's page of PROT_NONE", status_of(write_denied) == 0);
    mprotect(denied, PAGE, PROT_READ | PROT_WRITE);
    truth("parent's is as it was", denied[0] == 3);
    denied[0] = 5;
    mprotect(denied, PAGE, PROT_READ);
    truth("child's read-only page", status_of(write_denied) != 0);
    truth("the same to the parent", denied[0] == 5);
}

#define LARGE (2u << 20)

static char *large;

static int write_large(void)
{
    for (size_t i = 0; i < 2 * LARGE; i += PAGE)
        if (large[i] != 1)
            return 1;
    large[LARGE + 17 * PAGE] = 2;
    munmap(large + LARGE + 3 * PAGE, PAGE);
    return large[LARGE + 18 * PAGE] == 1 && large[LARGE + 17 * PAGE] == 2 ? 0 : 2;
}

/* Large pages are shared whole; the writer's is split, and the last user takes its own. */
static void large_pages(void)
{
    char *whole = map(3 * LARGE, MAP_PRIVATE);
    large = (char *)(((uintptr_t)whole + LARGE - 1) & ~(uintptr_t)(LARGE - 1));
    madvise(large, 2 * LARGE, MADV_HUGEPAGE);
    memset(large, 1, 2 * LARGE);
    for (int i = 0; i < 3; i++)
        truth("child with large pages", status_of(write_large) == 0);
    large[LARGE + 17 * PAGE] = 9;
    large[0] = 9;
    bool same = true;
    for (size_t i = PAGE; i < 2 * LARGE; i += PAGE)
        same = same && (large[i] == 1 || i == LARGE + 17 * PAGE);
    truth("the parent's are as they were", same);
    munmap(whole, 3 * LARGE);
}

static int grow(void)
{
    char *end = (char *)syscall(SYS_brk, 0); /* musl's sbrk() does not grow it */
    if (syscall(SYS_brk, end + 10 * PAGE) != (long)(end + 10 * PAGE))
        return 1;
    end[9 * PAGE] = 1;
    char *where = map(PAGE, MAP_PRIVATE);
    strcpy(where, "child");
    return strcmp(where, "child");
}

/* Each space has its own break and mappings, at the same addresses. */
static void addresses(void)
{
    long before = syscall(SYS_brk, 0);
    char *at = map(PAGE, MAP_PRIVATE);
    munmap(at, PAGE);
    truth("child grows", status_of(grow) == 0);
    truth("the parent's break stays", syscall(SYS_brk, 0) == before);
    unsigned char in;
    truth("nothing is mapped in the parent", mincore(at, PAGE, &in) != 0 && errno == ENOMEM);
}

/* ---- what else is copied ---- */

static int pipes[2];

static int check_state(void)
{
    sigset_t set;
    struct sigaction action;
    sigpending(&set);
    bool pending = sigismember(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &set);
    sigaction(SIGUSR2, NULL, &action);
    struct itimerval timer;
    getitimer(ITIMER_REAL, &timer);
    char path[100];
    bool same = !pending && sigismember(&set, SIGUSR1) && action.sa_handler == SIG_IGN &&
                timer.it_value.tv_sec == 0 && umask(0) == 031 &&
                getcwd(path, sizeof path) != NULL && strcmp(path, "/tmp") == 0;
    write(pipes[1], "x", 1);
    return same && fcntl(pipes[0], F_GETFD) == FD_CLOEXEC ? 0 : 1;
}

static void state(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    signal(SIGUSR2, SIG_IGN);
    const struct itimerval timer = {.it_value.tv_sec = 100};
    setitimer(ITIMER_REAL, &timer, NULL);
    umask(031);
    chdir("/tmp");
    pipe(pipes);
    fcntl(pipes[0], F_SETFD, FD_CLOEXEC);
    truth("signals, timers, umask, folder, descriptors", status_of(check_state) == 0);
    char byte = 0;
    truth("one pipe", read(pipes[0], &byte, 1) == 1 && byte == 'x');
    sigpending(&set);
    truth("pending in the parent", sigismember(&set, SIGUSR1));
    const struct timespec none = {0};
    sigtimedwait(&set, NULL, &none);
}

static int lock_conflict(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(pipes[0], F_SETLK, &lock) == -1 && errno == EAGAIN ? 0 : 1;
}

static void locks(void)
{
    int fd = memfd_create("locked", 0);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pipes[0] = fd;
    truth("record lock", fcntl(fd, F_SETLK, &lock) == 0);
    truth("is the parent's alone", status_of(lock_conflict) == 0);
}

/* ---- threads, futexes ---- */

static atomic_int stop;

static void *allocate(void *unused)
{
    (void)unused;
    while (!stop)
        free(malloc(100));
    return NULL;
}

static int one_thread(void)
{
    char *p = malloc(1000);
    int left = access("/proc/self/task", R_OK);
    free(p);
    return syscall(SYS_gettid) == getpid() && left == 0 ? 0 : 1;
}

static void threads(void)
{
    pthread_t thread[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&thread[i], NULL, allocate, NULL);
    bool all = true;
    for (int i = 0; i < 50; i++)
        all = all && status_of(one_thread) == 0;
    truth("fifty children of a program in malloc", all);
    stop = 1;
    for (int i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
}

static int futex(int *word, int op, int value)
{
    const struct timespec soon = {.tv_nsec = 100000000};
    return (int)syscall(SYS_futex, word, op, value, op & FUTEX_WAKE ? NULL : &soon, NULL, 0);
}

static int private_word, *shared_word;

static int wake_private(void)
{
    usleep(20000);
    return futex(&private_word, FUTEX_WAKE_PRIVATE, 10);
}

static int wake_shared(void)
{
    *shared_word = 1;
    while (futex(shared_word, FUTEX_WAKE, 1) == 0)
        sched_yield();
    return 0;
}

/* The same address in two processes is two futexes; a word of shared memory is one. */
static void futexes(void)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(wake_private());
    errno = 0;
    truth("not woken by the child",
          futex(&private_word, FUTEX_WAIT_PRIVATE, 0) == -1 && errno == ETIMEDOUT);
    waitpid(child, &status, 0);
    truth("the child woke none", status == 0);
    shared_word = (int *)map(PAGE, MAP_SHARED);
    child = fork();
    if (child == 0)
        _exit(wake_shared());
    /* The child writes the word before or after the first look at it, and wakes once. */
    while (syscall(SYS_futex, shared_word, FUTEX_WAIT, 0, NULL, NULL, 0) != 0 &&
           syscall(SYS_futex, shared_word, FUTEX_WAIT, 1, NULL, NULL, 0) != 0)
        ;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    puts("woken by the child in shared memory");
}

/* ---- clone(2) ---- */

static int tid_word;

static void raw(void)
{
    int status, parent_word = 0;
    fflush(stdout);
    long child = syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_PARENT_SETTID | SIGCHLD, 0,
                         &parent_word, &tid_word, 0);
    if (child == 0)
        _exit(tid_word == syscall(SYS_gettid) ? 0 : 1);
    truth("the child's word is in the child",
          waitpid((pid_t)child, &status, 0) == child && status == 0);
    truth("not in the parent", tid_word == 0 && parent_word == child);
    child = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, NULL, NULL, 0);
    if (child == 0) {
        data = 77;
        _exit(0);
    }
    truth("vfork without shared memory", waitpid((pid_t)child, &status, 0) == child && data == 1);
}

/* ---- many ---- */

static void many(void)
{
    enum {
        CHILDREN = 100
    };
    pid_t child[CHILDREN];
    int gate[2], good = 0;
    pipe(gate);
    fflush(stdout);
    for (int i = 0; i < CHILDREN; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            char byte;
            close(gate[1]);
            heap[i * PAGE % (64 * PAGE)] = (char)i;
            read(gate[0], &byte, 1);
            _exit(heap[i * PAGE % (64 * PAGE)] == (char)i ? i : 255);
        }
    }
    close(gate[1]);
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        good += waitpid(child[i], &status, 0) == child[i] && status == i << 8;
    }
    truth("a hundred at once", good == CHILDREN);
    truth("the parent's heap", heap[5 * PAGE] == 1);
}

static int generation;

static int descend(void)
{
    data++;
    if (++generation == 20)
        return data == 21 ? 0 : 1;
    return status_of(descend) >> 8;
}

int main(void)
{
    copies();
    rights();
    large_pages();
    addresses();
    state();
    locks();
    threads();
    futexes();
    raw();
    many();
    truth("twenty generations", status_of(descend) == 0);
    return 0;
}
