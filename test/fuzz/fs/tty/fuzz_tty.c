/* SPDX-License-Identifier: MIT */
/* Settings and bytes in any order: the ring's counts stay ordered, and only typed bytes are read. */
#include "fs/tty/line.h"

#include "base/panic.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *context, const char *bytes, size_t size)
{
    (void)context;
    assert(bytes && size > 0);
}

static void ignore_signal(void *context, int number)
{
    (void)context;
    assert(number > 0);
}

static void check(const struct tty_line *line)
{
    assert(line->finished - line->head <= line->tail - line->head);
    assert(line->tail - line->head <= TTY_RING);
    assert(tty_line_available(line) <= line->finished - line->head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tty_line line;
    tty_line_init(&line);
    line.emit = ignore;
    line.signal = ignore_signal;
    for (size_t i = 0; i + 1 < size; i += 2) {
        struct tty_termios t = line.termios;
        char bytes[64];
        bool ended;
        switch (data[i] % 8) {
        case 0:
            t.lflag ^= 1u << data[i + 1] % 16;
            tty_line_set(&line, &t);
            break;
        case 1:
            t.iflag ^= 1u << data[i + 1] % 16;
            tty_line_set(&line, &t);
            break;
        case 2:
            t.oflag ^= 1u << data[i + 1] % 16;
            tty_line_set(&line, &t);
            break;
        case 3:
            assert(tty_line_take(&line, bytes, data[i + 1] % 63 + 1u, &ended) <= sizeof bytes);
            break;
        case 4:
            tty_line_write(&line, (const char *)data, data[i + 1] < size ? data[i + 1] : size);
            break;
        case 5:
            for (unsigned n = 0; n < 300; n++)
                tty_line_type(&line, (char)(data[i + 1] + n));
            break;
        default:
            tty_line_type(&line, (char)data[i + 1]);
        }
        check(&line);
    }
    return 0;
}
