/* SPDX-License-Identifier: MIT */
/*
 * Linux's rules for credentials (credentials(7), capabilities(7)), as pure functions: what a change
 * of ids does to capabilities, what an exec does to both, which thread may signal, schedule, limit
 * and trace which other.
 *
 * The rules that change something take a copy of the credentials, and leave it changed in part when
 * they fail: the caller drops it then.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "fs/vfs/credentials.h"

#include <stdbool.h>
#include <stdint.h>

#define ID_KEEP UINT32_MAX /* -1: unchanged */

enum securebit { /* linux/securebits.h; each has a lock one bit above it */
    SECURE_NOROOT = 1 << 0,
    SECURE_NO_SETUID_FIXUP = 1 << 2,
    SECURE_KEEP_CAPS = 1 << 4,
    SECURE_KEEP_CAPS_LOCKED = 1 << 5,
    SECURE_NO_CAP_AMBIENT_RAISE = 1 << 6,
    SECURE_ALL_BITS = 0x55,
    SECURE_ALL_LOCKS = 0xaa,
};

/* setuid(2) and its kin; arg[] as in the call. `group`: setgid(2) and its kin. E_INVAL, E_PERM. */
MUST_CHECK enum err rights_set_one(struct credentials *c, bool group, const uint32_t arg[1]);
MUST_CHECK enum err rights_set_two(struct credentials *c, bool group, const uint32_t arg[2]);
MUST_CHECK enum err rights_set_three(struct credentials *c, bool group, const uint32_t arg[3]);
/* setfsuid(2): E_PERM, which the call does not tell. */
MUST_CHECK enum err rights_set_fs(struct credentials *c, bool group, const uint32_t arg[1]);

struct capability_sets {
    uint64_t effective, permitted, inheritable;
};
/* capset(2). E_PERM. */
MUST_CHECK enum err rights_set_capabilities(struct credentials *c,
                                            const struct capability_sets *sets);
/* PR_SET_SECUREBITS. E_PERM. */
MUST_CHECK enum err rights_set_securebits(struct credentials *c, uint64_t bits);
/* PR_SET_KEEPCAPS with 0 or 1. E_PERM. */
MUST_CHECK enum err rights_set_keep(struct credentials *c, bool keep);
/* PR_CAPBSET_DROP. E_PERM, E_INVAL. */
MUST_CHECK enum err rights_drop_bound(struct credentials *c, uint64_t capability);
/* PR_CAP_AMBIENT_RAISE and LOWER of a valid capability. E_PERM. */
MUST_CHECK enum err rights_set_ambient(struct credentials *c, uint64_t capability, bool raise);

/* The credentials with which access(2) checks: the real ids, and capabilities as of their user. */
void rights_for_access(struct credentials *c);

struct rights_exec {
    struct file_rights file; /* of the program, or of the script's interpreter */
    bool
        shared; /* another process shares root and working directory (CLONE_FS), or traces this one */
    bool capable;   /* the file has capabilities: */
    bool effective; /* all that it gives are in effect */
    uint64_t permitted, inheritable;
};
/* execve(2) of such a file. *secure: AT_SECURE. E_PERM: the bounding set lacks capabilities that
 * the file needs. */
MUST_CHECK enum err rights_exec(struct credentials *c, const struct rights_exec *exec,
                                bool *secure);

/* True if `to` gives rights or ids that `from` has not: a process that changes so is no longer
 * dumpable (PR_SET_DUMPABLE). */
bool rights_differs(const struct credentials *from, const struct credentials *to);

/* Rights of a thread over another one. */
bool rights_may_signal(const struct credentials *self, const struct credentials *other);
/* setpriority(2) and sched_setscheduler(2); ioprio_set(2). */
bool rights_may_schedule(const struct credentials *self, const struct credentials *other);
bool rights_may_set_io(const struct credentials *self, const struct credentials *other);
/* True if the other has no capability that the caller lacks, or the caller has CAP_SYS_NICE: needed
 * besides, for all three. */
bool rights_covers(const struct credentials *self, const struct credentials *other);
bool rights_may_limit(const struct credentials *self, const struct credentials *other);
/* ptrace(2), PTRACE_MODE_READ: by the fs ids or by the real ids. */
bool rights_may_trace(const struct credentials *self, const struct credentials *other,
                      bool dumpable, bool by_fs_ids);
