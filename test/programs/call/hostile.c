/* SPDX-License-Identifier: MIT */
/* execve() of malformed ELF files: whatever the result, the calling program continues. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH "/tmp/hostile"

static struct image {
    Elf64_Ehdr header;
    Elf64_Phdr segment[4];
    uint8_t code[64];
    uint8_t rest[8192];
} image;

/* exit(42) as a system call. */
static const uint8_t code[] = {0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05};

static Elf64_Phdr *const first = &image.segment[0], *const second = &image.segment[1];

static void fresh(void)
{
    image = (struct image){
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_DYN,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_entry = offsetof(struct image, code),
                   .e_phoff = offsetof(struct image, segment),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .segment = {{PT_LOAD, PF_R | PF_X, 0, 0, 0, 4096, 4096, 4096},
                    {PT_LOAD, PF_R | PF_W, 4096, 4096, 4096, 4096, 8192, 4096}},
    };
    memcpy(image.code, code, sizeof code);
}

/* Runs the image and prints the result. Errors that Linux finds only after the old program is gone end it by a signal;
 * Ouro refuses the file before, so `late` cases (1) print only "did not run". Linux accepts some that Ouro refuses (2). */
static void run(const char *what, size_t size, int late)
{
    unlink(PATH);
    int fd = open(PATH, O_CREAT | O_WRONLY | O_TRUNC, 0700), status = 0;
    write(fd, &image, size);
    close(fd);
    char *argv[] = {PATH, NULL};
    fflush(stdout);
    volatile int refused = 0;
    pid_t child = vfork();
    if (child == 0) {
        execve(PATH, argv, argv + 1);
        refused = errno;
        _exit(1);
    }
    waitpid(child, &status, 0);
    if (late == 2)
        printf("%s: over\n", what);
    else if (late && (refused || WIFSIGNALED(status)))
        printf("%s: did not run\n", what);
    else if (refused)
        printf("%s: refused, %s\n", what, strerror(refused));
    else if (WIFSIGNALED(status))
        printf("%s: killed\n", what);
    else
        printf("%s: status %d\n", what, WEXITSTATUS(status));
}

static void headers(void)
{
    fresh();
    run("nothing wrong", sizeof image, 0);
    fresh();
    run("empty", 0, 0);
    run("one byte", 1, 0);
    run("half a header", 32, 0);
    run("no segments in the file", sizeof(Elf64_Ehdr), 0);
    image.header.e_phnum = 0;
    run("no segments", sizeof image, 0);
    fresh();
    image.header.e_phnum = 65535;
    run("65,535 headers", sizeof image, 0);
    image.header.e_phnum = 1171;
    run("1,171 headers", sizeof image, 0);
    image.header.e_phnum = 1000;
    run("headers past the end", sizeof image, 0);
    fresh();
    image.header.e_phoff = UINT64_MAX - 10;
    run("headers nowhere", sizeof image, 0);
    image.header.e_phoff = (uint64_t)1 << 62;
    run("headers far away", sizeof image, 0);
    fresh();
    image.header.e_phentsize = 32;
    run("headers of another size", sizeof image, 0);
    fresh();
    image.header.e_type = ET_REL;
    run("an object file", sizeof image, 0);
    fresh();
    image.header.e_machine = EM_AARCH64;
    run("another machine", sizeof image, 0);
    fresh();
    image.header.e_ident[EI_CLASS] = 9;
    image.header.e_entry = 1 << 30;
    run("entry outside", sizeof image, 1);
    image.header.e_entry = (uint64_t)1 << 62;
    run("entry not canonical", sizeof image, 1);
    image.header.e_entry = 0xffffffff80100000;
    run("entry in the kernel", sizeof image, 1);
}

static void segments(void)
{
    fresh();
    second->p_vaddr = 0;
    second->p_offset = 0;
    second->p_flags = PF_R | PF_X;
    run("the same place twice", sizeof image, 2);
    fresh();
    second->p_vaddr = 0;
    run("something else over the code", sizeof image, 1);
    fresh();
    first->p_memsz = 4096 * 5;
    run("overlapping", sizeof image, 2);
    fresh();
    image.segment[0] = image.segment[1];
    second->p_vaddr = 0;
    second->p_offset = 0;
    second->p_filesz = second->p_memsz = 4096;
    second->p_flags = PF_R | PF_X;
    run("in the wrong order", sizeof image, 1);
    fresh();
    second->p_memsz = (uint64_t)1 << 46;
    run("64 TiB of memory", sizeof image, 1);
    second->p_memsz = (uint64_t)1 << 63;
    run("half of everything", sizeof image, 1);
    second->p_memsz = UINT64_MAX;
    run("everything", sizeof image, 1);
    fresh();
    second->p_memsz = 100;
    run("more in the file than in memory", sizeof image, 1);
    fresh();
    second->p_filesz = second->p_memsz = (uint64_t)1 << 40;
    run("more than the file has", sizeof image, 1);
}

static void places(void)
{
    fresh();
    second->p_vaddr = 0xffff800000000000;
    run("in the kernel's half", sizeof image, 1);
    fresh();
    second->p_vaddr = 0x00007ffffffff000;
    run("at the end of everything", sizeof image, 1);
    fresh();
    second->p_vaddr = UINT64_MAX - 100;
    run("around the end", sizeof image, 1);
    fresh();
    second->p_offset = 5000;
    run("offset and address disagree", sizeof image, 1);
    fresh();
    second->p_offset = (uint64_t)1 << 63;
    run("a negative offset", sizeof image, 1);
    fresh();
    first->p_flags = PF_R;
    run("code that is not executable", sizeof image, 2);
    fresh();
    second->p_filesz = 0;
    run("no bytes in the file", sizeof image, 0);
    fresh();
    second->p_filesz = second->p_memsz = 0;
    run("nothing at all", sizeof image, 0);
    fresh();
    for (size_t i = 0; i < 2; i++)
        image.segment[i].p_type = PT_NOTE;
    run("only notes", sizeof image, 1);
    fresh();
    run("cut off in the second", 5000, 2);
    run("cut off behind the first", 4096, 2);
}

static void interpreter(const char *what, const char *text, size_t size, int late)
{
    fresh();
    image.header.e_phnum = 3;
    image.segment[2] = (Elf64_Phdr){
        .p_type = PT_INTERP, .p_offset = offsetof(struct image, rest), .p_filesz = size};
    memcpy(image.rest, text, strlen(text) + 1);
    run(what, sizeof image, late);
}

static void interpreters(void)
{
    interpreter("an interpreter that is missing", "/missing", 9, 0);
    interpreter("an interpreter without an end", "/missing", 8, 0);
    interpreter("an empty one", "", 1, 0);
    interpreter("a very empty one", "", 0, 0);
    interpreter("a long one", "/missing", 5000, 0);
    interpreter("a folder", "/tmp", 5, 0);
    interpreter("itself", PATH, sizeof PATH, 2);
    fresh();
    image.header.e_phnum = 3;
    image.segment[2] =
        (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = (uint64_t)1 << 60, .p_filesz = 10};
    run("one far away", sizeof image, 2);
    int fd = open("/tmp/no-program", O_CREAT | O_WRONLY, 0700);
    write(fd, "text", 4);
    close(fd);
    interpreter("a text", "/tmp/no-program", 16, 2);
    unlink("/tmp/no-program");
}

/* Three random bits flipped, 300 times. */
static void bits(void)
{
    uint64_t random = 88172645463325252;
    static int i; /* static: vfork() may clobber a local variable */
    for (i = 0; i < 300; i++) {
        int status;
        fresh();
        for (int j = 0; j < 3; j++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t bit = random % (offsetof(struct image, code) * 8);
            ((uint8_t *)&image)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        unlink(PATH);
        int fd = open(PATH, O_CREAT | O_WRONLY | O_TRUNC, 0700);
        write(fd, &image, sizeof image);
        close(fd);
        char *argv[] = {PATH, NULL};
        pid_t child = vfork();
        if (child == 0) {
            execve(PATH, argv, argv + 1);
            _exit(1);
        }
        waitpid(child, &status, 0);
    }
    printf("still here\n");
}

int main(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    headers();
    segments();
    places();
    interpreters();
    bits();
    unlink(PATH);
    return 0;
}
