/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_namespace.h"

#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/mount.h"
#include "linux/abi/clone.h"
#include "linux/task/pidfd.h"
#include "linux/task/process.h"
#include "linux/task/rights.h"

#define NSFS_MAGIC    0x6e736673
#define NS_GET_NSTYPE 0xb703

enum err process_unshare(struct process *process, uint32_t flags)
{
    struct uts_namespace *uts = NULL;
    enum err e = flags & CLONE_NEWUTS ? uts_copy(process->uts, &uts) : E_OK;
    if (e == E_OK && flags & CLONE_NEWNS)
        e = vfs_unshare_mounts(process->fs);
    if (uts != NULL && e == E_OK) {
        namespace_put(&process->uts->base);
        process->uts = uts;
    } else if (uts != NULL) {
        namespace_put(&uts->base);
    }
    return e;
}

struct joined {
    uint32_t flags; /* CLONE_NEW* */
    struct mount_namespace *mounts;
    struct uts_namespace *uts;
};

static enum err joined_file(const struct file *file, struct joined *out)
{
    uint64_t flag;
    if (file->inode->fs->magic != NSFS_MAGIC || file->ops->control == NULL ||
        file->ops->control((struct file *)file, NS_GET_NSTYPE, 0, &flag) != E_OK)
        return E_INVAL;
    struct namespace *ns = namespace_find((uint32_t)file->inode->ino);
    out->flags = (uint32_t)flag;
    out->mounts = CONTAINER_OF(ns, struct mount_namespace, base);
    out->uts = CONTAINER_OF(ns, struct uts_namespace, base);
    return E_OK;
}

/* What the descriptor, of a namespace or of a process, stands for. E_BADF, E_INVAL, E_SRCH. */
static enum err find_joined(uint64_t fd, uint32_t wanted, struct joined *out)
{
    struct process *process;
    const struct file *file = file_table_find(file_table_current(), fd);
    if (file == NULL)
        return E_BADF;
    if (joined_file(file, out) == E_OK)
        return wanted == 0 || wanted == out->flags ? E_OK : E_INVAL;
    enum err e = pidfd_process(fd, &process, NULL);
    if (e == E_BADF ||
        (e == E_OK &&
         (wanted == 0 || wanted & ~(NAMESPACES_THERE | NAMESPACES_ABSENT | CLONE_NEWTIME))))
        return E_INVAL;
    if (e == E_OK && process->zombie)
        e = E_SRCH;
    if (e == E_OK)
        *out = (struct joined){wanted, process->fs->mounts, process->uts};
    return e;
}

enum err sys_setns(struct syscall *call)
{
    struct joined to;
    struct process *process = process_current();
    enum err e = find_joined(call->arg[0], (uint32_t)call->arg[1], &to);
    if (e != E_OK)
        return e;
    if (to.flags & CLONE_NEWUSER)
        return E_INVAL;
    if (!capable(CAP_SYS_ADMIN) || (to.flags & CLONE_NEWNS && !capable(CAP_SYS_CHROOT)))
        return E_PERM;
    bool shared = process->thread_count > 1;
    if (to.flags & CLONE_NEWNS && (shared || fs_context_place_is_shared(process->fs)))
        return E_INVAL;
    if (to.flags & CLONE_NEWUTS && shared && to.uts != process->uts)
        return E_INVAL;
    if (to.flags & CLONE_NEWUTS) {
        namespace_get(&to.uts->base);
        namespace_put(&process->uts->base);
        process->uts = to.uts;
    }
    if (to.flags & CLONE_NEWNS)
        vfs_join_mounts(to.mounts);
    return E_OK;
}

/* Threads of a process share its memory, handlers, descriptors, place and namespaces, so that none can leave them. */
static bool may_unshare(const struct process *process, uint64_t flags)
{
    const uint64_t context = CLONE_FS | CLONE_FILES | NAMESPACES_THERE,
                   memory = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    return !(flags & ~(context | memory | CLONE_SYSVSEM)) &&
           !(flags & (context | memory) && process->thread_count > 1) &&
           !(flags & CLONE_VM && process->program->users > 1);
}

enum err sys_unshare(struct syscall *call)
{
    uint64_t flags = call->arg[0];
    struct process *process = process_current();
    struct fs_context *own = NULL;
    if (!may_unshare(process, flags))
        return E_INVAL;
    if (flags & NAMESPACES_THERE && !capable(CAP_SYS_ADMIN))
        return E_PERM;
    enum err e = E_OK;
    if (flags & (CLONE_FS | CLONE_FILES | CLONE_NEWNS))
        e = fs_context_own(process->fs, flags & CLONE_FILES, flags & (CLONE_FS | CLONE_NEWNS),
                           &own);
    if (e != E_OK)
        return e;
    process_take_context(own);
    return process_unshare(process, (uint32_t)flags);
}
