/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID, as proc(5) describes it, and /proc/self. Nothing is stored: each lookup makes an inode
 * with the pid in it, and a listing enumerates the processes.
 *
 *   /proc --- self -> PID                         task --- TID --- comm, stat, status
 *         \-- PID --- cmdline, maps, ... , fd ---- N (a link that jumps to the open file)
 */
#include "fs/proc/instance.h"
#include "fs/proc/procfs.h"

#include "base/fmt.h"
#include "base/str.h"
#include "fs/proc/process_text.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/process.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/wait.h"
#include "kern/space.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define DIGITS_MAX 10

static const struct procfs_node *node_of(const struct inode *inode)
{
    return (const struct procfs_node *)inode;
}

void *procfs_subject(const struct file *file)
{
    return procfs_subject_of(node_of(file->inode)->pid, 0);
}

void procfs_describe(const void *subject, struct fs_process *out)
{
    uint64_t numbers = (uint64_t)(uintptr_t)subject;
    *out = (struct fs_process){.pid = 1, .tid = 1, .state = 'Z', .name = "", .threads = 1};
    (void)fs_describe((uint32_t)numbers, (uint32_t)(numbers >> 32), out);
}

static bool is_there(uint32_t pid, uint32_t tid)
{
    return pid != 0 && fs_describe(pid, tid, NULL);
}

/* E_ACCES unless the caller may trace the process that the node describes, as for a link out of
 * /proc/PID. */
static enum err check_jump(const struct inode *inode)
{
    return fs_check_trace(node_of(inode)->pid, false);
}

/* The context of the process that the node describes; NULL if it has ended. */
static const struct fs_context *context_of(const struct inode *inode)
{
    struct fs_process process;
    procfs_describe(procfs_subject_of(node_of(inode)->pid, 0), &process);
    return process.context;
}

static bool parse_number(const char *name, size_t length, uint32_t *out)
{
    uint64_t value = 0;
    if (length == 0 || length > DIGITS_MAX || (length > 1 && name[0] == '0'))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(name[i] - '0');
    }
    *out = (uint32_t)value;
    return value <= INT32_MAX;
}

static enum err make_numbered(struct dentry *directory, uint32_t mode, const struct inode_ops *ops,
                              uint32_t pid, uint32_t number, uint32_t named, struct dentry **out)
{
    char name[DIGITS_MAX + 1];
    fmt_snprintf(name, sizeof(name), "%u", named);
    struct procfs_made what = {
        .name = name, .mode = mode, .ops = ops, .pid = pid, .number = number};
    enum err e = procfs_make(directory, &what, out);
    struct fs_process process;
    if (e == E_OK && fs_describe(pid, 0, &process)) {
        (*out)->inode->uid = process.owner_uid;
        (*out)->inode->gid = process.owner_gid;
    }
    return e;
}

/* Fills in a directory entry whose name is a number. */
static bool list_number(struct inode *directory, uint32_t number, uint32_t type, char *name,
                        size_t *length, uint64_t *ino, uint8_t *entry_type)
{
    *length = fmt_snprintf(name, NAME_MAX_LENGTH, "%u", number);
    *ino = (directory->ino << 32) + number;
    *entry_type = (uint8_t)(type >> 12);
    return true;
}

static enum err jump_to(const struct inode *link, const struct location *to, struct location *out)
{
    if (!to || !to->dentry)
        return E_NOENT;
    enum err e = check_jump(link);
    if (e != E_OK)
        return e;
    location_get(to);
    *out = *to;
    return E_OK;
}

/* /proc/PID/fd */

static enum err fd_jump(struct inode *inode, struct location *out)
{
    const struct fs_context *context = context_of(inode);
    struct file *file = context ? file_table_find(context->files, node_of(inode)->number) : NULL;
    return jump_to(inode, file ? &file->location : NULL, out);
}

static const struct inode_ops fd_link_ops = {.jump = fd_jump};

static enum err fd_lookup(struct dentry *directory, const char *name, size_t length,
                          struct dentry **out)
{
    uint32_t fd;
    const struct fs_context *context = context_of(directory->inode);
    const struct file *file = NULL;
    if (context && parse_number(name, length, &fd))
        file = file_table_find(context->files, fd);
    if (!file)
        return E_NOENT;
    uint32_t mode = 0100u | (file_can_read(file) ? 0400u : 0) | (file_can_write(file) ? 0200u : 0);
    return make_numbered(directory, S_IFLNK | mode, &fd_link_ops, node_of(directory->inode)->pid,
                         fd, fd, out);
}

static bool fd_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                    uint64_t *ino, uint8_t *type)
{
    const struct fs_context *context = context_of(directory);
    for (; context && *cookie < context->files->capacity; (*cookie)++) {
        if (context->files->slots[*cookie].file)
            return list_number(directory, (uint32_t)*cookie, S_IFLNK, name, length, ino, type);
    }
    return false;
}

static bool is_own(const struct inode *directory)
{
    struct fs_process self;
    procfs_describe(procfs_subject_of(0, 0), &self);
    return node_of(directory)->pid == self.pid;
}

static enum err fdinfo_lookup(struct dentry *directory, const char *name, size_t length,
                              struct dentry **out)
{
    uint32_t fd;
    char text[DIGITS_MAX + 1];
    const struct fs_context *context = context_of(directory->inode);
    if (!context || !parse_number(name, length, &fd) || !file_table_find(context->files, fd))
        return E_NOENT;
    fmt_snprintf(text, sizeof(text), "%u", fd);
    struct procfs_row row = {text, procfs_show_descriptor, NULL,
                             procfs_subject_of(node_of(directory->inode)->pid, fd), 0};
    return procfs_make_file(directory, &row, out);
}

static bool fdinfo_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                        uint64_t *ino, uint8_t *type)
{
    bool more = fd_list(directory, cookie, name, length, ino, type);
    *type = S_IFREG >> 12;
    return more;
}

static const struct inode_ops fd_directory_ops = {
    .lookup = fd_lookup, .list = fd_list, .unguarded = is_own};
static const struct inode_ops fdinfo_directory_ops = {
    .lookup = fdinfo_lookup, .list = fdinfo_list, .unguarded = is_own};

/* Links to a dentry of the context. */

static enum err jump_executable(struct inode *inode, struct location *out)
{
    const struct fs_context *context = context_of(inode);
    return jump_to(inode, context ? &context->executable : NULL, out);
}

static enum err jump_cwd(struct inode *inode, struct location *out)
{
    const struct fs_context *context = context_of(inode);
    return jump_to(inode, context ? &context->cwd : NULL, out);
}

static enum err jump_root(struct inode *inode, struct location *out)
{
    const struct fs_context *context = context_of(inode);
    return jump_to(inode, context ? &context->root : NULL, out);
}

static const struct inode_ops executable_ops = {.jump = jump_executable};
static const struct inode_ops cwd_ops = {.jump = jump_cwd};
static const struct inode_ops root_ops = {.jump = jump_root};

/* Arguments and environment are read from the program's memory, where it may change them. */
static bool read_some(struct fs_process *process, void *context, uint64_t at, char *bytes,
                      size_t size)
{
    enum err e;
    while ((e = copy_in_from(process->space, bytes, virt(at), size)) != E_OK) {
        if (copy_wait(e) != E_OK)
            return false;
        procfs_describe(context, process); /* its space may have ended */
    }
    return true;
}

#define SHOWN_MAX       (UINT64_C(8) << 20) /* exec()'s limit is less, but PR_SET_MM has none */
#define SHOWN_AT_A_TIME (UINT64_C(64) << 10)

/* `title`: up to the first NUL. */
static void show_memory(struct text *text, struct fs_process *process, struct virt_range range,
                        bool title, void *context)
{
    char bytes[256];
    if (virt_range_size(range) > SHOWN_MAX)
        range.end.v = range.start.v + SHOWN_MAX;
    for (uint64_t at = range.start.v; at < range.end.v;) {
        uint64_t size = sizeof bytes - at % sizeof bytes; /* of one page */
        if (size > range.end.v - at)
            size = range.end.v - at;
        if (at % SHOWN_AT_A_TIME == 0) {
            fs_give_way();
            procfs_describe(context, process);
        }
        if (!read_some(process, context, at, bytes, size))
            return;
        const char *nul = title ? memchr(bytes, 0, size) : NULL;
        if (nul != NULL) {
            text_append(text, bytes, (size_t)(nul - bytes) + 1);
            return;
        }
        text_append(text, bytes, size);
        at += size;
    }
}

/* A program that has overwritten the end of its arguments has set a title there, which may go on into the environment behind
 * them: as Linux, up to a NUL, and a page at most. */
static void show_arguments(struct text *text, void *context)
{
    struct fs_process process;
    procfs_describe(context, &process);
    struct virt_range range = process.arguments, after = process.environment;
    char last = 0;
    if (virt_range_size(range) != 0 &&
        read_some(&process, context, range.end.v - 1, &last, sizeof last) && last != 0) {
        if (after.start.v == range.end.v)
            range.end = after.end;
        if (virt_range_size(range) > PAGE_SIZE)
            range.end.v = range.start.v + PAGE_SIZE;
    }
    show_memory(text, &process, range, last != 0, context);
}

static void show_environment(struct text *text, void *context)
{
    struct fs_process process;
    procfs_describe(context, &process);
    show_memory(text, &process, process.environment, false, context);
}

static void show_auxv(struct text *text, void *context)
{
    struct fs_process process;
    procfs_describe(context, &process);
    text_append(text, process.auxv, process.auxv_size);
}

static void show_name(struct text *text, void *context)
{
    struct fs_process process;
    procfs_describe(context, &process);
    text_printf(text, "%s\n", process.name);
}

static enum err store_name(const char *bytes, size_t size, void *context)
{
    uint64_t numbers = (uint64_t)(uintptr_t)context;
    if (size > 0 && bytes[size - 1] == '\n')
        size--;
    fs_rename_thread((uint32_t)numbers, (uint32_t)(numbers >> 32), bytes, size);
    return E_OK;
}

static void show_cgroup(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "0::/\n");
}

enum {
    IN_BOTH,
    IN_PROCESS,
    IN_THREAD,
};

/* An entry in the directory of a process or thread: a text, or an inode with operations. */
struct entry {
    const char *name;
    procfs_generator generator;
    procfs_writer writer;
    uint32_t mode; /* of a text: 0 is the usual one */
    const struct inode_ops *ops;
    const struct file_ops *file_ops;
    uint8_t only; /* in the directory of a process, or of a thread */
};

static const struct entry process_entries[];
static const size_t process_entry_count;
static const struct inode_ops thread_ops;

static bool is_in(const struct entry *e, const struct inode *directory)
{
    return e->only == IN_BOTH || (e->only == IN_THREAD) == (directory->ops == &thread_ops);
}

static enum err entry_lookup(struct dentry *directory, const char *name, size_t length,
                             struct dentry **out)
{
    const struct procfs_node *node = node_of(directory->inode);
    struct fs_process p;
    if (!fs_describe(node->pid, (uint32_t)node->number, &p))
        return E_NOENT;
    if (!proc_may_see(directory->inode, node->pid, HIDEPID_NOACCESS))
        return E_PERM;
    for (size_t i = 0; i < process_entry_count; i++) {
        const struct entry *e = &process_entries[i];
        if (strlen(e->name) != length || memcmp(e->name, name, length) != 0 ||
            !is_in(e, directory->inode))
            continue;
        if (e->generator) {
            struct procfs_row row = {e->name, e->generator, e->writer,
                                     procfs_subject_of(node->pid, (uint32_t)node->number), e->mode};
            enum err made = procfs_make_file(directory, &row, out);
            if (made == E_OK && e->file_ops)
                (*out)->inode->file_ops = e->file_ops;
            return made;
        }
        struct procfs_made what = {.name = e->name,
                                   .mode = e->mode,
                                   .ops = e->ops,
                                   .file_ops = e->file_ops,
                                   .pid = node->pid,
                                   .number = node->number};
        return procfs_make(directory, &what, out);
    }
    return E_NOENT;
}

static bool entry_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                       uint64_t *ino, uint8_t *type)
{
    while (*cookie < process_entry_count && !is_in(&process_entries[*cookie], directory))
        (*cookie)++;
    if (*cookie >= process_entry_count)
        return false;
    const struct entry *e = &process_entries[*cookie];
    *length = fmt_snprintf(name, NAME_MAX_LENGTH, "%s", e->name);
    *ino = (directory->ino << 32) + *cookie;
    *type = (uint8_t)((e->generator ? (uint32_t)S_IFREG : e->mode & S_IFMT) >> 12);
    return true;
}

/* Before a listing. */
static enum err process_fill(struct inode *directory)
{
    return proc_may_see(directory, node_of(directory)->pid, HIDEPID_NOACCESS) ? E_OK : E_PERM;
}

static uint32_t process_of(const struct inode *directory)
{
    return node_of(directory)->pid;
}

static const struct inode_ops process_ops = {
    .lookup = entry_lookup, .list = entry_list, .fill = process_fill, .process = process_of};
static const struct inode_ops thread_ops = {.lookup = entry_lookup, .list = entry_list};

/* /proc/PID/task: a directory for each thread. */

static enum err task_lookup(struct dentry *directory, const char *name, size_t length,
                            struct dentry **out)
{
    uint32_t pid = node_of(directory->inode)->pid, tid;
    if (!parse_number(name, length, &tid) || tid == 0 || !is_there(pid, tid))
        return E_NOENT;
    return make_numbered(directory, S_IFDIR | 0555, &thread_ops, pid, tid, tid, out);
}

/* The cookie of an entry is its tid; the entries are in ascending order. */
static bool task_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                      uint64_t *ino, uint8_t *type)
{
    uint32_t before = *cookie > 0 ? (uint32_t)*cookie - 1 : 0;
    uint32_t tid = fs_next_thread(node_of(directory)->pid, before);
    *cookie = tid;
    return tid != 0 && list_number(directory, tid, S_IFDIR, name, length, ino, type);
}

static const struct inode_ops task_ops = {.lookup = task_lookup, .list = task_list};

static const struct entry process_entries[] = {
    {.name = "auxv", .generator = show_auxv, .mode = 0400, .file_ops = &procfs_traced_ops},
    {.name = "cgroup", .generator = show_cgroup},
    {.name = "cmdline", .generator = show_arguments},
    {.name = "comm", .generator = show_name, .writer = store_name},
    {.name = "environ",
     .generator = show_environment,
     .mode = 0400,
     .file_ops = &procfs_traced_ops},
    {.name = "limits", .generator = procfs_show_limits},
    {.name = "maps", .generator = procfs_show_maps, .file_ops = &procfs_traced_ops},
    {.name = "mountinfo", .generator = procfs_show_mountinfo, .file_ops = &procfs_mounts_ops},
    {.name = "mounts", .generator = procfs_show_mounts, .file_ops = &procfs_mounts_ops},
    {.name = "oom_score", .generator = procfs_show_oom_score},
    {.name = "oom_score_adj",
     .generator = procfs_show_oom_score_adj,
     .writer = procfs_store_oom_score_adj},
    {.name = "children", .generator = procfs_show_children, .only = IN_THREAD},
    {.name = "cpuset", .generator = procfs_show_cpuset},
    {.name = "gid_map", .generator = procfs_show_id_map},
    {.name = "io", .generator = procfs_show_io, .mode = 0400, .file_ops = &procfs_traced_ops},
    {.name = "loginuid", .generator = procfs_show_no_id},
    {.name = "personality",
     .generator = procfs_show_personality,
     .mode = 0400,
     .file_ops = &procfs_traced_ops},
    {.name = "projid_map", .generator = procfs_show_id_map},
    {.name = "schedstat", .generator = procfs_show_schedstat},
    {.name = "sessionid", .generator = procfs_show_no_id},
    {.name = "setgroups", .generator = procfs_show_setgroups},
    {.name = "syscall",
     .generator = procfs_show_syscall,
     .mode = 0400,
     .file_ops = &procfs_traced_ops},
    {.name = "timerslack_ns", .generator = procfs_show_timer_slack},
    {.name = "uid_map", .generator = procfs_show_id_map},
    {.name = "wchan", .generator = procfs_show_zero},
    {.name = "smaps", .generator = procfs_show_smaps, .file_ops = &procfs_traced_ops},
    {.name = "smaps_rollup", .generator = procfs_show_smaps_rollup, .file_ops = &procfs_traced_ops},
    {.name = "stat", .generator = procfs_show_stat},
    {.name = "statm", .generator = procfs_show_statm},
    {.name = "status", .generator = procfs_show_status},
    {.name = "pagemap", .mode = S_IFREG | 0400, .file_ops = &procfs_pagemap_ops},
    {.name = "clear_refs", .mode = S_IFREG | 0200, .file_ops = &procfs_clear_refs_ops},
    {.name = "mem", .mode = S_IFREG | 0600, .file_ops = &procfs_mem_ops},
    {.name = "exe", .mode = S_IFLNK | 0777, .ops = &executable_ops},
    {.name = "cwd", .mode = S_IFLNK | 0777, .ops = &cwd_ops},
    {.name = "root", .mode = S_IFLNK | 0777, .ops = &root_ops},
    {.name = "fd", .mode = S_IFDIR | 0500, .ops = &fd_directory_ops},
    {.name = "fdinfo", .mode = S_IFDIR | 0555, .ops = &fdinfo_directory_ops},
    {.name = "map_files", .mode = S_IFDIR | 0500, .ops = &procfs_map_files_ops, .only = IN_PROCESS},
    {.name = "net", .mode = S_IFDIR | 0555, .ops = &procfs_net_ops},
    {.name = "ns", .mode = S_IFDIR | 0511, .ops = &procfs_ns_ops},
    {.name = "task", .mode = S_IFDIR | 0555, .ops = &task_ops, .only = IN_PROCESS},
};
static const size_t process_entry_count = ARRAY_LENGTH(process_entries);

/* /proc itself */

static const char *const self_links[] = {"self", "thread-self"};

static enum err proc_lookup(struct dentry *directory, const char *name, size_t length,
                            struct dentry **out)
{
    uint32_t pid;
    for (size_t i = 0; i < ARRAY_LENGTH(self_links); i++) {
        const char *link = self_links[i];
        if (strlen(link) != length || memcmp(link, name, length) != 0)
            continue;
        struct fs_process process;
        char text[40];
        procfs_describe(procfs_subject_of(0, 0), &process);
        fmt_snprintf(text, sizeof(text), i == 0 ? "%u" : "%u/task/%u", process.pid, fs_own_tid());
        return procfs_make_link(directory, link, text, out);
    }
    if (!parse_number(name, length, &pid))
        return proc_options_of(directory->inode)->pids_only
                   ? E_NOENT
                   : procfs_table_lookup(directory, name, length, out);
    /* The tid of any thread is accepted, and only pids are listed. */
    uint32_t leader = pid != 0 ? fs_pid_of(pid) : 0;
    if (leader == 0 || !proc_may_see(directory->inode, leader, HIDEPID_INVISIBLE))
        return E_NOENT;
    return make_numbered(directory, S_IFDIR | 0555, &process_ops, leader, pid != leader ? pid : 0,
                         pid, out);
}

/* Cookies: the table's, then the links from COOKIE_LINKS on, then pids. */
#define COOKIE_LINKS (UINT64_C(1) << 20)

static bool proc_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                      uint64_t *ino, uint8_t *type)
{
    const uint64_t pids = COOKIE_LINKS + ARRAY_LENGTH(self_links);
    if (*cookie < COOKIE_LINKS) {
        if (!proc_options_of(directory)->pids_only &&
            procfs_table_list(directory, cookie, name, length, ino, type))
            return true;
        *cookie = COOKIE_LINKS;
    }
    if (*cookie < pids) {
        *length = fmt_snprintf(name, NAME_MAX_LENGTH, "%s", self_links[*cookie - COOKIE_LINKS]);
        *ino = (directory->ino << 32) + *cookie;
        *type = S_IFLNK >> 12;
        return true;
    }
    uint32_t before = *cookie > pids ? (uint32_t)(*cookie - pids) - 1 : 0;
    uint32_t pid = fs_next_process(before);
    while (pid != 0 && !proc_may_see(directory, pid, HIDEPID_INVISIBLE))
        pid = fs_next_process(pid);
    *cookie = pids + pid;
    return pid != 0 && list_number(directory, pid, S_IFDIR, name, length, ino, type);
}

const struct inode_ops procfs_root_ops = {.lookup = proc_lookup, .list = proc_list};
