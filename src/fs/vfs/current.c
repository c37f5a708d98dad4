/* SPDX-License-Identifier: MIT */
/*
 * The context and the credentials of the calling thread. These functions have a file of their own because native tests,
 * which have no threads, replace it (test/unit/support/fs_native.c).
 */
#include "fs/vfs/context.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/file_table.h"
#include "kern/thread.h"

struct fs_context *fs_current(void)
{
    struct fs_context *context = thread_current()->fs_context;
    return context ? context : &fs_first;
}

struct file_table *file_table_current(void)
{
    return fs_current()->files;
}

const struct credentials *credentials_current(void)
{
    const struct credentials *credentials = thread_current()->credentials;
    return credentials ? credentials : &credentials_first;
}

const struct credentials *credentials_borrow(const struct credentials *credentials)
{
    const struct credentials *before = credentials_current();
    thread_current()->credentials = credentials;
    return before;
}
