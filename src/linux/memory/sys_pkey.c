/* SPDX-License-Identifier: MIT */
/* pkeys(7) on a processor without protection keys. */
#include "linux/memory/sys_mem.h"

#define PKEY_RIGHTS UINT64_C(3)

enum err sys_pkey_alloc(struct syscall *call)
{
    return call->arg[0] != 0 || call->arg[1] & ~PKEY_RIGHTS ? E_INVAL : E_NOSPC;
}

enum err sys_pkey_free(struct syscall *call)
{
    (void)call;
    return E_INVAL; /* none was given */
}

enum err sys_pkey_mprotect(struct syscall *call)
{
    return (int)call->arg[3] == -1 ? sys_mprotect(call) : E_INVAL;
}
