/* SPDX-License-Identifier: MIT */
/* A call as a person reads it, for fault reports. */
#include "linux/syscall.h"

#include "base/fmt.h"

struct text_out {
    char *at;
    size_t left;
};

static void PRINTF_LIKE(2, 3) put(struct text_out *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t n = fmt_vsnprintf(t->at, t->left, format, args);
    va_end(args);
    if (n >= t->left)
        n = t->left != 0 ? t->left - 1 : 0;
    t->at += n;
    t->left -= n;
}

static void put_argument(struct text_out *t, char kind, uint64_t value)
{
    switch (kind) {
    case 'd':
    case 'f':
        put(t, "%d", (int)value);
        break;
    case 'u':
        put(t, "%u", (unsigned)value);
        break;
    case 'z':
        put(t, "%llu", (unsigned long long)value);
        break;
    case 'm':
        put(t, "0%o", (unsigned)value);
        break;
    case 'p':
    case 's':
        if (value == 0) {
            put(t, "NULL");
            break;
        }
        /* fall through */
    default:
        put(t, "0x%llx", (unsigned long long)value);
    }
}

void syscall_format(const struct syscall_record *record, char *out, size_t size)
{
    static const struct syscall_row unknown = {NULL, NULL, 6, "xxxxxx"};
    struct text_out t = {out, size};
    const struct syscall_row *row = syscall_row(record->number);
    if (row == NULL || row->name == NULL)
        row = &unknown;
    if (row->name != NULL)
        put(&t, "%s(", row->name);
    else
        put(&t, "syscall_%u(", record->number);
    for (unsigned i = 0; i < row->arity; i++) {
        put(&t, "%s", i != 0 ? ", " : "");
        put_argument(&t, row->signature[i], record->arg[i]);
    }
    if (!record->finished)
        put(&t, ") = ?");
    else if (record->result < 0 && record->result >= -4095)
        put(&t, ") = -%s", err_name((enum err) - record->result));
    else if (record->result > INT32_MAX)
        put(&t, ") = 0x%llx", (unsigned long long)record->result);
    else
        put(&t, ") = %lld", (long long)record->result);
}
