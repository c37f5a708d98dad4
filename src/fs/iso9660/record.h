/* SPDX-License-Identifier: MIT */
/* A directory record with its System Use entries, for fs/iso9660/ only. */
#pragma once

#include "fs/iso9660/iso9660.h"

#define RECORD_SIZE 256 /* the length of a record is a byte */

enum record_kind {
    RECORD_SHOWN,
    RECORD_HIDDEN, /* an associated file, a directory that was moved here, a name that cannot be one */
    RECORD_DOT,    /* "." and ".." */
};

struct record {
    enum record_kind kind;
    bool directory, more; /* more: the next record is another part of the file */
    bool elsewhere;       /* CL: a directory that was moved away; `block` is where it is */
    uint32_t next;        /* bytes from its start to the next one in the sector */
    uint64_t block;       /* of the volume */
    uint32_t bytes;
    uint32_t mode, uid, gid, nlink;
    uint64_t device;
    struct iso_time accessed, modified, changed, created;
    bool named; /* by NM */
    uint32_t name_length;
    char name[ISO_NAME_MAX + 1];
    /* Where the text of a symbolic link is put; NULL: nowhere. */
    char *link;
    uint32_t link_length;
    bool link_open; /* the last component goes on */
};

static inline uint32_t iso_get_32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Parses bytes[size], the record and perhaps more. `link`: see struct record. E_IO: damaged. Reads the areas that CE names. */
MUST_CHECK enum err iso_record_parse(struct iso *iso, const uint8_t *bytes, uint32_t size,
                                     char *link, struct record *out);
/* SP of the root's "." record: sets rock_ridge and skip. */
void iso_record_sharing(struct iso *iso, const uint8_t *bytes, uint32_t size);
