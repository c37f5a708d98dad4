/* SPDX-License-Identifier: MIT */
/*
 * Terminals as programs see them: reading, writing, readiness, ioctl(), whoever is at the other end.
 * That is the console (fs/tty/console.h) or the master of a pseudo terminal (fs/tty/pty.h).
 */
#pragma once

#include "fs/tty/line.h"
#include "fs/vfs/file.h"
#include "kern/wait.h"

#define TTY_PIECE 512u /* bytes that a driver's write() gets at most */

struct tty_window { /* TIOCGWINSZ */
    uint16_t rows, columns, x_pixels, y_pixels;
};

struct tty;

struct tty_driver {
    /* Bytes for the screen; context: the tty. */
    void (*emit)(void *tty, const char *bytes, size_t size);
    /* Takes in what has been typed; NULL: it comes by itself. */
    void (*pump)(struct tty *tty);
    /* No more input comes, and all was read. */
    bool (*ended)(struct tty *tty);
    /* As tty_line_take(). */
    size_t (*take)(struct tty *tty, char *to, size_t size, bool *ended);
    void (*taken)(struct tty *tty); /* somebody has read; NULL */
    /* Is there room for what TTY_PIECE bytes become? NULL: always. */
    bool (*has_room)(struct tty *tty);
    void (*write)(struct tty *tty, struct file *file, const char *bytes, size_t size);
};

struct tty {
    struct tty_line line;
    struct tty_window window;
    uint32_t foreground;      /* process group that gets its signals; 0: none */
    uint32_t session;         /* whose controlling terminal it is; 0: nobody's */
    bool hung_up;             /* the other end is gone: reads end, writes are E_IO */
    struct wait_queue *queue; /* woken when anything here has changed */
    const struct tty_driver *driver;
};

/* `tty` is zeroed. */
void tty_setup(struct tty *tty, const struct tty_driver *driver, struct wait_queue *queue);
/* To the foreground group, if there is one. */
void tty_raise(const struct tty *tty, int signal);
/* Tells the foreground group when it is another size. */
void tty_set_window(struct tty *tty, const struct tty_window *window);
/* Is it that of the calling process's session? */
bool tty_is_controlling(const struct tty *tty);
/* Makes it so; E_PERM when the caller leads no session, or one of the two is taken. */
MUST_CHECK enum err tty_take_control(struct tty *tty);
/* The controlling terminal of a session, NULL. */
struct tty *tty_find(uint32_t session);
/* ioctl(); `remote`: from the other end, whose controlling terminal it is not. E_NOTTY. */
MUST_CHECK enum err tty_command(struct tty *tty, bool remote, uint32_t command, uint64_t argument);

/* File operations; file->state is the struct tty. */
enum err tty_read(struct file *file, struct io *io, uint64_t *offset);
enum err tty_write(struct file *file, struct io *io, uint64_t *offset);
uint32_t tty_poll(struct file *file);
struct wait_queue *tty_queue(struct file *file);
enum err tty_control(struct file *file, uint32_t command, uint64_t argument, uint64_t *result);
