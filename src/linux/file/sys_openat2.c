/* SPDX-License-Identifier: MIT */
/* openat2(2): openat() with restrictions of the walk, and flags that are checked. */
#include "fs/vfs/abi.h"
#include "linux/file/args.h"
#include "linux/file/sys_file.h"
#include "mm/vm/usercopy.h"

struct open_how { /* linux/openat2.h */
    uint64_t flags, mode, resolve;
};

#define OPEN_KNOWN                                                                                 \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |          \
     O_ASYNC | O_DIRECT | O_LARGEFILE | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)
#define OPEN_PATH       (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define RESOLVE_BENEATH 0x08u
#define RESOLVE_IN_ROOT 0x10u
#define RESOLVE_CACHED  0x20u
#define RESOLVE_KNOWN   0x3fu

/* The order of Linux's build_open_flags. */
static enum err openat2_check(const struct open_how *how)
{
    const uint64_t makes = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
    if (how->flags & ~(uint64_t)OPEN_KNOWN || how->resolve & ~(uint64_t)RESOLVE_KNOWN ||
        (~how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == 0)
        return E_INVAL;
    if (how->mode & ~(uint64_t)(how->flags & makes ? 07777 : 0))
        return E_INVAL;
    if (how->flags & O_PATH && how->flags & ~(uint64_t)OPEN_PATH)
        return E_INVAL;
    return (how->resolve & RESOLVE_CACHED) && (how->flags & (makes | O_TRUNC)) ? E_AGAIN : E_OK;
}

/* The rest of a structure that is longer than the one known: E_2BIG unless all of it is 0. */
static enum err openat2_rest(virt_t from, uint64_t size)
{
    while (size > 0) {
        uint8_t bytes[64];
        uint64_t part = size < sizeof bytes ? size : sizeof bytes;
        enum err e = copy_in(bytes, from, part);
        if (e != E_OK)
            return e;
        for (uint64_t i = 0; i < part; i++)
            if (bytes[i] != 0)
                return E_2BIG;
        from.v += part;
        size -= part;
    }
    return E_OK;
}

enum err sys_openat2(struct syscall *call)
{
    struct open_how how;
    uint64_t size = call->arg[3];
    if (size < sizeof how)
        return E_INVAL;
    if (size > PAGE_SIZE)
        return E_2BIG;
    enum err e = openat2_rest(virt(call->arg[2] + sizeof how), size - sizeof how);
    if (e == E_OK)
        e = copy_in(&how, virt(call->arg[2]), sizeof how);
    if (e == E_OK)
        e = openat2_check(&how);
    if (e != E_OK)
        return e;
    uint32_t flags = (uint32_t)how.flags | ((uint32_t)how.resolve << O_RESOLVE_SHIFT & O_RESOLVE);
    return file_open_at(call, call->arg[0], call->arg[1], flags, (uint32_t)how.mode);
}
