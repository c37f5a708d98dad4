/* SPDX-License-Identifier: MIT */
/*
 * A stored file system whose medium is an array, mounted on /m: operations fail when the test says so, and another thread
 * runs while a call waits for the names lock.
 */
#pragma once

#include "unit.h"
#include "fs_native.h"
#include "native.h"

#include "fs/vfs/file.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/store_table.h"

#define FILES   64
#define ENTRIES 24

struct medium_entry {
    char name[16]; /* "": free */
    unsigned file;
    uint64_t cookie;
};

struct medium_file {
    uint32_t mode, uid, gid, nlink; /* mode 0: free */
    char target[16];
    struct fs_time modified;
    unsigned attribute; /* user.a is set to this */
    struct medium_entry entries[ENTRIES];
};

extern struct medium_file medium[FILES];   /* 1 is the root */
extern unsigned calls, evictions, changes; /* of operations, evict(), change() */
extern int fail_in; /* the operation that fails: 1 the next one; 0: none does */
extern enum err failure;
extern bool medium_readonly;
extern struct store *mounted;

struct medium_entry *entry_at(unsigned directory, const char *name, size_t length);
bool is_empty(unsigned directory);

/* For each test. */
int fake_setup(void **state);
int fake_teardown(void **state);
enum err mount_fake(uint32_t flags);

/* Another thread has the names lock of the next call, and runs `other` while the call waits. */
void interrupted_by(void (*other)(void));
/* The call did not need the lock. */
void not_interrupted(void);

/* What is cached agrees with the medium, and the lock is free. */
void check_store(void);
bool inode_differs(struct inode *inode);

static inline struct vfs_place at(const char *path)
{
    return (struct vfs_place){NULL, path};
}

static inline unsigned number(const struct inode *inode)
{
    return (unsigned)inode->ino;
}
enum err make(const char *path); /* a regular file */
enum err stat_of(const char *path, struct inode *out);
enum err exists(const char *path);

/* A sink of names. */
struct seen {
    char names[ENTRIES + 2][16];
    unsigned count, most;
};
bool see(void *context, const struct directory_entry *entry);
