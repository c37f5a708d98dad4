/* SPDX-License-Identifier: MIT */
/* A recorded call as text, for fault reports. */
#include "linux/call/syscall.h"

void syscall_format(const struct syscall_record *record, char *out, size_t size)
{
    struct text_out t = {out, size};
    struct syscall_row row = syscall_row(record->number);
    if (row.name != NULL)
        text_put(&t, "%s(", row.name);
    else
        text_put(&t, "syscall_%u(", record->number);
    for (unsigned i = 0, arity = syscall_arity(&row); i < arity; i++) {
        text_put(&t, "%s", i != 0 ? ", " : "");
        argument_put_plain(&t, row.args[i], record->arg[i]);
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
