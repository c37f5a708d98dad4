/* SPDX-License-Identifier: MIT */
/*
 * The queue of output, and the tool's stdout and stderr as files that never block.
 *
 * O_NONBLOCK is a flag of the open file description, which the tool shares with the shell and other
 * processes, so it is never set on inherited files: pipes and terminals are opened again through
 * /proc/self/fd, sockets are written with MSG_DONTWAIT, and regular files do not block.
 */
#pragma once

#include "host/text.h"

#include <stdint.h>

enum output_kind {
    OUTPUT_REOPENED, /* opened again, non-blocking */
    OUTPUT_SOCKET,
    OUTPUT_SHARED, /* regular files; and files that cannot be opened again, written in small parts */
};

struct output {
    int fd;
    enum output_kind kind;
};

struct output_run { /* consecutive bytes for the same file */
    unsigned to;    /* 0: stdout, 1: stderr */
    size_t size;
};

struct outputs {
    struct output to[2];
    struct text bytes;
    size_t taken; /* bytes already written, at the front */
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
/* Writes as much as possible without blocking. OUTPUTS_BROKEN: EPIPE. Other errors fail the tool. */
enum outputs_state outputs_write(struct outputs *o);
/* The file to poll for OUTPUTS_WAITING. */
int outputs_fd(const struct outputs *o);
void outputs_close(struct outputs *o);
