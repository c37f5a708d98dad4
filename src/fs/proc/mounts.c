/* SPDX-License-Identifier: MIT */
/* /proc/PID/mounts and mountinfo, /proc/filesystems (proc(5)). */
#include "base/str.h"
#include "fs/proc/process_text.h"
#include "fs/vfs/mount.h"
#include "mm/heap/heap.h"

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

static void put_mount_flags(struct text *text, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{MS_SYNCHRONOUS, ",sync"},     {MS_DIRSYNC, ",dirsync"}, {MS_NOSUID, ",nosuid"},
                 {MS_NODEV, ",nodev"},          {MS_NOEXEC, ",noexec"},   {MS_NOATIME, ",noatime"},
                 {MS_NODIRATIME, ",nodiratime"}};
    text_printf(text, "%s", flags & MS_RDONLY ? "ro" : "rw");
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (flags & names[i].flag)
            text_printf(text, "%s", names[i].name);
    if (!(flags & MS_NOATIME))
        text_printf(text, ",relatime");
}

static void put_mount(struct text *text, const struct filesystem *fs, const char *path,
                      bool information)
{
    const char *source = fs->source ? fs->source : fs->covered ? fs->type : "rootfs";
    if (information) {
        uint32_t parent = fs->covered ? fs->covered->inode->fs->mount_id : fs->mount_id;
        text_printf(text, "%u %u %u:%u / ", fs->mount_id, parent, device_major(fs->device),
                    device_minor(fs->device));
    } else {
        put_field(text, source);
        text_printf(text, " ");
    }
    put_field(text, path);
    text_printf(text, " ");
    if (!information)
        text_printf(text, "%s ", fs->type);
    put_mount_flags(text, fs->flags);
    if (information) {
        text_printf(text, " - %s ", fs->type);
        put_field(text, source);
        text_printf(text, " %s", fs->flags & MS_RDONLY ? "ro" : "rw");
    }
    if (fs->show)
        fs->show(fs, text);
    text_printf(text, information ? "\n" : " 0 0\n");
}

static void put_mounts(struct text *text, bool information)
{
    char *buffer = heap_alloc(PATH_MAX_SIZE), *path;
    if (!buffer) {
        text->failed = true;
        return;
    }
    struct filesystem *first = vfs_next_mount(NULL);
    for (struct filesystem *fs = first; fs; fs = vfs_next_mount(fs)) {
        if (dentry_path(fs->root, first->root, false, buffer, PATH_MAX_SIZE, &path) != E_OK)
            continue;
        put_mount(text, fs, path, information);
    }
    heap_free(buffer);
}

void procfs_show_mounts(struct text *text, void *context)
{
    (void)context;
    put_mounts(text, false);
}

void procfs_show_mountinfo(struct text *text, void *context)
{
    (void)context;
    put_mounts(text, true);
}

void procfs_show_types(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "nodev\tsysfs\nnodev\tproc\nnodev\tsockfs\nnodev\tpipefs\nnodev\tdevpts\n");
    for (const struct filesystem_type *t = NULL; (t = filesystem_type_next(t));)
        text_printf(text, "%s\t%s\n", t->without_device ? "nodev" : "", t->name);
}
