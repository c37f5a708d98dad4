/* SPDX-License-Identifier: MIT */
/* A message of a p9_model: a request that is read, a reply that is written. */
#pragma once

#include "p9_model_tree.h"

struct p9_model_fid {
    uint32_t number;
    struct p9_node *node;
    bool open, writable;
    /* Of extended attributes. */
    enum {
        PLAIN,
        XATTR_READ,
        XATTR_WRITE
    } kind;
    char name[NAME];
    uint8_t *value;
    size_t value_size, written;
    uint32_t flags;
};

struct message {
    const uint8_t *at, *end; /* of the request */
    uint8_t *to, *room;      /* of the reply */
    uint8_t type;
    bool lies;
};

uint64_t get(struct message *x, unsigned size);
void get_name(struct message *x, char name[NAME]);
void put(struct message *x, uint64_t v, unsigned size);
void put_bytes(struct message *x, const void *bytes, size_t size);
void put_name(struct message *x, const char *name);
void put_qid(struct message *x, const struct p9_node *n);
struct p9_model_fid *fid_find(struct p9_model *m, uint32_t number);
struct p9_model_fid *get_fid(struct p9_model *m, struct message *x);
struct p9_node *get_directory(struct p9_model *m, struct message *x);
struct p9_model_fid *fid_new(struct p9_model *m, uint32_t number, struct p9_node *node);
void fid_end(struct p9_model *m, struct p9_model_fid *f);
struct attribute *attribute_find(struct p9_node *n, const char *name);
int do_read(struct p9_model *m, struct message *x);
int do_write(struct p9_model *m, struct message *x);
int do_readdir(struct p9_model *m, struct message *x);
int do_xattrwalk(struct p9_model *m, struct message *x);
int do_xattrcreate(struct p9_model *m, struct message *x);
int attribute_set(struct p9_model_fid *f);
int do_fsync(struct p9_model *m, struct message *x);
int do_lock(struct p9_model *m, struct message *x);
