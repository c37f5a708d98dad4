/* SPDX-License-Identifier: MIT */
/* ptrace(2)'s debug registers: breakpoints and watchpoints of the processor, which belong to one thread. */
#include "tracing.h"

#define DR(n)                 (offsetof(struct user, u_debugreg) + 8 * (n))
#define ON(n)                 (1ul << 2 * (n))
#define EXEC                  0ul
#define WRITE                 1ul
#define ACCESS                3ul
#define BYTES_1               0ul
#define BYTES_2               1ul
#define BYTES_8               2ul
#define BYTES_4               3ul
#define KIND(n, kind, length) ((kind) << (16 + 4 * (n)) | (length) << (18 + 4 * (n)))

static volatile uint64_t words[4] __attribute__((aligned(64)));
static volatile int sink, turns;

static void __attribute__((noinline)) called(void)
{
    __asm__ volatile("" ::: "memory");
    turns++;
}

static unsigned long dr(pid_t pid, int n)
{
    unsigned long value = 77;
    pt(PEEKUSER, pid, DR(n), D(&value));
    return value;
}

static void show_dr(const char *name, pid_t pid, int n)
{
    printf("%s: %lx\n", name, dr(pid, n));
}

static void set(const char *name, pid_t pid, int n, unsigned long value)
{
    result(name, pt(POKEUSER, pid, DR(n), value));
}

static unsigned long word_of(pid_t pid, volatile void *at)
{
    unsigned long word = 0;
    pt(PEEKTEXT, pid, (unsigned long)(uintptr_t)at, D(&word));
    return word;
}

/* Goes on; prints the stop and DR6. */
static void next(const char *name, pid_t pid)
{
    unsigned long dr6 = 0;
    siginfo_t info = {0};
    pt(CONT, pid, 0, 0);
    if (!WIFSTOPPED(wait_for(name, pid)))
        return;
    pt(GETSIGINFO, pid, 0, D(&info));
    pt(PEEKUSER, pid, DR(6), D(&dr6));
    printf("    code %d, address is %s, DR6 %lx, words %lu %lu %lu, turns %d\n", info.si_code,
           (unsigned long)(uintptr_t)info.si_addr == registers(pid).rip ? "rip" : "not rip", dr6,
           word_of(pid, &words[0]), word_of(pid, &words[1]), word_of(pid, &words[2]),
           (int)word_of(pid, &turns));
    pt(POKEUSER, pid, DR(6), 0);
}

static void idle(void)
{
}

static void values(void)
{
    pid_t pid = traced_child(idle);
    for (int n = 0; n < 8; n++)
        show_dr("at first", pid, n);
    show_dr("behind", pid, 8);
    truth("DR4", pt(POKEUSER, pid, DR(4), 0) == -1 && errno == EIO);
    truth("DR5", pt(POKEUSER, pid, DR(5), 1) == -1 && errno == EIO);
    set("DR0 of the program", pid, 0, D(words));
    set("DR1 without alignment", pid, 1, D(words) + 1);
    set("enable a byte", pid, 7, ON(1) | KIND(1, WRITE, BYTES_1));
    show_dr("DR7", pid, 7);
    set("enable two bytes without alignment", pid, 7, ON(1) | KIND(1, WRITE, BYTES_2));
    set("enable eight bytes without alignment", pid, 7, ON(1) | KIND(1, ACCESS, BYTES_8));
    show_dr("DR7 after refusals", pid, 7);
    set("instructions of two bytes", pid, 7, ON(0) | KIND(0, EXEC, BYTES_2));
    set("ports", pid, 7, ON(0) | KIND(0, 2ul, BYTES_1));
    set("eight bytes", pid, 7, ON(0) | KIND(0, WRITE, BYTES_8));
    set("less alignment than that", pid, 0, D(words) + 4);
    truth("DR0 is as it was", dr(pid, 0) == D(words));
    set("none", pid, 7, 0);
    set("DR6", pid, 6, 0);
    show_dr("DR6", pid, 6);
    set("without alignment", pid, DR(0) + 1 - DR(0), 0);
    pt(KILL, pid, 0, 0);
    wait_for("killed", pid);
}

static int pipes[2];

static void touches(void)
{
    words[0] = 1; /* watched: 0, eight bytes */
    words[1] = 2;
    sink = (int)words[1]; /* watched: accesses */
    ((volatile uint8_t *)words)[17] = 1;
    ((volatile uint8_t *)words)[18] = 2; /* watched: a byte */
    called();                            /* watched */
    called();
    /* a system call's stores are not */
    if (write(pipes[1], "12345678", 8) != 8 || read(pipes[0], (void *)words, 8) != 8)
        _exit(9);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t pid = fork(); /* a child is not watched */
    if (pid == 0) {
        words[0] = 5;
        _exit(7);
    }
    int status;
    waitpid(pid, &status, 0);
    usleep(1000);
    words[0] = 6; /* still watched after a sleep */
    _exit(WEXITSTATUS(status));
}

static void stops(void)
{
    if (pipe(pipes) != 0)
        return;
    pid_t pid = traced_child(touches);
    set("DR0", pid, 0, D(&words[0]));
    set("DR1", pid, 1, D(&words[1]));
    set("DR2", pid, 2, D(&words[2]) + 2);
    set("DR3", pid, 3, D(called));
    set("DR7", pid, 7,
        ON(0) | ON(1) | ON(2) | ON(3) | KIND(0, WRITE, BYTES_8) | KIND(1, ACCESS, BYTES_8) |
            KIND(2, WRITE, BYTES_1) | KIND(3, EXEC, BYTES_1));
    next("a store", pid);
    next("another", pid);
    next("a load", pid);
    next("a store of a byte", pid);
    next("an instruction", pid);
    next("the same", pid);
    next("after a sleep", pid);
    next("end", pid);
}

static void *other(void *unused)
{
    for (int i = 0; i < 20; i++) {
        words[0]++;
        sched_yield();
    }
    return unused;
}

/* The main thread is watched, another of its process is not, nor is another process that shares the memory. */
static void with_others(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    for (int i = 0; i < 20; i++)
        sched_yield();
    pthread_join(thread, NULL);
    words[0] = 100;
    words[1] = 5; /* a step comes here, too */
    _exit(0);
}

static void threads(void)
{
    pid_t pid = traced_child(with_others);
    set("DR0", pid, 0, D(&words[0]));
    set("DR7", pid, 7, ON(0) | KIND(0, WRITE, BYTES_8));
    next("the thread's own", pid);
    result("a step", pt(STEP, pid, 0, 0));
    wait_for("stepped", pid);
    show_dr("DR7", pid, 7);
    set("off", pid, 7, 0);
    next("end", pid);
}

static void stores(void)
{
    words[0] = 3;
    char *argv[] = {(char[]){"end"}, NULL};
    execv("/proc/self/exe", argv);
    _exit(9);
}

static void ends(void)
{
    pid_t pid = traced_child(stores);
    pt(SETOPTIONS, pid, 0, 0x10); /* PTRACE_O_TRACEEXEC */
    set("DR0", pid, 0, D(&words[0]));
    set("DR7", pid, 7, ON(0) | KIND(0, WRITE, BYTES_8));
    next("before exec", pid);
    pt(CONT, pid, 0, 0);
    wait_for("exec", pid);
    show_dr("DR0 after exec", pid, 0);
    show_dr("DR7 after exec", pid, 7);
    result("detached", pt(DETACH, pid, 0, 0));
    wait_for("end", pid);
}

int main(int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "end") == 0)
        return 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    values();
    stops();
    threads();
    ends();
    return 0;
}
