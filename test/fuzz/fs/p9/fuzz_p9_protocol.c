/* SPDX-License-Identifier: MIT */
/* The input is a reply of the host to a request of the type in its first byte. What is read from it is in its bytes, and
 * is what the contract says, or the reader is bad. */
#include "fs/p9/protocol.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entries(struct p9_reader *r)
{
    struct p9_entry e;
    while (p9_get_entry(r, &e)) {
        assert(e.length >= 1 && e.length <= P9_NAME_MAX);
        assert((const uint8_t *)e.name + e.length == r->at && r->at <= r->end);
        for (unsigned i = 0; i < e.length; i++)
            assert(e.name[i] != '/' && e.name[i] != '\0');
    }
    assert(r->bad || r->at == r->end);
}

static void check_attributes(struct p9_reader *r)
{
    struct p9_attributes a;
    p9_get_attributes(r, &a);
    if (!p9_done(r))
        return;
    assert(a.size <= INT64_MAX && a.accessed.nanoseconds < 1000000000);
    assert(((a.mode & 0170000) == 0040000) == ((a.qid.type & P9_QID_DIRECTORY) != 0));
}

static void check_fields(struct p9_reader *r, uint8_t type)
{
    struct p9_statfs statfs;
    struct p9_lock lock;
    struct p9_qid qid;
    uint16_t length;
    switch (type) {
    case P9_READDIR:
        (void)p9_get32(r);
        check_entries(r);
        break;
    case P9_GETATTR:
        check_attributes(r);
        break;
    case P9_STATFS:
        p9_get_statfs(r, &statfs);
        break;
    case P9_GETLOCK:
        p9_get_lock(r, &lock);
        assert(!p9_done(r) || lock.type <= P9_LOCK_NONE);
        break;
    case P9_WALK:
        for (uint64_t n = p9_get(r, 2); n > 0 && !r->bad; n--)
            p9_get_qid(r, &qid);
        break;
    default: {
        const char *string = p9_get_string(r, &length);
        assert(r->bad || (const uint8_t *)string + length == r->at);
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint8_t type = data[0];
    size_t cut = data[1], length = size - 2;
    size_t room = cut < length ? length - cut : length; /* the others are elsewhere */
    uint8_t *message = malloc(room);
    memcpy(message, data + 2, room);
    struct p9_reader r = {.at = message, .end = message + room};
    enum err e = p9_reply(&r, length, type, 1);
    assert(e != E_AGAIN && e != E_INTR && (int)e <= P9_ERROR_MAX);
    assert(!r.bad || e == E_IO);
    if (e == E_OK)
        check_fields(&r, type);
    assert(r.bad || (r.at >= message && r.at <= r.end && r.end <= message + room));
    free(message);
    return 0;
}
