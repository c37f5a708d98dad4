/* SPDX-License-Identifier: MIT */
/* The input is a sequence of operations on names and files. After each run the tree's invariants
 * must hold (fs_check.h), and after its removal no memory may be in use. */
#include "fs_check.h"
#include "fs_native.h"
#include "native.h"
#include "dentries.h"

#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/vfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES 4

static const uint8_t *at, *end;

static uint8_t next(void)
{
    return at < end ? *at++ : 0;
}

/* Paths of few names, so that operations collide. */
static char *path(char *to)
{
    static const char *const parts[] = {
        "a", "b", "c", "..", ".", "/", "a-name-that-is-not-held-inline", ""};
    unsigned count = next() % 4 + 1;
    *to = '\0';
    while (count-- > 0) {
        strcat(to, parts[next() % 8]);
        if (count > 0 || next() % 8 == 0)
            strcat(to, "/");
    }
    return to;
}

static struct vfs_place place(char *to)
{
    return (struct vfs_place){NULL, path(to)};
}

static void change_directory(char *buffer)
{
    struct dentry *d;
    if (dentry_lookup(path(buffer), WALK_FOLLOW | WALK_DIRECTORY, &d) != E_OK)
        return;
    fs_set_cwd(HERE(d));
    dentry_put(d);
}

static void link_one(char *a, char *b)
{
    struct dentry *d;
    if (dentry_lookup(path(a), 0, &d) != E_OK)
        return;
    (void)!vfs_link(HERE(d), place(b));
    dentry_put(d);
}

static void open_one(struct file **slot, char *buffer)
{
    static const uint32_t flags[] = {O_RDONLY,
                                     O_RDWR | O_CREAT,
                                     O_WRONLY | O_CREAT | O_EXCL,
                                     O_RDWR | O_TRUNC,
                                     O_WRONLY | O_APPEND | O_CREAT,
                                     O_RDONLY | O_DIRECTORY,
                                     O_PATH | O_NOFOLLOW,
                                     O_TMPFILE | O_RDWR};
    struct file *file;
    if (vfs_open(NULL, path(buffer), flags[next() % 8] | O_NONBLOCK, 0644, &file) != E_OK)
        return;
    file_put(*slot);
    *slot = file;
}

static bool count_entry(void *context, const struct directory_entry *entry)
{
    assert(entry->length == strlen(entry->name));
    return ++*(unsigned *)context % 5 != 0;
}

static void use_file(struct file *file)
{
    char bytes[5000] = "data";
    uint64_t done, where = (uint64_t)next() << (next() % 24);
    struct io io = io_kernel(bytes, (size_t)next() * 19);
    unsigned entries = 0;
    if (!file)
        return;
    switch (next() % 6) {
    case 0:
        (void)!file_write(file, &io, &where, &done);
        break;
    case 1:
        (void)!file_read(file, &io, &where, &done);
        break;
    case 2:
        if (mode_is(file->inode->mode, S_IFREG) && file_can_write(file))
            (void)!vfs_truncate(file->dentry, where);
        break;
    case 3:
        (void)!file_list(file, count_entry, &entries);
        break;
    case 4:
        (void)!file_seek(file, (int64_t)where - 100, next() % 6, &done);
        break;
    default:
        if (mode_is(file->inode->mode, S_IFREG) && file_can_write(file))
            (void)!file->inode->ops->allocate(file->inode, next() % 4, where, next() + 1);
    }
}

static void operate(struct file **files)
{
    char a[256], b[256];
    switch (next() % 10) {
    case 0:
        (void)!vfs_make_directory(place(a), 0777);
        break;
    case 1:
        (void)!vfs_make_node(place(a), (next() % 2 ? S_IFREG : S_IFIFO) | 0666, 0);
        break;
    case 2:
        (void)!vfs_unlink(place(a));
        break;
    case 3:
        (void)!vfs_remove_directory(place(a));
        break;
    case 4: {
        struct vfs_place from = place(a), to = place(b);
        (void)!vfs_rename(from, to, next() % 3);
        break;
    }
    case 5:
        link_one(a, b);
        break;
    case 6:
        (void)!vfs_make_symlink(path(a), place(b));
        break;
    case 7:
        change_directory(a);
        break;
    case 8:
        open_one(&files[next() % FILES], a);
        break;
    default:
        use_file(files[next() % FILES]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct filesystem root;
    struct file *files[FILES] = {NULL};
    size_t live = native_heap_live();
    at = data;
    end = data + size;
    assert(ramfs_init(&root, "tmpfs", 2) == E_OK);
    vfs_init(&root);
    ramfs_set_limit(200);
    if (next() % 4 == 0)
        native_heap_fail_after(next());
    while (at < end)
        operate(files);
    native_heap_fail_after(-1);
    check_directory(root.root);
    for (unsigned i = 0; i < FILES; i++)
        file_put(files[i]);
    vfs_end();
    assert(ramfs_used_pages() == 0);
    assert(native_heap_live() == live);
    return 0;
}
