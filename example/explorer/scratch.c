/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "scratch.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

/* Low enough for Sv39, and with an index of its own on each level. */
#define SCRATCH_AT   UINT64_C(0x1234567000)
#define SCRATCH_PAGE UINT64_C(4096)
#define SCRATCH_SIZE (SCRATCH_PAGES * SCRATCH_PAGE)

#define PRESS_MORE   (UINT64_C(1) << 20)

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static volatile unsigned char *area; /* NULL: not mapped */
static bool writable;
static sigjmp_buf landing;
static volatile int signal_code;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    signal_code = info->si_code;
    siglongjmp(landing, 1);
}

/* Reads or writes a byte of the page. False: the access faulted. */
static bool access_page(uint64_t page, bool write)
{
    struct sigaction catch = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, before;
    volatile unsigned char *at =
        area != NULL ? area + page * SCRATCH_PAGE
                     : (volatile unsigned char *)(uintptr_t)(SCRATCH_AT + page * SCRATCH_PAGE);
    bool done = false;
    sigaction(SIGSEGV, &catch, &before);
    if (sigsetjmp(landing, 1) == 0) {
        if (write)
            *at = (unsigned char)(*at + 1);
        else
            (void)*at;
        done = true;
    }
    sigaction(SIGSEGV, &before, NULL);
    return done;
}

static void do_access(uint64_t page, bool write, char *said, size_t size)
{
    const char *verb = write ? "written" : "read", *noun = write ? "write" : "read";
    if (access_page(page, write))
        snprintf(said, size, "a byte of page %" PRIu64 " was %s", page, verb);
    else
        snprintf(said, size, "the %s faulted: SIGSEGV, %s", noun,
                 signal_code == SEGV_ACCERR ? "SEGV_ACCERR: the area does not allow it"
                                            : "SEGV_MAPERR: nothing is mapped there");
}

static void do_map(char *said, size_t size)
{
    if (area != NULL) {
        snprintf(said, size, "it is mapped already");
        return;
    }
    void *at = mmap((void *)(uintptr_t)SCRATCH_AT, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED) {
        snprintf(said, size, "mmap: %s", strerror(errno));
        return;
    }
    area = at;
    writable = true;
    snprintf(said, size,
             "mmap made an area of %d pages; the page tables do not change before the "
             "first access",
             SCRATCH_PAGES);
}

static void do_protect(bool write, char *said, size_t size)
{
    if (area == NULL) {
        snprintf(said, size, "nothing is mapped");
        return;
    }
    if (mprotect((void *)(uintptr_t)area, SCRATCH_SIZE, PROT_READ | (write ? PROT_WRITE : 0)) !=
        0) {
        snprintf(said, size, "mprotect: %s", strerror(errno));
        return;
    }
    writable = write;
    snprintf(said, size,
             write ? "mprotect allows writing again" : "mprotect took the right to write away");
}

static void do_page_out(char *said, size_t size)
{
    if (area == NULL)
        snprintf(said, size, "nothing is mapped");
    else if (madvise((void *)(uintptr_t)area, SCRATCH_SIZE, MADV_PAGEOUT) != 0)
        snprintf(said, size, "madvise: %s", strerror(errno));
    else
        snprintf(said, size, "madvise wrote the dirty pages to the swap device, if there is one");
}

/* Writes to more memory than is free, for a moment, so that Clock has to find some. */
static void do_press(char *said, size_t size)
{
    struct sysinfo machine;
    if (sysinfo(&machine) != 0 || machine.freeswap < PRESS_MORE) {
        snprintf(said, size, "the machine has no swap device: ouro explore --swap 64M");
        return;
    }
    size_t bytes = (size_t)machine.freeram + PRESS_MORE;
    volatile unsigned char *more =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED) {
        snprintf(said, size, "mmap: %s", strerror(errno));
        return;
    }
    for (size_t at = 0; at < bytes; at += SCRATCH_PAGE)
        more[at] = 1;
    munmap((void *)(uintptr_t)more, bytes);
    snprintf(said, size, "%zu KiB were written, %zu KiB more than were free", bytes >> 10,
             (size_t)PRESS_MORE >> 10);
}

static void do_unmap(char *said, size_t size)
{
    if (area == NULL) {
        snprintf(said, size, "nothing is mapped");
        return;
    }
    if (munmap((void *)(uintptr_t)area, SCRATCH_SIZE) != 0) {
        snprintf(said, size, "munmap: %s", strerror(errno));
        return;
    }
    area = NULL;
    snprintf(said, size, "munmap took the area, its pages and tables that became empty");
}

void scratch_write(struct json *json, const struct http_request *request)
{
    char said[160] = "";
    uint64_t page = 0;
    http_number(request, "page", &page);
    if (page >= SCRATCH_PAGES)
        snprintf(said, sizeof said, "it has %d pages", SCRATCH_PAGES);
    else if (http_is(request, "do", "map"))
        do_map(said, sizeof said);
    else if (http_is(request, "do", "touch") || http_is(request, "do", "dirty"))
        do_access(page, http_is(request, "do", "dirty"), said, sizeof said);
    else if (http_is(request, "do", "protect") || http_is(request, "do", "open"))
        do_protect(http_is(request, "do", "open"), said, sizeof said);
    else if (http_is(request, "do", "out"))
        do_page_out(said, sizeof said);
    else if (http_is(request, "do", "press"))
        do_press(said, sizeof said);
    else if (http_is(request, "do", "unmap"))
        do_unmap(said, sizeof said);
    json_open(json, '{');
    json_key_text(json, "said", said);
    json_key_bool(json, "mapped", area != NULL);
    json_key_bool(json, "writable", area != NULL && writable);
    json_key_hex(json, "start", SCRATCH_AT);
    json_key_number(json, "pages", SCRATCH_PAGES);
    json_close(json, '}');
}
