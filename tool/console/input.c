/* SPDX-License-Identifier: MIT */
/* Reads without blocking: pipes and terminals are opened again with O_NONBLOCK (see outputs.h). */
#include "console/input.h"
#include "host/fail.h"
#include "host/terminal.h"
#include "kern/console_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ_AHEAD  4096
#define BLOCK_AHEAD 65536

static void add_block(struct input *in, char kind, const char *bytes, size_t size)
{
    const char head[FRAME_BLOCK_HEAD] = {kind, (char)size, (char)(size >> 8), (char)(size >> 16)};
    text_add(&in->bytes, head, sizeof(head));
    text_add(&in->bytes, bytes, size);
}

static void add_end(struct input *in)
{
    static const char end[2] = {FRAME_DLE, FRAME_EOF};
    if (in->blocks)
        add_block(in, FRAME_EOF, end, 1);
    else
        text_add(&in->bytes, end, sizeof(end));
}

void input_press(struct input *in)
{
    static const char pressed[2] = {FRAME_DLE, FRAME_POWER};
    if (in->blocks)
        add_block(in, FRAME_POWER, pressed, 1);
    else
        text_add(&in->bytes, pressed, sizeof(pressed));
}

static void add_input(struct input *in, const char *bytes, size_t size)
{
    if (in->blocks && size > 0)
        add_block(in, FRAME_INPUT, bytes, size);
    for (size_t i = 0; !in->blocks && i < size; i++) {
        text_add(&in->bytes, &bytes[i], 1);
        if (bytes[i] == FRAME_DLE)
            text_add(&in->bytes, &bytes[i], 1);
    }
}

void input_link(struct input *in, bool blocks)
{
    in->linked = true;
    in->blocks = blocks;
    in->sent = in->bytes.length = 0;
    add_input(in, in->early.bytes, in->early.length);
    in->early.length = 0;
    if (in->ended)
        add_end(in);
}

static void end_of_input(struct input *in)
{
    in->ended = true;
    if (in->linked)
        add_end(in);
    if (in->own)
        close(in->fd);
    in->fd = -1;
    in->own = false;
}

void input_open(struct input *in, bool wanted)
{
    struct stat st;
    *in = (struct input){.fd = STDIN_FILENO};
    if (!wanted || fstat(STDIN_FILENO, &st) != 0) {
        end_of_input(in);
        return;
    }
    in->terminal = isatty(STDIN_FILENO);
    in->raw = terminal_offered();
    if (S_ISFIFO(st.st_mode) || in->terminal) {
        int own = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        in->own = own >= 0;
        in->fd = own >= 0 ? own : STDIN_FILENO;
    }
}

void input_none(struct input *in)
{
    *in = (struct input){.fd = -1};
}

static void send_size(struct input *in)
{
    uint16_t columns, rows;
    if (!in->linked || !in->raw || !terminal_resized(&columns, &rows))
        return;
    char *size = string_format("%ux%u\n", columns, rows);
    if (in->blocks)
        add_block(in, FRAME_SIZE, size, strlen(size));
    else
        text_format(&in->bytes, "%c%c%s", FRAME_DLE, FRAME_SIZE, size);
    free(size);
}

bool input_wants(struct input *in)
{
    send_size(in);
    size_t most = in->blocks ? BLOCK_AHEAD : READ_AHEAD;
    if (in->fd < 0 || in->bytes.length + in->early.length >= most)
        return false;
    in->background = in->terminal && tcgetpgrp(STDIN_FILENO) != getpgrp();
    if (in->raw && !in->background)
        terminal_raw();
    return !in->background;
}

void input_read(struct input *in)
{
    char bytes[BLOCK_AHEAD];
    ssize_t got = read(in->fd, bytes, in->blocks ? sizeof(bytes) : READ_AHEAD / 2);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0 && errno == EIO && tcgetpgrp(STDIN_FILENO) != getpgrp())
        return; /* moved to the background between the check and the read */
    if (got < 0 && errno != EIO && errno != EISDIR)
        fail_errno("cannot read the standard input");
    if (got <= 0)
        end_of_input(in);
    in->interrupted = in->interrupted || (in->raw && got > 0 && memchr(bytes, 3, (size_t)got));
    in->end = in->end || (in->raw && got > 0 && terminal_is_end(bytes, (size_t)got));
    if (got > 0 && in->linked)
        add_input(in, bytes, (size_t)got);
    else if (got > 0)
        text_add(&in->early, bytes, (size_t)got);
}

void input_send(struct input *in, int connection)
{
    size_t left = in->bytes.length - in->sent;
    if (left == 0)
        return;
    ssize_t sent = send(connection, in->bytes.bytes + in->sent, left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0)
        in->sent += (size_t)sent;
    else if (sent < 0 && errno != EAGAIN && errno != EINTR)
        in->sent = in->bytes.length; /* the machine has ended */
    if (in->sent == in->bytes.length)
        in->sent = in->bytes.length = 0;
}

void input_send_time(int serial)
{
    struct timespec now;
    char answer[40];
    clock_gettime(CLOCK_REALTIME, &now);
    int size = snprintf(answer, sizeof(answer), "%c%c%lld%09ld\n", FRAME_DLE, FRAME_TIME,
                        (long long)now.tv_sec, now.tv_nsec);
    (void)!send(serial, answer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void input_close(struct input *in)
{
    if (in->own)
        close(in->fd);
    text_free(&in->bytes);
    text_free(&in->early);
}
