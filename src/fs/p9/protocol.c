/* SPDX-License-Identifier: MIT */
#include "fs/p9/protocol.h"

#include "base/str.h"
#include "parse/load.h"

enum {
    VALID_BASIC = 0x7ff, /* of Rgetattr: mode to blocks */
    NANOSECONDS = 1000000000,
};

/* --- writing --- */

void p9_put(struct p9_writer *w, uint64_t number, unsigned size)
{
    w->full = w->full || size > w->size - w->used;
    if (w->full)
        return;
    memcpy(w->bytes + w->used, &number, size);
    w->used += size;
}

void p9_put_string(struct p9_writer *w, const char *string, size_t length)
{
    w->full = w->full || length > UINT16_MAX || length + 2 > w->size - w->used;
    if (w->full)
        return;
    p9_put(w, length, 2);
    memcpy(w->bytes + w->used, string, length);
    w->used += length;
}

void p9_begin(struct p9_writer *w, void *bytes, size_t size, uint8_t type, uint16_t tag)
{
    *w = (struct p9_writer){.bytes = bytes, .size = size};
    p9_put32(w, 0);
    p9_put8(w, type);
    p9_put(w, tag, 2);
}

size_t p9_end(struct p9_writer *w, uint32_t data)
{
    size_t all = w->used + data;
    if (w->full)
        return 0;
    memcpy(w->bytes, &all, 4);
    return w->used;
}

static void put_time(struct p9_writer *w, const struct p9_time *time)
{
    p9_put64(w, (uint64_t)time->seconds);
    p9_put64(w, time->nanoseconds);
}

void p9_put_changes(struct p9_writer *w, const struct p9_changes *c)
{
    p9_put32(w, c->valid);
    p9_put32(w, c->mode);
    p9_put32(w, c->uid);
    p9_put32(w, c->gid);
    p9_put64(w, c->size);
    put_time(w, &c->accessed);
    put_time(w, &c->modified);
}

void p9_put_lock(struct p9_writer *w, const struct p9_lock *lock)
{
    p9_put64(w, lock->start);
    p9_put64(w, lock->length);
    p9_put32(w, lock->process);
    p9_put_string(w, "ouro", 4); /* the client's name */
}

/* --- reading --- */

uint64_t p9_get(struct p9_reader *r, unsigned size)
{
    uint64_t number = 0;
    r->bad = r->bad || size > (size_t)(r->end - r->at);
    if (r->bad)
        return 0;
    memcpy(&number, r->at, size);
    r->at += size;
    return number;
}

const char *p9_get_string(struct p9_reader *r, uint16_t *length)
{
    uint16_t size = (uint16_t)p9_get(r, 2);
    r->bad = r->bad || size > r->end - r->at;
    *length = r->bad ? 0 : size;
    const char *string = (const char *)r->at;
    r->at += *length;
    return string;
}

enum err p9_reply(struct p9_reader *r, size_t written, uint8_t type, uint16_t tag)
{
    const uint8_t *head = r->at;
    size_t room = (size_t)(r->end - head);
    r->bad = room < P9_HEAD || written < P9_HEAD || load32(head) != written ||
             load16(head + 5) != tag || (head[4] != P9_RLERROR && head[4] != type + 1);
    if (r->bad)
        return E_IO;
    r->at = head + P9_HEAD;
    r->end = head + (written < room ? written : room);
    if (head[4] == type + 1)
        return E_OK;
    uint32_t error = p9_get32(r);
    r->bad = !p9_done(r) || error == E_OK || error > P9_ERROR_MAX;
    return r->bad || error == E_AGAIN || error == E_INTR ? E_IO : (enum err)error;
}

void p9_get_qid(struct p9_reader *r, struct p9_qid *out)
{
    out->type = (uint8_t)p9_get(r, 1);
    out->version = p9_get32(r);
    out->path = p9_get64(r);
}

static void get_time(struct p9_reader *r, struct p9_time *out)
{
    uint64_t seconds = p9_get64(r), nanoseconds = p9_get64(r);
    r->bad = r->bad || nanoseconds >= NANOSECONDS;
    *out = (struct p9_time){(int64_t)seconds, r->bad ? 0 : (uint32_t)nanoseconds};
}

/* True if the file's types agree: one of Linux's, and that of the qid. */
static bool is_type(uint32_t mode, uint8_t qid)
{
    switch (mode & 0170000) {
    case 0040000:
        return qid & P9_QID_DIRECTORY;
    case 0120000:
        return !(qid & P9_QID_DIRECTORY);
    case 0100000:
    case 0020000:
    case 0060000:
    case 0010000:
    case 0140000:
        return !(qid & (P9_QID_DIRECTORY | P9_QID_LINK));
    default:
        return false;
    }
}

void p9_get_attributes(struct p9_reader *r, struct p9_attributes *out)
{
    struct p9_time created;
    uint64_t valid = p9_get64(r);
    p9_get_qid(r, &out->qid);
    out->mode = p9_get32(r);
    out->uid = p9_get32(r);
    out->gid = p9_get32(r);
    out->nlink = p9_get64(r);
    out->device = p9_get64(r);
    out->size = p9_get64(r);
    out->block_size = (uint32_t)p9_get64(r);
    out->blocks = p9_get64(r);
    get_time(r, &out->accessed);
    get_time(r, &out->modified);
    get_time(r, &out->changed);
    get_time(r, &created);
    (void)p9_get64(r); /* generation */
    (void)p9_get64(r); /* version of the data */
    if ((valid & VALID_BASIC) != VALID_BASIC || out->size > INT64_MAX || !p9_done(r) ||
        !is_type(out->mode, out->qid.type)) {
        r->bad = true;
        *out = (struct p9_attributes){0};
    }
}

void p9_get_statfs(struct p9_reader *r, struct p9_statfs *out)
{
    out->type = p9_get32(r);
    out->block_size = p9_get32(r);
    out->blocks = p9_get64(r);
    out->blocks_free = p9_get64(r);
    out->blocks_available = p9_get64(r);
    out->files = p9_get64(r);
    out->files_free = p9_get64(r);
    out->id = p9_get64(r);
    out->name_max = p9_get32(r);
    r->bad = r->bad || !p9_done(r);
}

void p9_get_lock(struct p9_reader *r, struct p9_lock *out)
{
    uint16_t length;
    out->type = (uint8_t)p9_get(r, 1);
    out->start = p9_get64(r);
    out->length = p9_get64(r);
    out->process = p9_get32(r);
    (void)p9_get_string(r, &length);
    r->bad = r->bad || !p9_done(r) || out->type > P9_LOCK_NONE;
}

bool p9_is_name(const char *name, size_t length)
{
    return length > 0 && length <= P9_NAME_MAX && memchr(name, '/', length) == NULL &&
           memchr(name, '\0', length) == NULL;
}

bool p9_get_entry(struct p9_reader *r, struct p9_entry *out)
{
    if (r->bad || r->at == r->end)
        return false;
    p9_get_qid(r, &out->qid);
    out->next = p9_get64(r);
    out->type = (uint8_t)p9_get(r, 1);
    out->name = p9_get_string(r, &out->length);
    r->bad = r->bad || !p9_is_name(out->name, out->length);
    return !r->bad;
}
