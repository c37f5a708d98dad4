/* SPDX-License-Identifier: MIT */
/* The line discipline by itself, and the terminal over a simulated console. */
#include "unit.h"
#include "fs_native.h"
#include "native.h"

#include "fs/vfs/devices.h"
#include "fs/vfs/process.h"
#include "fs/ram/ramfs.h"
#include "fs/tty/pty.h"
#include "fs/tty/console.h"
#include "fs/tty/line.h"
#include "fs/vfs/vfs.h"

#include <string.h>

static struct tty_line line;
static char screen[4096];
static size_t screen_length;
static int raised;

static void show(void *context, const char *bytes, size_t size)
{
    (void)context;
    memcpy(screen + screen_length, bytes, size);
    screen_length += size;
    screen[screen_length] = '\0';
}

static void record(void *context, int number)
{
    (void)context;
    raised = number;
}

static int setup(void **state)
{
    (void)state;
    tty_line_init(&line);
    line.emit = show;
    line.signal = record;
    screen_length = 0;
    screen[0] = '\0';
    raised = 0;
    return 0;
}

static void type(const char *text)
{
    for (; *text; text++)
        tty_line_type(&line, *text);
}

static void expect_screen(const char *text)
{
    assert_string_equal(screen, text);
    screen_length = 0;
    screen[0] = '\0';
}

static void expect_read(const char *text, size_t size)
{
    char bytes[5000];
    bool ended;
    size_t got = tty_line_take(&line, bytes, size, &ended);
    assert_int_equal(got, strlen(text));
    assert_memory_equal(bytes, text, got);
}

static void test_lines_are_held_back(void **state)
{
    (void)state;
    type("ab");
    assert_false(tty_line_readable(&line));
    type("c\rdef\nx");
    assert_int_equal(tty_line_available(&line), 8);
    expect_read("abc\n", 100);
    expect_read("de", 2);
    expect_read("f\n", 100);
    assert_false(tty_line_readable(&line));
    expect_screen("abc\r\ndef\r\nx");
}

static void test_erase(void **state)
{
    (void)state;
    type("ab\x7f"
         "c\x7f\x7f\x7f\x7f"
         "d\n");
    expect_read("d\n", 100);
    expect_screen("ab\b \bc\b \b\b \bd\r\n");
    type("\x01\x7f\n");
    expect_screen("^A\b \b\b \b\r\n");
    expect_read("\n", 100);
    type("a\tb\x7f\x7f");
    expect_screen("a\tb\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \b");
}

static void test_erase_utf8(void **state)
{
    (void)state;
    struct tty_termios t = line.termios;
    t.iflag |= TTY_IUTF8;
    tty_line_set(&line, &t);
    type("a\xc3\xa9\xe2\x82\xac\x7f\x7f\n");
    expect_read("a\n", 100);
    expect_screen("a\xc3\xa9\xe2\x82\xac\b \b\b \b\r\n");
}

static void test_word_and_line_kill(void **state)
{
    (void)state;
    type("foo bar.  \x17\n");
    expect_read("foo \n", 100);
    type("foo bar\x15x\n");
    expect_read("x\n", 100);
    struct tty_termios t = line.termios;
    t.lflag &= ~TTY_ECHOKE;
    tty_line_set(&line, &t);
    screen_length = 0;
    type("abc\x15");
    expect_screen("abc^U\r\n");
}

static void test_end_of_file(void **state)
{
    (void)state;
    char byte[4];
    bool ended;
    type("\x04");
    assert_true(tty_line_readable(&line));
    assert_int_equal(tty_line_available(&line), 0);
    assert_int_equal(tty_line_take(&line, byte, 4, &ended), 0);
    assert_true(ended);
    type("ab\x04"
         "cd\n");
    assert_int_equal(tty_line_take(&line, byte, 2, &ended), 2);
    expect_read("cd\n", 100);
}

static void test_literal_next(void **state)
{
    (void)state;
    type("a\x16\x03"
         "b\x16\x7f\n");
    assert_int_equal(raised, 0);
    expect_read("a\x03"
                "b\x7f\n",
                100);
}

static void test_control_characters_raise_signals(void **state)
{
    (void)state;
    type("line\nabc\x03");
    assert_int_equal(raised, FS_SIGINT);
    assert_false(tty_line_readable(&line));
    expect_screen("line\r\nabc^C");
    type("\x1c");
    assert_int_equal(raised, FS_SIGQUIT);
    type("\x1a");
    assert_int_equal(raised, FS_SIGTSTP);
    struct tty_termios t = line.termios;
    t.lflag &= ~TTY_ISIG;
    tty_line_set(&line, &t);
    raised = 0;
    type("\x03\n");
    assert_int_equal(raised, 0);
    expect_read("\x03\n", 100);
}

static void test_stop_and_start(void **state)
{
    (void)state;
    type("\x13");
    assert_true(line.stopped);
    type("\x11x\n");
    assert_false(line.stopped);
    expect_read("x\n", 100);
}

static void test_raw_mode_passes_bytes(void **state)
{
    (void)state;
    struct tty_termios t = line.termios;
    type("abc");
    t.lflag &= ~(TTY_ICANON | TTY_ECHO);
    t.iflag &= ~TTY_ICRNL;
    tty_line_set(&line, &t);
    expect_screen("abc");
    type("\r\x04\x7f");
    expect_read("abc\r\x04\x7f", 100);
    expect_screen("");
    type("xy");
    t.lflag |= TTY_ICANON;
    tty_line_set(&line, &t);
    assert_true(tty_line_readable(&line));
    expect_read("xy", 100);
}

static void test_output_is_translated(void **state)
{
    (void)state;
    tty_line_write(&line, "a\nb\tc", 5);
    expect_screen("a\r\nb\tc");
    struct tty_termios t = line.termios;
    t.oflag |= TTY_XTABS | TTY_OLCUC;
    tty_line_set(&line, &t);
    tty_line_write(&line, "\nb\tc", 4);
    expect_screen("\r\nB       C");
    t.oflag = 0;
    tty_line_set(&line, &t);
    tty_line_write(&line, "a\n\t", 3);
    expect_screen("a\n\t");
}

static void test_full_line_keeps_its_newline(void **state)
{
    (void)state;
    struct tty_termios t = line.termios;
    t.lflag &= ~TTY_ECHO;
    tty_line_set(&line, &t);
    for (int i = 0; i < 5000; i++)
        tty_line_type(&line, 'x');
    type("\n");
    char bytes[5000];
    bool ended;
    assert_int_equal(tty_line_take(&line, bytes, sizeof bytes, &ended), TTY_RING);
    assert_true(ended);
    assert_int_equal(bytes[TTY_RING - 1], '\n');
    for (int i = 0; i < 3; i++) { /* the counts wrap around the ring */
        type("abc\n");
        expect_read("abc\n", 100);
    }
}

/* The terminal as a file. */

static struct filesystem root;
static struct file *tty;
static bool registered;

static int setup_tty(void **state)
{
    (void)state;
    native_console_reset();
    native_console_framed = false;
    if (!registered)
        tty_init();
    if (!registered)
        pty_init();
    registered = true;
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    vfs_init(&root);
    assert_int_equal(devfs_fill(), E_OK);
    assert_int_equal(vfs_open(NULL, "/dev/tty", O_RDWR, 0, &tty), E_OK);
    return 0;
}

static int teardown_tty(void **state)
{
    (void)state;
    native_other_thread = NULL;
    file_put(tty);
    vfs_end();
    return 0;
}

static enum err read_tty(void *to, size_t size, uint64_t *done)
{
    struct io io = io_kernel(to, size);
    uint64_t offset = 0;
    *done = 0;
    return file_read(tty, &io, &offset, done);
}

static enum err set_modes(uint32_t lflag, uint8_t minimum, uint8_t time)
{
    struct tty_termios t;
    uint64_t result;
    assert_int_equal(tty->ops->control(tty, TCGETS, (uint64_t)(uintptr_t)&t, &result), E_OK);
    t.lflag = lflag;
    t.cc[TTY_VMIN] = minimum;
    t.cc[TTY_VTIME] = time;
    return tty->ops->control(tty, TCSETSF, (uint64_t)(uintptr_t)&t, &result);
}

#define COOKED (TTY_ISIG | TTY_ICANON | TTY_ECHO | TTY_ECHOE | TTY_IEXTEN)

static bool type_line(void)
{
    native_other_thread = NULL;
    native_console_type("hello\r", 6);
    return true;
}

static void test_tty_read_waits_for_a_line(void **state)
{
    (void)state;
    char bytes[16];
    uint64_t n;
    assert_int_equal(set_modes(COOKED, 1, 0), E_OK);
    native_console_type("he", 2);
    assert_int_equal(file_poll(tty), POLL_WRITABLE);
    assert_int_equal(read_tty(bytes, 16, &n), E_INTR);
    native_console_type("\x7f\x7f", 2);
    native_other_thread = type_line;
    assert_int_equal(read_tty(bytes, 16, &n), E_OK);
    assert_int_equal(n, 6);
    assert_memory_equal(bytes, "hello\n", 6);
    tty->flags |= O_NONBLOCK;
    assert_int_equal(read_tty(bytes, 16, &n), E_AGAIN);
    native_console_type("\x04", 1);
    assert_int_equal(file_poll(tty), POLL_READABLE | POLL_WRITABLE);
    assert_int_equal(read_tty(bytes, 16, &n), E_OK);
    assert_int_equal(n, 0);
    assert_string_equal(native_console_out[CONSOLE_STDOUT], "he\b \b\b \bhello\r\n");
}

static enum err write_tty(char *text, uint64_t *done)
{
    struct io io = io_kernel(text, strlen(text));
    uint64_t offset = 0;
    *done = 0;
    return file_write(tty, &io, &offset, done);
}

static bool line_has_room(void)
{
    native_other_thread = NULL;
    native_console_full = false;
    return true;
}

/* The line is slow: a writer sleeps, or is refused, and poll() says so. */
static void test_tty_write_waits_for_the_line(void **state)
{
    (void)state;
    uint64_t n;
    native_console_full = true;
    assert_int_equal(file_poll(tty), 0);
    assert_int_equal(write_tty("lost", &n), E_INTR);
    tty->flags |= O_NONBLOCK;
    assert_int_equal(write_tty("lost", &n), E_AGAIN);
    tty->flags &= ~(uint32_t)O_NONBLOCK;
    native_other_thread = line_has_room;
    assert_int_equal(write_tty("kept", &n), E_OK);
    assert_int_equal(n, 4);
    assert_int_equal(file_poll(tty), POLL_WRITABLE);
    assert_string_equal(native_console_out[CONSOLE_STDOUT], "kept");
}

static void test_tty_minimum_and_time(void **state)
{
    (void)state;
    char bytes[16];
    uint64_t n;
    assert_int_equal(set_modes(0, 0, 0), E_OK);
    assert_int_equal(read_tty(bytes, 16, &n), E_OK);
    assert_int_equal(n, 0);
    assert_int_equal(set_modes(0, 0, 5), E_OK);
    assert_int_equal(read_tty(bytes, 16, &n), E_OK);
    assert_int_equal(n, 0);
    assert_int_equal(set_modes(0, 3, 0), E_OK);
    native_console_type("ab", 2);
    assert_int_equal(read_tty(bytes, 16, &n), E_INTR);
    assert_int_equal(read_tty(bytes, 2, &n), E_OK);
    assert_int_equal(n, 2);
    assert_int_equal(set_modes(0, 10, 1), E_OK);
    native_console_type("abc", 3);
    assert_int_equal(read_tty(bytes, 16, &n), E_OK);
    assert_int_equal(n, 3);
}

static void test_tty_framed_passes_bytes(void **state)
{
    (void)state;
    char bytes[16];
    uint64_t n, offset = 0, done;
    native_console_framed = true;
    assert_int_equal(set_modes(COOKED, 1, 0), E_OK);
    native_console_type("a\x7f\r\x03\nsecond\n", 12);
    assert_int_equal(read_tty(bytes, 16, &n), E_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(bytes, "a\x7f\r\x03\n", 5);
    assert_int_equal(read_tty(bytes, 16, &n), E_OK);
    assert_int_equal(n, 7);
    native_console_end_input();
    assert_int_equal(read_tty(bytes, 16, &n), E_OK);
    assert_int_equal(n, 0);
    struct io io = io_kernel("x\n", 2);
    assert_int_equal(file_write(tty, &io, &offset, &done), E_OK);
    assert_string_equal(native_console_out[CONSOLE_STDOUT], "x\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
#define C(f) cmocka_unit_test_setup_teardown(f, setup_tty, teardown_tty)
    const struct CMUnitTest tests[] = {
        T(test_lines_are_held_back),
        T(test_erase),
        T(test_erase_utf8),
        T(test_word_and_line_kill),
        T(test_end_of_file),
        T(test_literal_next),
        T(test_control_characters_raise_signals),
        T(test_stop_and_start),
        T(test_raw_mode_passes_bytes),
        T(test_output_is_translated),
        T(test_full_line_keeps_its_newline),
        C(test_tty_read_waits_for_a_line),
        C(test_tty_write_waits_for_the_line),
        C(test_tty_minimum_and_time),
        C(test_tty_framed_passes_bytes),
    };
    return RUN_TESTS(tests);
}
