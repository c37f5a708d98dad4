/* SPDX-License-Identifier: MIT */
/*
 * The queue of output, and the tool's stdout and stderr as files that never block.
 *
 * O_NONBLOCK belongs to the open file, which we share with the shell and whoever else has the
 * terminal, so it is never set on what we inherited: pipes and terminals are opened once more
 * through /proc/self/fd, sockets are written with MSG_DONTWAIT, and regular files do not block.
 */
#pragma once

#include "host/text.h"

#include <stdint.h>

enum output_kind {
    OUTPUT_REOPENED, /* our own open file, non-blocking */
    OUTPUT_SOCKET,
    OUTPUT_SHARED, /* regular files; and what could not be opened again, written in small pieces */
};

struct output {
    int fd;
    enum output_kind kind;
};

struct output_run { /* neighbouring bytes that go to the same file */
    unsigned to;    /* 0: stdout, 1: stderr */
    size_t size;
};

struct outputs {
    struct output to[2];
    struct text bytes;
    size_t taken; /* bytes at the front that were written */
    struct output_run *runs;
    size_t first_run, run_count, run_room;
};

enum outputs_state {
    OUTPUTS_EMPTY,
    OUTPUTS_WAITING,
    OUTPUTS_BROKEN
};

void outputs_open(struct outputs *o);
void outputs_add(struct outputs *o, unsigned to, const char *bytes, size_t size);
size_t outputs_waiting(const struct outputs *o); /* bytes */
/* Writes what can be written now. OUTPUTS_BROKEN: nobody reads any more (EPIPE). */
enum outputs_state outputs_write(struct outputs *o);
/* The file to poll for OUTPUTS_WAITING. */
int outputs_fd(const struct outputs *o);
void outputs_close(struct outputs *o);
