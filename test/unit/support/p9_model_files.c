/* SPDX-License-Identifier: MIT */
/* Messages and fids; the requests that move bytes. */
#include "p9_model_message.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

uint64_t get(struct message *x, unsigned size)
{
    uint64_t v = 0;
    assert_true((size_t)(x->end - x->at) >= size);
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)x->at[i] << (8 * i);
    x->at += size;
    return v;
}

void get_name(struct message *x, char name[NAME])
{
    size_t length = (size_t)get(x, 2);
    assert_true(length < NAME && (size_t)(x->end - x->at) >= length);
    memcpy(name, x->at, length);
    name[length] = '\0';
    assert_int_equal(strlen(name), length);
    x->at += length;
}

/* A reply has as many bytes as fit; no honest one has more. */
void put(struct message *x, uint64_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        if (x->to < x->room)
            *x->to++ = (uint8_t)(v >> (8 * i));
}

void put_bytes(struct message *x, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        put(x, ((const uint8_t *)bytes)[i], 1);
}

void put_name(struct message *x, const char *name)
{
    put(x, strlen(name), 2);
    put_bytes(x, name, strlen(name));
}

static uint8_t qid_type(const struct p9_node *n)
{
    return S_ISDIR(n->mode) ? 0x80 : S_ISLNK(n->mode) ? 2 : 0;
}

void put_qid(struct message *x, const struct p9_node *n)
{
    put(x, qid_type(n), 1);
    put(x, n->version, 4);
    put(x, n->path, 8);
}

struct p9_model_fid *fid_find(struct p9_model *m, uint32_t number)
{
    for (unsigned i = 0; i < m->fids; i++)
        if (m->fid[i].number == number)
            return &m->fid[i];
    return NULL;
}

struct p9_model_fid *get_fid(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = fid_find(m, (uint32_t)get(x, 4));
    assert_non_null(f);
    return f;
}

struct p9_node *get_directory(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = get_fid(m, x);
    assert_true(S_ISDIR(f->node->mode) && f->kind == PLAIN);
    return f->node;
}

struct p9_model_fid *fid_new(struct p9_model *m, uint32_t number, struct p9_node *node)
{
    assert_null(fid_find(m, number));
    assert_int_not_equal(number, UINT32_MAX);
    m->fid = realloc(m->fid, (m->fids + 1) * sizeof *m->fid);
    struct p9_model_fid *f = &m->fid[m->fids++];
    *f = (struct p9_model_fid){.number = number, .node = node};
    node->holds++;
    return f;
}

void fid_end(struct p9_model *m, struct p9_model_fid *f)
{
    struct p9_node *n = f->node;
    free(f->value);
    *f = m->fid[--m->fids];
    n->holds--;
    node_drop(n);
}

struct attribute *attribute_find(struct p9_node *n, const char *name)
{
    for (size_t i = 0; i < n->attribute_count; i++)
        if (strcmp(n->attributes[i].name, name) == 0)
            return &n->attributes[i];
    return NULL;
}

/* --- requests; each returns an error for Rlerror, and 0 for success --- */

static uint32_t least(const struct p9_model *m, uint64_t have, uint32_t wanted)
{
    uint64_t count = have < wanted ? have : wanted;
    return (uint32_t)(m->most != 0 && m->most < count ? m->most : count);
}

int do_read(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = get_fid(m, x);
    uint64_t offset = get(x, 8);
    uint32_t wanted = (uint32_t)get(x, 4);
    const uint8_t *bytes = f->kind == XATTR_READ ? f->value : f->node->bytes;
    uint64_t size = f->kind == XATTR_READ ? f->value_size : f->node->size;
    assert_true(wanted <= m->size - 11);
    assert_true(f->kind == XATTR_READ || (f->open && !S_ISDIR(f->node->mode)));
    uint32_t count = least(m, offset < size ? size - offset : 0, wanted);
    put(x, x->lies && m->lie == P9_LIE_COUNT ? wanted + 1 : count, 4);
    if (x->lies && m->lie == P9_LIE_COUNT) /* all of them, and what is behind */
        for (uint32_t i = 0; i <= wanted; i++)
            put(x, 0xee, 1);
    else
        put_bytes(x, count > 0 ? bytes + offset : bytes, count);
    return 0;
}

int do_write(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = get_fid(m, x);
    uint64_t offset = get(x, 8);
    uint32_t wanted = (uint32_t)get(x, 4), count = least(m, wanted, wanted);
    assert_int_equal(x->end - x->at, wanted);
    if (f->kind == XATTR_WRITE) {
        assert_true(offset + count <= f->value_size);
        memcpy(f->value + offset, x->at, count);
        f->written += count;
    } else {
        assert_true(f->open && f->writable);
        if (offset + count > f->node->size)
            node_resize(f->node, offset + count);
        memcpy(f->node->bytes + offset, x->at, count);
        node_touch(m, f->node);
    }
    x->at = x->end;
    put(x,
        x->lies && m->lie == P9_LIE_COUNT   ? wanted + 1
        : x->lies && m->lie == P9_LIE_VALUE ? 0
                                            : count,
        4);
    return 0;
}

static void put_entry(struct message *x, const struct p9_node *n, uint64_t next, const char *name)
{
    put_qid(x, n);
    put(x, next, 8);
    put(x, (n->mode & S_IFMT) >> 12, 1);
    put_name(x, name);
}

int do_readdir(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = get_fid(m, x);
    uint64_t offset = get(x, 8);
    uint32_t wanted = (uint32_t)get(x, 4);
    uint8_t *place = x->to, *end = x->to + 4 + wanted;
    assert_true(f->open && S_ISDIR(f->node->mode));
    put(x, 0, 4);
    if (offset == 0 && end - x->to > 25)
        put_entry(x, f->node, 1, x->lies && m->lie == P9_LIE_VALUE ? "/" : ".");
    if (offset <= 1 && end - x->to > 26)
        put_entry(x, f->node->parent, 2, "..");
    for (size_t i = 0; i < f->node->entry_count; i++) {
        const struct entry *e = &f->node->entries[i];
        if (e->cookie + 2 <= offset)
            continue;
        if ((size_t)(end - x->to) < 24 + strlen(e->name))
            break;
        put_entry(x, e->node, e->cookie + 2, e->name);
    }
    uint32_t count = (uint32_t)(x->to - place - 4);
    if (x->lies && m->lie == P9_LIE_COUNT)
        count++;
    for (int i = 0; i < 4; i++)
        place[i] = (uint8_t)(count >> 8 * i);
    return 0;
}

int do_xattrwalk(struct p9_model *m, struct message *x)
{
    struct p9_node *n = get_fid(m, x)->node;
    uint32_t made = (uint32_t)get(x, 4);
    char name[NAME];
    get_name(x, name);
    struct attribute *a = attribute_find(n, name);
    if (name[0] != '\0' && a == NULL)
        return ENODATA;
    struct p9_model_fid *f = fid_new(m, made, n);
    f->kind = XATTR_READ;
    f->value = calloc(1, 65536);
    if (a != NULL) {
        f->value_size = a->size;
        memcpy(f->value, a->value, a->size);
    }
    for (size_t i = 0; a == NULL && i < n->attribute_count; i++) {
        strcpy((char *)f->value + f->value_size, n->attributes[i].name);
        f->value_size += strlen(n->attributes[i].name) + 1;
    }
    put(x, f->value_size, 8);
    return 0;
}

int do_xattrcreate(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = get_fid(m, x);
    assert_false(f->open || f->kind != PLAIN);
    get_name(x, f->name);
    f->value_size = (size_t)get(x, 8);
    f->flags = (uint32_t)get(x, 4);
    f->value = calloc(1, f->value_size + 1);
    f->kind = XATTR_WRITE;
    return 0;
}

int attribute_set(struct p9_model_fid *f)
{
    struct p9_node *n = f->node;
    struct attribute *a = attribute_find(n, f->name);
    if (f->written != f->value_size)
        return EINVAL;
    if (a == NULL && (f->value_size == 0 || f->flags & XATTR_REPLACE))
        return ENODATA;
    if (a != NULL && f->flags & XATTR_CREATE)
        return EEXIST;
    if (a == NULL) {
        n->attributes = realloc(n->attributes, (n->attribute_count + 1) * sizeof *a);
        a = &n->attributes[n->attribute_count++];
        memset(a, 0, sizeof *a);
        strcpy(a->name, f->name);
    }
    free(a->value);
    a->value = f->value;
    a->size = f->value_size;
    f->value = NULL;
    if (a->size == 0) {
        free(a->value);
        *a = n->attributes[--n->attribute_count];
    }
    return 0;
}

int do_fsync(struct p9_model *m, struct message *x)
{
    assert_true(get_fid(m, x)->open);
    assert_true(get(x, 4) <= 1);
    return 0;
}

int do_lock(struct p9_model *m, struct message *x)
{
    char name[NAME];
    uint8_t lock[21];
    get_fid(m, x);
    bool asks = x->type == 54;
    lock[0] = (uint8_t)get(x, 1);
    assert_true(lock[0] <= 2);
    if (!asks)
        get(x, 4);
    for (int i = 1; i < 21; i++)
        lock[i] = (uint8_t)get(x, 1);
    get_name(x, name);
    if (!asks) {
        put(x, x->lies && m->lie == P9_LIE_VALUE ? 2 : m->lacks_locks, 1);
        return 0;
    }
    lock[0] = m->lacks_locks ? 1 : 2;
    if (x->lies && m->lie == P9_LIE_VALUE)
        lock[0] = 3;
    put_bytes(x, lock, sizeof lock);
    put_name(x, "other");
    return 0;
}
