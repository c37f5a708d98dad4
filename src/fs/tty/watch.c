/* SPDX-License-Identifier: MIT */
/* The thread that processes input and window changes of a raw console when no program reads. */
#include "fs/tty/console.h"
#include "fs/vfs/wait.h"
#include "kern/thread.h"

/* Input for which the ring has no room does not count: the thread would spin. */
static bool has_news(void *context)
{
    (void)context;
    return (console_input_ready() && !console_input_ended() && tty_has_room()) ||
           tty_window_changed();
}

static void watch(void *context)
{
    (void)context;
    for (;;) {
        if (fs_wait(console_input_queue(), has_news, NULL, NO_DEADLINE) == E_OK)
            tty_pump();
    }
}

enum err tty_watch_start(void)
{
    struct thread *thread;
    kernel_lock_assert();
    return console_is_cooked() ? E_OK : thread_create("tty", watch, NULL, &thread);
}
