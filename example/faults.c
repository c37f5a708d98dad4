/* SPDX-License-Identifier: MIT */
/*
 * Ways to crash, one for each kind of report:
 *
 *     ./ouro run example/faults.c null-field
 *
 * Without an argument: the list.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define PAGE     4096

struct point {
    long x, y, z, w;
};

/* A way that consists of an instruction or two. */
#define INSTRUCTION(name, ...)                                                                     \
    static void name(void)                                                                         \
    {                                                                                              \
        __asm__ volatile(__VA_ARGS__);                                                             \
    }

static struct point *volatile no_point;
static void (*volatile no_function)(void);
static const char constants[32] = "this may be read only";
static char variables[64] __attribute__((aligned(64))) = {(char)0xc3};
static volatile uintptr_t sink;

static NOINLINE void store(uintptr_t at)
{
    *(volatile int *)at = 42;
}

static NOINLINE void load(uintptr_t at)
{
    sink = *(volatile unsigned *)at;
}

static NOINLINE void jump(uintptr_t at)
{
    ((void (*)(void))at)();
    sink++; /* prevents a tail call */
}

static char *map(size_t size, int rights)
{
    char *at = mmap(NULL, size, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        exit(3);
    return at;
}

/* --- null and wild pointers --- */

static void null_read(void)
{
    load(0);
}

static void null_write(void)
{
    store(0);
}

static void null_field(void)
{
    no_point->w = 1;
}

static void null_element(void)
{
    sink = ((volatile char *)no_point)[300];
}

static void null_before(void)
{
    sink = (uintptr_t)no_point[-1].x;
}

static void null_call(void)
{
    no_function();
    sink++;
}

static void null_string(void)
{
    sink = strlen((char *)no_point);
}

static void wild_read(void)
{
    load(0x123456789000);
}

static void wild_write(void)
{
    store(0x123456789000);
}

static void wild_jump(void)
{
    jump(0x123456789000);
}

static void kernel_read(void)
{
    load(0xfffff90000000000 - PAGE);
}

static void kernel_write(void)
{
    store(0xffffffff80130000);
}

static void non_canonical_read(void)
{
    load(0x8000000000000000);
}

static void non_canonical_write(void)
{
    store(0x00ff000000000000);
}

static void non_canonical_call(void)
{
    jump(0x8000000000000000);
}

static void text_as_pointer(void)
{
    uintptr_t pointer;
    memcpy(&pointer, "Hi there", sizeof pointer);
    load(pointer);
}

/* A store to the window that programs may read: include/ouro/pagetable.h. */
static void page_tables(void)
{
    store(getauxval(0x4f55524f));
}

/* --- stacks --- */

static NOINLINE int recurse(int depth)
{
    volatile char local[64];
    local[0] = (char)depth;
    return recurse(depth + 1) + local[0];
}

static NOINLINE int pong(int depth);

static NOINLINE int ping(int depth)
{
    volatile int local = pong(depth + 1);
    return local + depth;
}

static NOINLINE int pong(int depth)
{
    volatile int local = ping(depth + 1);
    return local - depth;
}

/* Makes the depth of the stack independent of the arguments, so that the same access reaches the
 * guard. */
#define SETTLE_STACK()                                                                             \
    do {                                                                                           \
        volatile char *room = alloca((uintptr_t)__builtin_frame_address(0) % 65536);               \
        room[0] = 1;                                                                               \
    } while (0)

static void stack_recursion(void)
{
    SETTLE_STACK();
    sink = (uintptr_t)recurse(0);
}

static void stack_circle(void)
{
    SETTLE_STACK();
    sink = (uintptr_t)ping(0);
}

static void stack_array(void)
{
    volatile size_t size = 64 << 20;
    volatile char *local = alloca(size);
    local[0] = 1;
}

static void stack_big_frames(void)
{
    volatile size_t size = 1 << 20;
    volatile char *local = alloca(size);
    local[size / 2] = 1;
    stack_big_frames();
    sink = (uintptr_t)local[0];
}

static char *small_stack(void)
{
    char *at = map(32 * PAGE, PROT_READ | PROT_WRITE);
    mprotect(at, 16 * PAGE, PROT_NONE);
    return at + 32 * PAGE;
}

static NOINLINE void run_on(char *top, void (*function)(void))
{
    __asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; call *%1; mov %%rbx, %%rsp"
                     :
                     : "r"(top), "r"(function)
                     : "rbx", "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
                       "r11");
}

static void stack_other(void)
{
    run_on(small_stack(), stack_recursion);
}

static void stack_none(void)
{
    run_on((char *)0x123456789000, stack_recursion);
}

static NOINLINE void overrun(const char *text)
{
    char local[16];
    volatile char *to = local;
    for (int i = 0; i < 64; i++)
        to[i] = text[i % 8];
}

static void return_text(void)
{
    overrun("AAAAAAAA");
    sink++;
}

static void return_wild(void)
{
    overrun("\x20\x30\x40\x50\x60\x70\0\0");
    sink++;
}

static void handler_on_full_stack(int signal)
{
    (void)signal;
    _exit(4);
}

static void stack_no_room_for_handler(void)
{
    signal(SIGSEGV, handler_on_full_stack);
    stack_recursion();
}

/* --- rights --- */

static void write_string(void)
{
    store((uintptr_t) "string literal");
}

static void write_constant(void)
{
    store((uintptr_t)constants);
}

static void write_code(void)
{
    store((uintptr_t)load);
}

static void execute_data(void)
{
    jump((uintptr_t)variables);
}

static void execute_constant(void)
{
    jump((uintptr_t)constants);
}

static void execute_stack(void)
{
    volatile unsigned char code[16] = {0xc3};
    jump((uintptr_t)code);
}

/* musl's sbrk() fails for every increment but 0. */
static unsigned char *grow_heap(long by)
{
    long now = syscall(SYS_brk, 0);
    if (syscall(SYS_brk, now + by) != now + by)
        exit(3);
    return (unsigned char *)now;
}

static void execute_heap(void)
{
    unsigned char *code = grow_heap(PAGE);
    code[0] = 0xc3;
    jump((uintptr_t)code);
}

static void execute_mapping(void)
{
    char *code = map(PAGE, PROT_READ | PROT_WRITE);
    code[0] = (char)0xc3;
    jump((uintptr_t)code);
}

static void write_protected(void)
{
    char *at = map(4 * PAGE, PROT_READ | PROT_WRITE);
    at[PAGE] = 1;
    mprotect(at, 2 * PAGE, PROT_READ);
    store((uintptr_t)at + PAGE + 8);
}

static void read_reserved(void)
{
    load((uintptr_t)map(PAGE, PROT_NONE));
}

static char *map_file(const char *text, size_t size)
{
    int fd = open("/tmp/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        exit(3);
    char *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

static void write_file(void)
{
    store((uintptr_t)map_file("short", PAGE));
}

static void past_file(void)
{
    load((uintptr_t)map_file("short", 2 * PAGE) + PAGE);
}

/* --- memory that is no longer mapped --- */

static NOINLINE char *map_and_forget(void)
{
    char *at = map(4 * PAGE, PROT_READ | PROT_WRITE);
    at[0] = 1;
    munmap(at, 4 * PAGE);
    return at;
}

static void unmapped_read(void)
{
    load((uintptr_t)map_and_forget() + 16);
}

static void unmapped_write(void)
{
    store((uintptr_t)map_and_forget() + PAGE);
}

static void unmapped_call(void)
{
    jump((uintptr_t)map_and_forget());
}

static void unmapped_part(void)
{
    char *at = map(4 * PAGE, PROT_READ | PROT_WRITE);
    munmap(at + PAGE, PAGE);
    store((uintptr_t)at + PAGE);
}

static void unmapped_break(void)
{
    unsigned char *at = grow_heap(4 * PAGE);
    at[0] = 1;
    grow_heap(-4 * PAGE);
    store((uintptr_t)at + 2 * PAGE);
}

static void out_of_memory(void)
{
    size_t size = (size_t)8 << 30;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    for (size_t i = 0; i < size; i += PAGE)
        at[i] = 1;
}

/* As out_of_memory(), by the kernel on the program's behalf. */
static void out_of_memory_call(void)
{
    char *at = mmap(NULL, (size_t)8 << 30, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int zeros = open("/dev/zero", O_RDONLY);
    while (read(zeros, at, 1 << 16) == 1 << 16)
        at += 1 << 16;
}

/* --- instructions --- */

INSTRUCTION(misaligned_load, "movaps (%0), %%xmm0" : : "r"(variables + 8) : "xmm0")
INSTRUCTION(misaligned_store, "movdqa %%xmm0, 4(%0)" : : "r"(variables) : "memory")
INSTRUCTION(misaligned_stack, "and $-16, %%rsp; movaps %%xmm0, -24(%%rsp)" : : : "memory")
INSTRUCTION(trap, "ud2")
INSTRUCTION(illegal, ".byte 0x06")
INSTRUCTION(ud1, "ud1 %eax, %eax")
INSTRUCTION(icebp, ".byte 0xf1")

static void divide_zero(void)
{
    __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idivl %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
}

static void divide_overflow(void)
{
    __asm__ volatile("mov $-1, %%ecx; mov $0x80000000, %%eax; cltd; idivl %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
}

INSTRUCTION(breakpoint, "int3")
INSTRUCTION(single_step, "pushf; orl $0x100, (%rsp); popf; nop; nop")

static void float_x87(void)
{
    short control = 0x0360; /* all exceptions unmasked */
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control));
}

static void float_sse(void)
{
    unsigned control = 0; /* all exceptions unmasked */
    __asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; divss %%xmm0, %%xmm0" : : "m"(control));
}

/* --- privileged instructions --- */

INSTRUCTION(bad_wrmsr, "wrmsr" : : "c"(0xdeadbee), "a"(1), "d"(0))
INSTRUCTION(bad_cr4, "mov %%cr4, %%rax; bts $63, %%rax; mov %%rax, %%cr4" : : : "rax")

static void bad_xsetbv(void)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"(0), "d"(0)); /* x87 state cannot be off */
}

INSTRUCTION(bad_selector, "mov %0, %%ds" : : "r"(0xffd8))
INSTRUCTION(bad_far_return, "pushq $0xffd8; pushq $0; lretq")
INSTRUCTION(call_32, "int $0x80" : : "a"(20) : "memory")
INSTRUCTION(software_interrupt, "int $14")
INSTRUCTION(device_vector, "int $0x40")

static void to_ring_3(void)
{
    __asm__ volatile("lea 1f(%%rip), %%rcx; mov $0x202, %%r11d; sysretq; 1: nop"
                     :
                     :
                     : "rcx", "r11");
}

INSTRUCTION(halt, "hlt")

/* Like the checks of musl's heap: a jump over a `hlt`. */
INSTRUCTION(halt_checked, "test %0, %0; jz 1f; hlt; 1:" : : "r"(sink + 1) : "cc")

/* Called after an overflow of a local array was detected; musl's executes hlt, glibc's aborts. */
void __stack_chk_fail(void);

static void stack_smashed(void)
{
    __stack_chk_fail();
}

INSTRUCTION(halt_for_ever, "cli; 1: hlt; jmp 1b")
INSTRUCTION(loop_for_ever, "cli; 1: jmp 1b")

static void gs_selector(void)
{
    __asm__ volatile("mov %0, %%gs" : : "r"(0x10));
    sink = (uintptr_t)syscall(SYS_getppid);
}

INSTRUCTION(gs_spin, "mov %0, %%gs; 1: jmp 1b" : : "r"(0x10))

/* GS base points to memory of the program, where the kernel would look for its stack. */
static void gs_own(void)
{
    uintptr_t at = (uintptr_t)map(PAGE, PROT_READ | PROT_WRITE);
    *(volatile char *)at = 0;
    __asm__ volatile("wrmsr" : : "c"(0xc0000101), "a"((unsigned)at), "d"((unsigned)(at >> 32)));
    sink = (uintptr_t)syscall(SYS_getppid);
}

/* --- threads --- */

static pthread_mutex_t first_lock = PTHREAD_MUTEX_INITIALIZER,
                       second_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rung = PTHREAD_COND_INITIALIZER;
static volatile int both;

static void *take_locks(void *backwards)
{
    pthread_mutex_lock(backwards ? &second_lock : &first_lock);
    __atomic_add_fetch(&both, 1, __ATOMIC_SEQ_CST);
    while (both < 2)
        sched_yield();
    pthread_mutex_lock(backwards ? &first_lock : &second_lock);
    return NULL;
}

static void in_thread(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, argument) != 0)
        exit(3);
    if (argument == NULL)
        pthread_join(thread, NULL);
}

static void deadlock(void)
{
    in_thread(take_locks, "backwards");
    take_locks(NULL);
}

static void *wait_for_bell(void *unused)
{
    pthread_mutex_lock(&first_lock);
    pthread_cond_wait(&rung, &first_lock); /* without checking the condition first */
    pthread_mutex_unlock(&first_lock);
    return unused;
}

static void lost_wakeup(void)
{
    pthread_cond_signal(&rung); /* no thread waits yet */
    in_thread(wait_for_bell, NULL);
}

static void *overflow_in_thread(void *unused)
{
    prctl(PR_SET_NAME, "worker");
    stack_recursion();
    return unused;
}

static void thread_recursion(void)
{
    in_thread(overflow_in_thread, NULL);
}

static void *jump_guard(void *unused)
{
    volatile size_t size = 600 << 10;
    prctl(PR_SET_NAME, "worker");
    volatile char *local = alloca(size);
    local[0] = 1;
    return unused;
}

static void thread_alloca(void)
{
    in_thread(jump_guard, NULL);
}

/* --- ends that the program causes itself --- */

static void call_abort(void)
{
    abort();
}

static void failed_assert(void)
{
    assert(sink == 1);
}

static void handled(int signal)
{
    (void)signal;
    static const char text[] = "handled by the program: no report\n";
    _exit(write(1, text, sizeof text - 1) > 0 ? 5 : 6);
}

static void halt_handled(void)
{
    signal(SIGSEGV, handled);
    halt();
}

static void handle_it(void)
{
    signal(SIGSEGV, handled);
    null_write();
}

static const struct {
    const char *name;
    void (*function)(void);
} ways[] = {
    {"null-read", null_read},
    {"null-write", null_write},
    {"null-field", null_field},
    {"null-element", null_element},
    {"null-before", null_before},
    {"null-call", null_call},
    {"null-string", null_string},
    {"wild-read", wild_read},
    {"wild-write", wild_write},
    {"wild-jump", wild_jump},
    {"text-as-pointer", text_as_pointer},
    {"non-canonical-read", non_canonical_read},
    {"non-canonical-write", non_canonical_write},
    {"non-canonical-call", non_canonical_call},
    {"kernel-read", kernel_read},
    {"kernel-write", kernel_write},
    {"page-tables", page_tables},
    {"stack-recursion", stack_recursion},
    {"stack-circle", stack_circle},
    {"stack-array", stack_array},
    {"stack-big-frames", stack_big_frames},
    {"stack-other", stack_other},
    {"stack-none", stack_none},
    {"stack-no-room-for-handler", stack_no_room_for_handler},
    {"return-text", return_text},
    {"return-wild", return_wild},
    {"write-string", write_string},
    {"write-constant", write_constant},
    {"write-code", write_code},
    {"write-protected", write_protected},
    {"write-file", write_file},
    {"execute-data", execute_data},
    {"execute-constant", execute_constant},
    {"execute-stack", execute_stack},
    {"execute-heap", execute_heap},
    {"execute-mapping", execute_mapping},
    {"read-reserved", read_reserved},
    {"past-file", past_file},
    {"unmapped-read", unmapped_read},
    {"unmapped-write", unmapped_write},
    {"unmapped-call", unmapped_call},
    {"unmapped-part", unmapped_part},
    {"unmapped-break", unmapped_break},
    {"out-of-memory-call", out_of_memory_call},
    {"out-of-memory", out_of_memory},
    {"misaligned-load", misaligned_load},
    {"misaligned-store", misaligned_store},
    {"misaligned-stack", misaligned_stack},
    {"trap", trap},
    {"illegal", illegal},
    {"ud1", ud1},
    {"icebp", icebp},
    {"divide-zero", divide_zero},
    {"divide-overflow", divide_overflow},
    {"breakpoint", breakpoint},
    {"single-step", single_step},
    {"float-x87", float_x87},
    {"float-sse", float_sse},
    {"bad-wrmsr", bad_wrmsr},
    {"bad-cr4", bad_cr4},
    {"bad-xsetbv", bad_xsetbv},
    {"bad-selector", bad_selector},
    {"bad-far-return", bad_far_return},
    {"call-32", call_32},
    {"software-interrupt", software_interrupt},
    {"device-vector", device_vector},
    {"to-ring-3", to_ring_3},
    {"halt", halt},
    {"halt-checked", halt_checked},
    {"halt-handled", halt_handled},
    {"stack-smashed", stack_smashed},
    {"halt-for-ever", halt_for_ever},
    {"loop-for-ever", loop_for_ever},
    {"gs-selector", gs_selector},
    {"gs-spin", gs_spin},
    {"gs-own", gs_own},
    {"deadlock", deadlock},
    {"lost-wakeup", lost_wakeup},
    {"thread-recursion", thread_recursion},
    {"thread-alloca", thread_alloca},
    {"abort", call_abort},
    {"assert", failed_assert},
    {"handled", handle_it},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (argc == 2 && strcmp(argv[1], ways[i].name) == 0) {
            ways[i].function();
            return 1;
        }
        if (argc != 2)
            puts(ways[i].name);
    }
    return argc == 2;
}
