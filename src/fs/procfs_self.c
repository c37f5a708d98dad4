/* SPDX-License-Identifier: MIT */
/* /proc/self: the program as proc(5) describes it. There is one process; its number is 1. */
#include "fs/procfs.h"

#include "base/fmt.h"
#include "base/str.h"
#include "fs/context.h"
#include "fs/file_table.h"
#include "fs/hooks.h"
#include "fs/procfs_show.h"
#include "fs/vfs.h"
#include "mm/heap.h"
#include "mm/usercopy.h"

#define FD_DIGITS_MAX 10

/* /proc/self/fd */

struct fd_link {
    struct inode inode;
    uint32_t fd;
};

static enum err fd_jump(struct inode *inode, struct dentry **out)
{
    struct file *file = file_table_find(file_table_current(), ((struct fd_link *)inode)->fd);
    if (!file)
        return E_NOENT;
    dentry_get(file->dentry);
    *out = file->dentry;
    return E_OK;
}

static const struct inode_ops fd_link_ops = {.jump = fd_jump};

static bool parse_fd(const char *name, size_t length, uint32_t *out)
{
    uint64_t value = 0;
    if (length == 0 || length > FD_DIGITS_MAX || (length > 1 && name[0] == '0'))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(name[i] - '0');
    }
    *out = (uint32_t)value;
    return value <= INT32_MAX;
}

static enum err fd_lookup(struct dentry *directory, const char *name, size_t length,
                          struct dentry **out)
{
    uint32_t fd;
    const struct file *file = NULL;
    if (parse_fd(name, length, &fd))
        file = file_table_find(file_table_current(), fd);
    if (!file)
        return E_NOENT;
    uint32_t mode = 0100u | (file_can_read(file) ? 0400u : 0) | (file_can_write(file) ? 0200u : 0);
    char text[FD_DIGITS_MAX + 1];
    fmt_snprintf(text, sizeof(text), "%u", fd);
    enum err e = procfs_make_jump(directory, text, mode, sizeof(struct fd_link), &fd_link_ops, out);
    if (e == E_OK)
        ((struct fd_link *)(*out)->inode)->fd = fd;
    return e;
}

static bool fd_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                    uint64_t *ino, uint8_t *type)
{
    const struct file_table *table = file_table_current();
    for (; *cookie < table->capacity; (*cookie)++) {
        if (!table->slots[*cookie].file)
            continue;
        *length = fmt_snprintf(name, NAME_MAX_LENGTH, "%lu", (unsigned long)*cookie);
        *ino = (directory->ino << 32) + *cookie;
        *type = S_IFLNK >> 12;
        return true;
    }
    return false;
}

static const struct inode_ops fd_directory_ops = {
    .lookup = fd_lookup, .list = fd_list, .unguarded = true};

/* Links to a dentry of the context. */

static enum err jump_to(struct dentry *dentry, struct dentry **out)
{
    if (!dentry)
        return E_NOENT;
    dentry_get(dentry);
    *out = dentry;
    return E_OK;
}

static enum err jump_executable(struct inode *inode, struct dentry **out)
{
    (void)inode;
    return jump_to(fs_current()->executable, out);
}

static enum err jump_cwd(struct inode *inode, struct dentry **out)
{
    (void)inode;
    return jump_to(fs_current()->cwd, out);
}

static enum err jump_root(struct inode *inode, struct dentry **out)
{
    (void)inode;
    return jump_to(fs_current()->root, out);
}

static const struct inode_ops executable_ops = {.jump = jump_executable};
static const struct inode_ops cwd_ops = {.jump = jump_cwd};
static const struct inode_ops root_ops = {.jump = jump_root};

/* What lies in the program's memory is read from there: a program may change its own title. */
static void show_memory(struct text *text, struct virt_range range)
{
    char bytes[256];
    for (uint64_t at = range.start.v; at < range.end.v;) {
        uint64_t size = range.end.v - at < sizeof(bytes) ? range.end.v - at : sizeof(bytes);
        if (copy_in(bytes, virt(at), size) != E_OK)
            return;
        text_append(text, bytes, size);
        at += size;
    }
}

void procfs_describe(struct fs_process *out)
{
    procfs_describe_thread(NULL, out);
}

void procfs_describe_thread(void *context, struct fs_process *out)
{
    *out = (struct fs_process){.pid = 1, .tid = 1, .state = 'R', .name = "", .threads = 1};
    if (fs_hooks.describe_thread)
        (void)fs_hooks.describe_thread((uint32_t)(uintptr_t)context, out);
}

static void show_arguments(struct text *text, void *context)
{
    (void)context;
    struct fs_process process;
    procfs_describe(&process);
    show_memory(text, process.arguments);
}

static void show_environment(struct text *text, void *context)
{
    (void)context;
    struct fs_process process;
    procfs_describe(&process);
    show_memory(text, process.environment);
}

static void show_auxv(struct text *text, void *context)
{
    (void)context;
    struct fs_process process;
    procfs_describe(&process);
    text_append(text, process.auxv, process.auxv_size);
}

static void show_name(struct text *text, void *context)
{
    struct fs_process process;
    procfs_describe_thread(context, &process);
    text_printf(text, "%s\n", process.name);
}

static enum err store_name(const char *bytes, size_t size, void *context)
{
    if (size > 0 && bytes[size - 1] == '\n')
        size--;
    if (fs_hooks.rename)
        fs_hooks.rename((uint32_t)(uintptr_t)context, bytes, size);
    return E_OK;
}

static void show_fixed(struct text *text, void *context)
{
    text_printf(text, "%s", (const char *)context);
}

static void show_mounts(struct text *text, void *context)
{
    bool information = context != NULL; /* mountinfo */
    char *buffer = heap_alloc(PATH_MAX_SIZE), *path;
    if (!buffer) {
        text->failed = true;
        return;
    }
    const struct filesystem *fs;
    for (unsigned i = 0; (fs = vfs_mounted(i)); i++) {
        if (dentry_path(fs->root, vfs_mounted(0)->root, false, buffer, PATH_MAX_SIZE, &path) !=
            E_OK)
            continue;
        const char *source = i == 0 ? "rootfs" : fs->type;
        if (information)
            text_printf(text, "%u 1 %u:%u / %s rw,relatime - %s %s rw\n", i + 1,
                        device_major(fs->device), device_minor(fs->device), path, fs->type, source);
        else
            text_printf(text, "%s %s %s rw,relatime 0 0\n", source, path, fs->type);
    }
    heap_free(buffer);
}

struct self_file {
    const char *name;
    procfs_generator generator;
    procfs_writer writer;
    const void *context;
};

static const struct self_file self_files[] = {
    {"auxv", show_auxv, NULL, NULL},
    {"cgroup", show_fixed, NULL, "0::/\n"},
    {"cmdline", show_arguments, NULL, NULL},
    {"comm", show_name, store_name, NULL},
    {"environ", show_environment, NULL, NULL},
    {"limits", procfs_show_limits, NULL, NULL},
    {"maps", procfs_show_maps, NULL, NULL},
    {"mountinfo", show_mounts, NULL, "mountinfo"},
    {"mounts", show_mounts, NULL, NULL},
    {"oom_score", show_fixed, NULL, "0\n"},
    {"smaps", procfs_show_smaps, NULL, NULL},
    {"smaps_rollup", procfs_show_smaps_rollup, NULL, NULL},
    {"stat", procfs_show_stat, NULL, NULL},
    {"statm", procfs_show_statm, NULL, NULL},
    {"status", procfs_show_status, NULL, NULL},
};

static enum err add_process(const char *directory)
{
    char path[64];
    for (size_t i = 0; i < ARRAY_LENGTH(self_files); i++) {
        const struct self_file *file = &self_files[i];
        fmt_snprintf(path, sizeof(path), "%s/%s", directory, file->name);
        enum err e = procfs_add_writable(path, file->generator, file->writer,
                                         (void *)(uintptr_t)file->context);
        if (e != E_OK)
            return e;
    }
    static const struct {
        const char *name;
        const struct inode_ops *ops;
    } jumps[] = {{"exe", &executable_ops}, {"cwd", &cwd_ops}, {"root", &root_ops}};
    for (size_t i = 0; i < ARRAY_LENGTH(jumps); i++) {
        fmt_snprintf(path, sizeof(path), "%s/%s", directory, jumps[i].name);
        enum err e = procfs_add_jump(path, jumps[i].ops);
        if (e != E_OK)
            return e;
    }
    enum err e = procfs_pagemap_start(directory);
    if (e != E_OK)
        return e;
    fmt_snprintf(path, sizeof(path), "%s/fd", directory);
    return procfs_add_directory(path, 0500, &fd_directory_ops);
}

/* /proc/self/task: a folder for each thread, with the files that differ between threads. */

struct thread_directory {
    struct inode inode;
    uint32_t tid;
};

static const struct self_file thread_files[] = {
    {"comm", show_name, store_name, NULL},
    {"stat", procfs_show_stat, NULL, NULL},
    {"status", procfs_show_status, NULL, NULL},
};

static enum err thread_file_lookup(struct dentry *directory, const char *name, size_t length,
                                   struct dentry **out)
{
    uint32_t tid = ((const struct thread_directory *)directory->inode)->tid;
    for (size_t i = 0; i < ARRAY_LENGTH(thread_files); i++) {
        const struct self_file *file = &thread_files[i];
        if (strlen(file->name) == length && memcmp(file->name, name, length) == 0)
            return procfs_make_file(directory, file->name, file->generator, file->writer,
                                    (void *)(uintptr_t)tid, out);
    }
    return E_NOENT;
}

static bool thread_file_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                             uint64_t *ino, uint8_t *type)
{
    if (*cookie >= ARRAY_LENGTH(thread_files))
        return false;
    *length = fmt_snprintf(name, NAME_MAX_LENGTH, "%s", thread_files[*cookie].name);
    *ino = (directory->ino << 32) + *cookie;
    *type = S_IFREG >> 12;
    return true;
}

static const struct inode_ops thread_ops = {.lookup = thread_file_lookup, .list = thread_file_list};

static enum err thread_lookup(struct dentry *directory, const char *name, size_t length,
                              struct dentry **out)
{
    struct fs_process process;
    uint32_t tid;
    if (!parse_fd(name, length, &tid) || tid == 0 || !fs_hooks.describe_thread ||
        !fs_hooks.describe_thread(tid, &process))
        return E_NOENT;
    char text[FD_DIGITS_MAX + 1];
    fmt_snprintf(text, sizeof(text), "%u", tid);
    enum err e =
        procfs_make_directory(directory, text, sizeof(struct thread_directory), &thread_ops, out);
    if (e == E_OK)
        ((struct thread_directory *)(*out)->inode)->tid = tid;
    return e;
}

/* The cookie of an entry is its tid: the next one is the next above. */
static bool thread_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                        uint64_t *ino, uint8_t *type)
{
    if (!fs_hooks.next_thread)
        return false;
    uint32_t tid = fs_hooks.next_thread(*cookie > 0 ? (uint32_t)*cookie - 1 : 0);
    if (tid == 0)
        return false;
    *cookie = tid;
    *length = fmt_snprintf(name, NAME_MAX_LENGTH, "%u", tid);
    *ino = (directory->ino << 32) + tid;
    *type = S_IFDIR >> 12;
    return true;
}

static const struct inode_ops task_ops = {.lookup = thread_lookup, .list = thread_list};

enum err procfs_self_start(void)
{
    enum err e = add_process("1");
    if (e == E_OK)
        e = procfs_add_directory("1/task", 0555, &task_ops);
    if (e == E_OK)
        e = procfs_add("pagetables", procfs_show_pagetables, NULL);
    if (e == E_OK)
        e = procfs_add_link("self", "1");
    if (e == E_OK)
        e = procfs_add_link("thread-self", "1/task/1");
    if (e == E_OK)
        e = procfs_add_link("mounts", "self/mounts");
    return e;
}
