/* SPDX-License-Identifier: MIT */
/*
 * The edges of the CPU: vectors that a program raises itself, Linux's user selectors, far returns, flags, contexts with which
 * rt_sigreturn() cannot go on, the FPU at the entry of a handler, and the vsyscall page. Each line names a deed and says how it
 * ended.
 *
 *     cpu            all of them
 *     cpu call32     int 0x80, which is a call on a Linux with 32-bit programs
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <time.h>
#include <unistd.h>

static sigjmp_buf out;
static volatile int got, code;
static volatile long at, rip, trap, error, rax;
static unsigned char *page;

static void on_fault(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    got = number;
    code = info->si_code;
    at = (long)info->si_addr;
    rip = u->uc_mcontext.gregs[REG_RIP];
    trap = u->uc_mcontext.gregs[REG_TRAPNO];
    error = u->uc_mcontext.gregs[REG_ERR];
    rax = u->uc_mcontext.gregs[REG_RAX];
    siglongjmp(out, 1);
}

static void say(const char *what, long base)
{
    if (got == 0)
        printf("%-24s goes on\n", what);
    else
        printf("%-24s signal %d code %d at %#lx rip %+ld trap %ld error %#lx\n", what, got, code,
               at != 0 && at == rip ? 1 : at, base != 0 ? rip - base : 0, trap, error);
}

/* Runs code bytes. */
static void run(const char *what, const void *bytes, size_t size)
{
    got = 0;
    memset(page, 0x90, 64);
    memcpy(page, bytes, size);
    page[size] = 0xc3;
    if (sigsetjmp(out, 1) == 0)
        ((void (*)(void))page)();
    say(what, (long)page);
}
#define RUN(what, bytes) run(what, bytes, sizeof(bytes) - 1)

static void vectors(void)
{
    for (int n = 0; n < 256; n++) {
        char what[32];
        unsigned char bytes[] = {0xcd, (unsigned char)n};
        if (n == 0x80 || (n > 20 && n < 32)) /* reserved: virtual machines differ */
            continue;
        snprintf(what, sizeof(what), "int %d", n);
        run(what, bytes, 2);
    }
    RUN("int 14 with a prefix", "\x48\x90\x66\x90\xcd\x0e");
    RUN("int3", "\xcc"); /* not `into`: QEMU 10 goes on, as in 32-bit code */
    RUN("ud2", "\x0f\x0b");
    /* After bytes that look like `int`, the exception is the CPU's. */
    RUN("cd 00, then div", "\xeb\x02\xcd\x00\x31\xc9\xf7\xf1");
    RUN("cd 06, then ud2", "\xeb\x02\xcd\x06\x0f\x0b");
    RUN("cd 07, then SSE", "\xeb\x02\xcd\x07\x0f\x57\xc0");
}

/* mov $selector, %ecx; then the instruction */
static void selectors(void)
{
    RUN("mov 2b to ds", "\xb9\x2b\x00\x00\x00\x8e\xd9");
    RUN("mov 2b to es", "\xb9\x2b\x00\x00\x00\x8e\xc1");
    RUN("mov 2b to ss", "\xb9\x2b\x00\x00\x00\x8e\xd1");
    RUN("mov 2b to gs", "\xb9\x2b\x00\x00\x00\x8e\xe9");
    RUN("mov 33 to ds", "\xb9\x33\x00\x00\x00\x8e\xd9\xb9\x00\x00\x00\x00\x8e\xd9");
    RUN("save and restore ss", "\x8c\xd1\x8e\xd1");
    RUN("save and restore ds es", "\x8c\xd9\x8e\xd9\x8c\xc1\x8e\xc1");
    RUN("mov fff8 to ds", "\xb9\xf8\xff\x00\x00\x8e\xd9");
    /* push the selector; call 1f; 1: addq $7, (%rsp); lretq: goes on behind it */
    RUN("lretq to 33", "\x6a\x33\xe8\x00\x00\x00\x00\x48\x83\x04\x24\x07\x48\xcb");
    /* the same by lretq $8, with a word more */
    RUN("lretq $8 to 33",
        "\x58\x50\x50\x6a\x33\xe8\x00\x00\x00\x00\x48\x83\x04\x24\x09\x48\xca\x08\x00\x90");
    /* mov %rsp, %rdx; push $2b; push %rdx; pushf; push $33; call; add; iretq */
    RUN("iretq to 33",
        "\x48\x89\xe2\x6a\x2b\x52\x9c\x6a\x33\xe8\x00\x00\x00\x00\x48\x83\x04\x24\x07\x48\xcf");
    RUN("lretq to fff8", "\x68\xf8\xff\x00\x00\xe8\x00\x00\x00\x00\x48\xcb");
}

static void flags(void)
{
    /* pushf; orl $flag, (%rsp); popf; syscall getpid; then the flag is cleared again */
    RUN("getpid with NT",
        "\x9c\x81\x0c\x24\x00\x40\x00\x00\x9d\xb8\x27\x00\x00\x00\x0f\x05\x9c\x81\x24\x24\xff\xbf"
        "\xff\xff\x9d");
    RUN("getpid with AC",
        "\x9c\x81\x0c\x24\x00\x00\x04\x00\x9d\xb8\x27\x00\x00\x00\x0f\x05\x9c\x81\x24\x24\xff\xff"
        "\xfb\xff\x9d");
    RUN("getpid with DF", "\xfd\xb8\x27\x00\x00\x00\x0f\x05\xfc");
    RUN("NT, then a fault", "\x9c\x81\x0c\x24\x00\x40\x00\x00\x9d\x31\xc9\x8b\x09");
    __asm__ volatile("pushfq; andq $~0x4000, (%rsp); popfq");
}

static volatile int change;

static void on_change(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    unsigned short *selector =
        (unsigned short *)&u->uc_mcontext.gregs[REG_CSGSFS]; /* cs gs fs ss */
    (void)number, (void)info;
    if (change == 100)
        printf("%-24s cs %#x ss %#x\n", "a context", selector[0], selector[3]);
    if (change == 1)
        u->uc_mcontext.gregs[REG_RIP] = (long)0x8000000000001234;
    if (change == 2)
        u->uc_mcontext.gregs[REG_RIP] = (long)0xffff800000001234;
    if (change == 3)
        selector[3] = 0x1237;
    if (change == 4)
        selector[0] = 0x1237;
    if (change == 5)
        selector[3] = 0x2b, selector[0] = 0x33;
    if (change == 6)
        selector[3] = 0;
    u->uc_mcontext.gregs[REG_RAX] = 0x77;
}

static void contexts(void)
{
    static const struct {
        int change;
        const char *what;
    } changes[] = {
        {100, "returned"},    {1, "to a bad rip"},  {2, "to the kernel"},
        {3, "with a bad ss"}, {4, "with a bad cs"}, {5, "with Linux's selectors"},
        {6, "with no ss"},
    };
    struct sigaction a = {.sa_sigaction = on_change, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &a, NULL);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        got = 0, rip = 0, rax = 0;
        change = changes[i].change;
        if (sigsetjmp(out, 1) == 0)
            raise(SIGUSR1);
        if (change == 3 && error == 0x1234)
            error = 0; /* of a bad ss some kernels and processors say the selector, others 0 */
        if (got != 0 && change <= 2)
            printf("%-24s rip %#lx rax %#lx\n", changes[i].what, rip, rax);
        say(changes[i].what, 0);
    }
}

static volatile unsigned seen_mxcsr, seen_word, seen_tag;

static void on_fpu(int number)
{
    struct {
        unsigned short control, r0, status, r1, tag, r2;
        unsigned rest[4];
    } environment;
    unsigned mxcsr;
    (void)number;
    __asm__ volatile("fnstenv %0" : "=m"(environment));
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    seen_mxcsr = mxcsr, seen_word = environment.control, seen_tag = environment.tag;
}

/* A handler starts with the FPU as a program does, and the interrupted code keeps its own. */
static void fpu(void)
{
    unsigned mxcsr = 0x5fa0, after;
    unsigned short word = 0xc7f, word_after;
    signal(SIGUSR2, on_fpu);
    __asm__ volatile("fninit; fldcw %0; fld1; ldmxcsr %1" : : "m"(word), "m"(mxcsr));
    raise(SIGUSR2);
    __asm__ volatile("fnstcw %0; stmxcsr %1; fninit" : "=m"(word_after), "=m"(after));
    mxcsr = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    printf("%-24s mxcsr %#x control %#x tag %#x, after it %#x %#x\n", "fpu in a handler",
           seen_mxcsr, seen_word, seen_tag, after & ~0x3fu, word_after);
}

static void on_pipe(int number, siginfo_t *info, void *context)
{
    (void)context;
    printf("signal %-17d code %d pid %s uid %d\n", number, info->si_code,
           info->si_pid == getpid() ? "own" : "another", info->si_uid == getuid() ? 1 : 0);
}

static void senders(void)
{
    struct sigaction a = {.sa_sigaction = on_pipe, .sa_flags = SA_SIGINFO};
    int p[2];
    sigaction(SIGPIPE, &a, NULL);
    if (pipe(p) == 0) {
        close(p[0]);
        (void)!write(p[1], "x", 1);
        close(p[1]);
    }
}

/* The page in the list of mappings. */
static void vsyscall_lines(const char *list)
{
    char line[256];
    int inside = 0;
    FILE *file = fopen(list, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        inside |= strncmp(line, "ffffffffff600000-", 17) == 0;
        if (inside && (strchr(line, '[') || strncmp(line, "Size", 4) == 0 || strstr(line, "Flags")))
            printf("%s", line);
    }
    if (file != NULL)
        fclose(file);
}

static void vsyscalls(void)
{
    long (*old_gettimeofday)(struct timeval *, void *) = (void *)0xffffffffff600000;
    long (*old_time)(long *) = (void *)0xffffffffff600400;
    long (*old_getcpu)(unsigned *, unsigned *, void *) = (void *)0xffffffffff600800;
    struct timeval t = {0, -1};
    long now = time(NULL), seconds = 0, result;
    unsigned cpu = 1000;
    got = 0;
    if (sigsetjmp(out, 1) == 0) {
        result = old_gettimeofday(&t, NULL);
        printf("%-24s %ld %d\n", "vsyscall gettimeofday", result,
               t.tv_sec - now <= 2 && t.tv_usec >= 0);
        result = old_time(&seconds);
        printf("%-24s %d %d\n", "vsyscall time", result == seconds, seconds - now <= 2);
        result = old_getcpu(&cpu, NULL, NULL);
        printf("%-24s %ld %d\n", "vsyscall getcpu", result, cpu < 1000);
    }
    say("vsyscalls", 0);
    got = 0;
    if (sigsetjmp(out, 1) == 0)
        old_gettimeofday((void *)8, NULL);
    printf("%-24s signal %d\n", "vsyscall, bad pointer", got);
    got = 0;
    if (sigsetjmp(out, 1) == 0)
        ((void (*)(void))0xffffffffff600010)();
    printf("%-24s signal %d\n", "vsyscall page, elsewhere", got);
}

int main(int argc, char **argv)
{
    struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "call32") == 0)
        __asm__ volatile("int $0x80" : : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &a, NULL);
    vectors();
    selectors();
    flags();
    contexts();
    fpu();
    senders();
    vsyscalls();
    vsyscall_lines("/proc/self/maps");
    vsyscall_lines("/proc/self/smaps");
    return 0;
}
