# SPDX-License-Identifier: MIT
# All file systems run natively: unit/support/fs_native.c stands in for the kernel below them.
set(fs_sources
    src/fs/vfs/anon_file.c src/fs/vfs/async.c src/fs/vfs/context.c src/fs/vfs/dentry.c src/fs/dev/devfs.c src/fs/pipe/epoll.c src/fs/vfs/file.c src/fs/vfs/file_block.c src/fs/vfs/file_table.c
    src/fs/vfs/credentials.c src/fs/vfs/inode.c src/fs/vfs/inode_source.c src/fs/vfs/io.c src/fs/vfs/notify.c src/fs/vfs/page_tree.c src/fs/pipe/pipe.c src/fs/ram/ramfs.c src/fs/ram/ramfs_file.c src/fs/vfs/range_lock.c src/base/gap_tree.c src/fs/vfs/text.c
    src/fs/vfs/acl.c src/fs/vfs/lease.c src/fs/vfs/xattr.c src/fs/vfs/vfs.c src/fs/vfs/location.c src/fs/vfs/mount.c src/fs/vfs/mount_tree.c src/fs/vfs/mount_namespace.c src/fs/vfs/namespace.c src/fs/vfs/unmount.c src/fs/vfs/names.c src/fs/vfs/rename.c src/fs/vfs/store.c src/fs/vfs/store_change.c src/fs/vfs/store_names.c src/fs/vfs/walk.c src/fs/vfs/missed.c src/kern/wait.c src/mm/heap/hash_table.c
    test/unit/support/fs_native.c)
# kern/wait.c turns interrupts off: a header of the same name only counts.
ouro_host_test(fs/vfs/credentials src/fs/vfs/credentials.c)
ouro_host_test(fs/vfs/acl src/fs/vfs/acl.c src/fs/vfs/credentials.c)
ouro_host_test(fs/vfs/vfs ${fs_sources} SHADOW linux)
ouro_host_test(fs/vfs/mounts ${fs_sources} SHADOW linux)
ouro_host_test(fs/vfs/missed ${fs_sources} SHADOW linux)
ouro_host_test(fs/vfs/store ${fs_sources} src/fs/ram/tmpfs.c test/unit/support/fake_store.c SHADOW linux)
ouro_host_test(fs/vfs/store_races ${fs_sources} src/fs/ram/tmpfs.c test/unit/support/fake_store.c SHADOW linux)
ouro_host_test(fs/vfs/owners ${fs_sources} SHADOW linux)
ouro_host_test(fs/ram/ramfs ${fs_sources} SHADOW linux)
ouro_host_test(fs/ram/rootfs ${fs_sources} src/fs/ram/rootfs.c src/parse/cpio.c SHADOW linux)
ouro_host_test(fs/vfs/range_lock ${fs_sources} SHADOW linux)
ouro_host_test(fs/pipe/pipe ${fs_sources} src/fs/pipe/eventfd.c SHADOW linux)
ouro_host_test(fs/pipe/epoll ${fs_sources} src/fs/pipe/eventfd.c SHADOW linux)
ouro_host_test(fs/tty/tty ${fs_sources} src/fs/tty/pty.c src/fs/tty/tty.c src/fs/tty/hangup.c src/fs/tty/console.c src/fs/tty/line.c SHADOW linux)
ouro_host_test(fs/proc/procfs ${fs_sources} src/fs/proc/procfs.c src/fs/proc/instance.c SHADOW linux)
ouro_fuzzer(fs/ram/rootfs ${fs_sources} src/fs/ram/rootfs.c src/parse/cpio.c SHADOW linux)
ouro_fuzzer(fs/vfs/vfs ${fs_sources} SHADOW linux)
ouro_fuzzer(fs/tty/tty src/fs/tty/line.c)

# ext4 is a library over read, write and flush; mke2fs makes what it reads, e2fsck judges what it writes.
set(ext4_sources
    src/fs/ext4/blocks.c src/fs/ext4/cache.c src/fs/ext4/checksum.c src/fs/ext4/dir.c src/fs/ext4/dir_index.c src/fs/ext4/extent.c
    src/fs/ext4/extent_change.c src/fs/ext4/file.c src/fs/ext4/group.c src/fs/ext4/hash.c src/fs/ext4/inode.c src/fs/ext4/inodes.c
    src/fs/ext4/journal.c src/fs/ext4/list.c src/fs/ext4/mount.c src/fs/ext4/names.c src/fs/ext4/orphan.c src/fs/ext4/rename.c
    src/fs/ext4/replay.c src/fs/ext4/report.c src/fs/ext4/super.c src/fs/ext4/transaction.c src/fs/ext4/xattr.c
    src/mm/heap/hash_table.c test/unit/support/ext4_disk.c)
set(OURO_HOST_SECONDS 900)
ouro_host_test(fs/ext4/ext4_read ${ext4_sources})
ouro_host_test(fs/ext4/ext4_write ${ext4_sources} test/unit/support/ext4_model.c)
ouro_host_test(fs/ext4/ext4_power ${ext4_sources} test/unit/support/ext4_model.c)
set(OURO_HOST_SECONDS 120)
ouro_fuzzer(fs/ext4/ext4 ${ext4_sources})
if(TARGET fuzz_ext4) # the disk in memory says what goes wrong by cmocka
    target_link_libraries(fuzz_ext4 PRIVATE PkgConfig::CMOCKA)
endif()

# ISO 9660: a library over read; xorriso makes what it reads.
set(iso_sources src/fs/iso9660/record.c src/fs/iso9660/volume.c)
ouro_host_test(fs/iso9660/iso9660 ${iso_sources})
ouro_fuzzer(fs/iso9660/iso9660 ${iso_sources})

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
