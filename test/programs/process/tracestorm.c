/* SPDX-License-Identifier: MIT */
/* tracestorm SEED COUNT: requests of ptrace(2) at random, in Ouro only. */
#include "tracing.h"

static void target(void)
{
}

static void sleeps(void)
{
    for (;;)
        pause();
}

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
    return argc > 2 ? fuzz(strtoul(argv[1], NULL, 0), atol(argv[2])) : 2;
}
