/* SPDX-License-Identifier: MIT */
/* The inside of a client (fs/p9/client.h): one request and its reply. */
#pragma once

#include "fs/p9/client.h"

enum {
    CALL_REQUEST =
        4864, /* bytes for a request without its data: a symbolic link's text and two names */
    CALL_REPLY = 4352, /* for a reply without its data */
};

/* Room for one exchange. */
struct p9_call {
    struct list link; /* in client->calls, while it is free */
    uint16_t tag;
    struct p9_reader reply;
    unsigned readable, count; /* parts */
    struct p9_part parts[P9_PARTS_MAX];
    uint8_t request[CALL_REQUEST], room[CALL_REPLY];
};

/* Numbers that are in use or not. O(1). */
struct p9_numbers {
    uint32_t *free; /* `capacity` of them, at least `next` */
    uint32_t count, capacity, next;
};

struct p9_client {
    struct p9_channel *channel;
    const char *broken; /* why; NULL: it works */
    uint32_t most;      /* bytes of data in a message */
    struct p9_numbers fids, tags;
    struct list calls; /* free ones: struct p9_call */
    unsigned call_count;
};

MUST_CHECK enum err numbers_take(struct p9_numbers *numbers, uint32_t *out);
void numbers_give(struct p9_numbers *numbers, uint32_t number);

/* What one message of read, write or readdir moves: bytes [at, at + size) of `whole`. */
struct p9_piece {
    const struct p9_data *whole;
    uint64_t at;
    uint32_t size, fid;
    uint64_t offset; /* in the file; of a listing: where it goes on */
};

/*
 * Sends a request of the type and waits for the reply. `format` names the arguments, which are the request's fields:
 *
 *   b w d q   a number of 1, 2, 4 (uint32_t), 8 (uint64_t) bytes      n   const struct p9_name *: a string
 *   c         const struct p9_changes *                               l   const struct p9_lock *
 *   a         const struct p9_path *: the number of its names, and the names
 *
 * `piece`: what P9_WRITE sends behind them, and what P9_READ and P9_READDIR fill; NULL: none. With E_OK *out has the fields of the reply to be
 * read, and call_done() follows. With an error there is nothing to be done.
 */
MUST_CHECK enum err call_ask(struct p9_client *client, uint8_t type, struct p9_call **out,
                             const struct p9_piece *piece, const char *format, ...);
/* All fields have been read. E_IO: there was something wrong with them, or `valid` is false. */
MUST_CHECK enum err call_done(struct p9_client *client, struct p9_call *call, bool valid);
void session_break(struct p9_client *client, const char *why);
