/* SPDX-License-Identifier: MIT */
/* System calls on open files. */
#pragma once

#include "linux/abi/call.h"

/* sys_file.c: reading, writing, seeking */
enum err sys_read(struct syscall *call);
enum err sys_write(struct syscall *call);
enum err sys_pread64(struct syscall *call);
enum err sys_pwrite64(struct syscall *call);
enum err sys_readv(struct syscall *call);
enum err sys_writev(struct syscall *call);
enum err sys_preadv(struct syscall *call);
enum err sys_pwritev(struct syscall *call);
enum err sys_preadv2(struct syscall *call);
enum err sys_pwritev2(struct syscall *call);
enum err sys_lseek(struct syscall *call);

/* sys_file_copy.c: from file to file */
enum err sys_sendfile(struct syscall *call);
enum err sys_copy_file_range(struct syscall *call);

/* sys_file_open.c: making and closing descriptors */
enum err sys_open(struct syscall *call);
enum err sys_openat(struct syscall *call);
enum err sys_creat(struct syscall *call);
enum err sys_close(struct syscall *call);
enum err sys_close_range(struct syscall *call);
enum err sys_pipe(struct syscall *call);
enum err sys_pipe2(struct syscall *call);
enum err sys_eventfd(struct syscall *call);
enum err sys_eventfd2(struct syscall *call);
enum err sys_memfd_create(struct syscall *call);
enum err sys_dup(struct syscall *call);
enum err sys_dup2(struct syscall *call);
enum err sys_dup3(struct syscall *call);

/* sys_file_control.c: fcntl(), ioctl(), locks, sizes, synchronisation */
enum err sys_fcntl(struct syscall *call);
enum err sys_flock(struct syscall *call);
enum err sys_ioctl(struct syscall *call);
enum err sys_fsync(struct syscall *call);
enum err sys_fdatasync(struct syscall *call);
enum err sys_sync(struct syscall *call);
enum err sys_mount(struct syscall *call);
enum err sys_sysfs(struct syscall *call);
enum err sys_swapon(struct syscall *call);
enum err sys_swapoff(struct syscall *call);
enum err sys_umount2(struct syscall *call);
enum err sys_syncfs(struct syscall *call);
enum err sys_sync_file_range(struct syscall *call);
enum err sys_truncate(struct syscall *call);
enum err sys_ftruncate(struct syscall *call);
enum err sys_fallocate(struct syscall *call);
enum err sys_fadvise64(struct syscall *call);
enum err sys_readahead(struct syscall *call);

/* sys_file_stat.c: attributes, and directory listings */
enum err sys_stat(struct syscall *call);
enum err sys_lstat(struct syscall *call);
enum err sys_fstat(struct syscall *call);
enum err sys_newfstatat(struct syscall *call);
enum err sys_statx(struct syscall *call);
enum err sys_statfs(struct syscall *call);
enum err sys_fstatfs(struct syscall *call);
enum err sys_ustat(struct syscall *call);
enum err sys_getdents(struct syscall *call);
enum err sys_getdents64(struct syscall *call);
/* sys_kcmp.c: what processes share */
enum err sys_kcmp(struct syscall *call);
/* sys_file_splice.c: through pipes */
enum err sys_splice(struct syscall *call);
enum err sys_tee(struct syscall *call);
enum err sys_vmsplice(struct syscall *call);

/* openat2(2): sys_openat2.c */
enum err sys_openat2(struct syscall *call);
/* openat() with O_RESOLVE. */
enum err file_open_at(struct syscall *call, uint64_t dirfd, uint64_t path, uint32_t flags,
                      uint32_t mode);
