/* SPDX-License-Identifier: MIT */
/*
 * /proc and /sys: files whose contents are generated when they are read. A read at offset 0 calls
 * the generator; later reads continue in the same text.
 */
#pragma once

#include "fs/vfs/inode.h"
#include "fs/vfs/text.h"

typedef void (*procfs_generator)(struct text *text, void *context);
/* Receives the bytes of one write(); E_INVAL rejects them. */
typedef enum err (*procfs_writer)(const char *bytes, size_t size, void *context);

#define PROCFS_WRITE_MAX 4096 /* bytes of one write */

/* A file of a table: mode 0444, with a writer 0644, unless the row says otherwise. */
struct procfs_row {
    const char *path; /* relative to /proc ("sys/kernel/ostype"), or absolute and below /sys */
    procfs_generator generator;
    procfs_writer writer; /* NULL: E_IO */
    void *context;
    uint32_t mode;
};

/* All files of /proc and /sys but those of processes. Nothing is stored for them: a lookup makes an inode, as
 * for /proc/PID, in O(rows); directories follow from the paths. */
struct procfs_table {
    const struct procfs_row *rows;
    size_t row_count;
    /* Files whose text never changes: a path, NUL, the line without its newline, NUL, and so on; an empty path
     * ends them. The line "<" is an empty
     * file, one that starts with '=' may be written, with the same text only, one that starts with '>' a symbolic link's target; a path that ends with '/' is an
     * empty directory. */
    const char *texts;
};

/* Registers both types. Boot. */
void procfs_register(void);
/* Mounts /proc and /sys, and makes the directories if they are missing. `ops`: of the directory /proc; NULL: it has what the
 * table has. Boot, after the root is filled. */
MUST_CHECK enum err procfs_start(const struct procfs_table *rows, const struct inode_ops *ops);
/* Its first half, for fs/proc/instance.c; and the root of a file system of the type, proc or sysfs. E_NOMEM. */
void procfs_use(const struct procfs_table *rows, const struct inode_ops *ops);
MUST_CHECK enum err procfs_make_root(struct filesystem *fs, bool of_proc);
/* The entries that the table has in the directory: struct inode_ops. A listing is O(rows^2). */
MUST_CHECK enum err procfs_table_lookup(struct dentry *parent, const char *name, size_t length,
                                        struct dentry **out);
bool procfs_table_list(struct inode *inode, uint64_t *cookie, char *name, size_t *length,
                       uint64_t *ino, uint8_t *type);

/* An inode that is in no directory: it is made when it is looked up. */
struct procfs_node {
    struct inode inode;
    uint32_t pid;
    uint64_t number; /* a tid, a descriptor, a page */
};

struct procfs_made {
    const char *name;
    uint32_t mode; /* type and permissions */
    const struct inode_ops *ops;
    const struct file_ops *file_ops;
    uint32_t pid; /* for its struct procfs_node */
    uint64_t number;
};

/* Make a node, a text file or a symbolic link, for the lookup of a directory. *out: one
 * reference. E_NOMEM. */
MUST_CHECK enum err procfs_make(struct dentry *parent, const struct procfs_made *what,
                                struct dentry **out);
MUST_CHECK enum err procfs_make_file(struct dentry *parent, const struct procfs_row *row,
                                     struct dentry **out);
MUST_CHECK enum err procfs_make_link(struct dentry *parent, const char *name, const char *text,
                                     struct dentry **out);
/* For a text file of /proc/PID that only those may open that may trace the process. */
extern const struct file_ops procfs_traced_ops;
/* For mounts and mountinfo: POLLPRI and POLLERR after a change of the mounts. */
extern const struct file_ops procfs_mounts_ops;

/* /proc/PID/pagemap and clear_refs (proc(5)): fs/proc/pagemap.c. */
extern const struct file_ops procfs_pagemap_ops, procfs_clear_refs_ops;
/* fs/proc/process_extra.c */
extern const struct file_ops procfs_mem_ops;
extern const struct inode_ops procfs_map_files_ops, procfs_net_ops, procfs_ns_ops;
/* The files of /proc/net, in net/inet/proc_net.c. */
extern const struct procfs_row procfs_net_rows[];
extern const size_t procfs_net_row_count;
/* /proc with /proc/PID, self and thread-self. */
extern const struct inode_ops procfs_root_ops;
