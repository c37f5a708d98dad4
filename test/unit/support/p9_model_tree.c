/* SPDX-License-Identifier: MIT */
#include "p9_model_tree.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- nodes --- */

struct p9_node *node_new(struct p9_model *m, uint32_t mode)
{
    struct p9_node *n = calloc(1, sizeof *n);
    n->path = ++m->next_path;
    n->mode = mode;
    n->next_cookie = 1;
    for (int i = 0; i < 3; i++)
        n->changed[i][0] = ++m->now;
    return n;
}

void node_drop(struct p9_node *n)
{
    if (n->nlink > 0 || n->holds > 0)
        return;
    for (size_t i = 0; i < n->attribute_count; i++)
        free(n->attributes[i].value);
    free(n->attributes);
    free(n->entries);
    free(n->bytes);
    free(n);
}

void node_touch(struct p9_model *m, struct p9_node *n)
{
    n->changed[1][0] = n->changed[2][0] = ++m->now;
    n->version++;
}

struct entry *entry_find(struct p9_node *dir, const char *name)
{
    for (size_t i = 0; i < dir->entry_count; i++)
        if (strcmp(dir->entries[i].name, name) == 0)
            return &dir->entries[i];
    return NULL;
}

void entry_add(struct p9_node *dir, const char *name, struct p9_node *node)
{
    dir->entries = realloc(dir->entries, (dir->entry_count + 1) * sizeof *dir->entries);
    struct entry *e = &dir->entries[dir->entry_count++];
    strcpy(e->name, name);
    e->node = node;
    e->cookie = dir->next_cookie++;
    node->nlink++;
    node->parent = dir;
}

void entry_remove(struct p9_node *dir, struct entry *e)
{
    struct p9_node *n = e->node;
    size_t after = (size_t)(dir->entries + dir->entry_count - (e + 1));
    memmove(e, e + 1, after * sizeof *e);
    dir->entry_count--;
    n->nlink--;
    node_drop(n);
}

void node_resize(struct p9_node *n, size_t size)
{
    assert_true(size <= NODE_MAX);
    n->bytes = realloc(n->bytes, size > 0 ? size : 1);
    if (size > n->size)
        memset(n->bytes + n->size, 0, size - n->size);
    n->size = size;
}

void tree_free(struct p9_node *n)
{
    while (n->entry_count > 0) {
        struct entry *e = &n->entries[n->entry_count - 1];
        if (e->node->nlink == 1)
            tree_free(e->node);
        entry_remove(n, e);
    }
}

/* --- the host's own --- */

static struct p9_node *find_parent(struct p9_model *m, const char *path, const char **last)
{
    struct p9_node *dir = m->root;
    const char *slash;
    char name[NAME];
    while ((slash = strchr(path, '/')) != NULL) {
        snprintf(name, sizeof name, "%.*s", (int)(slash - path), path);
        struct entry *e = entry_find(dir, name);
        if (e == NULL)
            return NULL;
        dir = e->node;
        path = slash + 1;
    }
    *last = path;
    return dir;
}

struct p9_node *p9_model_find(struct p9_model *m, const char *path)
{
    const char *last;
    struct p9_node *dir = find_parent(m, path, &last);
    struct entry *e = dir != NULL ? entry_find(dir, last) : NULL;
    return e != NULL ? e->node : NULL;
}

struct p9_node *p9_model_make(struct p9_model *m, const char *path, uint32_t mode,
                              const void *bytes, size_t size)
{
    const char *last;
    struct p9_node *dir = find_parent(m, path, &last), *n = p9_model_find(m, path);
    if (n == NULL) {
        n = node_new(m, mode);
        entry_add(dir, last, n);
        node_touch(m, dir);
    }
    node_resize(n, size);
    if (size > 0)
        memcpy(n->bytes, bytes, size);
    node_touch(m, n);
    return n;
}

void p9_model_remove(struct p9_model *m, const char *path)
{
    const char *last;
    struct p9_node *dir = find_parent(m, path, &last);
    entry_remove(dir, entry_find(dir, last));
}

const uint8_t *p9_model_bytes(const struct p9_node *n, size_t *size)
{
    *size = n->size;
    return n->bytes;
}

uint32_t p9_model_mode(const struct p9_node *n)
{
    return n->mode;
}
