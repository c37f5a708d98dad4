/* SPDX-License-Identifier: MIT */
/* Forbidden accesses to the program's own memory and to the kernel: each fails with the same signal
 * or error as on Linux. */
#define _GNU_SOURCE
#include "result.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE            4096ul
#define AT_OURO_WINDOW  0x4f55524f
#define KERNEL_HALF     0xffff800000000000ul
#define KERNEL_HEAP     0xfffff80000000000ul
#define KERNEL_BOOT     0xffffffff80101000ul
#define KERNEL_TEXT     0xffffffff80130000ul
#define MAIN_STACK_SIZE (8ul << 20)

static const unsigned char ret[16] = {0xc3, 0xc3};
static unsigned char data[16] = {0xc3, 0xc3};
static sigjmp_buf back;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    (void)info;
    siglongjmp(back, signal);
}

static void touch_read(uintptr_t at)
{
    (void)*(volatile char *)at;
}

static void touch_write(uintptr_t at)
{
    *(volatile char *)at = 1;
}

static void touch_execute(uintptr_t at)
{
    ((void (*)(void))at)();
}

static void attempt(const char *name, void (*touch)(uintptr_t), uintptr_t at)
{
    int signal = sigsetjmp(back, 1);
    if (signal == 0) {
        touch(at);
        printf("%s: NOT STOPPED\n", name);
    } else {
        printf("%s: signal %d\n", name, signal);
    }
}

static void test_exec(void)
{
    unsigned char stack[16] = {0xc3, 0xc3};
    unsigned char *heap = malloc(16), *large = malloc(1 << 20), *map;
    map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    heap[0] = large[0] = map[0] = 0xc3;
    attempt("test_exec_stack", touch_execute, (uintptr_t)stack);
    attempt("test_exec_heap", touch_execute, (uintptr_t)heap);
    attempt("test_exec_large_heap", touch_execute, (uintptr_t)large);
    attempt("test_exec_mmap_rw", touch_execute, (uintptr_t)map);
    attempt("test_exec_data", touch_execute, (uintptr_t)data);
    mprotect(map, PAGE, PROT_READ | PROT_EXEC);
    touch_execute((uintptr_t)map);
    printf("executable once it is asked for\n");
    attempt("test_write_mmap_rx", touch_write, (uintptr_t)map);
    mprotect(map, PAGE, PROT_READ | PROT_WRITE);
    attempt("test_exec_mmap_rw_again", touch_execute, (uintptr_t)map);
    free(heap);
    free(large);
}

static void test_write(void)
{
    attempt("test_write_text", touch_write, (uintptr_t)touch_write);
    attempt("test_write_rodata", touch_write, (uintptr_t)ret);
}

static void test_null(void)
{
    attempt("test_null_read", touch_read, 0);
    attempt("test_null_write", touch_write, 8);
    attempt("test_null_call", touch_execute, 0);
    attempt("test_null_read_at_4096", touch_read, PAGE);
    attempt("test_null_read_at_65535", touch_read, 65535);
    attempt("test_null_write_at_65535", touch_write, 65535);
}

/* The stack of a thread, as C libraries make it: mapped PROT_NONE, then all but the guard is opened. */
static char *thread_stack(size_t guard, size_t size)
{
    char *low = mmap(NULL, guard + size, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    mprotect(low + guard, size, PROT_READ | PROT_WRITE);
    return low + guard;
}

/* The default limit of the stack is 8 MiB; this function runs near its top. */
static void test_touch_guard(void)
{
    char here, *stack = thread_stack(PAGE, 1 << 17);
    attempt("test_touch_guard main stack", touch_write, (uintptr_t)&here - MAIN_STACK_SIZE);
    attempt("test_touch_guard main stack, 32 KiB on", touch_read,
            (uintptr_t)&here - MAIN_STACK_SIZE - 32768);
    touch_write((uintptr_t)stack);
    attempt("test_touch_guard thread stack", touch_write, (uintptr_t)stack - 1);
    attempt("test_touch_guard thread stack, a page", touch_read, (uintptr_t)stack - PAGE);
}

/* Accesses to the kernel's half that are stopped although program and kernel share ring 0. */
static void test_kernel(void)
{
    uintptr_t window = getauxval(AT_OURO_WINDOW);
    if (window == 0)
        window = KERNEL_HALF;
    attempt("test_write_program_window", touch_write, window);
    attempt("test_exec_program_window", touch_execute, window);
    attempt("test_write_kernel_text", touch_write, KERNEL_TEXT);
    attempt("test_exec_kernel_heap", touch_execute, KERNEL_HEAP);
    attempt("test_run_boot_code", touch_execute, KERNEL_BOOT);
    attempt("test_read_boot_code", touch_read, KERNEL_BOOT);
}

static void refused(const char *name, long got)
{
    printf("%s: %s\n", name, got == -1 ? strerror(errno) : "NOT REFUSED");
}

static void test_map_recursive_slot(void)
{
    uintptr_t window = getauxval(AT_OURO_WINDOW);
    const uintptr_t places[] = {window != 0 ? window : KERNEL_HALF,
                                KERNEL_HALF,
                                KERNEL_HEAP,
                                KERNEL_TEXT,
                                0x7ffffffff000,
                                0x800000000000,
                                -2 * PAGE};
    int fd = open("/dev/zero", O_RDONLY);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        void *at = (void *)places[i];
        const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
        printf("place %zu\n", i);
        refused("  mmap", (long)mmap(at, PAGE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0));
        refused("  mmap noreplace",
                (long)mmap(at, PAGE, PROT_READ, flags | MAP_FIXED_NOREPLACE, -1, 0));
        refused("  mprotect", mprotect(at, PAGE, PROT_READ | PROT_WRITE));
        refused("  munmap", munmap(at, PAGE));
        refused("  mremap", (long)mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
        refused("  read", read(fd, at, 8));
        void *hint = mmap(at, PAGE, PROT_READ, flags, -1, 0);
        truth("  a hint goes elsewhere", hint != MAP_FAILED && hint != at);
        munmap(hint, PAGE);
    }
    close(fd);
}

int main(void)
{
    static char alternate[65536];
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    test_exec();
    test_write();
    test_null();
    test_touch_guard();
    test_kernel();
    test_map_recursive_slot();
    return 0;
}
