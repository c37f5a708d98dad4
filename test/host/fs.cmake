# SPDX-License-Identifier: MIT
# The file systems run natively whole: host/fs_native.c is the machine below them.
set(fs_sources
    src/fs/anon_file.c src/fs/context.c src/fs/dentry.c src/fs/devfs.c src/fs/epoll.c src/fs/file.c src/fs/file_table.c src/fs/hooks.c
    src/fs/inode.c src/fs/io.c src/fs/notify.c src/fs/page_tree.c src/fs/pipe.c src/fs/ramfs.c src/fs/ramfs_file.c src/fs/range_lock.c
    src/fs/vfs.c src/fs/vfs_names.c src/fs/walk.c test/host/fs_native.c)
ouro_host_test(vfs ${fs_sources})
ouro_host_test(ramfs ${fs_sources})
ouro_host_test(rootfs ${fs_sources} src/fs/rootfs.c src/parse/cpio.c)
ouro_host_test(range_lock ${fs_sources})
ouro_host_test(pipe ${fs_sources} src/fs/eventfd.c)
ouro_host_test(tty ${fs_sources} src/fs/pty.c src/fs/tty.c src/fs/tty_console.c src/fs/tty_line.c)
ouro_host_test(procfs ${fs_sources} src/fs/procfs.c src/fs/text.c)
ouro_fuzzer(rootfs ${fs_sources} src/fs/rootfs.c src/parse/cpio.c)
ouro_fuzzer(vfs ${fs_sources})
ouro_fuzzer(tty src/fs/tty_line.c)
