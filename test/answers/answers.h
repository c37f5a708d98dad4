/* SPDX-License-Identifier: MIT */
/*
 * answers: asks the kernel each system call of the call table with many arguments and prints what it answers, one line an
 * answer, so that the answers of two kernels are compared as text:
 *
 *     read(pipew, buf, 8) = EBADF
 *     read(rw, buf, 8) = 8; a1+0[8]=3031323334353637; rw pos=8
 *
 * The arguments come from the kinds in src/linux/call/rows.inc and from calls.txt, whose head describes its form. Each
 * call is made by a child of its own that shares the memory only (CLONE_VM|CLONE_VFORK), so that descriptors, credentials,
 * limits, handlers and the working directory are those of the start for the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGUMENTS 6
#define PAGE      4096ul
#define LOW_END   0x20000 /* addresses below that calls try to map: root may in Linux */
#define USER      1000

/* Memory at fixed addresses: two pages for each argument with a gap behind, a page that is read-only, two pages for what
 * structures lead to, and an area for the calls that change mappings. */
#define ARENA       0x10000000000ul
#define SLOT        0x10000ul
#define SLOT_BYTES  (2 * PAGE)
#define ARENA_RO    (ARENA + 8 * SLOT)
#define ARENA_EXTRA (ARENA + 9 * SLOT)
#define ARENA_MAP   (ARENA + 16 * SLOT)
#define ARENA_END   (ARENA + 32 * SLOT)
#define MAP_PAGES   16
#define FILL        0xaa

#define FD_CLOSED   19
#define FD_FIRST    20
#define FD_END      56 /* from here on the other ends of pipes and sockets */

struct argument {
    const char *text;
    uint64_t word;
    bool hidden; /* what the call writes there differs from run to run */
};

/* A system call without errno: the result, or the error negated. */
long raw(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
#define RAW(number, ...) RAW_(number, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define RAW_(number, a, b, c, d, e, f, ...)                                                        \
    raw(number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e),         \
        (uint64_t)(f))

/* Text of the answer that is being made. */
void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* values.c: the words that the texts of arguments stand for. */
void arena_make(void);
uint64_t value_of(const char *text, unsigned slot);

/* names.c: a number, or names of constants, joined by |; false: the text is neither. */
bool number_of(const char *text, uint64_t *out);

/* descriptors.c: the open files, each made when it is first asked for. */
int descriptor_of(const char *text);     /* its number; -1: no descriptor's name */
const char *descriptor_name(int number); /* NULL: none */

/* tree.c: the files that calls work on, below TREE. */
#define TREE "/tmp/w"
void tree_make(void);
void tree_look(void);                  /* after the tree was made: what it is */
bool tree_differences(bool with_sums); /* puts them; false: none */
void outside_restore(void);            /* owners and modes of what calls reach outside of TREE */

/* state.c: what a call may change in its process. */
struct descriptor_state {
    long flags, fd_flags, position, size, readable, sum;
};
struct state {
    struct descriptor_state fd[64];
    uint64_t words[64];
    char cwd[256];
    uint32_t groups[32];
};
void state_take(struct state *s);
bool state_differences(const struct state *before, const struct state *after);
void map_text(char *text, size_t size);

/* machine.c: as /init of a Linux machine: mounts what the answers need, runs the program and switches the machine off. */
void machine(char **argv);

const char *errno_name(long error);
