/* SPDX-License-Identifier: MIT */
/* What a program may do to the CPU, at random: a part of callfuzz.c. */
#pragma once

static sigjmp_buf back;
static volatile sig_atomic_t armed, changing;
static unsigned char *code;
static char alternate[1 << 16];

/* The faults of the deeds; any other is the program's own, and ends it. */
static void on_fault(int number)
{
    if (armed)
        siglongjmp(back, 1);
    signal(number, SIG_DFL);
}

static void change(void *words, size_t size)
{
    for (uint64_t count = next() % 6; count-- != 0;) {
        uint64_t word = argument();
        memcpy((char *)words + next() % (size / 8) * 8, &word, sizeof(word));
    }
}

static void on_change(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ucontext_t *u = context;
    if (!changing)
        return;
    changing = 0;
    /* General registers, rip, flags, selectors; the FPU's image is the frame's own, and stays in it. */
    change(u->uc_mcontext.gregs, 23 * sizeof(u->uc_mcontext.gregs[0]));
    if (next() % 4 == 0)
        change(u->uc_mcontext.fpregs, 512 + 64);
    u->uc_mcontext.gregs[REG_EFL] &= ~0x100; /* TF would step through all that follows */
    u->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)(arena + 0x8000);
}

/* Instructions of one of these opcodes behind random prefixes, then int3. Left out is what ring 0 obeys: hlt, cli, in and out,
 * moves to control registers, and loads of FS and GS. */
static void run_code(void)
{
    static const unsigned char prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e,
                                             0x26, 0x64, 0x40, 0x48, 0x4f, 0x41, 0x44};
    static const unsigned char opcodes[][3] = {
        {0xcd, 0, 0},    {0xcc, 0, 0},       {0xce, 0, 0},       {0xcb, 0, 0},
        {0xca, 8, 0},    {0xcf, 0, 0},       {0x8e, 0xd8, 0},    {0x8e, 0xc0, 0},
        {0x8e, 0xd0, 0}, {0x1f, 0, 0},       {0x8c, 0xd8, 0},    {0x0f, 0x05, 0},
        {0x0f, 0x0b, 0}, {0xf7, 0xf1, 0},    {0x0f, 0x28, 0x01}, {0xa4, 0, 0},
        {0xab, 0, 0},    {0xf7, 0xf9, 0},    {0xd9, 0xe8, 0},    {0xdb, 0xe3, 0},
        {0x1e, 0, 0},    {0x9d, 0, 0},       {0x9c, 0, 0},       {0xc8, 0xff, 0xff},
        {0xc9, 0, 0},    {0xff, 0x29, 0},    {0xff, 0x19, 0},    {0xea, 0, 0},
        {0x0f, 0x34, 0}, {0x0f, 0xae, 0x29}, {0x0f, 0x01, 0xd0}, {0x0f, 0xc7, 0x09},
    };
    size_t at = 0;
    memset(code, 0xcc, 64);
    while (next() % 2 == 0 && at < 12)
        code[at++] = prefixes[next() % sizeof(prefixes)];
    const unsigned char *opcode = opcodes[next() % 3 ? next() % 32 : 0];
    memcpy(code + at, opcode, 3);
    if (opcode[0] == 0xcd)
        code[at + 1] = (unsigned char)next();
    uint64_t stack[8] = {argument(), 0x33, next(), argument(), 0x2b, argument(), 0x33, next()};
    for (int i = 0; i < 8; i++)
        if (next() % 4 == 0)
            stack[i] = argument();
    stack[2] &= 0xffff & ~0x100ull;
    if (next() & 1)
        stack[0] = (uint64_t)(uintptr_t)code + 32;
    memcpy(arena + 0x8000, stack, sizeof(stack));
    /* A repeated string instruction ends: the alarm is ignored here. */
    uint64_t rcx = argument() & 0xffff, rsi = argument(), rdi = argument(),
             rax = next() % 2 ? SYS_getpid : SYS_getuid; /* calls that never sleep */
    __asm__ volatile("mov %%rsp, %%r12; mov %4, %%rsp; jmp *%5"
                     :
                     : "a"(rax), "c"(rcx), "S"(rsi), "D"(rdi), "r"(arena + 0x8000), "r"(code)
                     : "r12", "memory");
    __builtin_unreachable();
}

/* rt_sigreturn() to a frame of random words, or to one that a handler had. */
static void random_frame(void)
{
    uint64_t *frame = (uint64_t *)(arena + 0x10000);
    for (int i = 0; i < 200; i++)
        frame[i] = next() % 3 ? argument() : next();
    if (next() & 1)
        frame[5 + 16] = (uint64_t)(uintptr_t)code; /* rip */
    if (next() & 1)
        frame[5 + 15] = (uint64_t)(uintptr_t)(arena + 0x8000);
    if (next() & 1)
        frame[5 + 18] = 0x002b000000000033; /* ss fs gs cs */
    frame[5 + 17] &= ~0x100ull;
    frame[5 + 32] = 0; /* nothing is blocked, and the alternate stack stays */
    frame[2] = (uint64_t)(uintptr_t)alternate;
    frame[3] = 0;
    frame[4] = sizeof(alternate);
    memset(code, 0xcc, 64);
    __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; int3" : : "r"(frame) : "memory");
    __builtin_unreachable();
}

static void deed(void)
{
    const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    if (code == NULL)
        code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
    mmap(ARENA, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigaction(faults[i], &action, NULL);
    action.sa_handler = SIG_IGN; /* the alarm, on a stack that is none */
    sigaction(SIGALRM, &action, NULL);
    uint64_t kind = next() % 8;
    armed = 1;
    if (sigsetjmp(back, 1) == 0) {
        if (kind < 5)
            run_code();
        else if (kind < 7)
            random_frame();
        action.sa_sigaction = on_change;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGUSR1, &action, NULL);
        changing = 1;
        __asm__ volatile("syscall; int3"
                         :
                         : "a"(SYS_tgkill), "D"(getpid()), "S"(gettid()), "d"(SIGUSR1)
                         : "rcx", "r11", "memory");
    }
    armed = 0;
    changing = 0;
    __asm__ volatile("cld; pushfq; andq $~0x44100, (%%rsp); popfq" : : : "cc", "memory");
    const unsigned mxcsr = 0x1f80;
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"(mxcsr));
    const stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        signal(faults[i], SIG_DFL);
    keep_alive();
}
