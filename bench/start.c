/* SPDX-License-Identifier: MIT */
/* start PROGRAM [ARGS...]: PID 1 for one of Debian's programs: prepares its environment, prints the line
 * that starts the clock, and executes it. */
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
