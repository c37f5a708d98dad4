/* SPDX-License-Identifier: MIT */
/* File descriptor tables. A table grows as needed, up to RLIMIT_NOFILE. */
#pragma once

#include "cpu/cpus.h"
#include "fs/vfs/file.h"

#define FILE_TABLE_LIMIT      1024 /* RLIMIT_NOFILE at start, soft */
#define FILE_TABLE_LIMIT_HARD 4096
#define SLOT_GROUP            64
#define SLOT_GROUPS           4096

struct file_table_slot {
    struct file *file; /* one reference; NULL: free */
    bool close_on_exec;
    uint8_t used;  /* in the first slot of each SLOT_GROUP: slots of the group in use */
    uint16_t full; /* in the first slot of each SLOT_GROUPS: groups of them that are full */
};

/* Of several CPUs, threads that share kernel_lock (cpu/lock.h) look a file up by file_table_get(), without a lock, and change slots under `lock`; the array
 * grows while a thread is alone. */
struct file_table {
    struct short_lock lock;        /* class_files */
    uint32_t references;           /* one for each context */
    struct file_table_slot *slots; /* heap */
    uint32_t capacity;
    uint32_t lowest; /* no slot below is free */
    uint32_t used;
};

/* The table of the calling thread. fs/vfs/current.c */
struct file_table *file_table_current(void);

/* The file, without a reference: valid until the thread sleeps or changes the table. NULL: none. */
static inline struct file *file_table_find(const struct file_table *table, uint64_t fd)
{
    /* A descriptor is an int: the upper half of the register is ignored. */
    return (uint32_t)fd < table->capacity
               ? __atomic_load_n(&table->slots[(uint32_t)fd].file, __ATOMIC_ACQUIRE)
               : NULL;
}

/* The same with a reference. Callers that share kernel_lock, too. */
static inline struct file *file_table_get(const struct file_table *table, uint64_t fd)
{
    struct file *file = file_table_find(table, fd);
    if (!SEVERAL_CPUS) {
        if (file)
            file_get(file);
        return file;
    }
    while (file) {
        /* Its block is one of files, whatever has been closed meanwhile. */
        if (cpus_get_some(&file->references)) {
            if (likely(file_table_find(table, fd) == file))
                return file;
            file_put(file);
        }
        file = file_table_find(table, fd);
    }
    return NULL;
}

/* Assigns the lowest free number >= from; takes over the caller's reference on success. E_MFILE,
 * E_NOMEM. O(1), and O(SLOT_GROUP + numbers / SLOT_GROUPS) if
 * a number below others in use was free. */
MUST_CHECK enum err file_table_add(struct file_table *table, struct file *file, uint32_t from,
                                   bool close_on_exec, int *out);
/* The two numbers that the next two file_table_add() would find. E_MFILE. */
MUST_CHECK enum err file_table_next(const struct file_table *table, uint32_t fds[2]);
/* True if file_table_add() would find a number. */
bool file_table_has_room(const struct file_table *table);
/* dup2(): assigns exactly that number and closes the file that had it; takes a reference.
 * E_BADF, E_NOMEM. */
MUST_CHECK enum err file_table_set(struct file_table *table, uint32_t fd, struct file *file,
                                   bool close_on_exec);
MUST_CHECK enum err file_table_close(struct file_table *table, uint32_t fd);
/* A new table, with one reference, of the same open files. E_NOMEM. O(capacity). */
MUST_CHECK enum err file_table_copy(const struct file_table *from, struct file_table **out);
/* Closes the close-on-exec descriptors. */
void file_table_exec(struct file_table *table);
/* Closes all descriptors. */
void file_table_clear(struct file_table *table);
