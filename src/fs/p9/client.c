/* SPDX-License-Identifier: MIT */
#include "fs/p9/client.h"

#include "base/str.h"
#include "fs/p9/session.h"

enum {
    BASIC = 0x7ff, /* of Tgetattr: what stat(2) shows */
    AT_REMOVEDIR = 0x200,
    LOCK_SUCCESS = 0, /* of Rlock */
    LOCK_BLOCKED = 1,
};

/* The reply has no fields. */
#define ASK_ONLY(c, type, ...)                                                                     \
    __extension__({                                                                                \
        struct p9_call *only_call;                                                                 \
        enum err only_err = call_ask(c, type, &only_call, NULL, __VA_ARGS__);                      \
        only_err == E_OK ? call_done(c, only_call, true) : only_err;                               \
    })

/* A qid is the reply's only field. */
static enum err take_qid(struct p9_client *c, struct p9_call *call, enum err e, struct p9_qid *out)
{
    if (e != E_OK)
        return e;
    p9_get_qid(&call->reply, out);
    return call_done(c, call, true);
}

/* A qid and the size that the host would like messages to have, which the session knows better. */
static enum err take_opened(struct p9_client *c, struct p9_call *call, enum err e,
                            struct p9_qid *out)
{
    if (e != E_OK)
        return e;
    p9_get_qid(&call->reply, out);
    (void)p9_get32(&call->reply);
    return call_done(c, call, true);
}

/* --- fids --- */

static enum err walk_to(struct p9_client *c, uint32_t from, const struct p9_path *path,
                        uint32_t fid, struct p9_qid *qid)
{
    struct p9_call *call;
    enum err e = call_ask(c, P9_WALK, &call, NULL, "dda", from, fid, path);
    if (e != E_OK)
        return e;
    unsigned found = (unsigned)p9_get(&call->reply, 2);
    for (unsigned i = 0; i < found && i < path->count; i++)
        p9_get_qid(&call->reply, qid);
    e = call_done(c, call, found <= path->count);
    return e == E_OK && found < path->count ? E_NOENT : e;
}

enum err p9_walk(struct p9_client *c, uint32_t from, const struct p9_path *path, uint32_t *fid,
                 struct p9_qid *qid)
{
    uint32_t made;
    enum err e = numbers_take(&c->fids, &made);
    if (e != E_OK)
        return e;
    e = walk_to(c, from, path, made, qid);
    if (e != E_OK)
        numbers_give(&c->fids, made);
    else
        *fid = made;
    return e;
}

enum err p9_clunk(struct p9_client *c, uint32_t fid)
{
    enum err e = ASK_ONLY(c, P9_CLUNK, "d", fid);
    if (e != E_NOMEM || c->broken != NULL)
        numbers_give(&c->fids, fid);
    return e;
}

/* --- attributes --- */

enum err p9_getattr(struct p9_client *c, uint32_t fid, struct p9_attributes *out)
{
    struct p9_call *call;
    enum err e = call_ask(c, P9_GETATTR, &call, NULL, "dq", fid, (uint64_t)BASIC);
    if (e != E_OK)
        return e;
    p9_get_attributes(&call->reply, out);
    return call_done(c, call, true);
}

enum err p9_setattr(struct p9_client *c, uint32_t fid, const struct p9_changes *changes)
{
    return ASK_ONLY(c, P9_SETATTR, "dc", fid, changes);
}

enum err p9_statfs(struct p9_client *c, uint32_t fid, struct p9_statfs *out)
{
    struct p9_call *call;
    enum err e = call_ask(c, P9_STATFS, &call, NULL, "d", fid);
    if (e != E_OK)
        return e;
    p9_get_statfs(&call->reply, out);
    return call_done(c, call, true);
}

/* --- contents --- */

enum err p9_open(struct p9_client *c, uint32_t fid, uint32_t flags, struct p9_qid *out)
{
    struct p9_call *call;
    enum err e = call_ask(c, P9_LOPEN, &call, NULL, "dd", fid, flags);
    return take_opened(c, call, e, out);
}

enum err p9_create(struct p9_client *c, uint32_t directory, const struct p9_new *file,
                   struct p9_qid *out)
{
    struct p9_call *call;
    enum err e = call_ask(c, P9_LCREATE, &call, NULL, "dnddd", directory, &file->name, file->flags,
                          file->mode, file->gid);
    return take_opened(c, call, e, out);
}

/* One message. *count: bytes that were moved, at most those of the piece. */
static enum err move_piece(struct p9_client *c, uint8_t type, const struct p9_piece *piece,
                           uint32_t *count)
{
    struct p9_call *call;
    enum err e = call_ask(c, type, &call, piece, "dqd", piece->fid, piece->offset, piece->size);
    if (e != E_OK)
        return e;
    *count = p9_get32(&call->reply);
    return call_done(c, call, *count <= piece->size);
}

/* All of it, or until the host moves no more. */
static enum err move(struct p9_client *c, uint8_t type, struct p9_piece piece, uint64_t *done)
{
    enum err e = E_OK;
    uint32_t count = 1;
    while (e == E_OK && piece.at < piece.whole->size && count > 0) {
        uint64_t left = piece.whole->size - piece.at;
        piece.size = left < c->most ? (uint32_t)left : c->most;
        e = move_piece(c, type, &piece, &count);
        if (e != E_OK)
            break;
        piece.at += count;
        piece.offset += count;
    }
    *done = piece.at;
    return e;
}

enum err p9_read(struct p9_client *c, uint32_t fid, uint64_t offset, const struct p9_data *data,
                 uint64_t *done)
{
    return move(c, P9_READ, (struct p9_piece){data, 0, 0, fid, offset}, done);
}

enum err p9_write(struct p9_client *c, uint32_t fid, uint64_t offset, const struct p9_data *data,
                  uint64_t *done)
{
    enum err e = move(c, P9_WRITE, (struct p9_piece){data, 0, 0, fid, offset}, done);
    return e == E_OK && *done < data->size ? E_IO : e;
}

enum err p9_readdir(struct p9_client *c, uint32_t fid, uint64_t next, const struct p9_data *data,
                    uint32_t *size)
{
    uint32_t room = data->size < c->most ? (uint32_t)data->size : c->most;
    const struct p9_piece piece = {data, 0, room, fid, next};
    return move_piece(c, P9_READDIR, &piece, size);
}

enum err p9_fsync(struct p9_client *c, uint32_t fid, bool data_only)
{
    return ASK_ONLY(c, P9_FSYNC, "dd", fid, (uint32_t)data_only);
}

/* --- names --- */

enum err p9_mkdir(struct p9_client *c, uint32_t directory, const struct p9_new *file,
                  struct p9_qid *out)
{
    struct p9_call *call;
    enum err e =
        call_ask(c, P9_MKDIR, &call, NULL, "dndd", directory, &file->name, file->mode, file->gid);
    return take_qid(c, call, e, out);
}

enum err p9_mknod(struct p9_client *c, uint32_t directory, const struct p9_new *file,
                  struct p9_qid *out)
{
    struct p9_call *call;
    uint64_t device = file->device;
    uint32_t major = (uint32_t)((device >> 8 & 0xfff) | (device >> 32 & 0xfffff000));
    uint32_t minor = (uint32_t)((device & 0xff) | (device >> 12 & 0xffffff00));
    enum err e = call_ask(c, P9_MKNOD, &call, NULL, "dndddd", directory, &file->name, file->mode,
                          major, minor, file->gid);
    return take_qid(c, call, e, out);
}

enum err p9_symlink(struct p9_client *c, uint32_t directory, const struct p9_new *file,
                    struct p9_qid *out)
{
    struct p9_call *call;
    enum err e = call_ask(c, P9_SYMLINK, &call, NULL, "dnnd", directory, &file->name, &file->text,
                          file->gid);
    return take_qid(c, call, e, out);
}

enum err p9_readlink(struct p9_client *c, uint32_t fid, char *to, size_t size)
{
    struct p9_call *call;
    uint16_t length;
    enum err e = call_ask(c, P9_READLINK, &call, NULL, "d", fid);
    if (e != E_OK)
        return e;
    const char *text = p9_get_string(&call->reply, &length);
    bool fits = length<size, valid = length> 0 && memchr(text, '\0', length) == NULL;
    if (fits) {
        memcpy(to, text, length);
        to[length] = '\0';
    }
    e = call_done(c, call, valid);
    return e == E_OK && !fits ? E_NAMETOOLONG : e;
}

enum err p9_link(struct p9_client *c, uint32_t directory, uint32_t fid, struct p9_name name)
{
    return ASK_ONLY(c, P9_LINK, "ddn", directory, fid, &name);
}

enum err p9_rename(struct p9_client *c, uint32_t from, struct p9_name name, uint32_t to,
                   struct p9_name new_name)
{
    return ASK_ONLY(c, P9_RENAMEAT, "dndn", from, &name, to, &new_name);
}

enum err p9_unlink(struct p9_client *c, uint32_t directory, struct p9_name name, bool is_directory)
{
    return ASK_ONLY(c, P9_UNLINKAT, "dnd", directory, &name, is_directory ? AT_REMOVEDIR : 0);
}

/* --- extended attributes --- */

enum err p9_xattr_walk(struct p9_client *c, uint32_t from, struct p9_name name, uint32_t *fid,
                       uint64_t *size)
{
    struct p9_call *call;
    uint32_t made;
    enum err e = numbers_take(&c->fids, &made);
    if (e != E_OK)
        return e;
    e = call_ask(c, P9_XATTRWALK, &call, NULL, "ddn", from, made, &name);
    if (e == E_OK) {
        *size = p9_get64(&call->reply);
        e = call_done(c, call, true);
    }
    if (e != E_OK)
        numbers_give(&c->fids, made);
    else
        *fid = made;
    return e;
}

enum err p9_xattr_create(struct p9_client *c, uint32_t fid, struct p9_name name, uint64_t size,
                         uint32_t flags)
{
    return ASK_ONLY(c, P9_XATTRCREATE, "dnqd", fid, &name, size, flags);
}

/* --- locks --- */

enum err p9_lock(struct p9_client *c, uint32_t fid, const struct p9_lock *lock)
{
    struct p9_call *call;
    enum err e = call_ask(c, P9_LOCK, &call, NULL, "dbdl", fid, lock->type, 0u, lock);
    if (e != E_OK)
        return e;
    unsigned status = (unsigned)p9_get(&call->reply, 1);
    e = call_done(c, call, true);
    if (e != E_OK || status == LOCK_SUCCESS)
        return e;
    return status == LOCK_BLOCKED ? E_AGAIN : E_IO;
}

enum err p9_getlock(struct p9_client *c, uint32_t fid, struct p9_lock *lock)
{
    struct p9_call *call;
    enum err e = call_ask(c, P9_GETLOCK, &call, NULL, "dbl", fid, lock->type, lock);
    if (e != E_OK)
        return e;
    p9_get_lock(&call->reply, lock);
    return call_done(c, call, true);
}
