/* SPDX-License-Identifier: MIT */
#include "p9_model.h"

#include "p9_model_message.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- begin and end --- */

void p9_model_begin(struct p9_model *m)
{
    *m = (struct p9_model){.now = 1000};
    m->root = node_new(m, S_IFDIR | 0755);
    m->root->nlink = 1;
    m->root->parent = m->root;
}

static void fids_drop(struct p9_model *m)
{
    for (unsigned i = 0; i < m->fids; i++) {
        free(m->fid[i].value);
        m->fid[i].node->holds--;
        node_drop(m->fid[i].node);
    }
    m->fids = 0;
}

void p9_model_end(struct p9_model *m)
{
    fids_drop(m);
    free(m->fid);
    tree_free(m->root);
    m->root->nlink = 0;
    node_drop(m->root);
}

/* --- requests; each returns an error for Rlerror, and 0 for success --- */

static int do_session(struct p9_model *m, struct message *x)
{
    char version[NAME];
    m->size = (uint32_t)get(x, 4);
    get_name(x, version);
    assert_string_equal(version, "9P2000.L");
    assert_true(m->size >= 4096);
    if (m->session_size != 0 && m->session_size < m->size)
        m->size = m->session_size;
    fids_drop(m);
    put(x, x->lies && m->lie == P9_LIE_COUNT ? m->size * 2 : m->size, 4);
    put_name(x, x->lies && m->lie == P9_LIE_VALUE ? "9P2000" : version);
    return 0;
}

static int do_attach(struct p9_model *m, struct message *x)
{
    char name[NAME];
    uint32_t fid = (uint32_t)get(x, 4);
    assert_int_equal(get(x, 4), UINT32_MAX);
    get_name(x, name);
    get_name(x, name);
    get(x, 4);
    fid_new(m, fid, m->root);
    if (x->lies && m->lie == P9_LIE_VALUE)
        put_bytes(x, "\0\0\0\0\0\1\0\0\0\0\0\0\0", 13);
    else
        put_qid(x, m->root);
    return 0;
}

static int do_walk(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *from = get_fid(m, x);
    uint32_t made = (uint32_t)get(x, 4);
    unsigned count = (unsigned)get(x, 2), found = 0;
    struct p9_node *node = from->node;
    uint8_t *place = x->to;
    assert_true(count <= 16 && !from->open && from->kind == PLAIN);
    put(x, 0, 2);
    for (unsigned i = 0; i < count; i++) {
        char name[NAME];
        struct entry *e = NULL;
        get_name(x, name);
        assert_true(name[0] != '\0' && strchr(name, '/') == NULL);
        if (found < i)
            continue;
        bool in = S_ISDIR(node->mode);
        if (!in || (e = entry_find(node, name)) == NULL) {
            if (i == 0)
                return in ? ENOENT : ENOTDIR;
            continue;
        }
        node = e->node;
        put_qid(x, node);
        found++;
    }
    place[0] = (uint8_t)(x->lies && m->lie == P9_LIE_COUNT ? found + 1 : found);
    if (found == count)
        fid_new(m, made, node);
    return 0;
}

static int do_getattr(struct p9_model *m, struct message *x)
{
    struct p9_node *n = get_fid(m, x)->node;
    bool wrong = x->lies && m->lie == P9_LIE_VALUE;
    assert_int_equal(get(x, 8), 0x7ff);
    if (n->nlink == 0)
        return ENOENT; /* as QEMU, which knows files by name */
    put(x, 0x7ff, 8);
    put_qid(x, n);
    put(x, wrong ? 0 : n->mode, 4);
    put(x, 1000, 4);
    put(x, 1000, 4);
    put(x, S_ISDIR(n->mode) ? 2 : n->nlink, 8);
    put(x, n->device, 8);
    put(x, n->size, 8);
    put(x, 4096, 8);
    put(x, (n->size + 511) / 512, 8);
    for (int i = 0; i < 4; i++) {
        put(x, i < 3 ? n->changed[i][0] : 0, 8);
        put(x, i < 3 ? n->changed[i][1] : 0, 8);
    }
    put(x, 0, 8);
    put(x, 0, 8);
    return 0;
}

static int do_setattr(struct p9_model *m, struct message *x)
{
    struct p9_node *n = get_fid(m, x)->node;
    uint32_t valid = (uint32_t)get(x, 4), mode = (uint32_t)get(x, 4);
    get(x, 8);
    uint64_t size = get(x, 8), times[4];
    for (int i = 0; i < 4; i++)
        times[i] = get(x, 8);
    if (n->nlink == 0)
        return ENOENT;
    if (valid & 1)
        n->mode = (n->mode & S_IFMT) | (mode & 07777);
    if (valid & 8) {
        node_resize(n, size);
        node_touch(m, n);
    }
    for (int i = 0; i < 2; i++)
        if (valid & 0x10u << i) {
            n->changed[i][0] = valid & 0x80u << i ? times[2 * i] : ++m->now;
            n->changed[i][1] = valid & 0x80u << i ? times[2 * i + 1] : 0;
        }
    return 0;
}

static int do_statfs(struct p9_model *m, struct message *x)
{
    get_fid(m, x);
    put(x, 0x01021997, 4);
    put(x, 4096, 4);
    for (unsigned i = 1; i <= 5; i++)
        put(x, 100 * i, 8);
    put(x, 7, 8);
    put(x, 255, 4);
    return 0;
}

static void open_fid(struct p9_model_fid *f, uint32_t flags)
{
    assert_false(f->open);
    f->open = true;
    f->writable = (flags & O_ACCMODE) != O_RDONLY;
}

static int do_lopen(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = get_fid(m, x);
    uint32_t flags = (uint32_t)get(x, 4);
    if (S_ISDIR(f->node->mode) && (flags & O_ACCMODE) != O_RDONLY)
        return EISDIR;
    if (f->node->nlink == 0)
        return ENOENT;
    open_fid(f, flags);
    if (flags & O_TRUNC) {
        node_resize(f->node, 0);
        node_touch(m, f->node);
    }
    put_qid(x, f->node);
    put(x, 0, 4);
    return 0;
}

static int make_in(struct p9_model *m, struct p9_node *dir, const char *name, uint32_t mode,
                   struct p9_node **out)
{
    if (entry_find(dir, name) != NULL)
        return EEXIST;
    if (dir->nlink == 0)
        return ENOENT;
    *out = node_new(m, mode);
    entry_add(dir, name, *out);
    node_touch(m, dir);
    return 0;
}

static int do_lcreate(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = get_fid(m, x);
    char name[NAME];
    struct p9_node *n;
    assert_true(S_ISDIR(f->node->mode) && !f->open);
    get_name(x, name);
    uint32_t flags = (uint32_t)get(x, 4), mode = (uint32_t)get(x, 4);
    get(x, 4);
    int error = make_in(m, f->node, name, S_IFREG | (mode & 07777), &n);
    if (error != 0)
        return error;
    f->node->holds--;
    f->node = n;
    n->holds++;
    open_fid(f, flags);
    put_qid(x, n);
    put(x, 0, 4);
    return 0;
}

static int do_make(struct p9_model *m, struct message *x)
{
    struct p9_node *dir = get_directory(m, x), *n;
    char name[NAME];
    const uint8_t *text = NULL;
    size_t length = 0;
    uint32_t mode = S_IFLNK | 0777;
    uint64_t device = 0;
    get_name(x, name);
    if (x->type == 16) {
        length = (size_t)get(x, 2);
        text = x->at;
        assert_true((size_t)(x->end - x->at) >= length);
        x->at += length;
    } else {
        mode = (uint32_t)get(x, 4);
    }
    if (x->type == 72)
        mode = S_IFDIR | (mode & 07777);
    if (x->type == 18) {
        device = get(x, 4) << 32;
        device |= get(x, 4);
    }
    get(x, 4);
    int error = make_in(m, dir, name, mode, &n);
    if (error != 0)
        return error;
    n->device = device;
    node_resize(n, length);
    if (length > 0)
        memcpy(n->bytes, text, length);
    put_qid(x, n);
    return 0;
}

static int do_readlink(struct p9_model *m, struct message *x)
{
    struct p9_node *n = get_fid(m, x)->node;
    if (!S_ISLNK(n->mode))
        return EINVAL;
    put(x, x->lies && m->lie == P9_LIE_COUNT ? n->size + 1 : n->size, 2);
    put_bytes(x, n->bytes, n->size);
    if (x->lies && m->lie == P9_LIE_VALUE)
        x->to[-1] = '\0';
    return 0;
}

static int do_link(struct p9_model *m, struct message *x)
{
    struct p9_node *dir = get_directory(m, x), *n = get_fid(m, x)->node;
    char name[NAME];
    get_name(x, name);
    if (entry_find(dir, name) != NULL)
        return EEXIST;
    if (S_ISDIR(n->mode))
        return EPERM;
    entry_add(dir, name, n);
    node_touch(m, dir);
    return 0;
}

static int do_rename(struct p9_model *m, struct message *x)
{
    char name[NAME], new_name[NAME];
    struct p9_node *from = get_directory(m, x);
    get_name(x, name);
    struct p9_node *to = get_directory(m, x);
    get_name(x, new_name);
    struct entry *e = entry_find(from, name), *over = entry_find(to, new_name);
    if (e == NULL)
        return ENOENT;
    struct p9_node *n = e->node;
    if (over != NULL && over->node == n)
        return 0;
    if (over != NULL && S_ISDIR(over->node->mode) && over->node->entry_count > 0)
        return ENOTEMPTY;
    if (over != NULL)
        entry_remove(to, over);
    n->holds++;
    entry_remove(from, entry_find(from, name));
    entry_add(to, new_name, n);
    n->holds--;
    node_touch(m, from);
    node_touch(m, to);
    return 0;
}

static int do_unlink(struct p9_model *m, struct message *x)
{
    struct p9_node *dir = get_directory(m, x);
    char name[NAME];
    get_name(x, name);
    uint32_t flags = (uint32_t)get(x, 4);
    assert_true(flags == 0 || flags == AT_REMOVEDIR);
    struct entry *e = entry_find(dir, name);
    if (e == NULL)
        return ENOENT;
    if (S_ISDIR(e->node->mode) != (flags != 0))
        return flags != 0 ? ENOTDIR : EISDIR;
    if (e->node->entry_count > 0)
        return ENOTEMPTY;
    entry_remove(dir, e);
    node_touch(m, dir);
    return 0;
}

static int do_clunk(struct p9_model *m, struct message *x)
{
    struct p9_model_fid *f = get_fid(m, x);
    int error = f->kind == XATTR_WRITE ? attribute_set(f) : 0;
    fid_end(m, f);
    return error;
}

static int (*const requests[256])(struct p9_model *, struct message *) = {
    [8] = do_statfs,     [12] = do_lopen,       [14] = do_lcreate,  [16] = do_make,
    [18] = do_make,      [22] = do_readlink,    [24] = do_getattr,  [26] = do_setattr,
    [30] = do_xattrwalk, [32] = do_xattrcreate, [40] = do_readdir,  [50] = do_fsync,
    [52] = do_lock,      [54] = do_lock,        [70] = do_link,     [72] = do_make,
    [74] = do_rename,    [76] = do_unlink,      [100] = do_session, [104] = do_attach,
    [110] = do_walk,     [116] = do_read,       [118] = do_write,   [120] = do_clunk,
};

/* The reply with the lies that all requests have in common. */
static size_t finish(const struct p9_model *m, struct message *x, uint8_t *reply, int error)
{
    if (error != 0) {
        x->to = reply + 7;
        put(x, (uint32_t)error, 4);
        reply[4] = 7;
    }
    if (x->lies && m->lie == P9_LIE_LONGER)
        put(x, 0, 1);
    if (x->lies && m->lie == P9_LIE_TAG)
        reply[5] ^= 1;
    if (x->lies && m->lie == P9_LIE_TYPE)
        reply[4] = (uint8_t)(reply[4] ^ 2);
    size_t size = (size_t)(x->to - reply);
    size_t told = x->lies && m->lie == P9_LIE_SIZE ? size + 1 : size;
    for (int i = 0; i < 4; i++)
        reply[i] = (uint8_t)(told >> 8 * i);
    if (x->lies && (m->lie == P9_LIE_CUT || m->lie == P9_LIE_NOTHING))
        return m->lie == P9_LIE_CUT ? size / 2 : 0;
    return size;
}

size_t p9_model_answer(struct p9_model *m, const uint8_t *request, size_t size, uint8_t *reply,
                       size_t room)
{
    struct message x = {request, request + size, reply + 7, reply + room, 0, false};
    assert_true(size >= 7 && room >= 11);
    assert_int_equal(get(&x, 4), size);
    x.type = (uint8_t)get(&x, 1);
    uint16_t tag = (uint16_t)get(&x, 2);
    assert_int_equal(tag == UINT16_MAX, x.type == 100);
    assert_true(x.type == 100 || size <= m->size);
    assert_non_null(requests[x.type]);
    m->messages[x.type]++;
    x.lies = m->lie != P9_HONEST && (m->lie_type == 0 || m->lie_type == x.type);
    reply[4] = (uint8_t)(x.type + 1);
    reply[5] = (uint8_t)tag;
    reply[6] = (uint8_t)(tag >> 8);
    int error = x.lies && m->lie == P9_LIE_ERROR ? (int)m->error : requests[x.type](m, &x);
    if (x.lies && m->lie == P9_LIE_ERROR && x.type == 120) { /* a fid is gone all the same */
        x.at = request + 7;
        fid_end(m, get_fid(m, &x));
    } else if (error == 0) {
        assert_ptr_equal(x.at, x.end);
    }
    return finish(m, &x, reply, error);
}
