/* SPDX-License-Identifier: MIT */
#include "linux/file/args.h"

#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/context.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

/* For fault reports. The first bytes, whatever is behind the NUL. */
static void path_save(const char *path, virt_t from)
{
    struct linux_thread *lt = linux_current();
    struct syscall_text *t = &lt->texts[lt->texts_next++ % SYSCALL_TEXTS];
    t->at = from.v;
    t->call = lt->history_next;
    memcpy(t->text, path, sizeof(t->text));
}

enum err path_copy_in(struct path *path, virt_t from)
{
    size_t length;
    path->text = path->near;
    enum err e = copy_in_string(path->near, from, sizeof(path->near), &length);
    if (e == E_OK)
        path_save(path->near, from);
    if (e != E_NAMETOOLONG)
        return e;
    char *text = heap_alloc(PATH_MAX_SIZE);
    if (!text)
        return E_NOMEM;
    e = copy_in_string(text, from, PATH_MAX_SIZE, &length);
    if (e != E_OK) {
        heap_free(text);
        return e;
    }
    path_save(text, from);
    path->text = text;
    return E_OK;
}

void path_free(struct path *path)
{
    if (path->text != path->near)
        heap_free(path->text);
}

/* file_table_current(), without a call. */
static ALWAYS_INLINE struct file_table *fd_table(void)
{
    const struct fs_context *context = thread_current()->fs_context;
    return context ? context->files : fs_first.files;
}

struct file *fd_any(uint64_t fd)
{
    return file_table_find(fd_table(), fd);
}

struct file *fd_file(uint64_t fd)
{
    struct file *file = file_table_find(fd_table(), fd);
    return file && !(file->flags & O_PATH) ? file : NULL;
}

struct file *fd_hold_shared(uint64_t fd)
{
    struct file *file = file_table_get(fd_table(), fd);
    if (!file || !(file->flags & O_PATH))
        return file;
    file_put(file);
    return NULL;
}

struct file *fd_any_shared(uint64_t fd)
{
    return file_table_get(fd_table(), fd);
}

struct file *fd_hold_alone(uint64_t fd)
{
    struct file *file = fd_file(fd);
    if (file)
        file_get(file);
    return file;
}

enum err path_base(struct path_at *at, uint64_t dirfd)
{
    const char *path = at->place.path;
    at->place.at = NULL;
    if (*path == '/' || (int32_t)dirfd == AT_FDCWD)
        return E_OK;
    const struct file *file = fd_any(dirfd);
    if (!file)
        return E_BADF;
    if (*path != '\0' && !mode_is(file->inode->mode, S_IFDIR))
        return E_NOTDIR;
    at->at = file->location;
    at->place.at = &at->at;
    return E_OK;
}

enum err path_at_begin(struct path_at *at, uint64_t dirfd, uint64_t path)
{
    enum err e = path_copy_in(&at->path, virt(path));
    if (e != E_OK)
        return e;
    at->place.path = at->path.text;
    e = path_base(at, dirfd);
    if (e != E_OK)
        path_free(&at->path);
    return e;
}

void path_at_end(struct path_at *at)
{
    path_free(&at->path);
}

/* Of a thread that shares kernel_lock: the place of the descriptor, if the path is empty. E_INVAL, and kernel_lock is alone: it is not. */
static NOINLINE enum err lookup_beside(uint64_t dirfd, uint64_t path, uint32_t flags,
                                       struct location *out)
{
    char first;
    if ((flags & AT_EMPTY_PATH) && copy_in(&first, virt(path), 1) == E_OK && first == '\0') {
        struct file *file = fd_any_shared(dirfd);
        if (!file)
            return E_BADF;
        *out = file->location;
        location_get(out);
        file_put(file);
        return E_OK;
    }
    kernel_lock_alone();
    return E_INVAL;
}

enum err lookup_at(uint64_t dirfd, uint64_t path, uint32_t flags, struct location *out)
{
    struct path_at at;
    if (kernel_lock_is_shared() && (int32_t)dirfd != AT_FDCWD) {
        enum err e = lookup_beside(dirfd, path, flags, out);
        if (e != E_INVAL)
            return e;
    }
    enum err e = path_at_begin(&at, dirfd, path);
    if (e != E_OK)
        return e;
    uint32_t how = (flags & AT_SYMLINK_NOFOLLOW) ? 0 : WALK_FOLLOW;
    if (flags & AT_EMPTY_PATH)
        how |= WALK_EMPTY;
    e = walk_lookup(at.place.at, at.place.path, how, out);
    path_at_end(&at);
    if (e == E_OK && (flags & LOOKUP_CHANGES)) {
        e = mount_writable(out->mount, out->dentry->inode->fs);
        if (e != E_OK)
            location_put(out);
    }
    return e;
}

static enum err check_segments(struct iov *iov, uint64_t count)
{
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct io_segment *segment = &iov->segments[i];
        if (segment->size > INT64_MAX)
            return E_INVAL;
        if (!user_range_ok(segment->base, segment->size))
            return E_FAULT;
        if (segment->size > IO_BYTES_MAX - total)
            segment->size = IO_BYTES_MAX - total;
        total += segment->size;
    }
    iov->io = io_iov(iov->segments, total);
    return E_OK;
}

enum err iov_copy_in(struct iov *iov, uint64_t from, uint64_t count)
{
    if (count > IO_SEGMENTS_MAX)
        return E_INVAL;
    iov->segments = iov->near;
    if (count > ARRAY_LENGTH(iov->near)) {
        iov->segments = heap_alloc(count * sizeof(struct io_segment));
        if (!iov->segments)
            return E_NOMEM;
    }
    enum err e = copy_in(iov->segments, virt(from), count * sizeof(struct io_segment));
    if (e == E_OK)
        e = check_segments(iov, count);
    if (e != E_OK)
        iov_free(iov);
    return e;
}

void iov_free(struct iov *iov)
{
    if (iov->segments != iov->near)
        heap_free(iov->segments);
}

enum err fd_install(struct syscall *call, struct file *file, bool close_on_exec)
{
    int fd;
    enum err e = file_table_add(fd_table(), file, 0, close_on_exec, &fd);
    if (e != E_OK) {
        file_put(file);
        return e;
    }
    call->result = (uint64_t)fd;
    return E_OK;
}

COLD enum err fd_install_pair(struct file *const files[2], bool close_on_exec, uint64_t to)
{
    struct file_table *table = file_table_current();
    int fds[2];
    enum err e = file_table_add(table, files[0], 0, close_on_exec, &fds[0]);
    if (e != E_OK)
        goto put_both;
    e = file_table_add(table, files[1], 0, close_on_exec, &fds[1]);
    if (e != E_OK)
        goto close_first;
    e = copy_out_now(virt(to), fds, sizeof(fds));
    if (e == E_OK)
        return E_OK;
    (void)!file_table_close(table, (uint32_t)fds[1]);
    (void)!file_table_close(table, (uint32_t)fds[0]);
    return e;
close_first:
    (void)!file_table_close(table, (uint32_t)fds[0]);
    file_put(files[1]);
    return e;
put_both:
    file_put(files[0]);
    file_put(files[1]);
    return e;
}
