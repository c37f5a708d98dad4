/* SPDX-License-Identifier: MIT */
/* state.c: what a call may change in its process, taken before and after the call. */
#define _GNU_SOURCE
#include "answers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const word_names[] = {
    "uid",          "euid",      "suid",       "fsuid",       "gid",         "egid",     "sgid",
    "fsgid",        "groups",    "umask",      "mask",        "pending",     "nice",     "policy",
    "priority",     "ioprio",    "own-group",  "own-session", "personality", "dumpable", "keepcaps",
    "no-new-privs", "pdeathsig", "timerslack", "subreaper",   "securebits",  "caps0",    "caps1",
    "caps2",        "caps3",     "caps4",      "caps5",       "itimer",      "altstack", "altsize",
};
enum {
    WORDS = sizeof word_names / sizeof *word_names,
    LIMITS = 14 /* of which one word each for the two halves, behind the words */
};

static void take_descriptor(int fd, struct descriptor_state *d)
{
    d->fd_flags = RAW(SYS_fcntl, fd, F_GETFD);
    if (d->fd_flags < 0)
        return;
    struct stat s = {0};
    int readable = 0;
    d->flags = RAW(SYS_fcntl, fd, F_GETFL);
    RAW(SYS_fstat, fd, &s);
    d->position = S_ISREG(s.st_mode) ? RAW(SYS_lseek, fd, 0, SEEK_CUR) : 0;
    d->size = S_ISREG(s.st_mode) ? s.st_size : 0;
    long answer =
        S_ISFIFO(s.st_mode) || S_ISSOCK(s.st_mode) ? RAW(SYS_ioctl, fd, FIONREAD, &readable) : 0;
    d->readable = answer < 0 ? answer : readable;
    d->sum = s.st_mode & S_IFMT;
}

void state_take(struct state *s)
{
    memset(s, 0, sizeof *s);
    for (int fd = 3; fd < 64; fd++)
        take_descriptor(fd, &s->fd[fd]);
    uint32_t id[3];
    uint64_t *w = s->words;
    RAW(SYS_getresuid, &id[0], &id[1], &id[2]);
    for (int i = 0; i < 3; i++)
        *w++ = id[i];
    *w++ = (uint64_t)RAW(SYS_setfsuid, -1);
    RAW(SYS_getresgid, &id[0], &id[1], &id[2]);
    for (int i = 0; i < 3; i++)
        *w++ = id[i];
    *w++ = (uint64_t)RAW(SYS_setfsgid, -1);
    *w++ = (uint64_t)RAW(SYS_getgroups, 32, s->groups);
    *w = (uint64_t)RAW(SYS_umask, 0);
    RAW(SYS_umask, *w++);
    RAW(SYS_rt_sigprocmask, 0, 0, w++, 8);
    RAW(SYS_rt_sigpending, w++, 8);
    *w++ = (uint64_t)RAW(SYS_getpriority, PRIO_PROCESS, 0);
    *w++ = (uint64_t)RAW(SYS_sched_getscheduler, 0);
    RAW(SYS_sched_getparam, 0, w++);
    *w++ = (uint64_t)RAW(SYS_ioprio_get, 1, 0);
    long pid = RAW(SYS_getpid);
    *w++ = RAW(SYS_getpgid, 0) == pid;
    *w++ = RAW(SYS_getsid, 0) == pid;
    *w++ = (uint64_t)RAW(SYS_personality, 0xffffffff);
    *w++ = (uint64_t)RAW(SYS_prctl, PR_GET_DUMPABLE);
    *w++ = (uint64_t)RAW(SYS_prctl, PR_GET_KEEPCAPS);
    *w++ = (uint64_t)RAW(SYS_prctl, PR_GET_NO_NEW_PRIVS);
    RAW(SYS_prctl, PR_GET_PDEATHSIG, w++);
    *w++ = (uint64_t)RAW(SYS_prctl, PR_GET_TIMERSLACK);
    RAW(SYS_prctl, PR_GET_CHILD_SUBREAPER, w++);
    *w++ = (uint64_t)RAW(SYS_prctl, PR_GET_SECUREBITS);
    uint32_t head[2] = {0x20080522, 0}, sets[6] = {0};
    RAW(SYS_capget, head, sets);
    for (int i = 0; i < 6; i++)
        *w++ = sets[i];
    uint64_t timer[4] = {0}, stack[3] = {0};
    RAW(SYS_getitimer, 0, timer);
    *w++ = timer[2] || timer[3];
    RAW(SYS_sigaltstack, 0, stack);
    *w++ = stack[1];
    *w++ = stack[2];
    for (int i = 0; i < LIMITS; i++) {
        uint64_t limit[2] = {0};
        RAW(SYS_getrlimit, i, limit);
        *w++ = limit[0] ^ limit[1] << 1;
    }
    if (RAW(SYS_getcwd, s->cwd, sizeof s->cwd) < 0)
        strcpy(s->cwd, "?");
}

static bool put_descriptor(int fd, const struct descriptor_state *a,
                           const struct descriptor_state *b)
{
    char number[16];
    const char *name = descriptor_name(fd);
    if (memcmp(a, b, sizeof *a) == 0)
        return false;
    snprintf(number, sizeof number, "fd%d", fd);
    put(" %s", name ? name : number);
    if (b->fd_flags < 0) {
        put(" closed");
        return true;
    }
    if (a->fd_flags < 0) {
        put("(%s%lo flags=%lx", b->fd_flags ? "cloexec " : "", (unsigned long)b->sum,
            (unsigned long)b->flags);
        put(b->size ? " size=%ld" : "", b->size);
        put(b->position ? " pos=%ld" : "", b->position);
        put(")");
        return true;
    }
    put(a->fd_flags != b->fd_flags ? " fdflags=%ld" : "", b->fd_flags);
    put(a->flags != b->flags ? " flags=%lx" : "", b->flags);
    put(a->position != b->position ? " pos=%ld" : "", b->position);
    put(a->size != b->size ? " size=%ld" : "", b->size);
    put(a->readable != b->readable ? " readable=%ld" : "", b->readable);
    put(a->sum != b->sum ? " type=%lo" : "", b->sum);
    return true;
}

bool state_differences(const struct state *before, const struct state *after)
{
    bool any = false;
    for (int fd = 3; fd < 64; fd++)
        any = put_descriptor(fd, &before->fd[fd], &after->fd[fd]) || any;
    for (int i = 0; i < WORDS + LIMITS; i++) {
        if (before->words[i] == after->words[i])
            continue;
        any = true;
        if (i < WORDS)
            put(" %s=%lx", word_names[i], after->words[i]);
        else
            put(" limit%d=%lx", i - WORDS, after->words[i]);
    }
    if (memcmp(before->groups, after->groups, sizeof before->groups) != 0)
        put(" groups changed");
    if (strcmp(before->cwd, after->cwd) != 0)
        put(" cwd=%s", after->cwd);
    return any;
}

/* The area for mappings as /proc/self/maps shows it, by page: neighbours of the same rights are one run. */
void map_text(char *text, size_t size)
{
    static char bytes[65536];
    char pages[MAP_PAGES + 16][6];
    memset(pages, 0, sizeof pages);
    int fd = (int)RAW(SYS_open, "/proc/self/maps", O_RDONLY);
    long used = 0, got;
    while (used < (long)sizeof bytes - 1 &&
           (got = RAW(SYS_read, fd, bytes + used, sizeof bytes - 1 - (size_t)used)) > 0)
        used += got;
    bytes[used] = 0;
    RAW(SYS_close, fd);
    for (char *line = bytes; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char *end;
        uint64_t from = strtoul(line, &end, 16), to = strtoul(end + 1, &end, 16);
        for (unsigned i = 0; i < MAP_PAGES + 16; i++)
            if (from <= ARENA_MAP + i * PAGE && ARENA_MAP + i * PAGE < to)
                memcpy(pages[i], end + 1, 4);
    }
    size_t at = 0;
    for (unsigned i = 0, run; i < MAP_PAGES + 16; i += run) {
        for (run = 1; i + run < MAP_PAGES + 16 && strcmp(pages[i], pages[i + run]) == 0; run++)
            ;
        at += (size_t)snprintf(text + at, size - at, " %s*%u", pages[i][0] ? pages[i] : "-", run);
    }
}
