/* SPDX-License-Identifier: MIT */
/*
 * Open files. One struct file is one open(): dup() shares it, and with it the offset and the status
 * flags.
 *
 * Operations move bytes between the file and a cursor (fs/vfs/io.h). An error after some bytes moved is
 * reported as those bytes, here and once, so that no operation has to think of it.
 */
#pragma once

#include "fs/vfs/dentry.h"
#include "fs/vfs/io.h"

struct file_ops;

struct file {
    const struct file_ops *ops;
    struct dentry *dentry; /* one reference */
    struct inode *inode;   /* dentry->inode */
    uint32_t references;
    uint32_t flags;  /* O_ACCMODE and status flags; O_PATH */
    uint64_t offset; /* where read() and write() go on; directories: the cookie */
    uint64_t limit;  /* directories: entries from here on came after the last rewind; fifos: writers
                        seen  before the open */
    void *state;     /* the ops' own */
    bool watched;    /* some epoll has it */
    uint8_t lock;    /* flock: 0, FILE_LOCK_SHARED or FILE_LOCK_EXCLUSIVE */
};

enum {
    FILE_LOCK_NONE,
    FILE_LOCK_SHARED,
    FILE_LOCK_EXCLUSIVE,
};

struct directory_entry {
    const char *name;
    size_t length;
    uint64_t ino;
    uint64_t next; /* the cookie to go on with after this entry */
    uint8_t type;  /* DT_*: mode bits >> 12 */
};

/* Returns false when it has no room for the entry: the listing stops before it. */
typedef bool (*directory_sink)(void *context, const struct directory_entry *entry);

struct file_ops {
    /* Set up file->state; may sleep (fifos). NULL: nothing to do. */
    enum err (*open)(struct file *file);
    void (*release)(struct file *file);
    /* NULL: E_INVAL. Positions advance by what was moved; files without position ignore *offset. */
    enum err (*read)(struct file *file, struct io *io, uint64_t *offset);
    enum err (*write)(struct file *file, struct io *io, uint64_t *offset);
    /* SEEK_DATA and SEEK_HOLE; NULL: E_INVAL. */
    enum err (*find)(struct file *file, uint64_t from, bool data, uint64_t *out);
    /* POLL_* bits that hold now. NULL: always readable and writable. */
    uint32_t (*poll)(struct file *file);
    /* Woken when poll's answer may have changed; NULL: nothing says so. */
    struct wait_queue *(*queue)(struct file *file);
    /* ioctl() beyond those that every file has: E_NOTTY. `argument` is the program's. */
    enum err (*control)(struct file *file, uint32_t command, uint64_t argument, uint64_t *result);
    bool seekable;    /* has positions: lseek, pread, pwrite; else E_SPIPE */
    bool no_position; /* lseek() works and says 0: /dev/null, eventfd */
    bool zeros;       /* a private mapping of it is anonymous memory (/dev/zero) */
};

/* Takes one reference to the dentry. */
MUST_CHECK enum err file_alloc(struct dentry *dentry, const struct file_ops *ops, uint32_t flags,
                               struct file **out);
static inline void file_get(struct file *file)
{
    file->references++;
}
/* The last reference closes. */
void file_put(struct file *file);

/* Access mode 3 is neither: what Linux gives to those that only want ioctl(). */
static inline bool file_can_read(const struct file *file)
{
    return !(file->flags & O_PATH) && !(file->flags & 1);
}

static inline bool file_can_write(const struct file *file)
{
    uint32_t access = file->flags & O_ACCMODE;
    return !(file->flags & O_PATH) && (access == O_WRONLY || access == O_RDWR);
}

/* At *offset, which moves on. *done <= size of the cursor. E_BADF when not open for that, E_ISDIR,
 * E_INTR, E_AGAIN, E_FAULT …: only when nothing was moved. */
MUST_CHECK enum err file_read(struct file *file, struct io *io, uint64_t *offset, uint64_t *done);
/* With O_APPEND *offset is ignored, as Linux's pwrite() does; it ends behind what was written. */
MUST_CHECK enum err file_write(struct file *file, struct io *io, uint64_t *offset, uint64_t *done);
/* Reads exactly up to `size` bytes at `offset` into kernel memory; *done is short at the end of the
 * file. */
MUST_CHECK enum err file_read_at(struct file *file, void *to, uint64_t size, uint64_t offset,
                                 uint64_t *done);
MUST_CHECK enum err file_seek(struct file *file, int64_t offset, uint32_t whence, uint64_t *out);
/* From file->offset, which moves on. E_NOTDIR; E_NOENT for a removed directory. */
MUST_CHECK enum err file_list(struct file *file, directory_sink sink, void *context);
uint32_t file_poll(struct file *file);
/* op: FILE_LOCK_*. E_AGAIN with !wait when somebody else holds it; E_INTR. */
MUST_CHECK enum err file_lock(struct file *file, uint8_t op, bool wait);

/* What mmap() maps; NULL: E_NODEV, or anonymous memory when file_maps_zeros(). No reference is
 * taken: the area takes one through source->ops->get. */
struct page_source *file_page_source(struct file *file);
bool file_maps_zeros(const struct file *file);

/* exec keeps writers away from the running image: E_TXTBSY while it is open for writing. Undone by
 * the other. */
MUST_CHECK enum err file_deny_write(struct inode *inode);
void file_allow_write(struct inode *inode);

extern const struct file_ops file_ops_directory;
extern const struct file_ops file_ops_path; /* O_PATH */

/* Defined above: */
extern const struct file_ops fifo_file_ops; /* open() on S_IFIFO: fs/pipe/pipe.c */
/* file_put(): `file` is going away, and each epoll that watches it forgets it (fs/pipe/epoll.c). */
void epoll_forget(struct file *file);
