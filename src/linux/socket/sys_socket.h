/* SPDX-License-Identifier: MIT */
/* socket(2) and related calls, for the families of fs/socket/socket.h. */
#pragma once

#include "linux/abi/call.h"

enum err sys_socket(struct syscall *call);
enum err sys_socketpair(struct syscall *call);
enum err sys_connect(struct syscall *call);
enum err sys_accept(struct syscall *call);
enum err sys_accept4(struct syscall *call);
enum err sys_sendto(struct syscall *call);
enum err sys_recvfrom(struct syscall *call);
enum err sys_sendmsg(struct syscall *call);
enum err sys_recvmsg(struct syscall *call);
enum err sys_sendmmsg(struct syscall *call);
enum err sys_recvmmsg(struct syscall *call);
enum err sys_shutdown(struct syscall *call);
enum err sys_bind(struct syscall *call);
enum err sys_listen(struct syscall *call);
enum err sys_getsockname(struct syscall *call);
enum err sys_getpeername(struct syscall *call);
enum err sys_setsockopt(struct syscall *call);
enum err sys_getsockopt(struct syscall *call);
