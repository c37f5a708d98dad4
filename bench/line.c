/* SPDX-License-Identifier: MIT */
/* Prints a line and ends: the machine that `./ouro bench boot` compares with an empty guest. */
#include <stdio.h>

int main(void)
{
    return puts("hello") < 0;
}
