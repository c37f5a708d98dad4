/* SPDX-License-Identifier: MIT */
#define LOG_TAG "console"
#include "kern/console.h"

#include "base/log.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "kern/block_ring.h"
#include "kern/console_frame.h"
#include "kern/host_time.h"
#include "kern/machine.h"
#include "kern/output_ring.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "kern/watchdog.h"

#define RING_SIZE 4096 /* a power of two */
#define CHUNK     64   /* bytes written in one stretch with interrupts off */
#define FRAME_MAX 512  /* bytes of a frame of console_tell_host() that the host accepts */

/* How long the port may stand still: before a report, at the end of a panic, at the end. */
#define PATIENCE_REPORT (10 * NS_PER_SECOND)
#define PATIENCE_PANIC  (60 * NS_PER_SECOND)
#define PATIENCE_END    (3600 * NS_PER_SECOND)

/* Threads leave RESERVE bytes free for the log. A framed piece may double, with a switch of the
 * stream. */
#define RESERVE   1024
#define READY_MAX (OUTPUT_RING_SIZE - RESERVE - 2 * CONSOLE_PIECE - 2)

/* Output: each chunk reaches the device unmixed, whether a thread or an interrupt writes it. */
static struct spin_lock output_spin;
static const struct console_line *line; /* the serial port */
static bool line_interrupts;            /* it goes on by itself */
static struct output_ring output GUARDED_BY(class_console);
static bool owes_wake GUARDED_BY(class_console); /* room was made, but in a report */
static const struct console_port *port;
static bool on_line = true; /* output goes to the line, not to the port */
static const struct console_device *screen;
static bool screen_passed_over; /* set by a report, while nothing else runs */
static struct console_options options;

static struct spin_lock input_spin;
static uint8_t first_ring[RING_SIZE];
static uint8_t *ring GUARDED_BY(class_input) = first_ring;
static uint32_t ring_size GUARDED_BY(class_input) = RING_SIZE;
static struct block_reader port_reader GUARDED_BY(class_input);
static uint32_t ring_in GUARDED_BY(class_input), ring_out GUARDED_BY(class_input);
static bool escape_seen GUARDED_BY(class_input), input_ended GUARDED_BY(class_input),
    input_stopped GUARDED_BY(class_input);
static bool time_coming GUARDED_BY(class_input);      /* between FRAME_TIME and its '\n' */
static bool size_coming GUARDED_BY(class_input);      /* between FRAME_SIZE and its '\n' */
static uint16_t size_part[2] GUARDED_BY(class_input); /* columns, rows: digits so far */
static unsigned size_index GUARDED_BY(class_input);
static struct wait_queue input_queue = {
    .all = LIST_INIT(input_queue.all), .one = LIST_INIT(input_queue.one), .outside = true};
static struct wait_queue output_queue = {
    .all = LIST_INIT(output_queue.all), .one = LIST_INIT(output_queue.one), .outside = true};

/* The line is dead: what waits for it is lost. */
static void discard(void) NO_LOCK_ANALYSIS
{
    output.out = output.in >> 2;
    owes_wake = true;
}

/* Until the line sends by itself, and in a report, everything goes at once. A report leaves
 * the line with room for a whole burst, which the code that it interrupted may be about to send. */
static void push_line(void) NO_LOCK_ANALYSIS
{
    bool now = !line_interrupts || report_is_running();
    line->send();
    while (now && output_ring_used(&output) > 0) {
        if (!line->wait())
            discard();
        line->send();
    }
    if (report_is_running())
        (void)line->wait();
}

/* Waits for room, with the CPU: the ring is full. */
static void make_room(void) NO_LOCK_ANALYSIS
{
    if (!line->wait())
        discard();
    line->send();
}

static void send_frame(const char *bytes, size_t size)
{
    bool done = false;
    while (!done) {
        uint64_t flags = spin_lock_irq(&output_spin, &class_console);
        done = output_ring_put_frame(&output, bytes, size);
        spin_unlock_irq(&output_spin, &class_console, flags);
        if (!done)
            make_room();
    }
    push_line();
}

/* --- the port --- */

/* Output goes to the line from now on. What the port has comes first, if it still moves. */
static void use_line(uint64_t patience)
{
    if (on_line)
        return;
    on_line = true; /* first: settle() may fault, in a report */
    (void)port->settle(patience);
}

static void drop_port(void)
{
    static const char ready[] = {FRAME_DLE, FRAME_READY};
    const char *why = port->failure();
    port = NULL;
    on_line = true;
    send_frame(ready, sizeof ready); /* input comes by the line from now on */
    log_err("the port has failed, and output may be missing: %s", why);
}

/* The port, if output goes to it. */
static const struct console_port *use_port(void)
{
    static const char go[] = {FRAME_DLE, FRAME_PORT};
    if (port == NULL)
        return NULL;
    if (report_is_running()) {
        use_line(PATIENCE_REPORT);
    } else if (port->failure() != NULL) {
        drop_port();
    } else if (on_line) {
        send_frame(go, sizeof go);
        while (output_ring_used(&output) > 0)
            make_room();
        line->drain();
        on_line = false;
    }
    return on_line ? NULL : port;
}

/* Returns the number of bytes written: all, unless the port fails. */
static size_t port_write(char kind, const char *bytes, size_t size)
{
    const struct console_port *p;
    size_t done = 0;
    while (done < size && (p = use_port()) != NULL) {
        size_t put = p->put(kind, bytes + done, size - done);
        done += put;
        if (put == 0 && !p->settle(PATIENCE_END) && p->failure() == NULL)
            return size; /* lost: it stands still and does not say why */
    }
    return done;
}

void console_start_port(const struct console_port *p, void *memory, uint32_t size)
{
    if (line == NULL || !options.framed)
        return;
    uint64_t flags = spin_lock_irq(&input_spin, &class_input);
    ring = memory;
    ring_size = size;
    ring_in = ring_out = 0; /* none comes before console_ready() */
    spin_unlock_irq(&input_spin, &class_input, flags);
    port = p;
}

void console_leave_port(void)
{
    const struct console_port *p = port;
    port = NULL; /* first: settle() may fault */
    on_line = true;
    if (p != NULL && p->failure() == NULL)
        (void)p->settle(PATIENCE_PANIC);
}

void console_port_changed(void) NO_LOCK_ANALYSIS
{
    if (report_is_running()) /* which may have interrupted the scheduler */
        owes_wake = true;
    else if (port != NULL) /* not at the end of a panic */
        wait_queue_wake_all(&output_queue);
}

/* --- */

void console_init(const struct console_line *l, const struct console_options *o) NO_LOCK_ANALYSIS
{
    options = *o;
    line = options.serial || options.framed || !options.screen ? l : NULL;
    output_ring_init(&output, CONSOLE_LOG);
    if (line != NULL && options.framed)
        send_frame(FRAME_HELLO, sizeof FRAME_HELLO - 1);
}

void console_line_interrupts(void)
{
    line_interrupts = true;
}

bool console_wants_screen(void)
{
    return options.screen || (!options.serial && !options.framed);
}

void console_add_screen(const struct console_device *s, uint16_t columns, uint16_t rows)
{
    screen = s;
    if (options.columns == 0 && s != NULL) {
        options.columns = columns;
        options.rows = rows;
    }
}

void console_ready(void)
{
    static const char ready[] = {FRAME_DLE, FRAME_READY};
    if (line == NULL || !options.framed)
        return;
    if (port_write(FRAME_READY, ready, 1) > 0)
        console_push();
    else
        send_frame(ready, sizeof ready);
}

void console_tell_host(const char *text)
{
    char frame[FRAME_MAX] = {FRAME_DLE, FRAME_TEXT};
    size_t size = strnlen(text, sizeof frame - 3);
    if (line == NULL || !options.framed)
        return;
    if (size > 0 && port_write(FRAME_TEXT, text, size) == size) {
        console_push();
        return;
    }
    memcpy(frame + 2, text, size);
    frame[2 + size] = '\n';
    send_frame(frame, size + 3);
}

size_t console_output(uint8_t *to, size_t most)
{
    size_t n = 0;
    spin_lock(&output_spin, &class_console);
    bool was_ready = output_ring_used(&output) <= READY_MAX;
    while (n < most && output_ring_take(&output, &to[n]))
        n++;
    if (!was_ready && output_ring_used(&output) <= READY_MAX)
        owes_wake = true;
    if (owes_wake && !report_is_running()) { /* which may have interrupted the scheduler */
        owes_wake = false;
        wait_queue_wake_all(&output_queue);
    }
    spin_unlock(&output_spin, &class_console);
    return n;
}

bool console_output_pending(void)
{
    spin_lock(&output_spin, &class_console);
    bool pending = output_ring_used(&output) > 0 || owes_wake;
    spin_unlock(&output_spin, &class_console);
    return pending;
}

/* A condition of waits (kern/wait.h): without the lock. */
bool console_output_ready(void) NO_LOCK_ANALYSIS
{
    const struct console_port *p = port;
    if (p != NULL && !on_line)
        return p->ready();
    return line == NULL || output_ring_used(&output) <= READY_MAX;
}

/* With a framed console the host adds the '\r' of each line; the screen needs its own. */
static void write_screen(const char *bytes, size_t size) REQUIRES(class_console)
{
    char out[2 * CHUNK];
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (options.framed && bytes[i] == '\n')
            out[n++] = '\r';
        out[n++] = bytes[i];
    }
    screen->write(out, n);
}

static void write_line(enum console_stream stream, const char *bytes, size_t size)
{
    while (size > 0) {
        uint64_t flags = spin_lock_irq(&output_spin, &class_console);
        size_t take =
            output_ring_put(&output, options.framed, stream, bytes, size < CHUNK ? size : CHUNK);
        spin_unlock_irq(&output_spin, &class_console, flags);
        if (take == 0)
            make_room();
        bytes += take;
        size -= take;
    }
    push_line();
}

void console_write_more(enum console_stream stream, const void *bytes, size_t size)
{
    static const char kinds[] = {FRAME_LOG, FRAME_STDOUT, FRAME_STDERR, FRAME_LOG};
    const char *p = bytes;
    for (size_t at = 0; screen != NULL && at < size; at += CHUNK) {
        uint64_t flags = spin_lock_irq(&output_spin, &class_console);
        if (!screen_passed_over)
            write_screen(p + at, size - at < CHUNK ? size - at : CHUNK);
        spin_unlock_irq(&output_spin, &class_console, flags);
    }
    size_t done = port_write(kinds[stream], p, size);
    if (line != NULL && done < size)
        write_line(stream, p + done, size - done);
}

void console_push(void)
{
    const struct console_port *p = port;
    if (p != NULL && !on_line)
        p->send();
}

void console_write(enum console_stream stream, const void *bytes, size_t size)
{
    console_write_more(stream, bytes, size);
    console_push();
}

void console_write_screen(const char *text)
{
    uint64_t flags = spin_lock_irq(&output_spin, &class_console);
    if (screen != NULL && !screen_passed_over)
        screen->write(text, strlen(text));
    spin_unlock_irq(&output_spin, &class_console, flags);
}

void console_pass_over_screen(bool pass_over)
{
    screen_passed_over = pass_over;
}

void console_flush(void)
{
    const struct console_port *p = port;
    if (p != NULL && !on_line)
        (void)p->settle(PATIENCE_END);
    if (line != NULL) {
        line_interrupts = false; /* the machine goes */
        push_line();
        line->drain();
    }
    if (screen != NULL)
        screen->flush();
}

static size_t input_room(void) REQUIRES(class_input)
{
    return ring_size - (ring_in - ring_out);
}

size_t console_input_room(void)
{
    spin_lock(&input_spin, &class_input);
    size_t room = input_room();
    spin_unlock(&input_spin, &class_input);
    return room;
}

static void accept(uint8_t byte) REQUIRES(class_input)
{
    ring[ring_in++ % ring_size] = byte;
}

static void accept_all(const uint8_t *bytes, size_t size) REQUIRES(class_input)
{
    uint32_t at = ring_in % ring_size;
    size_t first = size < ring_size - at ? size : ring_size - at;
    memcpy(ring + at, bytes, first);
    memcpy(ring, bytes + first, size - first);
    ring_in += (uint32_t)size;
}

static void start_size(void) REQUIRES(class_input)
{
    size_coming = true;
    size_part[0] = size_part[1] = 0;
    size_index = 0;
}

/* "80x25\n". A malformed size changes nothing. */
static void accept_size(uint8_t byte) REQUIRES(class_input)
{
    if (byte >= '0' && byte <= '9' && size_index < 2 && size_part[size_index] < 1000) {
        size_part[size_index] = (uint16_t)(size_part[size_index] * 10 + (byte - '0'));
    } else if (byte == 'x' && size_index == 0) {
        size_index = 1;
    } else {
        size_coming = false;
        if (byte == '\n' && size_part[0] > 0 && size_part[1] > 0) {
            options.columns = size_part[0];
            options.rows = size_part[1];
        }
    }
}

static void accept_escaped(uint8_t byte) REQUIRES(class_input)
{
    if (byte == FRAME_EOF) {
        input_ended = true;
    } else if (byte == FRAME_TIME) {
        time_coming = true;
        host_time_begin();
    } else if (byte == FRAME_SIZE) {
        start_size();
    } else if (byte == FRAME_POWER) {
        machine_power_button_soon();
    } else {
        accept(byte);
    }
}

void console_input(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    spin_lock(&input_spin, &class_input);
    for (size_t i = 0; i < size; i++) {
        if (!options.framed) {
            accept(p[i]);
        } else if (escape_seen) {
            escape_seen = false;
            accept_escaped(p[i]);
        } else if (time_coming) {
            time_coming = host_time_take(p[i]);
        } else if (size_coming) {
            accept_size(p[i]);
        } else if (p[i] == FRAME_DLE) {
            escape_seen = true;
        } else {
            accept(p[i]);
        }
    }
    input_stopped = input_room() == 0;
    wait_queue_wake(&input_queue);
    spin_unlock(&input_spin, &class_input);
}

/* A part of a block; returns the number of bytes taken. */
static size_t accept_part(char kind, const uint8_t *bytes, size_t size) REQUIRES(class_input)
{
    if (kind == FRAME_INPUT) {
        if (size > input_room())
            size = input_room();
        accept_all(bytes, size);
    } else if (kind == FRAME_EOF) {
        input_ended = true;
    } else if (kind == FRAME_SIZE) {
        if (!size_coming)
            start_size();
        for (size_t i = 0; i < size && size_coming; i++)
            accept_size(bytes[i]);
    } else if (kind == FRAME_POWER) {
        machine_power_button_soon();
    }
    return size;
}

size_t console_port_input(const uint8_t *bytes, size_t size)
{
    size_t at = 0, count, took = 1;
    char kind;
    spin_lock(&input_spin, &class_input);
    while (at < size && took > 0) {
        at += block_reader_next(&port_reader, bytes + at, size - at, &kind, &count);
        took = count == 0 ? 0 : accept_part(kind, bytes + at, count);
        block_reader_took(&port_reader, took);
        at += took;
    }
    input_stopped = input_room() == 0;
    wait_queue_wake(&input_queue);
    spin_unlock(&input_spin, &class_input);
    return at;
}

void console_type(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint64_t flags = spin_lock_irq(&input_spin, &class_input);
    for (size_t i = 0; i < size && input_room() > 0; i++)
        accept(p[i]);
    wait_queue_wake(&input_queue);
    spin_unlock_irq(&input_spin, &class_input, flags);
}

size_t console_read(void *to, size_t size)
{
    uint8_t *out = to;
    uint64_t flags = spin_lock_irq(&input_spin, &class_input);
    size_t n = ring_in - ring_out < size ? ring_in - ring_out : size;
    size_t first = ring_size - ring_out % ring_size;
    if (first > n)
        first = n;
    memcpy(out, ring + ring_out % ring_size, first);
    memcpy(out + first, ring, n - first);
    ring_out += (uint32_t)n;
    bool resume = input_stopped && n > 0;
    if (resume)
        input_stopped = false;
    spin_unlock_irq(&input_spin, &class_input, flags);
    const struct console_port *p = port;
    if (resume && p != NULL)
        p->resume_input();
    if (resume && line != NULL)
        line->resume_input();
    return n;
}

/* The next two are conditions of waits (kern/wait.h), evaluated without the lock. */
bool console_input_ready(void) NO_LOCK_ANALYSIS
{
    return ring_in != ring_out || input_ended;
}

bool console_input_ended(void) NO_LOCK_ANALYSIS
{
    return input_ended && ring_in == ring_out;
}

struct wait_queue *console_input_queue(void)
{
    return &input_queue;
}

struct wait_queue *console_output_queue(void)
{
    return &output_queue;
}

bool console_is_terminal(int fd)
{
    return !options.framed || (options.terminals >> fd & 1);
}

bool console_is_framed(void)
{
    return options.framed;
}

bool console_is_cooked(void)
{
    return options.framed && !options.raw;
}

void console_size(uint16_t *columns, uint16_t *rows)
{
    *columns = options.columns != 0 ? options.columns : 80;
    *rows = options.rows != 0 ? options.rows : 25;
}
