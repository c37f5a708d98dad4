/* SPDX-License-Identifier: MIT */
/* start PROGRAM [ARGS...]: PID 1 for somebody else's program: makes ready what it expects, says that
 * the clock starts now, and becomes it. */
#include "guest.h"

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    bench_start();
    puts("bench start");
    fflush(stdout);
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 1;
}
