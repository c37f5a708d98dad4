/* SPDX-License-Identifier: MIT */
/* The connection that a thread was serving, for reports: from its last system calls, so that receiving costs nothing more. */
#include "base/fmt.h"
#include "base/str.h"
#include "diag/report.h"
#include "fs/socket/socket.h"
#include "fs/vfs/file_table.h"
#include "kern/thread.h"
#include "linux/call/syscall.h"
#include "linux/task/process.h"

#define AF_INET6     10u
#define ADDRESS_TEXT 56

static bool receives(const struct syscall_record *call)
{
    static const char names[][9] = {"read", "readv", "recvfrom", "recvmsg", "recvmmsg"};
    const char *name = call->finished && call->result >= 0 ? syscall_row(call->number).name : NULL;
    for (size_t i = 0; name != NULL && i < ARRAY_LENGTH(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The socket from which the thread received last, of those of its last calls that are open still; NULL: none. */
static struct socket *last_received(void)
{
    static struct syscall_record calls[SYSCALL_HISTORY];
    size_t count = syscall_history(calls, SYSCALL_HISTORY);
    const struct file_table *table = file_table_current();
    for (size_t i = 0; i < count && table != NULL; i++) {
        const struct file *file =
            receives(&calls[i]) ? file_table_find(table, calls[i].arg[0]) : NULL;
        struct socket *socket = file != NULL ? socket_of(file) : NULL;
        if (socket != NULL && (socket->family == AF_INET || socket->family == AF_INET6))
            return socket;
    }
    return NULL;
}

static unsigned word(const struct socket_address *address, unsigned at)
{
    return (unsigned)address->bytes[at] << 8 | address->bytes[at + 1];
}

/* struct sockaddr_in or sockaddr_in6: the port is at byte 2, the address at 4 or 8. */
static void address_text(const struct socket_address *address, char to[ADDRESS_TEXT])
{
    const uint8_t *at = address->bytes + 4;
    if (address->family == AF_INET) {
        fmt_snprintf(to, ADDRESS_TEXT, "%u.%u.%u.%u:%u", at[0], at[1], at[2], at[3],
                     word(address, 2));
        return;
    }
    size_t n = fmt_snprintf(to, ADDRESS_TEXT, "[");
    for (unsigned i = 0; i < 8 && n < ADDRESS_TEXT; i++)
        n +=
            fmt_snprintf(to + n, ADDRESS_TEXT - n, i < 7 ? "%x:" : "%x]", word(address, 8 + 2 * i));
    if (n < ADDRESS_TEXT)
        fmt_snprintf(to + n, ADDRESS_TEXT - n, ":%u", word(address, 2));
}

bool report_connection_line(char *to, size_t size)
{
    struct socket_address local, peer;
    char here[ADDRESS_TEXT], there[ADDRESS_TEXT];
    if (thread_current() == NULL || linux_current() == NULL)
        return false;
    struct socket *socket = last_received();
    if (socket == NULL || socket->ops->name(socket, false, &local) != E_OK ||
        socket->ops->name(socket, true, &peer) != E_OK)
        return false;
    address_text(&local, here);
    address_text(&peer, there);
    fmt_snprintf(to, size, "%s from %s", here, there);
    return true;
}
