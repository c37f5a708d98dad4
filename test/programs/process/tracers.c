/* SPDX-License-Identifier: MIT */
/* ptrace(2): stops at system calls and signals, registers, memory, steps. */
#include "tracing.h"

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

/* The tracer changes what is called. */
static void test_changed_calls(pid_t pid)
{
    struct user_regs_struct regs;
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
}

/* A sleep that a signal interrupts. */
static void test_restart(pid_t pid)
{
    struct user_regs_struct regs;
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
    test_changed_calls(pid);
    test_restart(pid);
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

static void test_step(pid_t pid)
{
    struct user_regs_struct regs;
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
    test_step(pid);
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

int main(void)
{
    test_calls();
    test_signals();
    test_group_stop();
    test_memory();
    test_sets();
    return 0;
}
