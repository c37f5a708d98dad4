/* SPDX-License-Identifier: MIT */
#include "fs/proc/procfs.h"

#include "base/str.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/file.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/process.h"
#include "fs/vfs/vfs.h"
#include "mm/heap/heap.h"

#define SYS_PREFIX "/sys/"
#define INO_TABLE  UINT64_C(0xf0000000) /* inode numbers of the table's entries, as Linux's */

struct proc_file {
    struct inode inode;
    procfs_generator generator;
    procfs_writer writer;
    void *context;
};

/* A directory of the table: the prefix of its entries' paths. */
struct table_directory {
    struct inode inode;
    const char *path;
    size_t length;
};

static const struct procfs_table *table;
static const struct inode_ops *root_ops; /* of proc; NULL: the table's */
static struct filesystem numbers = {
    .next_ino = 2}; /* inodes get them here, and their file system from the directory */

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
    text_init(text);
    text_clear(&fresh);
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
    uint64_t left = io_left(io) < READ_MAX ? io_left(io) : READ_MAX;
    enum err e = E_OK;
    while (left > 0 && *offset < text->length && e == E_OK) {
        size_t size;
        const char *bytes = text_at(text, *offset, &size);
        if (size > left)
            size = left;
        uint64_t before = io_left(io);
        e = io_put(io, bytes, size);
        *offset += before - io_left(io);
        left -= before - io_left(io);
    }
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
static const struct inode_ops table_ops;

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

/* file->limit is the count of changes that was reported last. */
static enum err mounts_open(struct file *file)
{
    file->limit = mount_changes;
    return E_OK;
}

static uint32_t mounts_poll(struct file *file)
{
    uint32_t events = POLL_READABLE;
    if (file->limit != mount_changes)
        events |= POLL_ERR | POLL_PRI;
    file->limit = mount_changes;
    return events;
}

static struct wait_queue *mounts_queue(struct file *file, bool write)
{
    (void)file;
    return write ? NULL : &mount_queue;
}

const struct file_ops procfs_mounts_ops = {.open = mounts_open,
                                           .release = proc_release,
                                           .read = proc_read,
                                           .write = proc_write,
                                           .poll = mounts_poll,
                                           .queue = mounts_queue,
                                           .seekable = true};

static enum err file_inode(const struct procfs_row *row, struct inode **out)
{
    struct inode *inode;
    uint32_t mode = row->mode != 0 ? row->mode : row->writer != NULL ? 0644 : 0444;
    enum err e = inode_alloc(&numbers, sizeof(struct proc_file), S_IFREG | mode, &inode);
    if (e != E_OK)
        return e;
    struct proc_file *file = (struct proc_file *)inode;
    file->generator = row->generator;
    file->writer = row->writer;
    file->context = row->context;
    inode->ops = &proc_inode_ops;
    inode->file_ops = &proc_file_ops;
    *out = inode;
    return E_OK;
}

static enum err link_inode(const char *text, struct inode **out)
{
    struct inode *inode;
    enum err e = inode_alloc(&numbers, sizeof(*inode), S_IFLNK | 0777, &inode);
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

/* Makes a dentry for the inode. Takes over the reference. The directory has no list of its entries, but
 * as long as the dentry is there, so is its name. The owner is that of the directory: of the process, below
 * /proc/PID. */
static enum err name_inode(struct dentry *parent, const char *name, size_t length,
                           struct inode *inode, struct dentry **out)
{
    inode->fs = parent->inode->fs;
    inode->fixed_mode = true;
    inode->uid = parent->inode->uid;
    inode->gid = parent->inode->gid;
    if (inode->nlink == 0)
        inode->nlink = 1;
    enum err e = dentry_alloc(parent, name, length, inode, out);
    inode_put(inode);
    if (e == E_OK)
        (*out)->linked = true;
    return e;
}

enum err procfs_make_file(struct dentry *parent, const struct procfs_row *row, struct dentry **out)
{
    struct inode *inode;
    enum err e = file_inode(row, &inode);
    return e == E_OK ? name_inode(parent, row->path, strlen(row->path), inode, out) : e;
}

enum err procfs_make_link(struct dentry *parent, const char *name, const char *text,
                          struct dentry **out)
{
    struct inode *inode;
    enum err e = link_inode(text, &inode);
    return e == E_OK ? name_inode(parent, name, strlen(name), inode, out) : e;
}

enum err procfs_make(struct dentry *parent, const struct procfs_made *what, struct dentry **out)
{
    struct inode *inode;
    enum err e = inode_alloc(&numbers, sizeof(struct procfs_node), what->mode, &inode);
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
    return name_inode(parent, what->name, strlen(what->name), inode, out);
}

/* The table */

static void show_constant(struct text *text, void *context)
{
    if (*(const char *)context != '<')
        text_printf(text, "%s\n", (const char *)context);
}

static bool is_gap(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* What the kernel does not do in another way can only be set to what it is. */
static enum err store_constant(const char *bytes, size_t size, void *context)
{
    const char *text = context;
    size_t i = 0;
    while (*text != '\0' && i < size) {
        if (is_gap(*text) && is_gap(bytes[i])) { /* between numbers */
            text++;
            while (i < size && is_gap(bytes[i]))
                i++;
        } else if (*text++ != bytes[i++]) {
            return E_INVAL;
        }
    }
    while (i < size && is_gap(bytes[i]))
        i++;
    return *text == '\0' && i == size ? E_OK : E_INVAL;
}

/* Reads the entry at the cookie, and sets it to that of the next one: an index of a row, or the number of rows
 * and an offset into the texts. False: there is none. A link has `context` alone. */
static bool decode_entry(uint64_t *cookie, struct procfs_row *out)
{
    if (*cookie < table->row_count) {
        *out = table->rows[(*cookie)++];
        return true;
    }
    const char *path = table->texts + (*cookie - table->row_count);
    if (*path == '\0')
        return false;
    const char *text = path + strlen(path) + 1;
    *cookie += (uint64_t)(text - path) + strlen(text) + 1;
    bool link = *text == '>', set = *text == '=';
    *out = (struct procfs_row){.path = path,
                               .generator = link ? NULL : show_constant,
                               .writer = set ? store_constant : NULL,
                               .context = (void *)(uintptr_t)(link || set ? text + 1 : text)};
    return true;
}

/* The length of the path's next component below the directory; 0: the path is not in it. */
static size_t component_below(const struct table_directory *directory, const char *path)
{
    size_t length = 0;
    if (strlen(path) <= directory->length || memcmp(path, directory->path, directory->length) != 0)
        return 0;
    path += directory->length;
    while (path[length] != '\0' && path[length] != '/')
        length++;
    return length;
}

static enum err make_table_directory(struct dentry *parent, const char *path, const char *name,
                                     size_t length, struct dentry **out)
{
    struct inode *inode;
    enum err e = inode_alloc(&numbers, sizeof(struct table_directory), S_IFDIR | 0555, &inode);
    if (e != E_OK)
        return e;
    struct table_directory *directory = (struct table_directory *)inode;
    directory->path = path;
    directory->length = (size_t)(name - path) + length + 1;
    inode->ops = &table_ops; /* nlink 1: the number of directories in it is not known */
    return name_inode(parent, name, length, inode, out);
}

enum err procfs_table_lookup(struct dentry *parent, const char *name, size_t length,
                             struct dentry **out)
{
    const struct table_directory *in = (const struct table_directory *)parent->inode;
    struct procfs_row row;
    uint64_t cookie = 0;
    for (uint64_t at = 0; decode_entry(&cookie, &row); at = cookie) {
        const char *entry = row.path + in->length;
        if (component_below(in, row.path) != length || memcmp(entry, name, length) != 0)
            continue;
        enum err e = E_OK;
        if (entry[length] == '/') {
            e = make_table_directory(parent, row.path, entry, length, out);
        } else {
            struct inode *inode;
            e = row.generator != NULL ? file_inode(&row, &inode) : link_inode(row.context, &inode);
            if (e == E_OK)
                e = name_inode(parent, name, length, inode, out);
        }
        if (e == E_OK)
            (*out)->inode->ino = INO_TABLE + at;
        return e;
    }
    return E_NOENT;
}

/* True if an entry before `end` has the same component, which is a directory. */
static bool named_before(const struct table_directory *in, const char *path, size_t length,
                         uint64_t end)
{
    struct procfs_row row;
    uint64_t cookie = 0;
    while (cookie < end && decode_entry(&cookie, &row)) {
        if (component_below(in, row.path) == length &&
            memcmp(row.path, path, in->length + length) == 0)
            return cookie <= end;
    }
    return false;
}

bool procfs_table_list(struct inode *inode, uint64_t *cookie, char *name, size_t *length,
                       uint64_t *ino, uint8_t *type)
{
    const struct table_directory *in = (const struct table_directory *)inode;
    struct procfs_row row;
    /* The caller adds 1 to the cookie of the entry before, which may be in the middle of a text. */
    uint64_t at = 0, next = 0;
    while (at < *cookie && decode_entry(&next, &row))
        at = next;
    for (; decode_entry(&next, &row); at = next) {
        *length = component_below(in, row.path);
        const char *entry = row.path + in->length;
        bool directory = *length != 0 && entry[*length] == '/';
        if (*length == 0 || (directory && named_before(in, row.path, *length, at)))
            continue;
        memcpy(name, entry, *length);
        name[*length] = '\0';
        *cookie = at;
        *ino = INO_TABLE + at;
        *type = (directory ? S_IFDIR : row.generator != NULL ? S_IFREG : S_IFLNK) >> 12;
        return true;
    }
    return false;
}

static const struct inode_ops table_ops = {.lookup = procfs_table_lookup,
                                           .list = procfs_table_list};

void procfs_use(const struct procfs_table *rows, const struct inode_ops *ops)
{
    table = rows;
    root_ops = ops;
}

enum err procfs_make_root(struct filesystem *fs, bool of_proc)
{
    struct inode *inode;
    enum err e = inode_alloc(fs, sizeof(struct table_directory), S_IFDIR | 0555, &inode);
    if (e != E_OK)
        return e;
    struct table_directory *directory = (struct table_directory *)inode;
    directory->path = of_proc ? "" : SYS_PREFIX;
    directory->length = strlen(directory->path);
    inode->nlink = 1;
    inode->ops = of_proc && root_ops ? root_ops : &table_ops;
    e = dentry_alloc_root(fs, inode);
    inode_put(inode);
    return e;
}
