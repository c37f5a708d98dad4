/* SPDX-License-Identifier: MIT */
/*
 * Credentials (credentials(7), capabilities(7)): the rights of a thread. A thread holds one object;
 * an object that a thread holds never changes. To change its rights, a thread copies the object,
 * changes the copy and holds that instead (linux/task/process.h): another thread or process that
 * holds the old one is not affected.
 *
 * Every check of a right asks the object. Only two rules give uid 0 anything: a change of uids and
 * an exec (linux/task/rights.h). Guarded by kernel_lock.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum capability { /* capabilities(7); those that a check here asks for */
    CAP_CHOWN = 0,
    CAP_DAC_OVERRIDE = 1,
    CAP_DAC_READ_SEARCH = 2,
    CAP_FOWNER = 3,
    CAP_FSETID = 4,
    CAP_KILL = 5,
    CAP_SETGID = 6,
    CAP_SETUID = 7,
    CAP_SETPCAP = 8,
    CAP_LINUX_IMMUTABLE = 9,
    CAP_NET_BIND_SERVICE = 10,
    CAP_NET_ADMIN = 12,
    CAP_NET_RAW = 13,
    CAP_IPC_LOCK = 14,
    CAP_IPC_OWNER = 15,
    CAP_SYS_CHROOT = 18,
    CAP_SYS_PTRACE = 19,
    CAP_SYS_ADMIN = 21,
    CAP_SYS_BOOT = 22,
    CAP_SYS_NICE = 23,
    CAP_SYS_RESOURCE = 24,
    CAP_SYS_TIME = 25,
    CAP_SYS_TTY_CONFIG = 26,
    CAP_MKNOD = 27,
    CAP_LEASE = 28,
    CAP_SETFCAP = 31,
    CAP_MAC_OVERRIDE = 32,
    CAP_SYSLOG = 34,
    CAP_LAST = 40,
};

#define CAPABILITY_BIT(capability) (UINT64_C(1) << (capability))
#define CAPABILITIES_ALL           ((UINT64_C(2) << CAP_LAST) - 1)

#define GROUPS_MAX                 65536 /* NGROUPS_MAX */

struct ids {
    uint32_t real, effective, saved, fs;
};

struct group_list {
    uint32_t references; /* one for each struct credentials */
    uint32_t count;
    uint32_t id[]; /* ascending */
};

struct credentials {
    uint32_t references;
    struct ids uid, gid;
    struct group_list *groups; /* supplementary; one reference; NULL: none */
    uint64_t permitted, effective, inheritable, bounding, ambient; /* CAPABILITY_BIT()s */
    uint32_t securebits;
    bool no_new_privs;
};

/* Those of the first process and of kernel threads: root with all capabilities. */
extern struct credentials credentials_first;

/* Those of the calling thread, without a reference. Callers: threads. fs/vfs/current.c */
const struct credentials *credentials_current(void);

/* Gives the calling thread these, which stay as they are until it gives the former ones back, which it gets: for kernel code that acts
 * with rights of its own. fs/vfs/current.c */
const struct credentials *credentials_borrow(const struct credentials *credentials);

/* A copy with one reference, to be changed; NULL: no memory. O(1). */
struct credentials *credentials_copy(const struct credentials *from);
/* Take and drop a reference; the object counts as unchanged. */
void credentials_get(const struct credentials *credentials);
void credentials_put(const struct credentials *credentials);

/* An uninitialized list with one reference, or NULL. `count` is at most GROUPS_MAX. */
struct group_list *group_list_new(uint32_t count);
/* Sorts a list that has just been filled. O(count log count). */
void group_list_sort(struct group_list *list);
/* Replaces the list in a copy; takes over the reference. NULL: no groups. */
void credentials_set_groups(struct credentials *credentials, struct group_list *list);

static inline bool credentials_have(const struct credentials *c, enum capability capability)
{
    return c->effective >> capability & 1;
}
/* True if `gid` is the effective or a supplementary group, and for the VFS the fsgid instead of the
 * effective one. O(log groups). */
bool credentials_in_egroup(const struct credentials *c, uint32_t gid);
bool credentials_in_group(const struct credentials *c, uint32_t gid);

/* True if the calling thread has the capability. */
bool capable(enum capability capability);

enum { /* access(2) */
    MAY_EXECUTE = 1,
    MAY_WRITE = 2,
    MAY_READ = 4,
};
/* The owner and mode of a file, with its type. */
struct file_rights {
    uint32_t uid, gid, mode;
};
/* True if the mode or a capability grants all of the MAY_* rights `may`. O(log groups). */
bool credentials_may_access(const struct credentials *c, struct file_rights file, uint32_t may);
/* True if a capability grants what the mode, or a list, denies. O(1). */
bool credentials_may_override(const struct credentials *c, uint32_t mode, uint32_t may);
/* The set-ID bits of `mode` that a write, a truncation or a change of the owner removes (chown(2)). */
uint32_t credentials_lost_set_ids(const struct credentials *c, struct file_rights file);
