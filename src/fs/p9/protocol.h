/* SPDX-License-Identifier: MIT */
/*
 * Messages of 9P2000.L, written and read: the protocol by which a host shows a folder (Linux: net/9p, QEMU: hw/9pfs). Pure.
 *
 *   size 4 | type 1 | tag 2 | fields of the type, little-endian; a string is its length in 2 bytes, and that many bytes
 *
 * Nothing that the host has written is trusted: a reader never leaves its bytes, and each number that is an index, a size,
 * an error or a type of a file is checked here. A reader that has come upon a wrong one is `bad` from then on and yields zeros.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define P9_VERSION "9P2000.L"

enum p9_type { /* of requests; the reply's is the next number */
    P9_RLERROR = 7,
    P9_STATFS = 8,
    P9_LOPEN = 12,
    P9_LCREATE = 14,
    P9_SYMLINK = 16,
    P9_MKNOD = 18,
    P9_READLINK = 22,
    P9_GETATTR = 24,
    P9_SETATTR = 26,
    P9_XATTRWALK = 30,
    P9_XATTRCREATE = 32,
    P9_READDIR = 40,
    P9_FSYNC = 50,
    P9_LOCK = 52,
    P9_GETLOCK = 54,
    P9_LINK = 70,
    P9_MKDIR = 72,
    P9_RENAMEAT = 74,
    P9_UNLINKAT = 76,
    P9_SESSION = 100, /* Tversion */
    P9_ATTACH = 104,
    P9_FLUSH = 108,
    P9_WALK = 110,
    P9_READ = 116,
    P9_WRITE = 118,
    P9_CLUNK = 120,
};

enum {
    P9_HEAD = 7, /* size, type, tag */
    P9_DATA_HEAD =
        P9_HEAD + 4, /* of a reply with data: and their count. Rlerror has as many bytes */
    P9_WRITE_HEAD = P9_HEAD + 16, /* of Twrite: fid, offset, count */
    P9_NAMES_MAX = 16,            /* of one walk */
    P9_NAME_MAX = 255,            /* bytes of a name, as Linux has it */
    P9_ERROR_MAX = 133,           /* Linux's last error, EHWPOISON */
};

#define P9_NO_TAG 0xffff
#define P9_NO_FID UINT32_MAX

enum { /* of p9_qid.type */
    P9_QID_DIRECTORY = 0x80,
    P9_QID_LINK = 0x02,
};

struct p9_qid {
    uint64_t path; /* the file's own number */
    uint32_t version;
    uint8_t type;
};

struct p9_time {
    int64_t seconds;
    uint32_t nanoseconds; /* below 1,000,000,000 */
};

struct p9_attributes {
    struct p9_qid qid;
    uint32_t mode, uid, gid, block_size;
    uint64_t nlink, device, size, blocks; /* size: at most INT64_MAX */
    struct p9_time accessed, modified, changed;
};

enum { /* of p9_changes.valid */
    P9_SET_MODE = 1,
    P9_SET_UID = 2,
    P9_SET_GID = 4,
    P9_SET_SIZE = 8,
    P9_SET_ACCESSED = 0x10, /* to the host's clock, unless P9_SET_ACCESSED_TO */
    P9_SET_MODIFIED = 0x20,
    P9_SET_CHANGED = 0x40,
    P9_SET_ACCESSED_TO = 0x80,
    P9_SET_MODIFIED_TO = 0x100,
};

struct p9_changes {
    uint32_t valid, mode, uid, gid;
    uint64_t size;
    struct p9_time accessed, modified;
};

struct p9_statfs {
    uint32_t type, block_size, name_max;
    uint64_t blocks, blocks_free, blocks_available, files, files_free, id;
};

enum { /* of p9_lock.type */
    P9_LOCK_READ = 0,
    P9_LOCK_WRITE = 1,
    P9_LOCK_NONE = 2,
};

struct p9_lock {
    uint8_t type;
    uint32_t process;
    uint64_t start, length; /* length 0: to the end */
};

struct p9_entry {
    struct p9_qid qid;
    uint64_t next; /* where the listing goes on after this entry */
    uint8_t type;  /* DT_* */
    uint16_t length;
    const char *name; /* in the message, not terminated; no '/', no NUL, 1 to P9_NAME_MAX bytes */
};

/* --- writing --- */

struct p9_writer {
    uint8_t *bytes;
    size_t size, used;
    bool full; /* something had no room: nothing is to be sent */
};

/* Begins a request. */
void p9_begin(struct p9_writer *w, void *bytes, size_t size, uint8_t type, uint16_t tag);
/* The low `size` bytes of the number. */
void p9_put(struct p9_writer *w, uint64_t number, unsigned size);
void p9_put_string(struct p9_writer *w, const char *string, size_t length);
void p9_put_changes(struct p9_writer *w, const struct p9_changes *changes);
void p9_put_lock(struct p9_writer *w, const struct p9_lock *lock);
/* Ends the request, after which `data` bytes follow. Returns the size of the written part; 0: it had no room. */
MUST_CHECK size_t p9_end(struct p9_writer *w, uint32_t data);

static inline void p9_put8(struct p9_writer *w, uint8_t number)
{
    p9_put(w, number, 1);
}
static inline void p9_put32(struct p9_writer *w, uint32_t number)
{
    p9_put(w, number, 4);
}
static inline void p9_put64(struct p9_writer *w, uint64_t number)
{
    p9_put(w, number, 8);
}

/* --- reading --- */

struct p9_reader {
    const uint8_t *at, *end;
    bool bad;
};

/* Reads the head of a reply of which the host says that it has written `written` bytes; the reader has the first of them, or all.
 * E_IO and a bad reader: it is no reply to the request `type` with this tag, or has not the size that it says: the host has
 * broken the protocol. Else the host's error, which is never E_AGAIN or E_INTR. */
MUST_CHECK enum err p9_reply(struct p9_reader *r, size_t written, uint8_t type, uint16_t tag);
uint64_t p9_get(struct p9_reader *r, unsigned size);
/* In the message. */
const char *p9_get_string(struct p9_reader *r, uint16_t *length);
void p9_get_qid(struct p9_reader *r, struct p9_qid *out);
void p9_get_attributes(struct p9_reader *r, struct p9_attributes *out);
void p9_get_statfs(struct p9_reader *r, struct p9_statfs *out);
void p9_get_lock(struct p9_reader *r, struct p9_lock *out);
/* An entry of a listing. False: there is none left, or the reader is bad. */
MUST_CHECK bool p9_get_entry(struct p9_reader *r, struct p9_entry *out);

static inline uint32_t p9_get32(struct p9_reader *r)
{
    return (uint32_t)p9_get(r, 4);
}
static inline uint64_t p9_get64(struct p9_reader *r)
{
    return p9_get(r, 8);
}
/* True if all has been read, and nothing was wrong. */
static inline MUST_CHECK bool p9_done(const struct p9_reader *r)
{
    return !r->bad && r->at == r->end;
}

/* True if these bytes can be a name in a folder. */
MUST_CHECK bool p9_is_name(const char *name, size_t length);
