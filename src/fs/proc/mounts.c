/* SPDX-License-Identifier: MIT */
/* /proc/PID/mounts and mountinfo, /proc/filesystems (proc(5)). */
#include "base/str.h"
#include "fs/proc/process_text.h"
#include "fs/vfs/context.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

#define GIVE_WAY_AT 32 /* mounts */

/* With \ooo for what separates fields (proc(5)). */
static void put_field(struct text *text, const char *field)
{
    for (; *field; field++) {
        if (strchr(" \t\n\\", *field))
            text_printf(text, "\\%03o", (unsigned)(unsigned char)*field);
        else
            text_printf(text, "%c", *field);
    }
}

static void put_flags(struct text *text, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{MS_SYNCHRONOUS, ",sync"},      {MS_DIRSYNC, ",dirsync"},
                 {MS_NOSUID, ",nosuid"},         {MS_NODEV, ",nodev"},
                 {MS_NOEXEC, ",noexec"},         {MS_NOATIME, ",noatime"},
                 {MS_NODIRATIME, ",nodiratime"}, {MS_RELATIME, ",relatime"}};
    text_printf(text, "%s", flags & MS_RDONLY ? "ro" : "rw");
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (flags & names[i].flag)
            text_printf(text, "%s", names[i].name);
}

/* The fields that only mountinfo has: numbers, device and root; which changes are shared. */
static void put_numbers(struct text *text, const struct mount *mount, char *buffer)
{
    const struct filesystem *fs = mount->fs;
    const struct location root = {NULL, mount->root};
    uint32_t parent = mount->parent ? mount->parent->id : mount->id;
    char *path;
    text_printf(text, "%u %u %u:%u ", mount->id, parent, device_major(fs->device),
                device_minor(fs->device));
    if (location_path(&root, NULL, LOCATION_ROOT, buffer, PATH_MAX_SIZE, &path) == E_OK)
        put_field(text, path);
    text_printf(text, " ");
}

static void put_groups(struct text *text, const struct mount *mount)
{
    if (mount->group != 0)
        text_printf(text, " shared:%u", mount->group);
    if (mount->master != 0)
        text_printf(text, " master:%u", mount->master);
    if (mount->flags & MS_UNBINDABLE)
        text_printf(text, " unbindable");
}

static void put_mount(struct text *text, const struct mount *mount, char *buffer, bool information)
{
    const struct filesystem *fs = mount->fs;
    const struct location at = {(struct mount *)(uintptr_t)mount, mount->root};
    const char *source = fs->source ? fs->source : mount->parent ? fs->type : "rootfs";
    char *path;
    if (location_path(&at, &fs_current()->root, LOCATION_UNREACHABLE, buffer, PATH_MAX_SIZE,
                      &path) != E_OK ||
        *path != '/')
        return;
    if (information)
        put_numbers(text, mount, buffer + PATH_MAX_SIZE);
    else {
        put_field(text, source);
        text_printf(text, " ");
    }
    put_field(text, path);
    text_printf(text, " ");
    if (!information)
        text_printf(text, "%s ", fs->type);
    put_flags(text, information ? mount->flags : mount->flags | fs->flags);
    if (information) {
        put_groups(text, mount);
        text_printf(text, " - %s ", fs->type);
        put_field(text, source);
        text_printf(text, " ");
        put_flags(text, fs->flags);
    }
    if (fs->show)
        fs->show(fs, text);
    text_printf(text, information ? "\n" : " 0 0\n");
}

/* Of the namespace that process `pid` is in. */
static void put_mounts(struct text *text, void *pid, bool information)
{
    struct fs_process p = {0};
    procfs_describe(pid, &p);
    if (!p.context)
        return;
    struct mount_namespace *ns = p.context->mounts;
    char *buffer = heap_alloc(2 * PATH_MAX_SIZE);
    if (!buffer) {
        text->failed = true;
        return;
    }
    uint32_t id = 0, count = 0;
    for (const struct mount *m = vfs_mount_after(ns, 0); m;) {
        id = m->id;
        put_mount(text, m, buffer, information);
        if (++count % GIVE_WAY_AT == 0) {
            namespace_get(&ns->base);
            (void)fs_give_way();
            m = vfs_mount_after(ns, id);
            namespace_put(&ns->base); /* at the end of the process nothing of it is left */
        } else {
            m = vfs_mount_next(m);
        }
    }
    heap_free(buffer);
}

void procfs_show_mounts(struct text *text, void *context)
{
    put_mounts(text, context, false);
}

void procfs_show_mountinfo(struct text *text, void *context)
{
    put_mounts(text, context, true);
}

void procfs_show_types(struct text *text, void *context)
{
    (void)context;
    const char *name;
    bool without_device;
    for (unsigned i = 0; (name = filesystem_type_name(i, &without_device)); i++)
        text_printf(text, "%s\t%s\n", without_device ? "nodev" : "", name);
}
