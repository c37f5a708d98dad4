/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "fs/p9/node.h"
#include "fs/vfs/file.h"
#include "mm/heap/heap.h"

enum {
    LISTING = 8192, /* bytes of entries that are asked for at once */
};

static struct p9_name p9_name_of(struct store_name name)
{
    return (struct p9_name){name.text, name.length};
}

static struct p9_client *client_of(const struct inode *inode)
{
    return p9_fs_of(inode)->client;
}

/* A fid for the name in the directory. */
static enum err walk_name(const struct inode *directory, struct store_name name, uint32_t *fid)
{
    const struct p9_name one = p9_name_of(name);
    const struct p9_path path = {&one, 1};
    struct p9_qid qid;
    return p9_walk(client_of(directory), node_of(directory)->fid, &path, fid, &qid);
}

enum err p9_names_lookup(struct inode *directory, struct store_name name, struct inode **out)
{
    uint32_t fid;
    enum err e = walk_name(directory, name, &fid);
    return e == E_OK ? node_get(p9_fs_of(directory), directory, name, fid, out) : e;
}

bool p9_names_valid(struct inode *directory, struct store_name name, struct inode *inode)
{
    if (!node_is_named(inode, directory, name))
        return false; /* another of its names: looked up, and found in the cache */
    return node_refresh(inode, mode_is(inode->mode, S_IFDIR) ? NODE_FRESH_DIRECTORY_NS : 0) == E_OK;
}

/* --- listing --- */

/* The host's places are any number below 2^63; ext4's last one is the largest. Ours begin at 3. */
static uint64_t cookie_of(uint64_t place)
{
    return place < INT64_MAX - 3 ? place + 3 : INT64_MAX;
}

static uint64_t place_of(uint64_t cookie)
{
    return cookie == INT64_MAX ? INT64_MAX : cookie < 3 ? 0 : cookie - 3;
}

/* False: the sink has no room for an entry, or one is wrong. */
static enum err hand_on(struct p9_reader *r, store_sink sink, void *context, uint64_t *place,
                        bool *full)
{
    struct p9_entry e;
    while (!*full && p9_get_entry(r, &e)) {
        bool dots = e.name[0] == '.' && (e.length == 1 || (e.length == 2 && e.name[1] == '.'));
        const struct directory_entry entry = {e.name, e.length, e.qid.path, cookie_of(e.next),
                                              e.type & 15};
        *full = !dots && !sink(context, &entry);
        if (!*full)
            *place = e.next;
    }
    return r->bad || *place > INT64_MAX ? E_IO : E_OK;
}

enum err p9_names_list(struct inode *directory, uint64_t from, store_sink sink, void *context)
{
    uint64_t place = place_of(from);
    uint32_t fid, size = 1;
    bool full = false;
    uint8_t *bytes = heap_alloc(LISTING);
    enum err e = bytes != NULL ? node_open(directory, false, &fid) : E_NOMEM;
    while (e == E_OK && size > 0 && !full) {
        const struct p9_data data = {.bytes = bytes, .size = LISTING};
        uint64_t before = place;
        e = p9_readdir(client_of(directory), fid, place, &data, &size);
        if (e != E_OK || size == 0)
            break;
        struct p9_reader r = {.at = bytes, .end = bytes + size};
        e = hand_on(&r, sink, context, &place, &full);
        if (e == E_OK && !full && place == before)
            e = E_IO; /* a host that goes round in a circle */
    }
    heap_free(bytes);
    return e;
}

/* --- changes --- */

static void touch(struct inode *directory, int links)
{
    directory->nlink += (uint32_t)links;
    directory->modified = directory->changed = store_of(directory)->now;
    node_of(directory)->asked_ns = 0;
}

/* Makes a file that is open for writing: *fid. */
static enum err create_file(struct inode *directory, const struct p9_new *file, uint32_t *fid)
{
    static const struct p9_path none = {0};
    struct p9_client *client = client_of(directory);
    struct p9_qid qid;
    enum err e = p9_walk(client, node_of(directory)->fid, &none, fid, &qid);
    if (e != E_OK)
        return e;
    e = p9_create(client, *fid, file, &qid);
    if (e != E_OK)
        (void)p9_clunk(client, *fid);
    return e;
}

static enum err make(struct inode *directory, const struct p9_new *file, uint32_t *writer)
{
    struct p9_client *client = client_of(directory);
    uint32_t dir = node_of(directory)->fid;
    struct p9_qid qid;
    switch (file->mode & S_IFMT) {
    case S_IFREG:
        return create_file(directory, file, writer);
    case S_IFDIR:
        return p9_mkdir(client, dir, file, &qid);
    case S_IFLNK:
        return p9_symlink(client, dir, file, &qid);
    case S_IFIFO:
    case S_IFSOCK:
        return p9_mknod(client, dir, file, &qid);
    default:
        return E_PERM;
    }
}

enum err p9_names_create(struct inode *directory, struct store_name name, const struct inode *as,
                         struct inode **out)
{
    uint32_t writer = P9_NO_FID;
    struct p9_new file = {.name = p9_name_of(name), .mode = as->mode, .flags = O_RDWR | O_EXCL};
    if (name.length == 0)
        return E_NOTSUP;
    if (mode_is(as->mode, S_IFLNK))
        file.text = (struct p9_name){as->link, strlen(as->link)};
    if (mode_is(as->mode, S_IFREG) || mode_is(as->mode, S_IFDIR))
        file.mode &= S_IFMT | 07777;
    enum err e = make(directory, &file, &writer);
    if (e != E_OK)
        return e;
    touch(directory, mode_is(as->mode, S_IFDIR));
    e = p9_names_lookup(directory, name, out);
    if (e != E_OK) {
        if (writer != P9_NO_FID)
            (void)p9_clunk(client_of(directory), writer);
        return e;
    }
    if (node_of(*out)->writer == P9_NO_FID)
        node_of(*out)->writer = writer;
    else
        (void)p9_clunk(client_of(directory), writer);
    return E_OK;
}

enum err p9_names_link(struct inode *directory, struct store_name name, struct inode *inode)
{
    enum err e = p9_link(client_of(directory), node_of(directory)->fid, node_of(inode)->fid,
                         p9_name_of(name));
    if (e != E_OK)
        return e;
    inode->nlink++;
    inode->changed = store_of(inode)->now;
    touch(directory, 0);
    return E_OK;
}

enum err p9_names_unlink(struct inode *directory, struct store_name name, struct inode *inode)
{
    bool is_directory = mode_is(inode->mode, S_IFDIR);
    node_before_unlink(inode);
    enum err e =
        p9_unlink(client_of(directory), node_of(directory)->fid, p9_name_of(name), is_directory);
    if (e != E_OK)
        return e;
    node_unlinked(inode, directory, name);
    touch(directory, is_directory ? -1 : 0);
    return E_OK;
}

enum err p9_names_rename(const struct store_move *m)
{
    bool is_directory = mode_is(m->inode->mode, S_IFDIR);
    if (m->flags != 0)
        return E_INVAL; /* the protocol has no exchange */
    if (m->replaced != NULL)
        node_before_unlink(m->replaced);
    enum err e = p9_rename(client_of(m->from), node_of(m->from)->fid, p9_name_of(m->from_name),
                           node_of(m->to)->fid, p9_name_of(m->to_name));
    if (e != E_OK)
        return e;
    if (m->replaced != NULL)
        node_unlinked(m->replaced, m->to, m->to_name);
    if (node_is_named(m->inode, m->from, m->from_name))
        node_name(m->inode, m->to, m->to_name);
    m->inode->changed = store_of(m->inode)->now;
    touch(m->from, is_directory ? -1 : 0);
    touch(m->to, is_directory ? (m->replaced == NULL) : 0);
    return E_OK;
}
