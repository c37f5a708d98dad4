/* SPDX-License-Identifier: MIT */
/*
 * Terminals: reading, writing, readiness and ioctl(), for every driver. The drivers are the console
 * (fs/tty/console.h) and pseudo terminals (fs/tty/pty.h).
 */
#pragma once

#include "fs/tty/line.h"
#include "fs/vfs/file.h"
#include "kern/wait.h"

#define TTY_PIECE 512u /* maximal bytes of one call of a driver's write() */

struct tty_window { /* TIOCGWINSZ */
    uint16_t rows, columns, x_pixels, y_pixels;
};

struct tty;

struct tty_driver {
    /* tty_line.emit; `tty` is a struct tty. */
    void (*emit)(void *tty, const char *bytes, size_t size);
    /* Moves input to the line discipline; NULL: the driver does so by itself. */
    void (*pump)(struct tty *tty);
    /* True if all input was read and none will come. */
    bool (*ended)(struct tty *tty);
    /* As tty_line_take(). */
    size_t (*take)(struct tty *tty, char *to, size_t size, bool *ended);
    /* Called after input was read or discarded: the other side may have room. May be NULL. */
    void (*taken)(struct tty *tty);
    /* True if the processed output of TTY_PIECE bytes fits. NULL: always. */
    bool (*has_room)(struct tty *tty);
    void (*write)(struct tty *tty, struct file *file, const char *bytes, size_t size);
    /* TCFLSH: discards unread input, or (`output`) written bytes, as seen by the caller, which has
     * the terminal or (`remote`) the master. NULL: there is only the line's input. */
    void (*discard)(struct tty *tty, bool remote, bool output);
    /* Output was stopped or goes on. NULL: nothing to do. */
    void (*flow_changed)(struct tty *tty);
    /* Called after the termios have changed. NULL: nothing to do. */
    void (*termios_changed)(struct tty *tty, const struct tty_termios *before);
    bool is_console;
};

struct tty {
    struct tty_line line;
    struct tty_window window;
    struct tty_termios locked; /* bits and bytes that are not zero cannot be changed; no speeds */
    uint32_t foreground;       /* foreground process group; 0: none */
    uint32_t session;          /* the terminal controls this session; 0: none */
    uint32_t device;           /* TIOCGDEV */
    bool exclusive;            /* TIOCEXCL: only a privileged process may open it */
    bool hung_up;              /* the master is closed: end of file for reads, E_IO for writes */
    uint32_t hangups; /* vhangup(2): files with another number in file->limit are hung up, too */
    struct wait_queue *readable, *writable; /* of the slave; the console has one for both */
    const struct tty_driver *driver;
};

/* Initializes a tty; its other members are kept. */
void tty_setup(struct tty *tty, const struct tty_driver *driver, struct wait_queue *readable,
               struct wait_queue *writable);
/* Sends the signal to the foreground process group, if there is one. */
void tty_raise(const struct tty *tty, int signal);
/* Types a byte on the terminal's keyboard. */
void tty_type(struct tty *tty, char c);
/* Sets the window size; sends SIGWINCH to the foreground process group if it changed. */
void tty_set_window(struct tty *tty, const struct tty_window *window);
/* True if the tty is the controlling terminal of the calling process. */
bool tty_is_controlling(const struct tty *tty);
/* Makes the tty the controlling terminal of the caller's session. E_PERM: the caller is not a
 * session leader, the session has a terminal, or the tty has a session. */
MUST_CHECK enum err tty_take_control(struct tty *tty);
/* Releases the tty from its session: SIGHUP, and unless the session's leader has ended SIGCONT, for
 * the foreground group. */
void tty_release(struct tty *tty, bool leader_ended);
/* vhangup(2), and what becomes of the slave when its master is closed: what is open of the terminal is hung up, and it
 * controls no session. */
void tty_hang_up(struct tty *tty);
/* TIOCCONS: the file that gets what is written to the console; NULL: none does. */
extern struct file *tty_redirect;
/* TIOCCONS of the console ends it. E_PERM, E_BADF, E_BUSY. */
MUST_CHECK enum err tty_redirect_console(struct file *file);
/* The terminal gets it no longer. */
void tty_redirect_end(const struct tty *tty);
/* The controlling terminal of a session, or NULL. */
struct tty *tty_find(uint32_t session);
/* ioctl(). `remote`: for the master. E_NOTTY: unknown, or not the controlling terminal. E_INTR: the
 * caller is in the background and was sent SIGTTOU. */
MUST_CHECK enum err tty_command(struct tty *tty, bool remote, uint32_t command, uint64_t argument);

/* File operations; file->state is the struct tty. */
enum err tty_read(struct file *file, struct io *io, uint64_t *offset);
enum err tty_write(struct file *file, struct io *io, uint64_t *offset);
uint32_t tty_poll(struct file *file);
struct wait_queue *tty_queue(struct file *file, bool write);
uint32_t tty_async_group(const struct file *file);
enum err tty_control(struct file *file, uint32_t command, uint64_t argument, uint64_t *result);
