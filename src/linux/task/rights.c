/* SPDX-License-Identifier: MIT */
#include "linux/task/rights.h"

#include "fs/vfs/abi.h"

/* The capabilities that go and come with the fsuid (capabilities(7)). */
#define FS_SET                                                                                     \
    (CAPABILITY_BIT(CAP_CHOWN) | CAPABILITY_BIT(CAP_DAC_OVERRIDE) |                                \
     CAPABILITY_BIT(CAP_DAC_READ_SEARCH) | CAPABILITY_BIT(CAP_FOWNER) |                            \
     CAPABILITY_BIT(CAP_FSETID) | CAPABILITY_BIT(CAP_LINUX_IMMUTABLE) |                            \
     CAPABILITY_BIT(CAP_MAC_OVERRIDE) | CAPABILITY_BIT(CAP_MKNOD))

static struct ids *ids_of(struct credentials *c, bool group)
{
    return group ? &c->gid : &c->uid;
}

static bool may_set_ids(const struct credentials *c, bool group)
{
    return credentials_have(c, group ? CAP_SETGID : CAP_SETUID);
}

static bool has_root(const struct ids *uid)
{
    return uid->real == 0 || uid->effective == 0 || uid->saved == 0;
}

/* Capabilities after a change of uids from *old. */
static void follow_uids(struct credentials *c, const struct ids *old)
{
    if (c->securebits & SECURE_NO_SETUID_FIXUP)
        return;
    if (has_root(old) && !has_root(&c->uid)) {
        if (!(c->securebits & SECURE_KEEP_CAPS))
            c->permitted = c->effective = 0;
        c->ambient = 0;
    }
    if (old->effective == 0 && c->uid.effective != 0)
        c->effective = 0;
    if (old->effective != 0 && c->uid.effective == 0)
        c->effective = c->permitted;
}

static enum err follow_change(struct credentials *c, bool group, const struct ids *old)
{
    if (!group)
        follow_uids(c, old);
    return E_OK;
}

enum err rights_set_one(struct credentials *c, bool group, const uint32_t arg[1])
{
    struct ids *ids = ids_of(c, group), old = *ids;
    if (arg[0] == ID_KEEP)
        return E_INVAL;
    if (may_set_ids(c, group))
        ids->real = ids->saved = arg[0];
    else if (arg[0] != old.real && arg[0] != old.saved)
        return E_PERM;
    ids->effective = ids->fs = arg[0];
    return follow_change(c, group, &old);
}

enum err rights_set_two(struct credentials *c, bool group, const uint32_t arg[2])
{
    struct ids *ids = ids_of(c, group), old = *ids;
    uint32_t real = arg[0], effective = arg[1];
    bool privileged = may_set_ids(c, group);
    if (real != ID_KEEP) {
        if (real != old.real && real != old.effective && !privileged)
            return E_PERM;
        ids->real = real;
    }
    if (effective != ID_KEEP) {
        if (effective != old.real && effective != old.effective && effective != old.saved &&
            !privileged)
            return E_PERM;
        ids->effective = effective;
    }
    if (real != ID_KEEP || (effective != ID_KEEP && effective != old.real))
        ids->saved = ids->effective;
    ids->fs = ids->effective;
    return follow_change(c, group, &old);
}

static bool may_become(const struct ids *ids, uint32_t id)
{
    return id == ID_KEEP || id == ids->real || id == ids->effective || id == ids->saved;
}

enum err rights_set_three(struct credentials *c, bool group, const uint32_t arg[3])
{
    struct ids *ids = ids_of(c, group), old = *ids;
    if (!may_set_ids(c, group) &&
        !(may_become(&old, arg[0]) && may_become(&old, arg[1]) && may_become(&old, arg[2])))
        return E_PERM;
    if (arg[0] != ID_KEEP)
        ids->real = arg[0];
    if (arg[1] != ID_KEEP)
        ids->effective = arg[1];
    if (arg[2] != ID_KEEP)
        ids->saved = arg[2];
    ids->fs = ids->effective;
    return follow_change(c, group, &old);
}

enum err rights_set_fs(struct credentials *c, bool group, const uint32_t arg[1])
{
    struct ids *ids = ids_of(c, group);
    uint32_t old = ids->fs, id = arg[0];
    if (id == ID_KEEP || !(may_become(ids, id) || id == old || may_set_ids(c, group)))
        return E_PERM;
    ids->fs = id;
    if (group || (c->securebits & SECURE_NO_SETUID_FIXUP))
        return E_OK;
    if (old == 0 && id != 0)
        c->effective &= ~FS_SET;
    if (old != 0 && id == 0)
        c->effective |= FS_SET & c->permitted;
    return E_OK;
}

enum err rights_set_capabilities(struct credentials *c, const struct capability_sets *sets)
{
    uint64_t inheritable = sets->inheritable & CAPABILITIES_ALL,
             permitted = sets->permitted & CAPABILITIES_ALL,
             effective = sets->effective & CAPABILITIES_ALL;
    if ((inheritable & ~(c->inheritable | c->permitted)) && !credentials_have(c, CAP_SETPCAP))
        return E_PERM;
    if ((inheritable & ~(c->inheritable | c->bounding)) || (permitted & ~c->permitted) ||
        (effective & ~permitted))
        return E_PERM;
    c->effective = effective;
    c->permitted = permitted;
    c->inheritable = inheritable;
    c->ambient &= permitted & inheritable;
    return E_OK;
}

enum err rights_set_securebits(struct credentials *c, uint64_t bits)
{
    uint64_t old = c->securebits, locks = old & SECURE_ALL_LOCKS;
    if ((locks >> 1 & (old ^ bits)) || (locks & ~bits) ||
        (bits & ~(uint64_t)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) ||
        !credentials_have(c, CAP_SETPCAP))
        return E_PERM;
    c->securebits = (uint32_t)bits;
    return E_OK;
}

enum err rights_set_keep(struct credentials *c, bool keep)
{
    if (c->securebits & SECURE_KEEP_CAPS_LOCKED)
        return E_PERM;
    c->securebits = (c->securebits & ~(uint32_t)SECURE_KEEP_CAPS) | (keep ? SECURE_KEEP_CAPS : 0u);
    return E_OK;
}

enum err rights_drop_bound(struct credentials *c, uint64_t capability)
{
    if (!credentials_have(c, CAP_SETPCAP))
        return E_PERM;
    if (capability > CAP_LAST)
        return E_INVAL;
    c->bounding &= ~CAPABILITY_BIT(capability);
    return E_OK;
}

enum err rights_set_ambient(struct credentials *c, uint64_t capability, bool raise)
{
    uint64_t bit = CAPABILITY_BIT(capability);
    if (!raise) {
        c->ambient &= ~bit;
        return E_OK;
    }
    if (!(c->permitted & c->inheritable & bit) || (c->securebits & SECURE_NO_CAP_AMBIENT_RAISE))
        return E_PERM;
    c->ambient |= bit;
    return E_OK;
}

void rights_for_access(struct credentials *c)
{
    c->uid.fs = c->uid.real;
    c->gid.fs = c->gid.real;
    if (!(c->securebits & SECURE_NO_SETUID_FIXUP))
        c->effective = c->uid.real == 0 ? c->permitted : 0;
}

static void take_set_ids(struct credentials *c, const struct file_rights *file)
{
    const uint32_t group_runs = S_ISGID | 0010;
    if (c->no_new_privs)
        return;
    if (file->mode & S_ISUID)
        c->uid.effective = file->uid;
    if ((file->mode & group_runs) == group_runs)
        c->gid.effective = file->gid;
}

/* Permitted capabilities: the file's, or root's. *effective: they are in effect. */
static enum err take_capabilities(struct credentials *c, const struct rights_exec *exec,
                                  bool *effective)
{
    c->permitted = 0;
    *effective = exec->capable && exec->effective;
    if (exec->capable) {
        c->permitted = (exec->permitted & c->bounding) | (exec->inheritable & c->inheritable);
        if (*effective && (exec->permitted & ~c->permitted))
            return E_PERM;
    }
    bool runs_as_root = c->uid.effective == 0, is_root = c->uid.real == 0;
    if ((c->securebits & SECURE_NOROOT) || (exec->capable && runs_as_root && !is_root))
        return E_OK;
    if (runs_as_root || is_root)
        c->permitted = c->bounding | c->inheritable;
    *effective = *effective || runs_as_root;
    return E_OK;
}

enum err rights_exec(struct credentials *c, const struct rights_exec *exec, bool *secure)
{
    const struct ids old_uid = c->uid, old_gid = c->gid;
    const uint64_t old_permitted = c->permitted;
    bool may_set = credentials_have(c, CAP_SETUID), effective;
    take_set_ids(c, &exec->file);
    enum err e = take_capabilities(c, exec, &effective);
    if (e != E_OK)
        return e;
    bool set_id = c->uid.effective != old_uid.real || c->gid.effective != old_gid.real;
    bool gained = c->permitted & ~old_permitted;
    if ((set_id || gained) && (exec->shared || c->no_new_privs)) {
        if (!may_set || c->no_new_privs) {
            c->uid.effective = c->uid.real;
            c->gid.effective = c->gid.real;
        }
        c->permitted &= old_permitted;
    }
    c->uid.saved = c->uid.fs = c->uid.effective;
    c->gid.saved = c->gid.fs = c->gid.effective;
    if (set_id || exec->capable)
        c->ambient = 0;
    c->permitted |= c->ambient;
    c->effective = effective ? c->permitted : c->ambient;
    c->securebits &= ~(uint32_t)SECURE_KEEP_CAPS;
    bool more = c->permitted & ~c->ambient;
    *secure = set_id || (c->uid.real != 0 && (effective || more));
    return E_OK;
}

bool rights_differs(const struct credentials *from, const struct credentials *to)
{
    return from->uid.effective != to->uid.effective || from->gid.effective != to->gid.effective ||
           from->uid.fs != to->uid.fs || from->gid.fs != to->gid.fs ||
           (to->permitted & ~from->permitted);
}

bool rights_may_signal(const struct credentials *self, const struct credentials *other)
{
    const struct ids *mine = &self->uid, *theirs = &other->uid;
    return mine->effective == theirs->saved || mine->effective == theirs->real ||
           mine->real == theirs->saved || mine->real == theirs->real ||
           credentials_have(self, CAP_KILL);
}

bool rights_may_schedule(const struct credentials *self, const struct credentials *other)
{
    return other->uid.real == self->uid.effective || other->uid.effective == self->uid.effective ||
           credentials_have(self, CAP_SYS_NICE);
}

bool rights_may_set_io(const struct credentials *self, const struct credentials *other)
{
    return other->uid.real == self->uid.effective || other->uid.real == self->uid.real ||
           credentials_have(self, CAP_SYS_NICE);
}

bool rights_covers(const struct credentials *self, const struct credentials *other)
{
    return !(other->permitted & ~self->effective) || credentials_have(self, CAP_SYS_NICE);
}

static bool all_are(const struct ids *ids, uint32_t id)
{
    return ids->real == id && ids->effective == id && ids->saved == id;
}

bool rights_may_limit(const struct credentials *self, const struct credentials *other)
{
    return (all_are(&other->uid, self->uid.real) && all_are(&other->gid, self->gid.real)) ||
           credentials_have(self, CAP_SYS_RESOURCE);
}

bool rights_may_trace(const struct credentials *self, const struct credentials *other,
                      bool dumpable, bool by_fs_ids)
{
    if (credentials_have(self, CAP_SYS_PTRACE))
        return true;
    uint32_t uid = by_fs_ids ? self->uid.fs : self->uid.real,
             gid = by_fs_ids ? self->gid.fs : self->gid.real;
    uint64_t held = by_fs_ids ? self->effective : self->permitted;
    return all_are(&other->uid, uid) && all_are(&other->gid, gid) && dumpable &&
           !(other->permitted & ~held);
}
