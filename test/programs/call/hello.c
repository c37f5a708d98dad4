/* SPDX-License-Identifier: MIT */
/* A minimal program: output, arguments, environment, an exit status. */
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

int main(int argc, char **argv)
{
    printf("hello, %d arguments\n", argc);
    for (int i = 0; i < argc; i++)
        printf("argv[%d] = '%s'\n", i, argv[i]);
    for (char **e = environ; *e != NULL; e++)
        printf("%s\n", *e);
    fprintf(stderr, "and this goes to stderr\n");
    return argc > 1 ? atoi(argv[1]) : 0;
}
