/* SPDX-License-Identifier: MIT */
/* A call as a person reads it, for fault reports. */
#include "linux/call/syscall.h"

#include "base/fmt.h"
#include "linux/abi/text.h"

void text_put(struct text_out *t, const char *format, ...)
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

void syscall_put_plain(struct text_out *t, char letter, uint64_t value)
{
    switch (letter) {
    case 'x':
    case 'A':
    case 'I':
    case 'K':
    case 'M':
    case 'O':
    case 'P':
    case 'U':
    case 'V':
    case 'W':
    case 'X':
    case 'Y':
    case 'Z':
        text_put(t, "0x%llx", (unsigned long long)value);
        break;
    case 'u':
        text_put(t, "%u", (unsigned)value);
        break;
    case 'z':
        text_put(t, "%llu", (unsigned long long)value);
        break;
    case 'm':
        text_put(t, "0%o", (unsigned)value);
        break;
    default:
        if (letter == 'd' || letter == 'f' || (letter >= 'A' && letter <= 'Z'))
            text_put(t, "%d", (int)value);
        else if (value == 0)
            text_put(t, "NULL");
        else
            text_put(t, "0x%llx", (unsigned long long)value);
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
        text_put(&t, "%s(", row->name);
    else
        text_put(&t, "syscall_%u(", record->number);
    for (unsigned i = 0; i < row->arity; i++) {
        text_put(&t, "%s", i != 0 ? ", " : "");
        syscall_put_plain(&t, row->signature[i], record->arg[i]);
    }
    if (!record->finished)
        text_put(&t, ") = ?");
    else if (record->result < 0 && record->result >= -4095)
        text_put(&t, ") = -%s", err_name((enum err) - record->result));
    else if (record->result > INT32_MAX)
        text_put(&t, ") = 0x%llx", (unsigned long long)record->result);
    else
        text_put(&t, ") = %lld", (long long)record->result);
}
