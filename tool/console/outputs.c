/* SPDX-License-Identifier: MIT */
/* One byte queue for both streams, with runs that record the stream of each part. */
#include "console/outputs.h"
#include "host/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that a pipe or terminal accepts without blocking after poll() reported it writable. */
#define SHARED_PIECE 512
#define COMPACT_AT   65536

static void open_one(struct output *output, int fd)
{
    struct stat st;
    *output = (struct output){fd, OUTPUT_SHARED};
    if (fstat(fd, &st) != 0)
        return;
    if (S_ISSOCK(st.st_mode)) {
        output->kind = OUTPUT_SOCKET;
    } else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
        char *path = string_format("/proc/self/fd/%d", fd);
        int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        free(path);
        if (own >= 0) {
            output->fd = own;
            output->kind = OUTPUT_REOPENED;
        }
    }
}

void outputs_open(struct outputs *o)
{
    *o = (struct outputs){0};
    open_one(&o->to[0], STDOUT_FILENO);
    open_one(&o->to[1], STDERR_FILENO);
}

void outputs_close(struct outputs *o)
{
    for (int i = 0; i < 2; i++)
        if (o->to[i].kind == OUTPUT_REOPENED)
            close(o->to[i].fd);
    text_free(&o->bytes);
    free(o->runs);
}

void outputs_add(struct outputs *o, unsigned to, const char *bytes, size_t size)
{
    if (size == 0)
        return;
    text_add(&o->bytes, bytes, size);
    if (o->run_count > o->first_run && o->runs[o->run_count - 1].to == to) {
        o->runs[o->run_count - 1].size += size;
        return;
    }
    if (o->run_count == o->run_room) {
        o->run_room = o->run_room * 2 + 16;
        o->runs = memory_resize(o->runs, o->run_room * sizeof(*o->runs));
    }
    o->runs[o->run_count++] = (struct output_run){to, size};
}

size_t outputs_waiting(const struct outputs *o)
{
    return o->bytes.length - o->taken;
}

int outputs_fd(const struct outputs *o)
{
    return o->first_run < o->run_count ? o->to[o->runs[o->first_run].to].fd : -1;
}

static ssize_t write_some(const struct output *output, const char *bytes, size_t size)
{
    struct pollfd ready = {output->fd, POLLOUT, 0};
    switch (output->kind) {
    case OUTPUT_SOCKET:
        return send(output->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    case OUTPUT_SHARED:
        if (poll(&ready, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
        return write(output->fd, bytes, size < SHARED_PIECE ? size : SHARED_PIECE);
    case OUTPUT_REOPENED:
        break;
    }
    return write(output->fd, bytes, size);
}

static void took(struct outputs *o, size_t size)
{
    struct output_run *run = &o->runs[o->first_run];
    o->taken += size;
    run->size -= size;
    if (run->size == 0)
        o->first_run++;
    if (o->first_run == o->run_count) {
        o->first_run = o->run_count = 0;
        o->taken = o->bytes.length = 0;
    } else if (o->taken >= COMPACT_AT) {
        text_drop(&o->bytes, o->taken);
        memmove(o->runs, o->runs + o->first_run, (o->run_count - o->first_run) * sizeof(*o->runs));
        o->run_count -= o->first_run;
        o->taken = o->first_run = 0;
    }
}

enum outputs_state outputs_write(struct outputs *o)
{
    while (o->first_run < o->run_count) {
        struct output_run run = o->runs[o->first_run];
        ssize_t done = write_some(&o->to[run.to], o->bytes.bytes + o->taken, run.size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EAGAIN)
            return OUTPUTS_WAITING;
        if (done < 0 && errno == EPIPE)
            return OUTPUTS_BROKEN;
        if (done < 0)
            fail_errno("cannot write the program's output");
        took(o, (size_t)done);
    }
    return OUTPUTS_EMPTY;
}
