/* SPDX-License-Identifier: MIT */
/* Which futexes are the same: private and shared, mappings of a file, memory without rights. And a pipe opened again. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE               4096
#define FUTEX_WAIT         0
#define FUTEX_WAKE         1
#define FUTEX_REQUEUE      3
#define FUTEX_PRIVATE_FLAG 128

static uint32_t *word;
static int flags;

static long futex(uint32_t *at, int operation, uint32_t value)
{
    struct timespec second = {10, 0};
    return syscall(SYS_futex, at, operation, value,
                   operation == (FUTEX_WAIT | flags) ? &second : NULL, NULL, 0);
}

static void *waits(void *unused)
{
    return (void *)(futex(word, FUTEX_WAIT | flags, 0) == 0 ? unused : NULL);
}

/* Wakes the waiter by `at`, or else by its own word and flags. */
static void woken_by(const char *what, uint32_t *at, int wake_flags)
{
    pthread_t thread;
    void *ok;
    pthread_create(&thread, NULL, waits, &thread);
    /* A requeue to the same futex counts the waiters. */
    while (syscall(SYS_futex, word, FUTEX_REQUEUE | flags, 0, 1, word, 0) != 1)
        usleep(1000);
    bool same = futex(at, FUTEX_WAKE | wake_flags, 1) == 1;
    if (!same)
        futex(word, FUTEX_WAKE | flags, 1);
    pthread_join(thread, &ok);
    printf("%s: %s\n", what, same ? "the same" : "another");
    truth("woken", ok != NULL);
}

int main(void)
{
    static uint32_t private_word;
    word = &private_word;
    woken_by("shared by private", word, FUTEX_PRIVATE_FLAG);
    flags = FUTEX_PRIVATE_FLAG;
    woken_by("private by shared", word, 0);
    woken_by("private by private", word, FUTEX_PRIVATE_FLAG);
    flags = 0;
    woken_by("shared by shared", word, 0);
    int fd = memfd_create("words", 0);
    result("size", ftruncate(fd, PAGE));
    uint32_t *one = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint32_t *two = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    word = one;
    woken_by("two mappings, shared", two, 0);
    woken_by("shared by private", one, FUTEX_PRIVATE_FLAG);
    flags = FUTEX_PRIVATE_FLAG;
    woken_by("two mappings, private", two, FUTEX_PRIVATE_FLAG);
    char *nothing = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(nothing + PAGE, PAGE);
    mprotect(nothing + 2 * PAGE, PAGE, PROT_READ);
    for (int i = 0; i < 3; i++) {
        uint32_t *at = (uint32_t *)(void *)(nothing + i * PAGE);
        result("wake shared", syscall(SYS_futex, at, FUTEX_WAKE, 1, NULL, NULL, 0));
        result("wake private",
               syscall(SYS_futex, at, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
        result("wait shared", syscall(SYS_futex, at, FUTEX_WAIT, 1, NULL, NULL, 0));
        result("wait private",
               syscall(SYS_futex, at, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
    }
    int ends[2];
    char name[64], bytes[8];
    result("pipe", pipe(ends));
    result("write", write(ends[1], "hello", 5));
    close(ends[1]);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    int again = open(name, O_RDONLY);
    truth("a pipe opened again", again >= 0);
    result("read", read(again, bytes, sizeof bytes));
    truth("for writing, without a reader that waits", open(name, O_WRONLY | O_NONBLOCK) >= 0);
    return 0;
}
