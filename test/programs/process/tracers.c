/* SPDX-License-Identifier: MIT */
/* ptrace(2): stops, events, registers, memory, and what tracer, tracee and parent hear of each other. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { /* linux/ptrace.h */
    TRACEME = 0,
    PEEKTEXT = 1,
    PEEKUSER = 3,
    POKETEXT = 4,
    POKEUSER = 6,
    CONT = 7,
    KILL = 8,
    STEP = 9,
    GETREGS = 12,
    SETREGS = 13,
    GETFPREGS = 14,
    SETFPREGS = 15,
    ATTACH = 16,
    DETACH = 17,
    CALLS = 24,
    SETOPTIONS = 0x4200,
    GETEVENTMSG,
    GETSIGINFO,
    SETSIGINFO,
    GETREGSET,
    SETREGSET,
    SEIZE,
    INTERRUPT,
    LISTEN,
    GETSIGMASK = 0x420a,
    SETSIGMASK,
    CALL_INFO = 0x420e,
};
#define WALL_ 0x40000000

struct call_info {
    uint8_t op, pad[3];
    uint32_t arch;
    uint64_t ip, sp;
    union {
        struct {
            uint64_t nr, args[6];
        } entry;
        struct {
            int64_t rval;
            uint8_t is_error;
        } exit;
    };
};

static long pt(long request, pid_t pid, unsigned long address, unsigned long data)
{
    return syscall(SYS_ptrace, request, (long)pid, address, data);
}
#define D(p) ((unsigned long)(uintptr_t)(p))

/* Prints a status of wait4(), whose event is in the third byte. */
static int show(const char *name, pid_t got, pid_t pid, int status)
{
    printf("%s: %s", name,
           got == pid  ? "it"
           : got == -1 ? strerror(errno)
           : got == 0  ? "nobody"
                       : "another");
    if (got > 0 && WIFSTOPPED(status))
        printf(", stopped by %d%s, event %d\n", WSTOPSIG(status) & 127,
               WSTOPSIG(status) & 128 ? " at a call" : "", status >> 16);
    else if (got > 0)
        printf(", %s %d\n", WIFEXITED(status) ? "exited" : "killed",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    else
        printf("\n");
    fflush(stdout);
    return status;
}

static int wait_for(const char *name, pid_t pid)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, WALL_);
    return show(name, got, pid, status);
}

static struct user_regs_struct registers(pid_t pid)
{
    struct user_regs_struct regs = {0};
    pt(GETREGS, pid, 0, D(&regs));
    return regs;
}

static void show_info(const char *name, pid_t pid)
{
    siginfo_t info = {0};
    if (pt(GETSIGINFO, pid, 0, D(&info)) != 0)
        printf("%s: %s\n", name, strerror(errno));
    else
        printf("%s: signal %d, code %d, from %s\n", name, info.si_signo, info.si_code,
               info.si_code > 0 && info.si_code != 128 && info.si_code < 5 ? "a fault"
               : info.si_pid == pid                                        ? "itself"
               : info.si_pid == getpid()                                   ? "the tracer"
                                                                           : "another");
}

static void show_call(const char *name, pid_t pid)
{
    struct call_info info;
    memset(&info, 0x55, sizeof info);
    long size = pt(CALL_INFO, pid, sizeof info, D(&info));
    printf("%s: %ld bytes, kind %d", name, size, info.op);
    if (info.op == 1)
        printf(", number %lld, first %lld\n", (long long)info.entry.nr,
               info.entry.nr == SYS_close ? (long long)info.entry.args[0] : 0);
    else if (info.op == 2)
        printf(", %s\n", info.exit.is_error ? "error" : "no error");
    else
        printf("\n");
}

/* raise() of musl makes other calls beside it. */
static void raise_plain(int signal)
{
    syscall(SYS_tkill, syscall(SYS_gettid), signal);
}

static void on_signal(int signal)
{
    (void)signal;
}

/* A child that is traced and has stopped itself, then runs. */
static pid_t traced_child(void (*run)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        pt(TRACEME, 0, 0, 0);
        raise_plain(SIGSTOP);
        run();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
        printf("the child has not stopped: %x\n", status);
    return pid;
}

/* ---- system calls ---- */

static void calls(void)
{
    syscall(SYS_getppid);
    syscall(SYS_close, 99);
    if (syscall(SYS_getpriority, 0, 0) != 42)
        _exit(1);
    if (syscall(SYS_getuid) != getpid())
        _exit(2);
    struct timespec nap = {100, 0};
    nanosleep(&nap, NULL);
}

static void test_calls(void)
{
    pid_t pid = traced_child(calls);
    struct user_regs_struct regs;
    result("bad options", pt(SETOPTIONS, pid, 0, 0x40000000));
    result("options", pt(SETOPTIONS, pid, 0, 1));
    show_info("of the stop", pid);
    show_call("outside of a call", pid);
    result("bad signal", pt(CALLS, pid, 0, 65));
    for (int i = 0; i < 4; i++) {
        result("goes on", pt(CALLS, pid, 0, 0));
        wait_for("call", pid);
        show_call("info", pid);
        regs = registers(pid);
        printf("orig_rax %lld rax %lld\n", (long long)regs.orig_rax,
               i == 1 ? (long long)(regs.rax != 0) : (long long)regs.rax);
    }
    show_info("of a call", pid);
    unsigned long message = 99;
    result("message", pt(GETEVENTMSG, pid, 0, D(&message)));
    printf("it is %lu\n", message);
    pt(CALLS, pid, 0, 0);
    wait_for("getpriority", pid);
    regs = registers(pid);
    regs.orig_rax = -1ull;
    regs.rax = 42;
    result("left out", pt(SETREGS, pid, 0, D(&regs)));
    pt(CALLS, pid, 0, 0);
    wait_for("left out", pid);
    printf("rax %lld\n", (long long)registers(pid).rax);
    pt(CALLS, pid, 0, 0);
    wait_for("getuid", pid);
    result("as getpid", pt(POKEUSER, pid, offsetof(struct user, regs.orig_rax), SYS_getpid));
    long value = 0;
    result("peek", pt(PEEKUSER, pid, offsetof(struct user, regs.orig_rax), D(&value)));
    printf("it is %ld\n", value);
    pt(CALLS, pid, 0, 0);
    wait_for("as getpid", pid);
    printf("its pid: %d\n", (pid_t)registers(pid).rax == pid);
    do {
        pt(CALLS, pid, 0, 0);
        waitpid(pid, (int[1]){0}, 0);
        regs = registers(pid);
    } while (regs.orig_rax != SYS_nanosleep && regs.orig_rax != SYS_clock_nanosleep &&
             regs.rip != 0);
    pt(CALLS, pid, 0, 0);
    struct timespec nap = {0, 5000000};
    nanosleep(&nap, NULL);
    kill(pid, SIGUSR1);
    wait_for("end of the sleep", pid);
    printf("rax %lld\n", (long long)registers(pid).rax);
    pt(CALLS, pid, 0, 0);
    wait_for("signal", pid);
    printf("rax %lld, a sleep: %d\n", (long long)registers(pid).rax,
           registers(pid).orig_rax == regs.orig_rax);
    pt(CALLS, pid, 0, 0);
    wait_for("it goes on", pid);
    printf("orig_rax %lld\n", (long long)registers(pid).orig_rax);
    kill(pid, SIGTERM);
    pt(CONT, pid, 0, 0);
    wait_for("signal", pid);
    pt(CONT, pid, 0, SIGTERM);
    wait_for("end", pid);
    result("nobody", waitpid(pid, NULL, WALL_));
}

/* ---- signals ---- */

static volatile sig_atomic_t caught;
static void count(int signal)
{
    caught = caught * 100 + signal;
}

static void signals(void)
{
    sigset_t set;
    signal(SIGUSR1, count);
    signal(SIGUSR2, count);
    signal(SIGHUP, SIG_IGN);
    raise_plain(SIGUSR1); /* dropped */
    raise_plain(SIGUSR1); /* becomes SIGUSR2 */
    raise_plain(SIGHUP);  /* ignored, but reported */
    if (caught != SIGUSR2)
        _exit(1);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise_plain(SIGUSR2); /* becomes SIGUSR1, which is blocked */
    if (caught != SIGUSR2)
        _exit(2);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    if (caught != SIGUSR2 * 100 + SIGUSR1)
        _exit(3);
    raise_plain(SIGCHLD);
    raise_plain(SIGSEGV);                      /* dropped */
    *(volatile int *volatile)(uintptr_t)8 = 1; /* kills */
}

static void test_signals(void)
{
    pid_t pid = traced_child(signals);
    siginfo_t info = {0};
    uint64_t mask = 1;
    pt(CONT, pid, 0, 0);
    wait_for("first", pid);
    show_info("its info", pid);
    pt(CONT, pid, 0, 0);
    wait_for("second", pid);
    pt(CONT, pid, 0, SIGUSR2);
    wait_for("ignored", pid);
    pt(CONT, pid, 0, SIGHUP);
    wait_for("blocked", pid);
    result("mask", pt(GETSIGMASK, pid, 8, D(&mask)));
    printf("SIGUSR1 is blocked: %d\n", mask == 1ull << (SIGUSR1 - 1));
    result("mask, bad size", pt(GETSIGMASK, pid, 4, D(&mask)));
    pt(CONT, pid, 0, SIGUSR1);
    wait_for("again", pid);
    show_info("its info", pid);
    pt(CONT, pid, 0, SIGUSR1);
    wait_for("child", pid);
    pt(CONT, pid, 0, SIGCHLD);
    wait_for("sent fault", pid);
    result("siginfo", pt(GETSIGINFO, pid, 0, D(&info)));
    info.si_code = SI_QUEUE;
    result("changed", pt(SETSIGINFO, pid, 0, D(&info)));
    show_info("now", pid);
    pt(CONT, pid, 0, 0);
    wait_for("fault", pid);
    pt(GETSIGINFO, pid, 0, D(&info));
    printf("at %p, code %d\n", info.si_addr, info.si_code);
    pt(CONT, pid, 0, SIGSEGV);
    wait_for("dead", pid);
}

static void stops(void)
{
    raise_plain(SIGTSTP);
    raise_plain(SIGSTOP);
}

static void test_group_stop(void)
{
    pid_t pid = traced_child(stops);
    siginfo_t info = {0};
    pt(CONT, pid, 0, SIGSTOP);
    wait_for("stopped by its first signal", pid);
    show_info("a group stop", pid);
    result("nothing new", waitpid(pid, NULL, WNOHANG | WUNTRACED));
    pt(CONT, pid, 0, 0);
    wait_for("goes on", pid);
    pt(CONT, pid, 0, 0);
    wait_for("again", pid);
    result("waitid, kept", waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT | WNOHANG));
    pt(CONT, pid, 0, SIGSTOP);
    result("waitid", waitid(P_PID, (id_t)pid, &info, WSTOPPED));
    printf("signal %d code %d status %d, it: %d\n", info.si_signo, info.si_code, info.si_status,
           info.si_pid == pid);
    result("kill", kill(pid, SIGKILL));
    wait_for("killed in a stop", pid);
}

/* ---- memory, registers, breakpoints ---- */

static volatile long word = 5;
static volatile long steps;
__attribute__((noinline, noclone)) static void target(void)
{
    __asm__ volatile("nop; nop; nop; incq %0; nop" : "+m"(steps));
}

static void memory(void)
{
    signal(SIGUSR1, on_signal);
    target();
    if (word != 6)
        _exit(1);
    long value;
    __asm__ volatile("mov $7, %%rax; movq %%rax, %%xmm5; int3; movq %%xmm5, %0"
                     : "=r"(value)
                     :
                     : "rax", "xmm5");
    if (value != 8)
        _exit(2);
    __asm__ volatile("mov $39, %%eax; int3; syscall; nop; nop" : : : "rax", "rcx", "r11", "memory");
    raise_plain(SIGUSR1);
    _exit(steps == 1 ? 0 : 3);
}

static void test_memory(void)
{
    pid_t pid = traced_child(memory);
    long value = 0, code = 0;
    char path[64], byte = (char)0xcc;
    result("peek", pt(PEEKTEXT, pid, D(&word), D(&value)));
    printf("it is %ld\n", value);
    result("poke", pt(POKETEXT, pid, D(&word), 6));
    result("nowhere", pt(PEEKTEXT, pid, 16, D(&value)));
    result("into nowhere", pt(POKETEXT, pid, 16, 0));
    result("kernel", pt(PEEKTEXT, pid, 0xffffffff80000000, D(&value)));
    result("to nowhere", pt(PEEKTEXT, pid, D(&word), 16));
    result("code", pt(PEEKTEXT, pid, D(target), D(&code)));
    result("breakpoint", pt(POKETEXT, pid, D(target), (unsigned long)(code & ~0xffl) | 0xcc));
    printf("own code unchanged: %d\n", memcmp((const void *)(uintptr_t)target, &code, 8) == 0);
    pt(CONT, pid, 0, 0);
    wait_for("breakpoint", pid);
    show_info("its info", pid);
    struct user_regs_struct regs = registers(pid);
    printf("behind it: %d, cs %x, ss %x\n", regs.rip == D(target) + 1, (unsigned)regs.cs,
           (unsigned)regs.ss);
    pt(POKETEXT, pid, D(target), (unsigned long)code);
    regs.rip--;
    result("back", pt(SETREGS, pid, 0, D(&regs)));
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int fd = open(path, O_RDWR);
    result("its memory", pwrite(fd, &byte, 1, (off_t)(D(target) + 1)));
    pt(CONT, pid, 0, 0);
    wait_for("second", pid);
    regs = registers(pid);
    printf("behind it: %d\n", regs.rip == D(target) + 2);
    result("its memory", pwrite(fd, (const char *)&code + 1, 1, (off_t)(D(target) + 1)));
    close(fd);
    pt(POKEUSER, pid, offsetof(struct user, regs.rip), regs.rip - 1);
    for (int i = 0; i < 3; i++) {
        pt(STEP, pid, 0, 0);
        wait_for("step", pid);
    }
    show_info("of a step", pid);
    printf("trap flag: %d\n", (int)(registers(pid).eflags >> 8 & 1));
    pt(PEEKTEXT, pid, D(&steps), D(&value));
    printf("stepped over inc: %d\n", value <= 1);
    struct user_fpregs_struct fp;
    pt(CONT, pid, 0, 0);
    wait_for("int3", pid);
    result("floating point", pt(GETFPREGS, pid, 0, D(&fp)));
    printf("xmm5 %d\n", fp.xmm_space[20]);
    fp.xmm_space[20] = 8;
    fp.mxcsr |= 0x80000000;
    result("bad mxcsr", pt(SETFPREGS, pid, 0, D(&fp)));
    fp.mxcsr &= 0xffff;
    result("set", pt(SETFPREGS, pid, 0, D(&fp)));
    pt(CONT, pid, 0, 0);
    wait_for("before a call", pid);
    uint64_t rip = registers(pid).rip;
    pt(STEP, pid, 0, 0);
    wait_for("step over a call", pid);
    regs = registers(pid);
    printf("%d further, rax its pid: %d, rcx: %d\n", (int)(regs.rip - rip), (pid_t)regs.rax == pid,
           regs.rcx == regs.rip);
    pt(STEP, pid, 0, 0);
    wait_for("step", pid);
    printf("%d further\n", (int)(registers(pid).rip - rip));
    pt(CONT, pid, 0, 0);
    wait_for("signal", pid);
    pt(STEP, pid, 0, SIGUSR1);
    wait_for("step into the handler", pid);
    printf("at its start: %d\n", registers(pid).rip == D(on_signal));
    show_info("its info", pid);
    pt(CONT, pid, 0, 0);
    wait_for("end", pid);
}

static void test_sets(void)
{
    pid_t pid = traced_child(stops);
    uint64_t regs[40];
    static uint8_t state[8192];
    struct iovec v = {regs, sizeof regs};
    result("set", pt(GETREGSET, pid, 1, D(&v)));
    printf("%zu bytes\n", v.iov_len);
    v.iov_len = 16;
    result("part", pt(GETREGSET, pid, 1, D(&v)));
    printf("%zu bytes\n", v.iov_len);
    v.iov_len = 15;
    result("odd", pt(GETREGSET, pid, 1, D(&v)));
    result("unknown", pt(GETREGSET, pid, 77, D(&v)));
    result("no vector", pt(GETREGSET, pid, 1, 16));
    v = (struct iovec){state, 8192};
    result("all registers", pt(GETREGSET, pid, 0x202, D(&v)));
    uint64_t mask;
    memcpy(&mask, state + 464, 8);
    printf("more than FXSAVE: %d, a multiple of 8: %d, x87 and SSE: %d\n", v.iov_len > 512,
           (int)(v.iov_len % 8), (int)(mask & 3));
    state[520] = 1;
    truth("a bad header is refused", pt(SETREGSET, pid, 0x202, D(&v)) == -1);
    state[520] = 0;
    v.iov_len = 64;
    result("short", pt(SETREGSET, pid, 2, D(&v)));
    v.iov_len = 512;
    result("floating point", pt(SETREGSET, pid, 2, D(&v)));
    result("user, odd", pt(PEEKUSER, pid, 3, D(regs)));
    result("user, far", pt(PEEKUSER, pid, 4096, D(regs)));
    result("debug register", pt(PEEKUSER, pid, offsetof(struct user, u_debugreg[7]), D(regs)));
    printf("%llu\n", (unsigned long long)regs[0]);
    result("bad request", pt(4711, pid, 0, 0));
    result("kill", pt(KILL, pid, 0, 0));
    wait_for("killed", pid);
}

/* ---- events ---- */

static void *thread(void *unused)
{
    (void)unused;
    usleep(1000);
    return NULL;
}

static void forks(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    waitpid(pid, NULL, 0);
    pid = vfork();
    if (pid == 0)
        _exit(4);
    waitpid(pid, NULL, 0);
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    char *argv[] = {(char[]){"exec"}, (char[]){"tracers"}, NULL};
    execv("/proc/self/exe", argv);
    _exit(9);
}

/* Follows all that the child starts; one line for each kind of news, those of other threads than `first` are marked. */
static void follow(pid_t first, int seized)
{
    int status, news[16] = {0}, ends[256] = {0}, stopped = 0;
    unsigned long message;
    pid_t got;
    while ((got = waitpid(-1, &status, WALL_)) > 0) {
        int event = status >> 16 & 255;
        if (!WIFSTOPPED(status)) {
            ends[WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)]++;
            continue;
        }
        if (event == 0 || event == 128) {
            stopped += got != first && (event == 128 || WSTOPSIG(status) == SIGSTOP);
        } else {
            news[event]++;
            pt(GETEVENTMSG, got, 0, D(&message));
            if (event == 6)
                ends[message >> 8 & 255]++;
            else if (message <= 1)
                printf("message %lu of event %d\n", message, event);
        }
        int signal = event == 0 ? WSTOPSIG(status) : 0;
        pt(CONT, got, 0, signal == SIGSTOP || signal == SIGTRAP ? 0 : (unsigned long)signal);
    }
    printf("%s: fork %d vfork %d clone %d exec %d vfork's end %d exit %d; began stopped: %d\n",
           seized ? "seized" : "attached", news[1], news[2], news[3], news[4], news[5], news[6],
           stopped);
    for (int i = 0; i < 256; i++)
        if (ends[i] != 0)
            printf("%d ended with %d\n", ends[i], i);
}

static void test_events(void)
{
    pid_t pid = traced_child(forks);
    result("options", pt(SETOPTIONS, pid, 0, 0x7e));
    pt(CONT, pid, 0, 0);
    follow(pid, 0);
    int pipes[2];
    result("pipe", pipe(pipes));
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        char c;
        while (read(pipes[0], &c, 1) != 1)
            ;
        forks();
    }
    result("bad options", pt(SEIZE, pid, 0, 0x40000000));
    result("seize", pt(SEIZE, pid, 0, 0x7e));
    result("twice", pt(SEIZE, pid, 0, 0));
    result("not stopped", pt(CONT, pid, 0, 0));
    result("go", write(pipes[1], "x", 1));
    follow(pid, 1);
    close(pipes[0]);
    close(pipes[1]);
    pid = traced_child(forks);
    pt(CONT, pid, 0, 0);
    int status;
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD)
        pt(CONT, pid, 0, 0);
    show("exec without the option", pid, pid, status);
    pt(DETACH, pid, 0, 0);
    wait_for("detached", pid);
}

static void sleeps(void)
{
    for (;;)
        pause();
}

static char state_of(pid_t pid, int *tracer)
{
    char path[64], line[128], state = '?';
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "State: %c", &state) != 1)
            sscanf(line, "TracerPid: %d", tracer);
    if (f != NULL)
        fclose(f);
    return state;
}

static void wait_state(pid_t pid, char wanted)
{
    int tracer;
    for (int i = 0; i < 5000 && state_of(pid, &tracer) != wanted; i++)
        usleep(1000);
}

static void test_seize(void)
{
    fflush(stdout);
    int tracer = -1;
    pid_t pid = fork();
    if (pid == 0)
        sleeps();
    wait_state(pid, 'S');
    result("interrupt, not traced", pt(INTERRUPT, pid, 0, 0));
    result("seize", pt(SEIZE, pid, 0, 0));
    result("nothing", waitpid(pid, NULL, WNOHANG | WALL_));
    printf("%c\n", state_of(pid, &tracer));
    printf("traced by me: %d\n", tracer == getpid());
    result("interrupt", pt(INTERRUPT, pid, 0, 0));
    wait_for("interrupted", pid);
    show_info("its info", pid);
    printf("%c\n", state_of(pid, &tracer));
    result("listen", pt(LISTEN, pid, 0, 0));
    result("listening", pt(CONT, pid, 0, 0));
    result("nothing", waitpid(pid, NULL, WNOHANG | WALL_));
    result("interrupt", pt(INTERRUPT, pid, 0, 0));
    wait_for("again", pid);
    pt(CONT, pid, 0, 0);
    result("stop", kill(pid, SIGSTOP));
    wait_for("signal", pid);
    result("listen in a signal's stop", pt(LISTEN, pid, 0, 0));
    pt(CONT, pid, 0, SIGSTOP);
    wait_for("group stop", pid);
    result("listen", pt(LISTEN, pid, 0, 0));
    result("continue", kill(pid, SIGCONT));
    wait_for("continued", pid);
    pt(CONT, pid, 0, 0);
    wait_for("its signal", pid);
    result("detach with a signal", pt(DETACH, pid, 0, SIGKILL));
    wait_for("dead", pid);
}

/* A process that is not the tracer's child: its parent hears of the end after the tracer. */
static void test_other(void)
{
    int status = 0, pipes[2];
    siginfo_t info = {0};
    result("pipe", pipe(pipes));
    fflush(stdout);
    pid_t victim = fork();
    if (victim == 0)
        sleeps();
    wait_state(victim, 'S');
    pid_t tracer = fork();
    if (tracer == 0) {
        result("attach", pt(ATTACH, victim, 0, 0));
        wait_for("attached", victim);
        show_info("its info", victim);
        result("goes on", pt(CONT, victim, 0, 0));
        kill(victim, SIGTERM);
        wait_for("signal", victim);
        pt(CONT, victim, 0, SIGTERM);
        struct timespec nap = {0, 50000000};
        nanosleep(&nap, NULL);
        char c;
        result("parent has looked", read(pipes[0], &c, 1));
        wait_for("the tracer's news", victim);
        result("twice", waitpid(victim, NULL, WALL_));
        fflush(stdout);
        _exit(0);
    }
    wait_state(victim, 'Z');
    result("no news yet", waitpid(victim, &status, WNOHANG));
    result("looked", write(pipes[1], "x", 1));
    result("the parent's news", waitid(P_PID, (id_t)victim, &info, WEXITED));
    printf("code %d status %d\n", info.si_code, info.si_status);
    waitpid(tracer, &status, 0);
    show("tracer", tracer, tracer, status);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_death_of_tracer(void)
{
    for (int kill_too = 0; kill_too < 2; kill_too++) {
        int status = 0;
        fflush(stdout);
        pid_t victim = fork();
        if (victim == 0) {
            signal(SIGUSR1, on_signal);
            pause();
            _exit(5);
        }
        wait_state(victim, 'S');
        pid_t tracer = fork();
        if (tracer == 0) {
            pt(SEIZE, victim, 0, kill_too ? 1 << 20 : 0);
            pt(INTERRUPT, victim, 0, 0);
            waitpid(victim, &status, WALL_);
            _exit(0);
        }
        waitpid(tracer, NULL, 0);
        int by = -1;
        if (!kill_too) {
            printf("%c\n", state_of(victim, &by) == 't' ? 't' : 'S');
            printf("tracer %d\n", by);
        }
        kill(victim, SIGUSR1);
        waitpid(victim, &status, 0);
        show(kill_too ? "dies with its tracer" : "outlives its tracer", victim, victim, status);
    }
}

static volatile sig_atomic_t child_code, child_status;
static void on_child(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    child_code = info->si_code;
    child_status = info->si_status;
}

static void test_errors(void)
{
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    result("nobody", pt(ATTACH, 1 << 22, 0, 0));
    result("itself", pt(ATTACH, getpid(), 0, 0));
    result("not traced", pt(CONT, getppid(), 0, 0));
    sigaction(SIGCHLD, &action, NULL);
    pid_t pid = traced_child(sleeps);
    printf("SIGCHLD: code %d, status %d\n", child_code, child_status);
    signal(SIGCHLD, SIG_DFL);
    result("listen, not seized", pt(LISTEN, pid, 0, 0));
    result("interrupt, not seized", pt(INTERRUPT, pid, 0, 0));
    struct user_regs_struct regs = registers(pid);
    regs.cs = 0x10;
    result("bad segment", pt(SETREGS, pid, 0, D(&regs)));
    result("registers to nowhere", pt(GETREGS, pid, 0, 16));
    result("registers from nowhere", pt(SETREGS, pid, 0, 16));
    pt(CONT, pid, 0, 0);
    result("running", pt(GETREGS, pid, 0, D(&regs)));
    result("kill", kill(pid, SIGKILL));
    wait_for("dead", pid);
    result("ended", pt(GETREGS, pid, 0, D(&regs)));
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        result("traced", pt(TRACEME, 0, 0, 0));
        result("twice", pt(TRACEME, 0, 0, 0));
        fflush(stdout);
        _exit(0);
    }
    wait_for("never stopped", pid);
}

/* ---- hostile requests: in Ouro only ---- */

static uint64_t drawn;
static unsigned long draw(unsigned long below)
{
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return (unsigned long)(drawn >> 33) % below;
}

static uint64_t buffer[4096];
static unsigned long draw_value(void)
{
    const unsigned long values[] = {0,
                                    1,
                                    2,
                                    8,
                                    16,
                                    0x202,
                                    0x7e,
                                    64,
                                    65,
                                    0x100000,
                                    0x7fffffff,
                                    ~0ul,
                                    1ul << 63,
                                    0x7ffffffff000,
                                    0xffffffff80000000,
                                    D(buffer),
                                    D(buffer) + 1,
                                    D(buffer + 512),
                                    D(target),
                                    D(buffer + 1000)};
    return values[draw(sizeof values / sizeof *values)];
}

/* A traced child gets requests at random. Once one may have changed its registers or memory it does not run again: all
 * code here runs in the kernel's ring. */
static int fuzz(uint64_t seed, long count)
{
    static const int requests[] = {
        PEEKTEXT,  PEEKUSER,  POKETEXT,   POKEUSER,    CONT,       STEP,       GETREGS,
        SETREGS,   GETFPREGS, SETFPREGS,  ATTACH,      DETACH,     CALLS,      31,
        32,        33,        SETOPTIONS, GETEVENTMSG, GETSIGINFO, SETSIGINFO, GETREGSET,
        SETREGSET, SEIZE,     INTERRUPT,  LISTEN,      0x4209,     GETSIGMASK, SETSIGMASK,
        CALL_INFO, 0x420f,    2,          5,           30,         4711};
    long done = 0, worked = 0;
    drawn = seed;
    while (done < count) {
        pid_t pid = traced_child(sleeps);
        int dirty = 0;
        for (unsigned long i = 2 + draw(60); i > 0; i--) {
            int request = requests[draw(sizeof requests / sizeof *requests)];
            for (size_t j = draw(1024); j < 1024; j += 1 + draw(300))
                buffer[j] = draw_value();
            struct iovec v = {buffer, draw(2) ? sizeof buffer : draw_value()};
            int runs = request == CONT || request == STEP || request == CALLS ||
                       request == DETACH || request == 31;
            int writes = request == POKETEXT || request == POKEUSER || request == SETREGS ||
                         request == SETFPREGS || request == SETREGSET || request == 5 ||
                         request == SETSIGMASK;
            if (runs && dirty)
                continue;
            int with_set = (request == GETREGSET || request == SETREGSET) && draw(4) != 0;
            long got = pt(request, draw(20) ? pid : (pid_t)draw_value(),
                          with_set ? (unsigned long[]){1, 2, 0x202, 77}[draw(4)] : draw_value(),
                          with_set ? D(&v) : draw_value());
            dirty |= writes;
            worked += got >= 0;
            done++;
            if (runs)
                waitpid(pid, NULL, WNOHANG | WALL_);
        }
        kill(pid, SIGKILL);
        int status;
        while (waitpid(pid, &status, WALL_) == pid && WIFSTOPPED(status))
            pt(CONT, pid, 0, 0); /* PTRACE_EVENT_EXIT */
    }
    printf("fuzz: %ld requests, some worked: %d\n", done, worked > 100);
    return worked > 100 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "fuzz") == 0)
        return fuzz(strtoul(argv[2], NULL, 0), atol(argv[3]));
    if (argc > 1 && strcmp(argv[0], "exec") == 0)
        return 11;
    test_calls();
    test_signals();
    test_group_stop();
    test_memory();
    test_sets();
    test_events();
    test_seize();
    test_other();
    test_death_of_tracer();
    test_errors();
    return 0;
}
