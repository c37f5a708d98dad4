/* SPDX-License-Identifier: MIT */
#include "p9_native.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* The parts one behind the other. */
static size_t sum(const struct p9_part *parts, unsigned count)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        uintptr_t at = (uintptr_t)parts[i].at;
        assert_true(parts[i].size > 0);
        assert_int_equal(at / 4096, (at + parts[i].size - 1) / 4096);
        size += parts[i].size;
    }
    return size;
}

static void gather(const struct p9_part *parts, unsigned count, uint8_t *to)
{
    for (unsigned i = 0; i < count; i++) {
        memcpy(to, parts[i].at, parts[i].size);
        to += parts[i].size;
    }
}

static void scatter(const struct p9_part *parts, const uint8_t *from, size_t size)
{
    for (; size > 0; parts++) {
        size_t part = size < parts->size ? size : parts->size;
        memcpy(parts->at, from, part);
        from += part;
        size -= part;
    }
}

static void check_tag(struct p9_native *n, const uint8_t *request)
{
    uint16_t tag = (uint16_t)(request[5] | request[6] << 8);
    for (unsigned i = 0; i < n->under_way; i++)
        assert_int_not_equal(n->tags[i], tag);
    n->tags[n->under_way++] = tag;
}

static enum err native_exchange(struct p9_channel *channel, struct p9_exchange *x)
{
    struct p9_native *n = CONTAINER_OF(channel, struct p9_native, channel);
    const struct p9_part *in = x->parts + x->readable;
    size_t size = sum(x->parts, x->readable), room = sum(in, x->writable);
    assert_true(x->readable > 0 && x->writable > 0 && x->readable + x->writable <= channel->parts);
    if (n->model->lie == P9_LIE_NO_ANSWER)
        return E_IO;
    uint8_t *request = malloc(size), *reply = malloc(room);
    gather(x->parts, x->readable, request);
    check_tag(n, request);
    if (n->meanwhile != NULL && n->under_way == 1)
        n->meanwhile();
    x->written = (uint32_t)p9_model_answer(n->model, request, size, reply, room);
    assert_true(x->written <= room);
    scatter(in, reply, x->written);
    n->under_way--;
    free(request);
    free(reply);
    return E_OK;
}

void p9_native_begin(struct p9_native *n, struct p9_model *host, unsigned parts)
{
    *n = (struct p9_native){
        .channel = {.name = "share", .parts = parts, .exchange = native_exchange},
        .model = host,
    };
}

/* --- a session --- */

struct p9_model model;
struct p9_native native;
struct p9_client *client;
uint32_t root;

void begin(void)
{
    struct p9_qid qid;
    p9_model_begin(&model);
    p9_native_begin(&native, &model, P9_PARTS_MAX);
    assert_int_equal(p9_attach(&native.channel, &client, &root, &qid), E_OK);
    assert_int_equal(qid.type, P9_QID_DIRECTORY);
}

void end(void)
{
    if (model.lie == P9_HONEST) {
        assert_int_equal(p9_fids(client), model.fids);
        assert_int_equal(p9_clunk(client, root), E_OK);
        assert_int_equal(p9_fids(client), 0);
        assert_int_equal(model.fids, 0);
    }
    p9_detach(client);
    assert_false(native.channel.open);
    p9_model_end(&model);
}

enum err walk(const char *path, uint32_t *fid)
{
    struct p9_name names[P9_NAMES_MAX];
    struct p9_path walked = {names, 0};
    struct p9_qid qid;
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        names[walked.count++] = (struct p9_name){path, length};
        path += length + (path[length] == '/');
    }
    return p9_walk(client, root, &walked, fid, &qid);
}

uint32_t opened(const char *path, uint32_t flags)
{
    uint32_t fid;
    struct p9_qid qid;
    assert_int_equal(walk(path, &fid), E_OK);
    assert_int_equal(p9_open(client, fid, flags, &qid), E_OK);
    return fid;
}
