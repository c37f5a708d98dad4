/* SPDX-License-Identifier: MIT */
#include "fs/proc/procfs.h"

#include "base/str.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/file.h"
#include "fs/vfs/process.h"
#include "fs/vfs/vfs.h"
#include "mm/heap/heap.h"

#define PROC_MAGIC   0x9fa0
#define PROC_DEVICE  5
#define SYSFS_MAGIC  0x62656572
#define SYSFS_DEVICE 20
#define SYS_PREFIX   "/sys/"

struct proc_file {
    struct inode inode;
    procfs_generator generator;
    procfs_writer writer;
    void *context;
};

static struct filesystem proc = {
    .type = "proc", .magic = PROC_MAGIC, .device = PROC_DEVICE, .next_ino = 1};
static struct filesystem sys = {
    .type = "sysfs", .magic = SYSFS_MAGIC, .device = SYSFS_DEVICE, .next_ino = 1};

#define READ_MAX (UINT64_C(1) << 20) /* bytes of one read; Linux gives a page or a little more */

/* Generates the text, which is freed with the open file. */
static enum err snapshot(struct file *file, struct text **out)
{
    const struct proc_file *proc_file = (const struct proc_file *)file->inode;
    struct text *text = file->state;
    if (!text) {
        text = heap_alloc(sizeof(*text));
        if (!text)
            return E_NOMEM;
        text_init(text);
        file->state = text;
    }
    /* Another thread may read, too, where the generator gives way. */
    struct text fresh = *text;
    fresh.length = 0;
    fresh.failed = false;
    text_init(text);
    proc_file->generator(&fresh, proc_file->context);
    text_free(text);
    *text = fresh;
    *out = text;
    return text->failed ? E_NOMEM : E_OK;
}

static enum err proc_read(struct file *file, struct io *io, uint64_t *offset)
{
    struct text *text = file->state;
    if (!text || *offset == 0) {
        enum err e = snapshot(file, &text);
        if (e != E_OK)
            return e;
    }
    if (*offset >= text->length)
        return E_OK;
    uint64_t size = text->length - *offset;
    if (size > io_left(io))
        size = io_left(io);
    if (size > READ_MAX)
        size = READ_MAX;
    uint64_t before = io_left(io);
    enum err e = io_put(io, text->bytes + *offset, size);
    *offset += before - io_left(io);
    return e;
}

static enum err proc_write(struct file *file, struct io *io, uint64_t *offset)
{
    const struct proc_file *proc_file = (const struct proc_file *)file->inode;
    uint64_t size = io_left(io);
    if (!proc_file->writer)
        return E_IO;
    if (size >= PROCFS_WRITE_MAX)
        return E_INVAL;
    char *bytes = heap_alloc(size + 1);
    if (!bytes)
        return E_NOMEM;
    struct io start = *io;
    enum err e = io_take(io, bytes, size);
    if (e == E_OK) {
        bytes[size] = '\0';
        e = proc_file->writer(bytes, size, proc_file->context);
    }
    if (e == E_OK)
        *offset += size;
    else
        *io = start; /* no byte counts as written */
    heap_free(bytes);
    return e;
}

static void proc_release(struct file *file)
{
    if (file->state)
        text_free(file->state);
    heap_free(file->state);
}

static enum err proc_truncate(struct inode *inode, uint64_t size)
{
    (void)inode;
    (void)size;
    return E_OK; /* "> /proc/sys/..." opens with O_TRUNC */
}

static const struct inode_ops proc_inode_ops = {.truncate = proc_truncate};
static const struct file_ops proc_file_ops = {
    .release = proc_release, .read = proc_read, .write = proc_write, .seekable = true};

/* The pid in the context is procfs_subject_of()'s. */
static enum err proc_open_traced(struct file *file)
{
    const struct proc_file *proc_file = (const struct proc_file *)file->inode;
    return fs_check_trace((uint32_t)(uintptr_t)proc_file->context, true);
}

const struct file_ops procfs_traced_ops = {.open = proc_open_traced,
                                           .release = proc_release,
                                           .read = proc_read,
                                           .write = proc_write,
                                           .seekable = true};

/* Links the inode into the directory, in place of an entry of that name; takes over the
 * reference. */
static enum err link_child(struct dentry *parent, const char *name, size_t length,
                           struct inode *inode)
{
    struct dentry *old = directory_find(parent, name, length), *dentry;
    inode->fs = parent->inode->fs;
    enum err e = dentry_alloc(parent, name, length, inode, &dentry);
    if (e == E_OK) {
        e = dentry_link(dentry);
        dentry_put(dentry);
    }
    if (e == E_OK) {
        inode->nlink = 1;
        if (old)
            dentry_unlink(old);
        if (inode->directory) {
            inode->nlink = 2;
            parent->inode->nlink++;
        }
    }
    inode_put(inode);
    return e;
}

/* The directory of the path's last component, without a reference; missing directories are made. */
static enum err find_parent(const char *path, struct dentry **parent, const char **name)
{
    struct dentry *at = proc.root;
    const char *slash;
    if (path[0] == '/') {
        at = sys.root;
        path += sizeof(SYS_PREFIX) - 1;
    }
    for (; (slash = strchr(path, '/')); path = slash + 1) {
        size_t length = (size_t)(slash - path);
        struct dentry *next = directory_find(at, path, length);
        if (!next) {
            struct inode *inode;
            enum err e = inode_alloc(&proc, sizeof(*inode), S_IFDIR | 0555, &inode);
            if (e == E_OK)
                e = link_child(at, path, length, inode);
            if (e != E_OK)
                return e;
            next = directory_find(at, path, length);
        }
        at = next;
    }
    *parent = at;
    *name = path;
    return E_OK;
}

static enum err add_inode(const char *path, struct inode *inode)
{
    struct dentry *parent;
    const char *name;
    inode->fixed_mode = strncmp(path, "sys/", 4) == 0; /* sysctl */
    enum err e = find_parent(path, &parent, &name);
    if (e != E_OK) {
        inode_put(inode);
        return e;
    }
    return link_child(parent, name, strlen(name), inode);
}

static enum err file_inode(procfs_generator generator, procfs_writer writer, void *context,
                           struct inode **out)
{
    struct inode *inode;
    uint32_t mode = S_IFREG | (writer ? 0644 : 0444);
    enum err e = inode_alloc(&proc, sizeof(struct proc_file), mode, &inode);
    if (e != E_OK)
        return e;
    struct proc_file *file = (struct proc_file *)inode;
    file->generator = generator;
    file->writer = writer;
    file->context = context;
    inode->ops = &proc_inode_ops;
    inode->file_ops = &proc_file_ops;
    *out = inode;
    return E_OK;
}

enum err procfs_add_writable(const char *path, procfs_generator generator, procfs_writer writer,
                             void *context)
{
    struct inode *inode;
    enum err e = file_inode(generator, writer, context, &inode);
    return e == E_OK ? add_inode(path, inode) : e;
}

enum err procfs_add(const char *path, procfs_generator generator, void *context)
{
    return procfs_add_writable(path, generator, NULL, context);
}

static enum err link_inode(const char *text, struct inode **out)
{
    struct inode *inode;
    enum err e = inode_alloc(&proc, sizeof(*inode), S_IFLNK | 0777, &inode);
    if (e != E_OK)
        return e;
    size_t size = strlen(text) + 1;
    inode->link = heap_alloc(size);
    if (!inode->link) {
        inode_put(inode);
        return E_NOMEM;
    }
    memcpy(inode->link, text, size);
    *out = inode;
    return E_OK;
}

enum err procfs_add_link(const char *path, const char *text)
{
    struct inode *inode;
    enum err e = link_inode(text, &inode);
    return e == E_OK ? add_inode(path, inode) : e;
}

struct dentry *procfs_root(void)
{
    return proc.root;
}

/* Makes a dentry in no directory for the inode, whose reference it takes over. The owner is that of
 * the directory: of the process, below /proc/PID. */
static enum err name_inode(struct dentry *parent, const char *name, struct inode *inode,
                           struct dentry **out)
{
    inode->fixed_mode = true;
    inode->uid = parent->inode->uid;
    inode->gid = parent->inode->gid;
    enum err e = dentry_alloc(parent, name, strlen(name), inode, out);
    inode_put(inode);
    return e;
}

enum err procfs_make_file(struct dentry *parent, const char *name, procfs_generator generator,
                          procfs_writer writer, void *context, struct dentry **out)
{
    struct inode *inode;
    enum err e = file_inode(generator, writer, context, &inode);
    if (e != E_OK)
        return e;
    inode->nlink = 1;
    return name_inode(parent, name, inode, out);
}

enum err procfs_make_link(struct dentry *parent, const char *name, const char *text,
                          struct dentry **out)
{
    struct inode *inode;
    enum err e = link_inode(text, &inode);
    if (e != E_OK)
        return e;
    inode->nlink = 1;
    return name_inode(parent, name, inode, out);
}

enum err procfs_make(struct dentry *parent, const struct procfs_made *what, struct dentry **out)
{
    struct inode *inode;
    enum err e = inode_alloc(&proc, sizeof(struct procfs_node), what->mode, &inode);
    if (e != E_OK)
        return e;
    struct procfs_node *node = (struct procfs_node *)inode;
    node->pid = what->pid;
    node->number = what->number;
    inode->ops = what->ops ? what->ops : &proc_inode_ops;
    if (what->file_ops)
        inode->file_ops = what->file_ops;
    bool directory = mode_is(what->mode, S_IFDIR);
    inode->nlink = directory ? 2 : 1;
    if (mode_is(what->mode, S_IFLNK))
        inode->size = 64;
    return name_inode(parent, what->name, inode, out);
}

static void show_filesystems(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tsockfs\nnodev\tpipefs\n"
                      "nodev\tdevpts\n");
}

static void show_number(struct text *text, void *context)
{
    text_printf(text, "%lu\n", (unsigned long)(uintptr_t)context);
}

static enum err add_numbers(void)
{
    static const struct {
        const char *path;
        unsigned long value;
    } numbers[] = {
        {"sys/fs/file-max", 1048576},
        {"sys/fs/nr_open", 1048576},
        {"sys/fs/pipe-max-size", 1048576},
        {"sys/fs/protected_hardlinks", 1}, /* as in Debian's kernels */
        {"sys/fs/protected_symlinks", 0},
        {"sys/fs/inotify/max_queued_events", 16384},
        {"sys/fs/inotify/max_user_instances", 128},
        {"sys/fs/inotify/max_user_watches", 65536},
        {"sys/fs/epoll/max_user_watches", 65536},
        {"sys/kernel/pty/max", 1024},
        {"sys/net/core/somaxconn", 4096},
        {"sys/net/unix/max_dgram_qlen", 10},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        enum err e = procfs_add(numbers[i].path, show_number, (void *)(uintptr_t)numbers[i].value);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

static enum err (*proc_fill)(void);
static const struct inode_ops unlooked_ops;

static enum err proc_make_files(void)
{
    enum err e = procfs_add("filesystems", show_filesystems, NULL);
    if (e == E_OK)
        e = add_numbers();
    if (e == E_OK)
        e = proc_fill();
    if (e == E_OK)
        e = procfs_self_start();
    return e;
}

/* The first look into /proc or /sys. After an error what was made is made again at the next look. */
static enum err proc_first_look(struct inode *unused)
{
    struct inode *const roots[] = {proc.root->inode, sys.root->inode};
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(roots); i++) {
        roots[i]->nlink++;
        roots[i]->ops = NULL;
    }
    enum err e = proc_make_files();
    for (size_t i = 0; e != E_OK && i < ARRAY_LENGTH(roots); i++) {
        roots[i]->nlink--;
        roots[i]->ops = &unlooked_ops;
    }
    return e;
}

static enum err proc_first_lookup(struct dentry *directory, const char *name, size_t length,
                                  struct dentry **out)
{
    enum err e = proc_first_look(directory->inode);
    if (e != E_OK)
        return e;
    struct dentry *made = directory_find(directory, name, length);
    const struct inode_ops *ops = directory->inode->ops;
    if (made == NULL)
        return ops != NULL ? ops->lookup(directory, name, length, out) : E_NOENT;
    dentry_get(made);
    *out = made;
    return E_OK;
}

/* Of the two roots, until the first look. */
static const struct inode_ops unlooked_ops = {.lookup = proc_first_lookup, .fill = proc_first_look};

static enum err mount_at(const char *path, struct filesystem *fs)
{
    struct inode *inode;
    enum err e = inode_alloc(fs, sizeof(*inode), S_IFDIR | 0555, &inode);
    if (e != E_OK)
        return e;
    inode->nlink = 1; /* the number of directories in it is not known yet */
    inode->ops = &unlooked_ops;
    e = dentry_alloc_root(fs, inode);
    inode_put(inode);
    if (e != E_OK)
        return e;
    e = vfs_make_directory((struct vfs_place){NULL, path}, 0555);
    if (e == E_OK || e == E_EXIST)
        e = vfs_mount(path, fs);
    return e;
}

enum err procfs_start(enum err (*fill)(void))
{
    proc_fill = fill;
    enum err e = mount_at("/proc", &proc);
    return e == E_OK ? mount_at("/sys", &sys) : e;
}
