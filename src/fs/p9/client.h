/* SPDX-License-Identifier: MIT */
/*
 * The client of 9P2000.L: a session with a host that shows a folder. A file is known to the host by a fid, a number that the
 * client chooses: p9_attach() has that of the folder, p9_walk() makes others, and each lives until p9_clunk().
 *
 * Every function but p9_clunk() makes one exchange, or one for each piece of p9_most() bytes, and sleeps for it. Its errors are the host's, and
 * E_IO if the session has failed, E_NOMEM. A host that breaks the protocol (a reply of another type or with another tag, more bytes than
 * were asked for, a wrong size) has failed for good: the log says why once, and all calls are E_IO from then on.
 *
 * Locking: kernel_lock; several threads may be in calls of one client.
 */
#pragma once

#include "fs/p9/protocol.h"
#include "kern/p9_channel.h"

struct p9_client;

struct p9_name { /* of at most P9_NAME_MAX bytes; not terminated */
    const char *bytes;
    size_t length;
};

struct p9_path { /* at most P9_NAMES_MAX names, without "." and ".." */
    const struct p9_name *names;
    unsigned count;
};

/* A file to be made. */
struct p9_new {
    struct p9_name name;
    uint32_t mode; /* with its type: p9_mknod() */
    uint32_t gid;
    uint32_t flags;      /* p9_create(): Linux's O_* */
    uint64_t device;     /* p9_mknod(): Linux's dev_t, as its 64 bits are in struct stat */
    struct p9_name text; /* p9_symlink() */
};

/* Bytes of the kernel that are read or written: pages, or memory in one piece. */
struct p9_data {
    void *const *pages; /* of 4096 bytes each; NULL: in one piece */
    void *bytes;        /* then */
    uint64_t size;
};

/* Begins a session. *root: the fid of the folder. E_BUSY: the channel has a session; E_PROTO: the host has another version of
 * the protocol; E_NOTDIR. */
MUST_CHECK enum err p9_attach(struct p9_channel *channel, struct p9_client **out, uint32_t *root,
                              struct p9_qid *qid);
/* Ends it. No call is under way. The host has forgotten all fids when the next one begins. */
void p9_detach(struct p9_client *client);

/* Bytes of one message of read or write at most: a multiple of 4096. */
uint32_t p9_most(const struct p9_client *client);
/* Fids that have not been clunked: for tests. */
uint32_t p9_fids(const struct p9_client *client);

/* A new fid: `from` itself if the path has no names. *qid: of the last name, if there is one. E_NOENT: one of them is not
 * there. */
MUST_CHECK enum err p9_walk(struct p9_client *client, uint32_t from, const struct p9_path *path,
                            uint32_t *fid, struct p9_qid *qid);
/* The fid is free, whatever the error, which is that of writing what it stood for (p9_xattr_create()). With E_NOMEM the host
 * keeps it until the session ends. */
enum err p9_clunk(struct p9_client *client, uint32_t fid);

MUST_CHECK enum err p9_getattr(struct p9_client *client, uint32_t fid, struct p9_attributes *out);
MUST_CHECK enum err p9_setattr(struct p9_client *client, uint32_t fid,
                               const struct p9_changes *changes);
MUST_CHECK enum err p9_statfs(struct p9_client *client, uint32_t fid, struct p9_statfs *out);

/* flags: Linux's O_*. */
MUST_CHECK enum err p9_open(struct p9_client *client, uint32_t fid, uint32_t flags,
                            struct p9_qid *out);
/* Makes a file and opens it: the fid of the directory becomes the file's. */
MUST_CHECK enum err p9_create(struct p9_client *client, uint32_t directory,
                              const struct p9_new *file, struct p9_qid *out);
/* *done < data->size without an error: the file ends there. With an error *done bytes were read before it. */
MUST_CHECK enum err p9_read(struct p9_client *client, uint32_t fid, uint64_t offset,
                            const struct p9_data *data, uint64_t *done);
MUST_CHECK enum err p9_write(struct p9_client *client, uint32_t fid, uint64_t offset,
                             const struct p9_data *data, uint64_t *done);
/* Entries from the place `next` of another one, or 0, as many as fit into data->size bytes, for p9_get_entry(). *size 0: no more. One
 * message. */
MUST_CHECK enum err p9_readdir(struct p9_client *client, uint32_t fid, uint64_t next,
                               const struct p9_data *data, uint32_t *size);
MUST_CHECK enum err p9_fsync(struct p9_client *client, uint32_t fid, bool data_only);

MUST_CHECK enum err p9_mkdir(struct p9_client *client, uint32_t directory,
                             const struct p9_new *file, struct p9_qid *out);
MUST_CHECK enum err p9_mknod(struct p9_client *client, uint32_t directory,
                             const struct p9_new *file, struct p9_qid *out);
MUST_CHECK enum err p9_symlink(struct p9_client *client, uint32_t directory,
                               const struct p9_new *file, struct p9_qid *out);
/* to[size] gets the text and a NUL. E_NAMETOOLONG: it has no room. */
MUST_CHECK enum err p9_readlink(struct p9_client *client, uint32_t fid, char *to, size_t size);
MUST_CHECK enum err p9_link(struct p9_client *client, uint32_t directory, uint32_t fid,
                            struct p9_name name);
MUST_CHECK enum err p9_rename(struct p9_client *client, uint32_t from, struct p9_name name,
                              uint32_t to, struct p9_name new_name);
MUST_CHECK enum err p9_unlink(struct p9_client *client, uint32_t directory, struct p9_name name,
                              bool is_directory);

/* A new fid, of which p9_read() reads the value of the attribute, or with the empty name the names of all, each with a NUL. */
MUST_CHECK enum err p9_xattr_walk(struct p9_client *client, uint32_t from, struct p9_name name,
                                  uint32_t *fid, uint64_t *size);
/* Makes the fid that of the attribute's new value, of which p9_write() writes `size` bytes; p9_clunk() sets it. flags: XATTR_*. Size 0
 * removes it. */
MUST_CHECK enum err p9_xattr_create(struct p9_client *client, uint32_t fid, struct p9_name name,
                                    uint64_t size, uint32_t flags);

/* fcntl(F_SETLK). E_AGAIN: another has it. */
MUST_CHECK enum err p9_lock(struct p9_client *client, uint32_t fid, const struct p9_lock *lock);
/* fcntl(F_GETLK). */
MUST_CHECK enum err p9_getlock(struct p9_client *client, uint32_t fid, struct p9_lock *lock);
