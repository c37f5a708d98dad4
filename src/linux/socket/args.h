/* SPDX-License-Identifier: MIT */
/* What the socket calls have in common. */
#pragma once

#include "fs/socket/socket.h"
#include "linux/file/args.h"

/* The socket of the descriptor; its file is held until socket_let_go(). E_BADF, E_NOTSOCK. */
MUST_CHECK enum err socket_hold(uint64_t fd, struct socket **out);
void socket_let_go(struct socket *socket);
/* Lets go of it after a call that may have slept and ended with e, which it returns. */
enum err socket_finish(struct syscall *call, struct socket *socket, uint64_t timeout_ns,
                       enum err e);

/* E_INVAL, E_FAULT. */
MUST_CHECK enum err socket_address_in(struct socket_address *address, uint64_t from, uint64_t size);
/* Cut to the size that lies at `size_at`, which becomes the whole length. */
MUST_CHECK enum err socket_address_out(const struct socket_address *address, uint64_t to,
                                       uint64_t size_at);

#define SOL_SOCKET      1
#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
