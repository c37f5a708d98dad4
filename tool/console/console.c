/* SPDX-License-Identifier: MIT */
/* One poll() loop over the serial port, the port, stdin and the output queue; console.h has a diagram. */
#include "console/console.h"
#include "console/boot_output.h"
#include "console/input.h"
#include "console/outputs.h"
#include "console/unframe.h"
#include "host/delay.h"
#include "host/fail.h"
#include "host/guard.h"
#include "host/terminal.h"
#include "host/text.h"
#include "kern/console_frame.h"
#include "report/profile.h"
#include "report/report_stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SAID_MAX          1024          /* bytes of standard error that are kept */
#define QUEUE_FULL        (256u * 1024) /* bytes of queued output at which reading stops */
#define END_GRACE         1.0           /* seconds for the emulator to end by itself */
#define BACKGROUND_PERIOD 0.25          /* seconds between checks for the foreground */
#define FLOW_PAUSE        1000          /* microseconds between reads while bytes flow */
#define POWER_PATIENCE    30.0          /* seconds for the machine to end after its power button */
#define SECONDS_MAX       1e6           /* "no deadline" */
#define REPORT_PAUSE      1.0 /* seconds without a byte after which an incomplete report is printed */

struct console {
    const struct console_options *options;
    struct console_result *result;
    struct unframe unframe;
    struct unblock unblock;
    char serial[16384]; /* bytes of the serial port, taken up to serial_at */
    size_t serial_at, serial_size;
    bool serial_ended;
    bool by_port;    /* what the kernel said last came, or comes, by the port */
    bool input_port; /* input goes to the port */
    struct boot_output boot_output;
    struct outputs outputs;
    struct report_stream report;
    struct input input;
    struct text tail; /* end of the output, which may be the start of the marker */
    bool flowing;     /* the last step brought bytes */
    bool ready;       /* the kernel takes input */
    bool connected;   /* the serial port is open */
    bool marked;      /* the marker was printed */
    bool decided;     /* the ending is known; only queued output remains */
    double started, ended;
    double logged;    /* time of the log's last byte */
    double pressed;   /* when the power button was; 0: it was not */
    enum ending why;  /* it was pressed */
    sigset_t signals; /* that the tool has but for options->power */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Text that passed no line discipline in the machine: on a raw terminal '\n' becomes "\r\n". */
static void add_text(struct console *c, const char *bytes, size_t size)
{
    bool raw = c->input.raw && isatty(STDERR_FILENO);
    for (size_t i = 0, end; i < size; i = end) {
        const char *line = raw ? memchr(bytes + i, '\n', size - i) : NULL;
        end = line ? (size_t)(line - bytes) + 1 : size;
        outputs_add(&c->outputs, 1, bytes + i, end - i - (line ? 1 : 0));
        if (line)
            outputs_add(&c->outputs, 1, "\r\n", 2);
    }
}

static void on_log(void *context, const char *bytes, size_t size)
{
    add_text(context, bytes, size);
}

static void on_report(void *context, const char *report, size_t size, bool complete)
{
    struct console *c = context;
    struct text text = {0};
    report_present(c->options->report, report, size, complete, &text);
    add_text(c, text.bytes, text.length);
    text_free(&text);
}

static void release_report(struct console *c)
{
    const struct report_sink sink = {on_log, on_report, c};
    report_stream_release(&c->report, &sink);
}

static void feed_log(struct console *c, const char *bytes, size_t size)
{
    const struct report_sink sink = {on_log, on_report, c};
    c->logged = now();
    if (c->options->report && !c->decided)
        report_stream_feed(&c->report, bytes, size, &sink);
    else
        add_text(c, bytes, size);
}

static void decide(struct console *c, enum ending ending)
{
    if (c->decided)
        return;
    release_report(c);
    c->decided = true;
    c->ended = now();
    c->result->ending =
        c->pressed > 0 && ending == ENDED_STATUS && !c->options->stops ? c->why : ending;
}

/* The machine is to end, for this reason. */
static void end_machine(struct console *c, enum ending why)
{
    if (!c->options->power || !c->ready) {
        decide(c, why);
        return;
    }
    c->pressed = now();
    c->why = why;
    input_press(&c->input);
}

/* The marker may arrive in parts. */
static void look_for_marker(struct console *c, const char *bytes, size_t size)
{
    const char *marker = c->options->marker;
    size_t length = marker ? strlen(marker) : 0;
    if (length == 0 || c->decided)
        return;
    text_add(&c->tail, bytes, size);
    bool found = memmem(c->tail.bytes, c->tail.length, marker, length) != NULL;
    if (c->tail.length >= length)
        text_drop(&c->tail, c->tail.length - (length - 1));
    if (!found)
        return;
    if (!c->options->marked)
        decide(c, ENDED_MARKER);
    else if (!c->marked)
        c->options->marked();
    c->marked = true;
}

/* The end of standard error, which says why a program aborted. */
static void keep_said(struct text *said, const char *bytes, size_t size)
{
    if (size > SAID_MAX) {
        bytes += size - SAID_MAX;
        size = SAID_MAX;
    }
    text_add(said, bytes, size);
    if (said->length > 2 * SAID_MAX)
        text_drop(said, said->length - SAID_MAX);
}

static void on_bytes(void *context, enum stream stream, const char *bytes, size_t size)
{
    struct console *c = context;
    if (stream != STREAM_BOOT)
        look_for_marker(c, bytes, size);
    if (stream == STREAM_BOOT) {
        boot_output_feed(&c->boot_output, bytes, size);
    } else if (stream == STREAM_LOG) {
        feed_log(c, bytes, size);
    } else {
        release_report(c); /* keeps the order of the output */
        if (stream == STREAM_STDERR && c->options->report && c->options->report->said)
            keep_said(c->options->report->said, bytes, size);
        outputs_add(&c->outputs, stream == STREAM_STDOUT ? 0 : 1, bytes, size);
    }
}

static void on_boot_output_line(void *context, const char *line)
{
    struct console *c = context;
    char *shown = string_format("ouro: |%s\n", line);
    add_text(c, shown, strlen(shown));
    free(shown);
}

static void on_ready(void *context)
{
    struct console *c = context;
    c->ready = true;
    c->input_port = c->by_port;
    input_link(&c->input, c->input_port);
}

/* Ctrl-Z: the shell gets the terminal, until it sends SIGCONT. In an orphaned group, which no shell could continue, Linux
 * ignores the signal. */
static void suspend(void)
{
    terminal_restore();
    kill(0, SIGTSTP);
}

static void on_line(void *context, const char *line)
{
    struct console *c = context;
    int status;
    char name[64], text[128];
    unsigned long long nanoseconds;
    if (c->options->profile && profile_line(c->options->profile, line))
        return;
    if (strcmp(line, "suspend") == 0) {
        suspend();
        return;
    }
    if (string_starts(line, "missed /")) {
        if (c->options->missed)
            args_add(c->options->missed, line + sizeof("missed ") - 1);
        return;
    }
    if (strcmp(line, FRAME_ASK_TIME) == 0 && !c->ready)
        input_send_time(c->options->serial);
    if (sscanf(line, "exit %d", &status) == 1 && status >= 0 && status <= 255) {
        decide(c, ENDED_STATUS);
        c->result->status = status;
    } else if (c->options->verbose && sscanf(line, "mark %63s %llu", name, &nanoseconds) == 2) {
        int size = snprintf(text, sizeof(text), "ouro: %s after %.3f ms\n", name,
                            (double)nanoseconds / 1e6);
        add_text(c, text, (size_t)size);
    }
}

static bool is_full(const struct console *c)
{
    return outputs_waiting(&c->outputs) >= QUEUE_FULL;
}

static void read_serial(struct console *c)
{
    ssize_t got = recv(c->options->serial, c->serial, sizeof(c->serial), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->serial_at = 0;
    c->serial_size = got > 0 ? (size_t)got : 0;
    c->serial_ended = got <= 0;
    c->flowing = got > 0;
}

static void take_serial(struct console *c, const struct unframe_sink *sink)
{
    while (!c->by_port && c->serial_at < c->serial_size)
        c->serial_at += unframe_feed(&c->unframe, c->serial + c->serial_at,
                                     c->serial_size - c->serial_at, &c->by_port, sink);
    if (!c->by_port && c->serial_ended) {
        c->connected = false;
        decide(c, ENDED_SILENT);
    }
    if (!c->unframe.greeted && c->boot_output.stop[0]) {
        decide(c, ENDED_STOPPED);
        snprintf(c->result->reason, sizeof(c->result->reason), "%s", c->boot_output.stop);
    }
}

/* Takes what the port has now. False if something may be left. */
static bool take_port(struct console *c, const struct unframe_sink *sink)
{
    static char bytes[131072];
    while (!is_full(c)) {
        ssize_t got =
            c->options->port < 0 ? 0 : recv(c->options->port, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return true;
        unblock_feed(&c->unblock, bytes, (size_t)got, sink);
    }
    return false;
}

/* The order is that of src/kern/console_frame.h: bytes of the serial port that are here come after all
 * that the port has, once the kernel has gone to the port. */
static void take_output(struct console *c)
{
    const struct unframe_sink sink = {on_bytes, on_ready, on_line, c};
    if (c->by_port && take_port(c, &sink) && (c->serial_at < c->serial_size || c->serial_ended))
        c->by_port = false;
    take_serial(c, &sink);
}

static double nearest(double a, double b)
{
    return a < b ? a : b;
}

/* Handles expired time limits; returns the seconds until the next one. */
static double check_clock(struct console *c)
{
    double t = now(), left = SECONDS_MAX;
    if (c->decided) {
        double grace = c->ended + END_GRACE - t;
        return grace > 0 ? grace : SECONDS_MAX;
    }
    if (c->pressed > 0)
        left = c->pressed + POWER_PATIENCE - t;
    else if (guard_noted() != 0)
        left = 0;
    else if (c->options->timeout > 0)
        left = c->started + c->options->timeout - t;
    if (left <= 0 && c->pressed > 0)
        decide(c, c->why);
    else if (left <= 0)
        end_machine(c, guard_noted() != 0 ? ENDED_INTERRUPTED : ENDED_TIMEOUT);
    if (report_stream_holds(&c->report)) {
        if (c->logged + REPORT_PAUSE <= t)
            release_report(c);
        else
            left = nearest(left, c->logged + REPORT_PAUSE - t);
    }
    if (c->options->boot_limit > 0 && !c->unframe.greeted) {
        double boot = c->started + c->options->boot_limit - t;
        if (boot <= 0)
            boot += delay_of(c->options->emulator);
        if (boot <= 0)
            decide(c, ENDED_UNSTARTED);
        left = nearest(left, boot);
    }
    return left;
}

/* True if nothing is left to do. Only after an end of the program itself does queued output wait for
 * a slow reader. */
static bool finished(const struct console *c)
{
    bool own_end = c->result->ending == ENDED_STATUS || c->result->ending == ENDED_SILENT;
    bool late = now() - c->ended > END_GRACE;
    if (!c->decided || c->result->ending == ENDED_PIPE)
        return c->decided;
    if (outputs_waiting(&c->outputs) > 0)
        return !own_end && late;
    return !own_end || !c->connected || late;
}

/* Waits once for any of the files, and serves those that are ready. */
static void step(struct console *c, double seconds)
{
    bool take_input = c->ready && !c->decided;
    bool wants = !c->decided && (c->ready || c->input.raw) && input_wants(&c->input);
    bool full = is_full(c), holds = c->serial_at < c->serial_size || c->serial_ended;
    short out = take_input && c->input.bytes.length > 0 ? POLLOUT : 0;
    short serial_events = (short)((full || holds ? 0 : POLLIN) | (c->input_port ? 0 : out));
    short port_events = (short)((full || !c->by_port ? 0 : POLLIN) | (c->input_port ? out : 0));
    struct pollfd fds[] = {
        {c->connected && serial_events ? c->options->serial : -1, serial_events, 0},
        {outputs_fd(&c->outputs), POLLOUT, 0},
        {wants ? c->input.fd : -1, POLLIN, 0},
        {c->connected && port_events ? c->options->port : -1, port_events, 0},
    };
    if (!c->decided && c->input.background)
        seconds = nearest(seconds, BACKGROUND_PERIOD);
    seconds = seconds < 0 || (holds && !full) ? 0 : nearest(seconds, 3600);
    if (c->flowing && !c->decided) /* QEMU writes single bytes: wait for more of them */
        usleep(FLOW_PAUSE);
    const struct timespec time = {(time_t)seconds,
                                  (long)((seconds - (double)(time_t)seconds) * 1e9)};
    if (ppoll(fds, ARRAY_LENGTH(fds), &time, c->options->power ? &c->signals : NULL) < 0)
        return;
    c->flowing = false;
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
        read_serial(c);
    if (!full && c->connected)
        take_output(c);
    if ((fds[0].revents | fds[3].revents) & POLLOUT)
        input_send(&c->input, c->input_port ? c->options->port : c->options->serial);
    if (wants && fds[2].revents)
        input_read(&c->input);
    if ((c->input.end || (c->input.interrupted && !c->ready)) && c->pressed <= 0)
        end_machine(c, ENDED_INTERRUPTED);
    if (outputs_write(&c->outputs) == OUTPUTS_BROKEN) {
        c->decided = true; /* overrides an earlier decision: no process reads the output */
        c->result->ending = ENDED_PIPE;
    }
}

static void print_line(const char *line)
{
    fprintf(stderr, "ouro: |%s\n", line);
}

void console_run(const struct console_options *options, struct console_result *result)
{
    struct console *c = memory(sizeof(*c));
    c->options = options;
    c->result = result;
    c->connected = true;
    c->started = now();
    c->boot_output.on_line = options->verbose ? on_boot_output_line : NULL;
    c->boot_output.context = c;
    if (options->power)
        guard_note_signals(&c->signals);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
    outputs_open(&c->outputs);
    if (options->keyboard)
        input_none(&c->input);
    else
        input_open(&c->input, options->input);
    for (;;) {
        double seconds = check_clock(c);
        if (finished(c))
            break;
        step(c, seconds);
    }
    terminal_restore();
    result->greeted = c->unframe.greeted;
    if (!options->verbose && !c->unframe.greeted &&
        (result->ending == ENDED_SILENT || result->ending == ENDED_UNSTARTED))
        boot_output_last(&c->boot_output, print_line);
    outputs_close(&c->outputs);
    input_close(&c->input);
    text_free(&c->tail);
    free(c);
    if (!options->stops)
        guard_die(guard_noted());
}
