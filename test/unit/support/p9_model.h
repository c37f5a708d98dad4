/* SPDX-License-Identifier: MIT */
/*
 * A server of 9P2000.L over a folder in memory, written from the protocol's description and not from the client. It judges the
 * client strictly: a message that the protocol forbids (a fid that is not known, or known already; a tag that is in use; a size
 * that is not the message's) fails the test. `lie` makes it a bad one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum p9_lie {
    P9_HONEST,
    P9_LIE_ERROR,   /* answers `error` */
    P9_LIE_CUT,     /* half of the reply */
    P9_LIE_NOTHING, /* no bytes */
    P9_LIE_TAG,     /* another tag */
    P9_LIE_TYPE,    /* the reply to another request */
    P9_LIE_SIZE,    /* says that the reply is longer than it is */
    P9_LIE_LONGER,  /* a byte behind its fields */
    P9_LIE_COUNT, /* says that it moved more bytes than it was asked for, or that there are more names or elements */
    P9_LIE_VALUE,     /* a wrong field: the type of a file, a name, ... */
    P9_LIE_NO_ANSWER, /* the channel fails */
};

struct p9_node;

struct p9_model {
    enum p9_lie lie;
    uint8_t lie_type; /* the request that it lies to; 0: all */
    uint32_t error;
    uint32_t most;         /* bytes of a read or write at once; 0: as many as are asked for */
    uint32_t session_size; /* its own most; 0: the client's */
    bool lacks_locks;      /* another client has all locks */
    struct p9_node *root;
    unsigned messages[256]; /* that came, by type */
    unsigned fids;          /* that are known */
    struct p9_model_fid *fid;
    uint32_t size; /* of messages, agreed */
    uint64_t next_path, now;
};

void p9_model_begin(struct p9_model *model);
void p9_model_end(struct p9_model *model);

/* Answers the message. Returns the number of bytes of the reply, at most `room`. */
size_t p9_model_answer(struct p9_model *model, const uint8_t *request, size_t size, uint8_t *reply,
                       size_t room);

/* The host's own changes. A path from the folder, without a '/' in front. NULL: not there. */
struct p9_node *p9_model_find(struct p9_model *model, const char *path);
struct p9_node *p9_model_make(struct p9_model *model, const char *path, uint32_t mode,
                              const void *bytes, size_t size);
void p9_model_remove(struct p9_model *model, const char *path);
const uint8_t *p9_model_bytes(const struct p9_node *node, size_t *size);
uint32_t p9_model_mode(const struct p9_node *node);
