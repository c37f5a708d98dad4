/* SPDX-License-Identifier: MIT */
/* Terminals that are hung up, and the console's output that goes to one (TIOCCONS). */
#include "fs/tty/tty.h"

#include "fs/vfs/credentials.h"
#include "fs/vfs/process.h"

struct file *tty_redirect;

COLD enum err tty_redirect_console(struct file *file)
{
    if (!capable(CAP_SYS_ADMIN))
        return E_PERM;
    if (((const struct tty *)file->state)->driver->is_console) {
        file_put(tty_redirect);
        tty_redirect = NULL;
        return E_OK;
    }
    if (!file_can_write(file))
        return E_BADF;
    if (tty_redirect)
        return E_BUSY;
    file_get(file);
    tty_redirect = file;
    return E_OK;
}

COLD void tty_redirect_end(const struct tty *tty)
{
    struct file *redirect = tty_redirect;
    if (redirect && redirect->state == tty) {
        tty_redirect = NULL;
        file_put(redirect);
    }
}

COLD static void raise_leader(const struct tty *tty, int signal)
{
    const struct fs_owner leader = {.type = FS_OWNER_PROCESS, .id = tty->session};
    fs_signal_owner(&leader, &(struct fs_io_event){.signal = signal, .code = FS_SI_KERNEL});
}

COLD void tty_hang_up(struct tty *tty)
{
    if (tty->session != 0) {
        raise_leader(tty, FS_SIGHUP);
        raise_leader(tty, FS_SIGCONT);
    }
    tty->session = tty->foreground = 0;
    if (tty->driver->is_console)
        return; /* what is open of the console stays so */
    tty->hangups++;
    void (*signal_typed)(void *, int) = tty->line.signal;
    tty_setup(tty, tty->driver, tty->readable, tty->writable);
    tty->line.signal = signal_typed;
    wait_queue_wake(tty->readable);
    wait_queue_wake(tty->writable);
    tty_redirect_end(tty);
}
