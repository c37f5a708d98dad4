/* SPDX-License-Identifier: MIT */
/* The start stack and the auxiliary vector, read before the C library can change them. */
#define _GNU_SOURCE
#include "result.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel's value: glibc's getauxval() returns its own for AT_HWCAP. */
static unsigned long value(const ElfW(auxv_t) * aux, unsigned long type)
{
    while (aux->a_type != AT_NULL && aux->a_type != type)
        aux++;
    return aux->a_un.a_val;
}

static int all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0)
            return 0;
    }
    return 1;
}

extern const ElfW(Ehdr) __ehdr_start;

/* This program with segments that ask for the alignment, which the kernel gives to a position-independent one. */
static void aligned(unsigned long alignment)
{
    static char bytes[4 << 20];
    int status = 0, from = open("/proc/self/exe", O_RDONLY),
        to = open("/tmp/aligned", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t n = read(from, bytes, sizeof bytes);
    ElfW(Phdr) *phdr = (ElfW(Phdr) *)(bytes + __ehdr_start.e_phoff);
    for (int i = 0; i < __ehdr_start.e_phnum; i++)
        if (phdr[i].p_type == PT_LOAD)
            phdr[i].p_align = alignment;
    if (write(to, bytes, (size_t)n) != n)
        perror("write");
    close(from);
    close(to);
    fflush(stdout);
    if (fork() == 0) {
        execl("/tmp/aligned", "aligned", NULL);
        _exit(99);
    }
    wait(&status);
    printf("aligned to %#lx: status %#x\n", alignment, status);
}

static int misaligned(void)
{
    const ElfW(Phdr) *first = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    while (first->p_type != PT_LOAD)
        first++;
    uintptr_t alignment = first->p_align;
    if (alignment & (alignment - 1)) /* is ignored */
        alignment = 4096;
    return ((uintptr_t)&__ehdr_start & (alignment - 1) & ((32 << 20) - 1)) != 0;
}

static int alignments(void)
{
    for (unsigned long alignment = 4096; alignment <= 16 << 20; alignment <<= 4)
        aligned(alignment);
    aligned(0x3000);
    return unlink("/tmp/aligned");
}

int main(int argc, char **argv, char **envp)
{
    if (strcmp(argv[0], "aligned") == 0)
        return misaligned();
    char **end = envp;
    while (*end != NULL)
        end++;
    const ElfW(auxv_t) *aux = (const ElfW(auxv_t) *)(end + 1);
    uintptr_t argc_at = (uintptr_t)(argv - 1);
    truth("argc lies below argv", *(long *)argc_at == argc);
    truth("rsp was aligned", argc_at % 16 == 0);
    truth("envp follows argv", envp == argv + argc + 1);

    size_t count = 0;
    while (aux[count].a_type != AT_NULL)
        count++;
    truth("between 15 and 30 entries", count >= 15 && count <= 30);

    static const struct {
        unsigned long type;
        const char *name;
    } types[] = {
        {AT_PHDR, "PHDR"},     {AT_PHENT, "PHENT"},   {AT_PHNUM, "PHNUM"},
        {AT_PAGESZ, "PAGESZ"}, {AT_BASE, "BASE"},     {AT_FLAGS, "FLAGS"},
        {AT_ENTRY, "ENTRY"},   {AT_UID, "UID"},       {AT_EUID, "EUID"},
        {AT_GID, "GID"},       {AT_EGID, "EGID"},     {AT_PLATFORM, "PLATFORM"},
        {AT_HWCAP, "HWCAP"},   {AT_CLKTCK, "CLKTCK"}, {AT_SECURE, "SECURE"},
        {AT_RANDOM, "RANDOM"}, {AT_EXECFN, "EXECFN"}, {AT_HWCAP2, "HWCAP2"},
        {51, "MINSIGSTKSZ"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        int found = 0;
        for (size_t j = 0; j < count; j++)
            found += aux[j].a_type == types[i].type;
        printf("AT_%s: %d\n", types[i].name, found);
    }
    printf("page size %lu, ticks %lu, phent %lu, secure %lu, base %lu, flags %lu\n",
           getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), getauxval(AT_PHENT), getauxval(AT_SECURE),
           getauxval(AT_BASE), getauxval(AT_FLAGS));
    printf("uid %lu %lu gid %lu %lu\n", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID),
           getauxval(AT_EGID));
    const char *name = strrchr((char *)getauxval(AT_EXECFN), '/');
    printf("platform %s, name %s\n", (char *)getauxval(AT_PLATFORM), name != NULL ? name : "");
    truth("random bytes", !all_zero((unsigned char *)getauxval(AT_RANDOM), 16));
    truth("FPU, SSE and SSE2 in HWCAP", (value(aux, AT_HWCAP) & 0x06000001) == 0x06000001);
    truth("MINSIGSTKSZ", getauxval(51) >= 1000 && getauxval(51) < 20000);

    const ElfW(Phdr) *phdr = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t phnum = getauxval(AT_PHNUM), loads = 0;
    for (size_t i = 0; i < phnum; i++)
        loads += phdr[i].p_type == PT_LOAD;
    printf("program headers %zu, loads %zu\n", phnum, loads);

    char local;
    truth("stack above heap", (uintptr_t)&local > (uintptr_t)sbrk(0));
    truth("strings above pointers", (uintptr_t)argv[0] > (uintptr_t)(aux + count));
    truth("name above environment",
          *envp == NULL || (uintptr_t)getauxval(AT_EXECFN) > (uintptr_t)*envp);
    return alignments();
}
