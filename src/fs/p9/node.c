/* SPDX-License-Identifier: MIT */
#include "fs/p9/node.h"

#include "base/str.h"
#include "fs/p9/contents.h"
#include "mm/heap/heap.h"

/* --- attributes --- */

static struct fs_time host_time_of(struct p9_time t)
{
    return (struct fs_time){t.seconds, t.nanoseconds};
}

/* The host's attributes, but for size and times of contents that were changed here and are not the host's yet: `contents` is
 * false then. Others may have changed the contents: what is cached of them is dropped. */
static void node_set_attributes(struct p9_node *node, const struct p9_attributes *a, bool contents)
{
    struct inode *inode = &node->cached.inode;
    const struct p9_fs *fs = p9_fs_of(inode);
    inode->mode = a->mode;
    inode->uid = fs->uid;
    inode->gid = fs->gid;
    inode->nlink = a->nlink > 0 && a->nlink < UINT32_MAX ? (uint32_t)a->nlink : 1;
    inode->changed = host_time_of(a->changed);
    node->blocks = a->blocks;
    if (contents) {
        bool same = node->host_size == a->size &&
                    node->host_modified.seconds == a->modified.seconds &&
                    node->host_modified.nanoseconds == a->modified.nanoseconds;
        inode->size = node->host_size = a->size;
        inode->accessed = host_time_of(a->accessed);
        inode->modified = host_time_of(a->modified);
        node->host_modified = a->modified;
        if (!same)
            contents_changed(inode);
    }
    inode_mode_changed(inode);
    node->asked_ns = time_now_ns();
}

/* True if the host's attributes, asked for when `changes` was counted, are those of the contents. */
static bool are_of_contents(const struct inode *inode, uint64_t changes)
{
    return changes == p9_fs_of(inode)->changes && contents_are_clean(inode);
}

static bool is_same_file(const struct inode *inode, const struct p9_attributes *a)
{
    return node_of(inode)->path == a->qid.path && !((inode->mode ^ a->mode) & S_IFMT);
}

enum err node_refresh(struct inode *inode, uint64_t fresh_ns)
{
    struct p9_node *node = node_of(inode);
    struct p9_attributes a;
    uint64_t changes = p9_fs_of(inode)->changes;
    if (node->stale)
        return E_NOENT;
    if (inode->nlink == 0 || (node->asked_ns != 0 && time_now_ns() - node->asked_ns < fresh_ns))
        return E_OK;
    node->users++;
    enum err e = p9_getattr(p9_fs_of(inode)->client, node->fid, &a);
    node->users--;
    if (e != E_OK)
        return e;
    if (inode->nlink == 0)
        return E_OK;
    if (!is_same_file(inode, &a))
        return E_NOENT;
    node_set_attributes(node, &a, are_of_contents(inode, changes));
    return E_OK;
}

/* A name of the file that is not that of the fid may be left: what is known of it has to do. */
enum err p9_node_refresh(struct inode *inode)
{
    enum err e = node_refresh(inode, NODE_FRESH_NS);
    return e == E_NOENT ? E_OK : e;
}

/* Somebody may have put another file in its place, which is not to be changed. */
enum err node_set(struct inode *inode, const struct p9_changes *changes)
{
    struct p9_client *client = p9_fs_of(inode)->client;
    struct p9_node *node = node_of(inode);
    struct p9_attributes a;
    if (node->stale)
        return E_NOENT;
    node->users++;
    enum err e = p9_getattr(client, node->fid, &a);
    if (e == E_OK)
        e = is_same_file(inode, &a) ? p9_setattr(client, node->fid, changes) : E_NOENT;
    node->users--;
    return e;
}

static enum err clear_end(struct inode *inode, uint64_t from, uint64_t end)
{
    uint32_t fid;
    void *zeros = kpage_alloc();
    enum err e = zeros != NULL ? node_open(inode, true, &fid) : E_NOMEM;
    while (e == E_OK && from < end) {
        struct p9_data data = {.bytes = zeros, .size = PAGE_SIZE};
        uint64_t done;
        if (end - from < data.size)
            data.size = end - from;
        e = p9_write(p9_fs_of(inode)->client, fid, from, &data, &done);
        from += data.size;
    }
    if (zeros != NULL)
        kpage_free(zeros);
    return e;
}

/* The host's mtime and size are those of the contents, now that they were changed from here. */
static enum err node_met(struct inode *inode)
{
    struct p9_attributes a;
    struct p9_node *node = node_of(inode);
    node->users++;
    enum err e = p9_getattr(p9_fs_of(inode)->client, node->fid, &a);
    node->users--;
    if (e == E_OK && is_same_file(inode, &a)) {
        node->host_size = a.size;
        node->host_modified = a.modified;
    }
    return e;
}

void node_written(struct inode *inode, uint64_t end)
{
    struct p9_node *node = node_of(inode);
    const struct p9_changes c = {
        .valid = P9_SET_MODIFIED | P9_SET_MODIFIED_TO,
        .modified = {inode->modified.seconds, inode->modified.nanoseconds},
    };
    if (end > node->host_size)
        node->host_size = end;
    node->asked_ns = 0;
    if (inode->nlink > 0 && node_set(inode, &c) == E_OK)
        node->host_modified = c.modified;
}

enum err node_set_size(struct inode *inode, uint64_t size)
{
    struct p9_node *node = node_of(inode);
    const struct p9_changes c = {.valid = P9_SET_SIZE, .size = size};
    bool gone = inode->nlink == 0;
    enum err e = gone ? clear_end(inode, size, node->host_size) : node_set(inode, &c);
    p9_fs_of(inode)->changes++;
    node->asked_ns = 0;
    if (e == E_OK && !gone)
        e = node_met(inode);
    return e;
}

enum err p9_node_change(struct inode *inode, const struct store_attributes *to)
{
    struct p9_changes c = {0};
    if (to->what & STORE_LAZY || inode->nlink == 0) /* the host does the same */
        return E_OK;
    if (to->what & STORE_OWNER && (to->uid != inode->uid || to->gid != inode->gid))
        return E_PERM;
    c.valid = (to->what & STORE_MODE ? P9_SET_MODE : 0) |
              (to->what & STORE_ACCESSED ? P9_SET_ACCESSED | P9_SET_ACCESSED_TO : 0) |
              (to->what & STORE_MODIFIED ? P9_SET_MODIFIED | P9_SET_MODIFIED_TO : 0);
    c.mode = to->mode & 07777;
    c.accessed = (struct p9_time){to->accessed.seconds, to->accessed.nanoseconds};
    c.modified = (struct p9_time){to->modified.seconds, to->modified.nanoseconds};
    enum err e = to->what & STORE_MODIFIED ? contents_write_back(inode) : E_OK;
    if (e == E_OK && c.valid != 0)
        e = node_set(inode, &c);
    if (e != E_OK)
        return e;
    if (to->what & STORE_ACCESSED)
        inode->accessed = to->accessed;
    if (to->what & STORE_MODIFIED) {
        inode->modified = to->modified;
        node_of(inode)->host_modified = c.modified;
    }
    inode->changed = to->changed;
    return E_OK;
}

/* --- fids --- */

/* Another file may be in its place. */
static enum err open_fid(const struct p9_node *node, uint32_t fid, uint32_t flags)
{
    struct p9_qid qid;
    enum err e = p9_open(p9_fs_of(&node->cached.inode)->client, fid, flags, &qid);
    return e == E_OK && qid.path != node->path ? E_NOENT : e;
}

enum err node_open(struct inode *inode, bool write, uint32_t *out)
{
    static const struct p9_path none = {0};
    struct p9_node *node = node_of(inode);
    struct p9_client *client = p9_fs_of(inode)->client;
    uint32_t *place = write ? &node->writer : &node->reader, fid;
    struct p9_qid qid;
    if (p9_fs_of(inode)->ended)
        return E_IO;
    if (!write && *place == P9_NO_FID && node->writer_reads)
        place = &node->writer;
    if (*place == P9_NO_FID) {
        if (node->stale || inode->nlink == 0)
            return E_NOENT;
        node->users++;
        enum err e = p9_walk(client, node->fid, &none, &fid, &qid);
        node->users--;
        if (e != E_OK)
            return e;
        e = open_fid(node, fid, write ? O_RDWR : O_RDONLY);
        bool reads = e != E_ACCES;
        if (!reads && write)
            e = open_fid(node, fid, O_WRONLY);
        if (e == E_OK && *place == P9_NO_FID) {
            *place = fid;
            node->writer_reads = node->writer_reads || (write && reads);
        } else
            (void)p9_clunk(client, fid); /* it failed, or another thread was faster */
        if (e != E_OK)
            return e;
    }
    *out = *place;
    return E_OK;
}

static void clunk(struct p9_fs *fs, uint32_t *fid)
{
    if (*fid != P9_NO_FID)
        (void)p9_clunk(fs->client, *fid);
    *fid = P9_NO_FID;
}

bool node_is_named(const struct inode *inode, const struct inode *directory, struct store_name name)
{
    const struct p9_node *node = node_of(inode);
    return node->name != NULL && node->parent_ino == directory->ino &&
           strncmp(node->name, name.text, name.length) == 0 && node->name[name.length] == '\0';
}

void node_name(struct inode *inode, const struct inode *directory, struct store_name name)
{
    struct p9_node *node = node_of(inode);
    char *copy = heap_alloc(name.length + 1);
    heap_free(node->name);
    node->name = copy;
    node->parent_ino = directory->ino;
    if (copy == NULL)
        return;
    memcpy(copy, name.text, name.length);
    copy[name.length] = '\0';
}

void node_before_unlink(struct inode *inode)
{
    uint32_t fid;
    if (!mode_is(inode->mode, S_IFREG) || inode->nlink > 1)
        return;
    if (inode->writers > 0 || !contents_are_clean(inode))
        (void)!node_open(inode, true, &fid); /* the others were opened for reading by open() */
}

void node_unlinked(struct inode *inode, const struct inode *directory, struct store_name name)
{
    node_of(inode)->stale = node_is_named(inode, directory, name) || node_of(inode)->stale;
    if (mode_is(inode->mode, S_IFDIR))
        inode->nlink = 0;
    else if (inode->nlink > 0)
        inode->nlink--;
    inode->changed = store_of(inode)->now;
}

void p9_node_evict(struct inode *inode)
{
    struct p9_fs *fs = p9_fs_of(inode);
    struct p9_node *node = node_of(inode);
    contents_end(inode);
    clunk(fs, &node->reader);
    clunk(fs, &node->writer);
    clunk(fs, &node->fid);
    heap_free(node->name);
    node->name = NULL;
}

bool p9_node_droppable(struct inode *inode)
{
    (void)inode;
    return false; /* its fid is to be clunked */
}

/* --- making --- */

static uint64_t p9_node_blocks(const struct inode *inode)
{
    return node_of(inode)->blocks;
}

static const struct inode_ops p9_file_inode_ops = {
    .truncate = page_cache_truncate,
    .allocate = page_cache_allocate,
    .blocks = p9_node_blocks,
};

/* A link's text, into inode->link. */
static enum err read_text(struct inode *inode)
{
    char *text = heap_alloc(PATH_MAX_SIZE);
    if (text == NULL)
        return E_NOMEM;
    enum err e = p9_readlink(p9_fs_of(inode)->client, node_of(inode)->fid, text, PATH_MAX_SIZE);
    char *fitting = e == E_OK ? heap_resize(text, strlen(text) + 1) : NULL;
    if (e != E_OK) {
        heap_free(text);
        return e;
    }
    heap_free(inode->link);
    inode->link = fitting != NULL ? fitting : text;
    return E_OK;
}

/* The cached inode of the file, if it is still that. One whose number belongs to another file now is gone. */
static struct inode *find_cached(struct p9_fs *fs, const struct p9_attributes *a)
{
    struct inode *inode = store_inode_get(&fs->store, a->qid.path);
    if (inode == NULL || (inode->nlink > 0 && is_same_file(inode, a)))
        return inode;
    inode->nlink = 0;
    inode_put(inode);
    store_reap(&fs->store, true);
    return NULL;
}

/* A number that no inode in the cache has: the host's own, unless a file that is gone there is still used here. */
static uint64_t free_number(struct p9_fs *fs, uint64_t number)
{
    struct inode *other;
    while ((other = store_inode_get(&fs->store, number)) != NULL) {
        inode_put(other);
        number ^= UINT64_C(1) << 63;
        number++;
    }
    return number;
}

static enum err node_from_host(struct p9_fs *fs, const struct p9_attributes *a, uint32_t fid,
                               struct inode **out)
{
    struct inode *inode;
    enum err e = store_inode_make(&fs->store, sizeof(struct p9_node), free_number(fs, a->qid.path),
                                  a->mode, NULL, &inode);
    if (e != E_OK)
        return e;
    struct p9_node *node = node_of(inode);
    node->fid = fid;
    node->reader = node->writer = P9_NO_FID;
    node->path = a->qid.path;
    inode->device = a->device;
    if (mode_is(a->mode, S_IFREG)) {
        inode->ops = &p9_file_inode_ops;
        contents_begin(inode);
    }
    node->host_size = a->size;
    node->host_modified = a->modified;
    node_set_attributes(node, a, true);
    e = mode_is(a->mode, S_IFLNK) ? read_text(inode) : E_OK;
    if (e != E_OK) {
        store_inode_abandon(inode);
        return e;
    }
    *out = inode;
    return E_OK;
}

/* The inode was found again, by a name that is surely right. */
static enum err node_meet(struct inode *inode, const struct p9_attributes *a, uint32_t fid,
                          uint64_t changes)
{
    struct p9_fs *fs = p9_fs_of(inode);
    struct p9_node *node = node_of(inode);
    struct fs_time changed = inode->changed;
    uint32_t old = node->users == 0 ? node->fid : fid;
    if (node->users == 0) {
        node->fid = fid;
        node->stale = false;
    }
    (void)p9_clunk(fs->client, old);
    node_set_attributes(node, a, are_of_contents(inode, changes));
    bool same =
        changed.seconds == a->changed.seconds && changed.nanoseconds == a->changed.nanoseconds;
    return mode_is(a->mode, S_IFLNK) && !same ? read_text(inode) : E_OK;
}

enum err node_get(struct p9_fs *fs, const struct inode *directory, struct store_name name,
                  uint32_t fid, struct inode **out)
{
    struct p9_attributes a;
    struct inode *inode = NULL;
    uint64_t changes = fs->changes;
    enum err e = p9_getattr(fs->client, fid, &a);
    if (e == E_OK) {
        inode = find_cached(fs, &a);
        if (inode != NULL) {
            e = node_meet(inode, &a, fid, changes);
            fid = P9_NO_FID;
        } else {
            e = node_from_host(fs, &a, fid, &inode);
        }
    }
    if (e != E_OK) {
        if (fid != P9_NO_FID)
            (void)p9_clunk(fs->client, fid);
        else
            inode_put(inode);
        return e;
    }
    if (directory != NULL && (fid != P9_NO_FID || node_of(inode)->users == 0))
        node_name(inode, directory, name);
    *out = inode;
    return E_OK;
}
