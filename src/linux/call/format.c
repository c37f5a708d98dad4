/* SPDX-License-Identifier: MIT */
/* Calls as text: what fault reports and strace share. */
#include "linux/call/syscall.h"

#include "base/addr.h"
#include "base/str.h"
#include "linux/file/args.h"
#include "linux/task/signal.h"

void syscall_put_signal(struct text_out *t, int number, bool short_name)
{
    const char *name = signal_name(number);
    if (name != NULL)
        text_put(t, "%s", name + (short_name ? strlen("SIG") : 0));
    else if (number >= SIGNAL_REALTIME && number <= SIGNAL_COUNT)
        text_put(t, "%sRT_%d", short_name ? "" : "SIG", number - SIGNAL_REALTIME);
    else
        text_put(t, "%d", number);
}

/* The presence of futex()'s last four arguments depends on its operation. */
static enum argument_kind futex_kind(enum argument_kind kind, uint64_t operation)
{
    enum {
        WAIT = 0,
        WAKE = 1,
        UNLOCK_PI = 7,
        WAIT_BITSET = 9
    };
    switch (operation & 0x7f) {
    case WAIT:
        return kind == ARG_FUTEX_TIME ? ARG_TIME : kind == ARG_FUTEX_VALUE ? kind : ARG_NONE;
    case WAIT_BITSET:
        return kind == ARG_FUTEX_TIME ? ARG_TIME : kind;
    case WAKE:
        return kind == ARG_FUTEX_VALUE ? kind : ARG_NONE;
    case UNLOCK_PI:
        return ARG_NONE;
    default:
        return kind;
    }
}

/* The kind of fcntl()'s last argument depends on its command. */
static enum argument_kind fcntl_kind(uint64_t command)
{
    enum {
        GETFD = 1,
        GETFL = 3,
        SETFL = 4,
        GETLK = 5,
        SETLK = 6,
        SETLKW = 7,
        GETOWN = 9,
        GETPIPE_SZ = 1032,
        GET_SEALS = 1034,
    };
    switch ((int)command) {
    case GETFD:
    case GETFL:
    case GETOWN:
    case GETPIPE_SZ:
    case GET_SEALS:
        return ARG_NONE;
    case SETFL:
        return ARG_OFLAGS;
    case GETLK:
    case SETLK:
    case SETLKW:
        return ARG_PTR;
    default:
        return ARG_INT;
    }
}

enum argument_kind syscall_argument_kind(const struct syscall_row *row, unsigned i,
                                         const uint64_t *arg)
{
    enum {
        CREATES = 0x400040
    }; /* O_CREAT, O_TMPFILE */
    enum argument_kind kind = row->args[i];
    switch (kind) {
    case ARG_OPEN_MODE:
        return arg[i - 1] & CREATES ? ARG_MODE : ARG_NONE;
    case ARG_FCNTL_ARG:
        return fcntl_kind(arg[1]);
    case ARG_FUTEX_VALUE:
    case ARG_FUTEX_TIME:
    case ARG_FUTEX_PTR:
    case ARG_FUTEX_BITS:
        return futex_kind(kind, arg[1]);
    default:
        return kind;
    }
}

void syscall_put_number(struct text_out *t, enum argument_kind kind, uint64_t value)
{
    if (kind == ARG_FD && (int)value == AT_FDCWD)
        text_put(t, "AT_FDCWD");
    else if (kind == ARG_SIGNAL)
        syscall_put_signal(t, (int)value, false);
    else if (kind == ARG_HEX && value == 0)
        text_put(t, "0");
    else if (!argument_put_flags(t, kind, value))
        argument_put_plain(t, kind, value);
}

void syscall_put_result(struct text_out *t, const struct syscall_row *row, int64_t result)
{
    int64_t hex_from = row->result == RET_HEX ? (int64_t)PAGE_SIZE : INT64_C(1) << 31;
    if (result < 0 && result >= -4095)
        text_put(t, "-1 E%s", err_name((enum err) - result) + strlen("E_"));
    else if (result >= hex_from)
        text_put(t, "0x%llx", (unsigned long long)result);
    else if (row->result == RET_MODE)
        text_put(t, "0%o", (unsigned)result);
    else
        text_put(t, "%lld", (long long)result);
}

/* The path at that argument of that call; NULL: it was not saved, or has been overwritten. */
static const char *saved_text(const struct syscall_text *texts, uint32_t call, uint64_t at)
{
    for (unsigned i = 0; texts != NULL && i < SYSCALL_TEXTS; i++)
        if (texts[i].at == at && texts[i].call == call)
            return texts[i].text;
    return NULL;
}

void syscall_format(const struct syscall_record *record, const struct syscall_text *texts,
                    uint32_t call, char *out, size_t size)
{
    struct text_out t = {out, size};
    struct syscall_row row = syscall_row(record->number);
    const char *separator = "";
    if (row.name != NULL)
        text_put(&t, "%s(", row.name);
    else
        text_put(&t, "syscall_%u(", record->number);
    for (unsigned i = 0, arity = syscall_arity(&row); i < arity; i++) {
        enum argument_kind kind = syscall_argument_kind(&row, i, record->arg);
        const char *text = saved_text(texts, call, record->arg[i]);
        if (kind == ARG_NONE)
            continue;
        text_put(&t, "%s", separator);
        separator = ", ";
        if (kind == ARG_STR && text != NULL) {
            size_t length = strnlen(text, sizeof texts->text);
            text_put_quoted(&t, text, length, length == sizeof texts->text);
        } else {
            syscall_put_number(&t, kind, record->arg[i]);
        }
    }
    text_put(&t, ") = ");
    if (record->finished)
        syscall_put_result(&t, &row, record->result);
    else
        text_put(&t, "?");
}
