/* SPDX-License-Identifier: MIT */
#include "kern/console.h"

#include "base/str.h"
#include "cpu/lock.h"
#include "kern/console_frame.h"
#include "kern/host_time.h"
#include "kern/wait.h"

#define RING_SIZE 4096 /* a power of two */
#define CHUNK     64   /* bytes written in one stretch with interrupts off */

/* Output: each chunk reaches the device unmixed, whether a thread or an interrupt writes it. */
static struct spin_lock output_spin;
static const struct console_device *device; /* the serial port */
static const struct console_device *screen;
static bool screen_passed_over; /* set by a report, while nothing else runs */
static struct console_options options;
static enum console_stream current_stream GUARDED_BY(class_console) = CONSOLE_LOG;

static struct spin_lock input_spin;
static uint8_t ring[RING_SIZE] GUARDED_BY(class_input);
static uint32_t ring_in GUARDED_BY(class_input), ring_out GUARDED_BY(class_input);
static bool escape_seen GUARDED_BY(class_input), input_ended GUARDED_BY(class_input),
    input_stopped GUARDED_BY(class_input);
static bool time_coming GUARDED_BY(class_input);      /* between FRAME_TIME and its '\n' */
static bool size_coming GUARDED_BY(class_input);      /* between FRAME_SIZE and its '\n' */
static uint16_t size_part[2] GUARDED_BY(class_input); /* columns, rows: digits so far */
static unsigned size_index GUARDED_BY(class_input);
static struct wait_queue input_queue = {
    .all = LIST_INIT(input_queue.all), .one = LIST_INIT(input_queue.one), .outside = true};

void console_init(const struct console_device *d, const struct console_options *o)
{
    options = *o;
    device = options.serial || options.framed || !options.screen ? d : NULL;
    if (device != NULL && options.framed)
        device->write(FRAME_HELLO, sizeof FRAME_HELLO - 1);
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
    if (device != NULL && options.framed)
        device->write(ready, sizeof ready);
}

void console_tell_host(const char *line)
{
    static const char start[] = {FRAME_DLE, FRAME_TEXT};
    if (device == NULL || !options.framed)
        return;
    uint64_t flags = spin_lock_irq(&output_spin, &class_console);
    device->write(start, sizeof start);
    device->write(line, strlen(line));
    device->write("\n", 1);
    spin_unlock_irq(&output_spin, &class_console, flags);
}

/* Doubles each DLE. */
static void write_framed(enum console_stream stream, const char *bytes, size_t size)
    REQUIRES(class_console)
{
    static const char letters[] = {0, FRAME_STDOUT, FRAME_STDERR, FRAME_LOG};
    char out[2 + 2 * CHUNK];
    size_t n = 0;
    if (stream != current_stream) {
        out[n++] = FRAME_DLE;
        out[n++] = letters[stream];
        current_stream = stream;
    }
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == FRAME_DLE)
            out[n++] = FRAME_DLE;
        out[n++] = bytes[i];
    }
    device->write(out, n);
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

void console_write(enum console_stream stream, const void *bytes, size_t size)
{
    const char *p = bytes;
    while (size > 0) {
        size_t take = size < CHUNK ? size : CHUNK;
        uint64_t flags = spin_lock_irq(&output_spin, &class_console);
        if (device != NULL && options.framed)
            write_framed(stream, p, take);
        else if (device != NULL)
            device->write(p, take);
        if (screen != NULL && !screen_passed_over)
            write_screen(p, take);
        spin_unlock_irq(&output_spin, &class_console, flags);
        p += take;
        size -= take;
    }
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
    if (device != NULL)
        device->flush();
    if (screen != NULL)
        screen->flush();
}

static size_t input_room(void) REQUIRES(class_input)
{
    return RING_SIZE - (ring_in - ring_out);
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
    ring[ring_in++ % RING_SIZE] = byte;
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
        size_coming = true;
        size_part[0] = size_part[1] = 0;
        size_index = 0;
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
    size_t n = 0;
    uint64_t flags = spin_lock_irq(&input_spin, &class_input);
    while (n < size && ring_out != ring_in)
        out[n++] = ring[ring_out++ % RING_SIZE];
    bool resume = input_stopped && n > 0;
    if (resume)
        input_stopped = false;
    spin_unlock_irq(&input_spin, &class_input, flags);
    if (resume && device != NULL)
        device->resume_input();
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
