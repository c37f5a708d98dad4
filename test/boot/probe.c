/* SPDX-License-Identifier: MIT */
/*
 * Prints what a boot passes to the program, for comparison with a run on Linux: arguments,
 * environment, files, standard input, both outputs, terminals, the status.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* FNV-1a, 64 bits. */
static uint64_t hash_stream(FILE *in, unsigned long *size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    int byte;
    for (*size = 0; (byte = getc(in)) != EOF; ++*size)
        hash = (hash ^ (unsigned)byte) * UINT64_C(0x100000001b3);
    return hash;
}

static void show_stream(const char *name, FILE *in)
{
    unsigned long size;
    uint64_t hash = hash_stream(in, &size);
    printf("%s size=%lu hash=%016llx\n", name, size, (unsigned long long)hash);
}

int main(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("argv[%d]=<%s>\n", i, argv[i]);
    printf("PROBE=<%s>\n", getenv("PROBE") ? getenv("PROBE") : "");
    for (int fd = 0; fd <= 2; fd++)
        printf("isatty(%d)=%d\n", fd, isatty(fd));
    FILE *file = fopen("data", "r");
    if (!file) {
        perror("data");
        return 1;
    }
    show_stream("data", file);
    fclose(file);
    show_stream("stdin", stdin);
    for (int byte = 0; byte < 256; byte++)
        putchar(byte);
    fflush(stdout);
    fprintf(stderr, "this is stderr\n");
    return 42;
}
