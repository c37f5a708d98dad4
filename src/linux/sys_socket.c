/* SPDX-License-Identifier: MIT */
#define LOG_TAG "linux"
#include "linux/sys_socket.h"

#include "base/log.h"
#include "fs/file_table.h"

static enum err no_family(const struct syscall *call)
{
    static bool said;
    if (!said)
        log_info("no network: socket() of family %d is answered with EAFNOSUPPORT",
                 (int)call->arg[0]);
    said = true;
    return E_AFNOSUPPORT;
}

enum err sys_socket(struct syscall *call)
{
    return no_family(call);
}

enum err sys_socketpair(struct syscall *call)
{
    return no_family(call);
}

static enum err no_socket(const struct syscall *call)
{
    return file_table_find(file_table_current(), call->arg[0]) == NULL ? E_BADF : E_NOTSOCK;
}

enum err sys_connect(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_accept(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_accept4(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_sendto(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_recvfrom(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_sendmsg(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_recvmsg(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_sendmmsg(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_recvmmsg(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_shutdown(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_bind(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_listen(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_getsockname(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_getpeername(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_setsockopt(struct syscall *call)
{
    return no_socket(call);
}

enum err sys_getsockopt(struct syscall *call)
{
    return no_socket(call);
}
