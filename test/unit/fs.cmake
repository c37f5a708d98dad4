# SPDX-License-Identifier: MIT
# All file systems run natively: unit/support/fs_native.c stands in for the kernel below them.
set(fs_sources
    src/fs/vfs/anon_file.c src/fs/vfs/async.c src/fs/vfs/context.c src/fs/vfs/dentry.c src/fs/dev/devfs.c src/fs/pipe/epoll.c src/fs/vfs/file.c src/fs/vfs/file_table.c
    src/fs/vfs/credentials.c src/fs/vfs/inode.c src/fs/vfs/inode_source.c src/fs/vfs/io.c src/fs/vfs/notify.c src/fs/vfs/page_tree.c src/fs/pipe/pipe.c src/fs/ram/ramfs.c src/fs/ram/ramfs_file.c src/fs/vfs/range_lock.c src/base/gap_tree.c src/fs/vfs/text.c
    src/fs/vfs/acl.c src/fs/vfs/lease.c src/fs/vfs/xattr.c src/fs/vfs/vfs.c src/fs/vfs/mount.c src/fs/vfs/names.c src/fs/vfs/rename.c src/fs/vfs/store.c src/fs/vfs/store_change.c src/fs/vfs/store_names.c src/fs/vfs/walk.c src/kern/wait.c src/mm/heap/hash_table.c
    test/unit/support/fs_native.c)
# kern/wait.c turns interrupts off: a header of the same name only counts.
ouro_host_test(fs/vfs/credentials src/fs/vfs/credentials.c)
ouro_host_test(fs/vfs/acl src/fs/vfs/acl.c src/fs/vfs/credentials.c)
ouro_host_test(fs/vfs/vfs ${fs_sources} SHADOW linux)
ouro_host_test(fs/vfs/store ${fs_sources} src/fs/ram/tmpfs.c test/unit/support/fake_store.c SHADOW linux)
ouro_host_test(fs/vfs/store_races ${fs_sources} src/fs/ram/tmpfs.c test/unit/support/fake_store.c SHADOW linux)
ouro_host_test(fs/vfs/owners ${fs_sources} SHADOW linux)
ouro_host_test(fs/ram/ramfs ${fs_sources} SHADOW linux)
ouro_host_test(fs/ram/rootfs ${fs_sources} src/fs/ram/rootfs.c src/parse/cpio.c SHADOW linux)
ouro_host_test(fs/vfs/range_lock ${fs_sources} SHADOW linux)
ouro_host_test(fs/pipe/pipe ${fs_sources} src/fs/pipe/eventfd.c SHADOW linux)
ouro_host_test(fs/pipe/epoll ${fs_sources} src/fs/pipe/eventfd.c SHADOW linux)
ouro_host_test(fs/tty/tty ${fs_sources} src/fs/tty/pty.c src/fs/tty/tty.c src/fs/tty/hangup.c src/fs/tty/console.c src/fs/tty/line.c SHADOW linux)
ouro_host_test(fs/proc/procfs ${fs_sources} src/fs/proc/procfs.c SHADOW linux)
ouro_fuzzer(fs/ram/rootfs ${fs_sources} src/fs/ram/rootfs.c src/parse/cpio.c SHADOW linux)
ouro_fuzzer(fs/vfs/vfs ${fs_sources} SHADOW linux)
ouro_fuzzer(fs/tty/tty src/fs/tty/line.c)

# Folders of the host.
ouro_host_test(fs/p9/p9_protocol src/fs/p9/protocol.c)
set(p9_sources src/fs/p9/client.c src/fs/p9/protocol.c src/fs/p9/session.c test/unit/support/p9_model.c
    test/unit/support/p9_model_files.c test/unit/support/p9_model_tree.c test/unit/support/p9_native.c)
ouro_host_test(fs/p9/p9_client ${p9_sources})
ouro_host_test(fs/p9/p9_lies ${p9_sources})
ouro_host_test(fs/p9/p9_files ${fs_sources} ${p9_sources} src/fs/p9/contents.c src/fs/p9/names.c src/fs/p9/node.c src/fs/p9/super.c
    src/fs/cache/cache.c src/fs/cache/cut.c src/fs/cache/map.c src/fs/cache/read.c src/fs/cache/sync.c src/fs/cache/write.c
    src/fs/cache/write_back.c src/kern/p9_channel.c SHADOW linux)
ouro_fuzzer(fs/p9/p9_protocol src/fs/p9/protocol.c)

# The page cache, over a file system and threads of the test.
ouro_host_test(fs/cache/page_cache src/fs/cache/cache.c src/fs/cache/read.c src/fs/cache/write.c src/fs/cache/write_back.c
    src/fs/cache/map.c src/fs/cache/cut.c src/fs/cache/sync.c src/fs/vfs/page_tree.c src/fs/vfs/io.c test/unit/support/cache_world.c SHADOW linux)
