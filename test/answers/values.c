/* SPDX-License-Identifier: MIT */
/* values.c: the words that the texts of arguments stand for, and the memory that they lead to. */
#define _GNU_SOURCE
#include "answers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void arena_make(void)
{
    long prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    RAW(SYS_munlockall);
    RAW(SYS_munmap, ARENA, ARENA_END - ARENA);
    for (unsigned i = 0; i < ARGUMENTS; i++)
        RAW(SYS_mmap, ARENA + i * SLOT, SLOT_BYTES, prot, flags, -1, 0);
    RAW(SYS_mmap, ARENA_RO, PAGE, PROT_READ, flags, -1, 0);
    RAW(SYS_mmap, ARENA_EXTRA, SLOT_BYTES, prot, flags, -1, 0);
    RAW(SYS_mmap, ARENA_MAP, MAP_PAGES * PAGE, prot, flags, -1, 0);
    for (unsigned i = 0; i < MAP_PAGES; i++)
        *(volatile uint64_t *)(ARENA_MAP + i * PAGE) = i + 1;
    RAW(SYS_mprotect, ARENA_MAP + 4 * PAGE, 2 * PAGE, PROT_READ);
    RAW(SYS_munmap, ARENA_MAP + 8 * PAGE, 2 * PAGE);
    int fd = (int)RAW(SYS_openat, AT_FDCWD, TREE "/file", O_RDWR);
    RAW(SYS_mmap, ARENA_MAP + 12 * PAGE, 2 * PAGE, prot, MAP_SHARED | MAP_FIXED, fd, 0);
    RAW(SYS_close, fd);
}

/* Words of 2^shift bytes in hexadecimal, decimal or by name, separated by colons: placed so that they end where the slot's
 * memory ends. */
static uint64_t words_of(const char *text, unsigned slot, unsigned shift)
{
    uint8_t bytes[1024];
    size_t used = 0, size = (size_t)1 << shift;
    char part[128];
    while (*text) {
        size_t length = strcspn(text, ":");
        memcpy(part, text, length);
        part[length] = 0;
        uint64_t word = value_of(part, slot);
        memcpy(bytes + used, &word, size);
        used += size;
        text += length + (text[length] == ':');
    }
    uint64_t at = ARENA + slot * SLOT + SLOT_BYTES - used;
    memcpy((void *)at, bytes, used);
    return at;
}

static uint64_t string_of(const char *text, unsigned slot)
{
    static char string[8192];
    if (text[0] == '@') { /* @N: a name of N letters; @/N: a path of N bytes */
        size_t length = (size_t)atoi(text + 1 + (text[1] == '/'));
        memset(string, 'n', length);
        for (size_t i = 0; text[1] == '/' && i < length; i++)
            string[i] = i % 2 ? '/' : '.';
        string[length] = 0;
    } else {
        strcpy(string, text);
    }
    size_t size = strlen(string) + 1;
    uint64_t at = ARENA + slot * SLOT + SLOT_BYTES - size;
    memcpy((void *)at, string, size);
    return at;
}

/* struct iovec, msghdr, sigevent ...: words that lead to the extra pages. */
static const struct {
    const char *name;
    uint64_t word;
} places[] = {
    {"buf", 0}, /* the slot's own start */
    {"bad", SLOT_BYTES + ARENA + 7 * SLOT},
    {"rop", ARENA_RO},
    {"extra", ARENA_EXTRA},
    {"extra2", ARENA_EXTRA + PAGE},
    {"kern", 0xffffffff81000000ul},
    {"noncanon", 0x800000000000ul},
    {"top", 0x7ffffffff000ul},
    {"last", 0xfffffffffffff000ul},
    {"map", ARENA_MAP},
    {"closed", FD_CLOSED},
    {"cwd", (uint64_t)AT_FDCWD},
};

uint64_t value_of(const char *text, unsigned slot)
{
    uint64_t value;
    if (*text == '*')
        text++;
    if (*text == '"')
        return string_of(text + 1, slot);
    if (strncmp(text, "q:", 2) == 0)
        return words_of(text + 2, slot, 3);
    if (strncmp(text, "d:", 2) == 0)
        return words_of(text + 2, slot, 2);
    if (strncmp(text, "h:", 2) == 0)
        return words_of(text + 2, slot, 1);
    if (strcmp(text, "buf") == 0)
        return ARENA + slot * SLOT;
    if (strcmp(text, "odd") == 0)
        return ARENA + slot * SLOT + 1;
    if (strcmp(text, "edge") == 0)
        return ARENA + slot * SLOT + SLOT_BYTES - 4;
    if (strcmp(text, "noterm") == 0)
        return ARENA + slot * SLOT + SLOT_BYTES - 8;
    if (strcmp(text, "pid") == 0)
        return (uint64_t)RAW(SYS_getpid);
    if (strcmp(text, "ppid") == 0)
        return (uint64_t)RAW(SYS_getppid);
    for (size_t i = 1; i < sizeof places / sizeof *places; i++)
        if (strcmp(places[i].name, text) == 0)
            return places[i].word;
    if (strncmp(text, "map+", 4) == 0 && number_of(text + 4, &value))
        return ARENA_MAP + value * PAGE;
    int fd = descriptor_of(text);
    if (fd >= 0)
        return (uint64_t)fd;
    if (!number_of(text, &value))
        give_up("calls.txt: %s is no value", text);
    return value;
}
