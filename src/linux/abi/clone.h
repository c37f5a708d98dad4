/* SPDX-License-Identifier: MIT */
/* Flags of clone(2) and unshare(2), but those of namespaces of which there may be several (fs/vfs/namespace.h). */
#pragma once

#define CLONE_SIGNAL         UINT64_C(0x000000ff) /* CSIGNAL */
#define CLONE_VM             UINT64_C(0x00000100)
#define CLONE_FS             UINT64_C(0x00000200)
#define CLONE_FILES          UINT64_C(0x00000400)
#define CLONE_SIGHAND        UINT64_C(0x00000800)
#define CLONE_PIDFD          UINT64_C(0x00001000)
#define CLONE_PTRACE         UINT64_C(0x00002000)
#define CLONE_VFORK          UINT64_C(0x00004000)
#define CLONE_PARENT         UINT64_C(0x00008000)
#define CLONE_THREAD         UINT64_C(0x00010000)
#define CLONE_SYSVSEM        UINT64_C(0x00040000)
#define CLONE_SETTLS         UINT64_C(0x00080000)
#define CLONE_PARENT_SETTID  UINT64_C(0x00100000)
#define CLONE_CHILD_CLEARTID UINT64_C(0x00200000)
#define CLONE_DETACHED       UINT64_C(0x00400000)
#define CLONE_UNTRACED       UINT64_C(0x00800000)
#define CLONE_CHILD_SETTID   UINT64_C(0x01000000)
#define CLONE_NEWTIME        UINT64_C(0x00000080)
#define CLONE_NEWUSER        UINT64_C(0x10000000)
#define CLONE_NEWPID         UINT64_C(0x20000000)
#define CLONE_LEGACY         UINT64_C(0xffffffff)
#define CLONE_CLEAR_SIGHAND  UINT64_C(0x100000000)
#define CLONE_INTO_CGROUP    UINT64_C(0x200000000)
