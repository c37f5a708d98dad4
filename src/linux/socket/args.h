/* SPDX-License-Identifier: MIT */
/* Shared by the socket calls. */
#pragma once

#include "fs/socket/socket.h"
#include "linux/file/args.h"

/* *out: the socket of a descriptor; its file is referenced until socket_let_go(). E_BADF,
 * E_NOTSOCK. */
MUST_CHECK enum err socket_hold(uint64_t fd, struct socket **out);
void socket_let_go(struct socket *socket);
/* socket_let_go() at the end of a call that may have slept; sets call->restart for E_INTR without a
 * timeout. Returns e. */
enum err socket_finish(struct syscall *call, struct socket *socket, uint64_t timeout_ns,
                       enum err e);

/* Copies an address in. E_INVAL, E_FAULT. */
MUST_CHECK enum err socket_address_in(struct socket_address *address, uint64_t from, uint64_t size);
/* Copies an address out, truncated to the size at `size_at`, which is set to the full length.
 * E_FAULT, E_INVAL. */
MUST_CHECK enum err socket_address_out(const struct socket_address *address, uint64_t to,
                                       uint64_t size_at);

#define SOL_SOCKET      1
#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
