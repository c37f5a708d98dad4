/* SPDX-License-Identifier: MIT */
#define LOG_TAG "9p"
#include "fs/p9/session.h"

#include "base/addr.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/str.h"
#include "mm/heap/heap.h"
#include "parse/load.h"

#include <stdarg.h>

enum {
    CALLS_KEPT = 4,     /* free ones */
    NUMBERS_FIRST = 16, /* of a table; doubled when it is full */
    PARTS_OF_HEADS =
        5, /* request and reply without data: two pages each, and where the data begins in the middle of one */
    SESSION_BYTES = 512 * 1024,
    SESSION_LEAST = 8192,
};

/* --- numbers --- */

enum err numbers_take(struct p9_numbers *n, uint32_t *out)
{
    if (n->count > 0) {
        *out = n->free[--n->count];
        return E_OK;
    }
    if (n->next == n->capacity) {
        uint32_t capacity = n->capacity > 0 ? 2 * n->capacity : NUMBERS_FIRST;
        uint32_t *grown = heap_resize(n->free, capacity * sizeof *grown);
        if (grown == NULL)
            return E_NOMEM;
        n->free = grown;
        n->capacity = capacity;
    }
    *out = n->next++;
    return E_OK;
}

void numbers_give(struct p9_numbers *n, uint32_t number)
{
    assert(n->count < n->next);
    n->free[n->count++] = number;
}

/* --- calls --- */

void session_break(struct p9_client *c, const char *why)
{
    if (c->broken == NULL)
        log_warn("%s: %s: all its files are lost", c->channel->name, why);
    c->broken = why;
}

static struct p9_call *call_take(struct p9_client *c)
{
    uint32_t tag;
    if (!list_empty(&c->calls)) {
        struct p9_call *call = CONTAINER_OF(c->calls.next, struct p9_call, link);
        list_remove(&call->link);
        c->call_count--;
        return call;
    }
    struct p9_call *call = heap_alloc(sizeof *call);
    if (call == NULL)
        return NULL;
    list_init(&call->link);
    if (numbers_take(&c->tags, &tag) != E_OK || tag >= P9_NO_TAG) {
        heap_free(call);
        return NULL;
    }
    call->tag = (uint16_t)tag;
    return call;
}

static void call_free(struct p9_client *c, struct p9_call *call)
{
    numbers_give(&c->tags, call->tag);
    heap_free(call);
}

static void call_give(struct p9_client *c, struct p9_call *call)
{
    if (c->call_count == CALLS_KEPT) {
        call_free(c, call);
        return;
    }
    list_add_head(&c->calls, &call->link);
    c->call_count++;
}

/* Adds the bytes as parts, none of which crosses the end of a page. */
static void add_parts(struct p9_call *call, void *bytes, uint64_t size)
{
    while (size > 0) {
        uint64_t room = PAGE_SIZE - (virt_of(bytes).v & PAGE_MASK);
        uint32_t part = (uint32_t)(size < room ? size : room);
        assert(call->count < P9_PARTS_MAX);
        call->parts[call->count++] = (struct p9_part){bytes, part};
        bytes = (uint8_t *)bytes + part;
        size -= part;
    }
}

static void add_piece(struct p9_call *call, const struct p9_piece *piece)
{
    const struct p9_data *whole = piece->whole;
    uint64_t at = piece->at, end = at + piece->size;
    if (whole->pages == NULL) {
        add_parts(call, (uint8_t *)whole->bytes + at, piece->size);
        return;
    }
    while (at < end) {
        uint64_t in_page = at & PAGE_MASK, room = PAGE_SIZE - in_page;
        uint64_t size = end - at < room ? end - at : room;
        add_parts(call, (uint8_t *)whole->pages[at >> PAGE_SHIFT] + in_page, size);
        at += size;
    }
}

static void put_fields(struct p9_writer *w, const char *format, va_list fields)
{
    for (; *format != '\0'; format++) {
        const struct p9_name *name;
        const struct p9_path *path;
        switch (*format) {
        case 'b':
            p9_put8(w, (uint8_t)va_arg(fields, unsigned));
            break;
        case 'w':
            p9_put(w, va_arg(fields, unsigned), 2);
            break;
        case 'd':
            p9_put32(w, va_arg(fields, uint32_t));
            break;
        case 'q':
            p9_put64(w, va_arg(fields, uint64_t));
            break;
        case 'n':
            name = va_arg(fields, const struct p9_name *);
            p9_put_string(w, name->bytes, name->length);
            break;
        case 'a':
            path = va_arg(fields, const struct p9_path *);
            p9_put(w, path->count, 2);
            for (unsigned i = 0; i < path->count; i++)
                p9_put_string(w, path->names[i].bytes, path->names[i].length);
            break;
        case 'c':
            p9_put_changes(w, va_arg(fields, const struct p9_changes *));
            break;
        default:
            p9_put_lock(w, va_arg(fields, const struct p9_lock *));
        }
    }
}

static uint16_t tag_of(const struct p9_call *call, uint8_t type)
{
    return type == P9_SESSION ? P9_NO_TAG : call->tag;
}

/* The reply's head; with data, their count is checked too. */
static enum err read_reply(struct p9_client *c, struct p9_call *call, uint8_t type,
                           uint32_t written, const struct p9_piece *in)
{
    size_t room = in != NULL ? P9_DATA_HEAD : sizeof call->room;
    call->reply = (struct p9_reader){.at = call->room, .end = call->room + room};
    enum err e = p9_reply(&call->reply, written, type, tag_of(call, type));
    if (e == E_OK && in != NULL) {
        uint32_t count = load32(call->room + P9_HEAD);
        call->reply.bad =
            written < P9_DATA_HEAD || count > in->size || count != written - P9_DATA_HEAD;
    }
    if (!call->reply.bad)
        return e;
    session_break(c, "the host broke the protocol");
    return E_IO;
}

static enum err call_send(struct p9_client *c, struct p9_call *call, uint8_t type, size_t size,
                          const struct p9_piece *piece)
{
    bool out = type == P9_WRITE;
    call->count = 0;
    add_parts(call, call->request, size);
    if (piece != NULL && out)
        add_piece(call, piece);
    call->readable = call->count;
    add_parts(call, call->room, piece != NULL && !out ? P9_DATA_HEAD : sizeof call->room);
    if (piece != NULL && !out)
        add_piece(call, piece);
    assert(call->count <= c->channel->parts);
    struct p9_exchange x = {call->parts, call->readable, call->count - call->readable, 0};
    enum err e = c->channel->exchange(c->channel, &x);
    if (e == E_OK)
        return read_reply(c, call, type, x.written, out ? NULL : piece);
    session_break(c, "the host is gone");
    return E_IO;
}

enum err call_ask(struct p9_client *c, uint8_t type, struct p9_call **out,
                  const struct p9_piece *piece, const char *format, ...)
{
    struct p9_writer w;
    va_list fields;
    struct p9_call *call = c->broken == NULL ? call_take(c) : NULL;
    if (call == NULL)
        return c->broken != NULL ? E_IO : E_NOMEM;
    p9_begin(&w, call->request, sizeof call->request, type, tag_of(call, type));
    va_start(fields, format);
    put_fields(&w, format, fields);
    va_end(fields);
    size_t size = p9_end(&w, type == P9_WRITE ? piece->size : 0);
    enum err e = size > 0 ? call_send(c, call, type, size, piece) : E_NAMETOOLONG;
    if (e == E_OK)
        *out = call;
    else
        call_give(c, call);
    return e;
}

enum err call_done(struct p9_client *c, struct p9_call *call, bool valid)
{
    bool good = valid && p9_done(&call->reply);
    call_give(c, call);
    if (good)
        return E_OK;
    session_break(c, "the host broke the protocol");
    return E_IO;
}

/* --- sessions --- */

static enum err agree(struct p9_client *c)
{
    static const struct p9_name version = {P9_VERSION, sizeof P9_VERSION - 1};
    struct p9_call *call;
    uint16_t length;
    enum err e = call_ask(c, P9_SESSION, &call, NULL, "dn", (uint32_t)SESSION_BYTES, &version);
    if (e != E_OK)
        return e;
    uint32_t size = p9_get32(&call->reply);
    const char *name = p9_get_string(&call->reply, &length);
    bool same = length == version.length && memcmp(name, version.bytes, length) == 0;
    e = call_done(c, call, size <= SESSION_BYTES);
    if (e != E_OK)
        return e;
    if (!same || size < SESSION_LEAST)
        return E_PROTO;
    uint32_t by_size = (size - P9_WRITE_HEAD - P9_HEAD) & ~(uint32_t)PAGE_MASK;
    uint32_t by_parts = (c->channel->parts - PARTS_OF_HEADS) * (uint32_t)PAGE_SIZE;
    c->most = by_size < by_parts ? by_size : by_parts;
    return E_OK;
}

static enum err attach(struct p9_client *c, uint32_t *root, struct p9_qid *qid)
{
    static const struct p9_name none = {"", 0};
    struct p9_call *call;
    enum err e = numbers_take(&c->fids, root);
    if (e == E_OK)
        e = call_ask(c, P9_ATTACH, &call, NULL, "ddnnd", *root, P9_NO_FID, &none, &none, 0u);
    if (e != E_OK)
        return e;
    p9_get_qid(&call->reply, qid);
    e = call_done(c, call, true);
    return e == E_OK && !(qid->type & P9_QID_DIRECTORY) ? E_NOTDIR : e;
}

enum err p9_attach(struct p9_channel *channel, struct p9_client **out, uint32_t *root,
                   struct p9_qid *qid)
{
    if (channel->open)
        return E_BUSY;
    struct p9_client *c = heap_alloc_zero(sizeof *c);
    if (c == NULL)
        return E_NOMEM;
    c->channel = channel;
    channel->open = true;
    list_init(&c->calls);
    enum err e = agree(c);
    if (e == E_OK)
        e = attach(c, root, qid);
    if (e != E_OK)
        p9_detach(c);
    else
        *out = c;
    return e;
}

void p9_detach(struct p9_client *c)
{
    while (!list_empty(&c->calls)) {
        struct p9_call *call = CONTAINER_OF(c->calls.next, struct p9_call, link);
        list_remove(&call->link);
        call_free(c, call);
    }
    c->channel->open = false;
    heap_free(c->fids.free);
    heap_free(c->tags.free);
    heap_free(c);
}

uint32_t p9_most(const struct p9_client *c)
{
    return c->most;
}

uint32_t p9_fids(const struct p9_client *c)
{
    return c->fids.next - c->fids.count;
}
