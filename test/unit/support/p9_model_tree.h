/* SPDX-License-Identifier: MIT */
/* The folder of a p9_model: nodes, and names for them. */
#pragma once

#include "p9_model.h"

enum {
    NAME = 256,
    NODE_MAX = 1 << 26, /* bytes */
};

struct entry {
    char name[NAME];
    struct p9_node *node;
    uint64_t cookie;
};

struct attribute {
    char name[NAME];
    uint8_t *value;
    size_t size;
};

struct p9_node {
    uint64_t path;
    uint32_t mode, version;
    unsigned nlink, holds; /* names; fids */
    uint64_t device, changed[3][2];
    uint8_t *bytes; /* of a file, or a link's text */
    size_t size;
    struct entry *entries;
    size_t entry_count;
    uint64_t next_cookie;
    struct attribute *attributes;
    size_t attribute_count;
    struct p9_node *parent;
};

struct p9_node *node_new(struct p9_model *m, uint32_t mode);
/* Frees it if it has no names and no fids. */
void node_drop(struct p9_node *n);
void node_touch(struct p9_model *m, struct p9_node *n);
void node_resize(struct p9_node *n, size_t size);
void tree_free(struct p9_node *n);
struct entry *entry_find(struct p9_node *dir, const char *name);
void entry_add(struct p9_node *dir, const char *name, struct p9_node *node);
void entry_remove(struct p9_node *dir, struct entry *e);
