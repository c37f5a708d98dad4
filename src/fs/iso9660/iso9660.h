/* SPDX-License-Identifier: MIT */
/*
 * ISO 9660 with Rock Ridge (ECMA-119, SUSP 1.12, RRIP 1.12), read only: a library over a function that reads.
 *
 *     sector 16     volume descriptors, up to the terminator; the primary one has the root's record
 *     a directory   records of 34 to 254 bytes, none over the end of a sector; "." and ".." first
 *     a record      place, size, flags, the ISO name, then System Use entries: NM name, PX mode and owner, TF times,
 *                   SL link, PN device, CE where they go on, CL and RE for directories that were moved up
 *
 * Without Rock Ridge names are lower case without ";1", as Linux shows them, and Joliet is not looked at.
 *
 * Nothing of the medium is trusted: each place lies within the device, a chain of continuations or of parts of a file is
 * bounded, and a loop of directories is one only for who walks it. Damage is E_IO where it is met.
 *
 * A file's number is the place of its record / 32, a directory's that of its "." record: names of one file by hard
 * links have numbers of their own, as with Linux. Numbers are less than 2^40.
 *
 * All functions sleep where read() does; no locks.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ISO_SECTOR        2048u
#define ISO_SECTIONS      64u /* parts of one file at most: 4 GiB each */
#define ISO_LINK_MAX      4095u
#define ISO_NAME_MAX      255u
#define ISO_LABEL         32u
#define ISO_DIRECTORY_MAX (256u << 20) /* bytes of a directory */

struct iso_io {
    void *context;
    uint64_t bytes; /* of the device */
    /* Any range within the device. E_IO. */
    enum err (*read)(void *context, uint64_t offset, void *to, size_t size);
    /* Between two parts of long work: a preemption point. */
    void (*give_way)(void *context);
};

struct iso {
    struct iso_io io;
    uint64_t root;   /* byte where the root directory begins */
    uint64_t blocks; /* of the volume */
    uint32_t block;  /* bytes of one: 512, 1024 or 2048 */
    uint32_t skip;   /* bytes of each record before its System Use entries */
    bool rock_ridge;
    char label[ISO_LABEL + 1];
};

struct iso_section {
    uint64_t offset, bytes; /* of the device */
};

struct iso_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

struct iso_stat {
    uint64_t ino, size;
    uint32_t mode, uid, gid, nlink;
    uint64_t device; /* as st_rdev */
    struct iso_time accessed, modified, changed, created;
    uint32_t sections; /* of a file or directory; 0: it is empty */
    struct iso_section section[ISO_SECTIONS];
    uint32_t link_length;
    char link[ISO_LINK_MAX + 1];
};

struct iso_name {
    const char *text;
    size_t length;
    uint64_t ino, next; /* next: for iso_list(), to go on after it */
    uint8_t type;       /* mode >> 12 */
};

/* Of a directory's names, sorted by hash: makes lookups O(log entries). */
struct iso_index {
    uint32_t count;
    struct iso_index_entry {
        uint32_t hash, at; /* place in the directory */
    } entry[];
};

/* E_INVAL: no ISO 9660 here; E_IO. O(volume descriptors). */
MUST_CHECK enum err iso_open(const struct iso_io *io, struct iso *out);
MUST_CHECK enum err iso_root(struct iso *iso, struct iso_stat *out);
struct iso_place { /* where a name is looked for */
    struct iso_section directory;
    const struct iso_index *index; /* of the directory; NULL: O(entries) */
};
/* E_NOENT. */
MUST_CHECK enum err iso_lookup(struct iso *iso, struct iso_place place, const char *name,
                               size_t length, struct iso_stat *out);
/* Names from `from` on (0: the first), without "." and "..", until the sink returns false. O(entries). */
typedef bool (*iso_sink)(void *context, const struct iso_name *name);
MUST_CHECK enum err iso_list(struct iso *iso, struct iso_section directory, uint64_t from,
                             iso_sink sink, void *context);
/* Fills the index, which has room for `room` entries: count is how many there are. O(n log n). */
MUST_CHECK enum err iso_index_make(struct iso *iso, struct iso_section directory,
                                   struct iso_index *index, uint32_t room);
