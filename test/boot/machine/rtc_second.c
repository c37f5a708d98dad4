/* SPDX-License-Identifier: MIT */
/* Prints the nanoseconds of CLOCK_REALTIME's second at the moment when the CMOS clock's second changes. A program on Ouro
 * may use ports. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static uint8_t second(void)
{
    uint8_t value = 0;
    __asm__ volatile("outb %b0, $0x70; inb $0x71, %b0" : "+a"(value));
    return value;
}

int main(void)
{
    struct timespec now, nap = {1, 300000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL); /* the kernel has seen one */
    uint8_t old = second();
    while (second() == old)
        ;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%lld %ld\n", (long long)now.tv_sec, now.tv_nsec);
    return 0;
}
