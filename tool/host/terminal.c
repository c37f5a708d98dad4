/* SPDX-License-Identifier: MIT */
/* Raw mode, its restoration, and the size of the window; host/terminal.h describes the rules. */
#include "host/terminal.h"
#include "host/guard.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define INTERRUPT       '\003'
#define INTERRUPTS      3
#define INTERRUPTS_TIME 1.0 /* seconds */

static struct terminal_saved saved;
static volatile sig_atomic_t raw, resized;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        resized = 1;
    else
        raw = 0; /* SIGCONT: the shell may have changed the terminal */
}

bool terminal_offered(void)
{
    return isatty(STDIN_FILENO) && (isatty(STDOUT_FILENO) || isatty(STDERR_FILENO));
}

static void save(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (ttyname_r(STDIN_FILENO, saved.path, sizeof(saved.path)) != 0 ||
        tcgetattr(STDIN_FILENO, &saved.settings) != 0)
        return;
    saved.active = true;
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGCONT, &action, NULL);
    guard_tell_terminal(&saved);
}

void terminal_raw(void)
{
    if (raw || tcgetpgrp(STDIN_FILENO) != getpgrp())
        return;
    if (!saved.active)
        save();
    if (!saved.active)
        return;
    struct termios settings = saved.settings;
    cfmakeraw(&settings);
    raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) == 0;
}

void terminal_restore(void)
{
    if (raw && tcgetpgrp(STDIN_FILENO) == getpgrp())
        tcsetattr(STDIN_FILENO, TCSADRAIN, &saved.settings);
    raw = 0;
}

void terminal_put_back(const struct terminal_saved *s)
{
    int fd = s->active ? open(s->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    tcsetattr(fd, TCSANOW, &s->settings);
    close(fd);
}

bool terminal_resized(uint16_t *columns, uint16_t *rows)
{
    struct winsize size;
    if (!resized)
        return false;
    resized = 0;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0)
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}

bool terminal_is_end(const char *bytes, size_t size)
{
    static double times[INTERRUPTS];
    static unsigned count;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double now = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != INTERRUPT) {
            count = 0;
            continue;
        }
        double before = count >= INTERRUPTS - 1 ? times[(count + 1) % INTERRUPTS] : 0;
        times[count++ % INTERRUPTS] = now;
        if (count >= INTERRUPTS && now - before <= INTERRUPTS_TIME)
            return true;
    }
    return false;
}
