/* SPDX-License-Identifier: MIT */
/* syslog(2): the kernel log, of which the last LOG_RING_LINES lines are kept. */
#include "linux/process/sys_system.h"

#include "base/fmt.h"
#include "base/str.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/wait.h"
#include "kern/log.h"
#include "kern/time.h"
#include "mm/vm/usercopy.h"

enum {
    ACTION_CLOSE,
    ACTION_OPEN,
    ACTION_READ,
    ACTION_READ_ALL,
    ACTION_READ_CLEAR,
    ACTION_CLEAR,
    ACTION_CONSOLE_OFF,
    ACTION_CONSOLE_ON,
    ACTION_CONSOLE_LEVEL,
    ACTION_SIZE_UNREAD,
    ACTION_SIZE_BUFFER,
};

#define TEXT_MAX (LOG_LINE_MAX + 8) /* with "<7>" and the newline */
#define LOOK_NS  (100 * UINT64_C(1000000))

static uint64_t cleared; /* number of the first line that READ_ALL reads */
static struct {
    uint64_t number; /* of the next line that READ reads */
    size_t skip;     /* bytes of it that were read */
} unread;
static int console_saved = -1; /* the level before CONSOLE_OFF; -1: it is on */

static bool text_of(uint64_t *number, char *text, size_t *length)
{
    char line[LOG_LINE_MAX];
    enum log_level level;
    if (!log_get(number, &level, line))
        return false;
    *length = fmt_snprintf(text, TEXT_MAX, "<%d>%s\n", (int)level, line);
    return true;
}

static uint64_t bytes_from(uint64_t number)
{
    char text[TEXT_MAX];
    uint64_t bytes = 0;
    size_t length;
    while (text_of(&number, text, &length))
        bytes += length;
    return bytes;
}

/* The last whole lines that fit. */
static enum err read_all(struct syscall *call, uint64_t room)
{
    char text[TEXT_MAX];
    uint64_t number = cleared, left = bytes_from(number), at = call->arg[1];
    size_t length;
    while (text_of(&number, text, &length)) {
        bool fits = left <= room;
        left -= length;
        if (!fits)
            continue;
        enum err e = copy_out(virt(at), text, length);
        if (e != E_OK)
            return e;
        at += length;
    }
    call->result = at - call->arg[1];
    return E_OK;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

/* Waits for a line, and reads the lines that fit, and a part of the last one. The log is written by
 * interrupt handlers too, which must not wake a thread under its lock: a reader looks now and then. */
static enum err read_next(struct syscall *call, uint64_t room)
{
    static struct wait_queue readers = WAIT_QUEUE_INIT(readers);
    char text[TEXT_MAX];
    uint64_t done = 0;
    while (done < room) {
        uint64_t number = unread.number;
        size_t length;
        if (!text_of(&number, text, &length)) {
            if (done > 0)
                break;
            enum err e = fs_wait(&readers, never, NULL, time_now_ns() + LOOK_NS);
            if (e == E_INTR) {
                call->restart = true;
                return e;
            }
            continue;
        }
        size_t part = length - unread.skip;
        if (part > room - done)
            part = room - done;
        enum err e = copy_out_now(virt(call->arg[1] + done), text + unread.skip, part);
        if (e != E_OK)
            return done > 0 ? E_OK : e;
        done += part;
        unread.skip += part;
        if (unread.skip == length) {
            unread.number = number;
            unread.skip = 0;
        }
        call->result = done;
    }
    return E_OK;
}

static void console_set(bool on)
{
    if (on && console_saved >= 0)
        log_set_level((enum log_level)console_saved);
    if (on)
        console_saved = -1;
    else if (console_saved < 0)
        console_saved = (int)log_set_level(0);
}

enum err sys_syslog(struct syscall *call)
{
    uint32_t action = (uint32_t)call->arg[0];
    int32_t size = (int32_t)call->arg[2];
    if (!capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
        return E_PERM;
    enum err e = E_OK;
    switch (action) {
    case ACTION_CLOSE:
    case ACTION_OPEN:
        return E_OK;
    case ACTION_READ:
    case ACTION_READ_ALL:
    case ACTION_READ_CLEAR:
        if (call->arg[1] == 0 || size < 0)
            return E_INVAL;
        if (size == 0)
            return E_OK;
        if (action == ACTION_READ)
            return read_next(call, (uint64_t)size);
        e = read_all(call, (uint64_t)size);
        if (e != E_OK || action == ACTION_READ_ALL)
            return e;
        cleared = log_count();
        return E_OK;
    case ACTION_CLEAR:
        cleared = log_count();
        return E_OK;
    case ACTION_CONSOLE_OFF:
    case ACTION_CONSOLE_ON:
        console_set(action == ACTION_CONSOLE_ON);
        return E_OK;
    case ACTION_CONSOLE_LEVEL:
        if (size < 1 || size > 8)
            return E_INVAL;
        log_set_level((enum log_level)(size - 1));
        console_saved = -1;
        return E_OK;
    case ACTION_SIZE_UNREAD:
        call->result = bytes_from(unread.number) - unread.skip;
        return E_OK;
    case ACTION_SIZE_BUFFER:
        call->result = LOG_RING_LINES * LOG_LINE_MAX;
        return E_OK;
    default:
        return E_INVAL;
    }
}
