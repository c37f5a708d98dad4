/* SPDX-License-Identifier: MIT */
/* System calls on names. */
#pragma once

#include "linux/abi/call.h"

/* sys_path.c: creating, removing, renaming, current directory */
enum err sys_mkdir(struct syscall *call);
enum err sys_mkdirat(struct syscall *call);
enum err sys_mknod(struct syscall *call);
enum err sys_mknodat(struct syscall *call);
enum err sys_rmdir(struct syscall *call);
enum err sys_unlink(struct syscall *call);
enum err sys_unlinkat(struct syscall *call);
enum err sys_link(struct syscall *call);
enum err sys_linkat(struct syscall *call);
enum err sys_symlink(struct syscall *call);
enum err sys_symlinkat(struct syscall *call);
enum err sys_readlink(struct syscall *call);
enum err sys_readlinkat(struct syscall *call);
enum err sys_rename(struct syscall *call);
enum err sys_renameat(struct syscall *call);
enum err sys_renameat2(struct syscall *call);
enum err sys_getcwd(struct syscall *call);
enum err sys_chdir(struct syscall *call);
enum err sys_fchdir(struct syscall *call);
enum err sys_chroot(struct syscall *call);

/* sys_path_attributes.c: permissions, owners, times */
enum err sys_access(struct syscall *call);
enum err sys_faccessat(struct syscall *call);
enum err sys_faccessat2(struct syscall *call);
enum err sys_chmod(struct syscall *call);
enum err sys_fchmod(struct syscall *call);
enum err sys_fchmodat(struct syscall *call);
enum err sys_fchmodat2(struct syscall *call);
enum err sys_chown(struct syscall *call);
enum err sys_fchown(struct syscall *call);
enum err sys_lchown(struct syscall *call);
enum err sys_fchownat(struct syscall *call);
enum err sys_umask(struct syscall *call);
enum err sys_utime(struct syscall *call);
enum err sys_utimes(struct syscall *call);
enum err sys_futimesat(struct syscall *call);
enum err sys_utimensat(struct syscall *call);

/* sys_path_xattr.c: extended attributes */
enum err sys_setxattr(struct syscall *call);
enum err sys_lsetxattr(struct syscall *call);
enum err sys_fsetxattr(struct syscall *call);
enum err sys_getxattr(struct syscall *call);
enum err sys_lgetxattr(struct syscall *call);
enum err sys_fgetxattr(struct syscall *call);
enum err sys_listxattr(struct syscall *call);
enum err sys_llistxattr(struct syscall *call);
enum err sys_flistxattr(struct syscall *call);
enum err sys_removexattr(struct syscall *call);
enum err sys_lremovexattr(struct syscall *call);
enum err sys_fremovexattr(struct syscall *call);
