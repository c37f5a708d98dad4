/* SPDX-License-Identifier: MIT */
/* The first line of main, then off: the program of bench/boot.sh, as PID 1 under Linux and under
 * Ouro alike. */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
    static const char line[] = "HELLO MAIN\n";
    if (write(1, line, sizeof line - 1) != (ssize_t)(sizeof line - 1))
        return 1;
    if (getpid() == 1)
        reboot(RB_POWER_OFF);
    return 0;
}
