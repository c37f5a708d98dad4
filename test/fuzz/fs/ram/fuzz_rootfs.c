/* SPDX-License-Identifier: MIT */
#include "fs_check.h"
#include "fs_native.h"
#include "native.h"

#include "fs/vfs/context.h"
#include "fs/ram/rootfs.h"
#include "fs/vfs/vfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parse_fault fault = {0, NULL};
    size_t live = native_heap_live();
    enum err e = rootfs_fill(data, size, phys(0x1000), &fault);
    assert(e == E_OK || (e == E_INVAL && fault.what && fault.offset <= size));
    check_directory(fs_current()->root.dentry);
    vfs_end();
    assert(native_heap_live() == live);
    return 0;
}
