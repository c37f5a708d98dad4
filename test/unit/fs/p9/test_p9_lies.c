/* SPDX-License-Identifier: MIT */
/* The client against a server that answers with errors, breaks the protocol, or is gone. */
#include "unit.h"

#include "fs/p9/client.h"
#include "p9_native.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static uint32_t file_fid, open_fid, dir_fid, plain_fid;

/* One call of each kind; fids that a call makes are clunked, so that each is what it was afterwards. */
static enum err call(uint8_t type)
{
    static char text[64];
    static uint8_t bytes[8192];
    const struct p9_name names[] = {{"dir", 3}, {"file", 4}};
    const struct p9_path path = {names, 2};
    struct p9_data data = {.bytes = bytes, .size = sizeof bytes};
    struct p9_lock lock = {P9_LOCK_READ, 1, 2, 3};
    struct p9_new file = {
        .name = STRING_NAME("new"), .text = STRING_NAME("text"), .mode = S_IFREG | 0600};
    struct p9_attributes attributes;
    struct p9_statfs statfs;
    struct p9_qid qid;
    uint64_t done;
    uint32_t fid = P9_NO_FID, size;
    enum err e;
    switch (type) {
    case P9_STATFS:
        return p9_statfs(client, file_fid, &statfs);
    case P9_LOPEN:
        return p9_open(client, plain_fid, O_RDONLY, &qid);
    case P9_LCREATE:
        file.mode = 0600;
        return p9_create(client, plain_fid, &file, &qid);
    case P9_SYMLINK:
        return p9_symlink(client, root, &file, &qid);
    case P9_MKNOD:
        return p9_mknod(client, root, &file, &qid);
    case P9_MKDIR:
        return p9_mkdir(client, root, &file, &qid);
    case P9_READLINK:
        return p9_readlink(client, plain_fid, text, sizeof text);
    case P9_GETATTR:
        return p9_getattr(client, file_fid, &attributes);
    case P9_SETATTR:
        return p9_setattr(client, file_fid, &(struct p9_changes){.valid = P9_SET_MODE});
    case P9_XATTRWALK:
        e = p9_xattr_walk(client, file_fid, STRING_NAME(""), &fid, &done);
        break;
    case P9_XATTRCREATE:
        return p9_xattr_create(client, plain_fid, STRING_NAME("user.a"), 0, 0);
    case P9_READDIR:
        return p9_readdir(client, dir_fid, 0, &data, &size);
    case P9_FSYNC:
        return p9_fsync(client, open_fid, false);
    case P9_LOCK:
        return p9_lock(client, open_fid, &lock);
    case P9_GETLOCK:
        return p9_getlock(client, open_fid, &lock);
    case P9_LINK:
        return p9_link(client, root, file_fid, STRING_NAME("new"));
    case P9_RENAMEAT:
        return p9_rename(client, root, STRING_NAME("other"), root, STRING_NAME("new"));
    case P9_UNLINKAT:
        return p9_unlink(client, root, STRING_NAME("other"), false);
    case P9_WALK:
        e = p9_walk(client, root, &path, &fid, &qid);
        break;
    case P9_READ:
        return p9_read(client, open_fid, 0, &data, &done);
    case P9_WRITE:
        return p9_write(client, open_fid, 0, &data, &done);
    case P9_CLUNK:
        return p9_clunk(client, plain_fid);
    default:
        return E_INVAL;
    }
    if (e == E_OK)
        (void)p9_clunk(client, fid);
    return e;
}

static const uint8_t types[] = {
    P9_STATFS,  P9_LOPEN,    P9_LCREATE,     P9_SYMLINK,  P9_MKNOD, P9_READLINK,
    P9_GETATTR, P9_SETATTR,  P9_XATTRWALK,   P9_READDIR,  P9_FSYNC, P9_LOCK,
    P9_GETLOCK, P9_LINK,     P9_MKDIR,       P9_WALK,     P9_READ,  P9_WRITE,
    P9_CLUNK,   P9_RENAMEAT, P9_XATTRCREATE, P9_UNLINKAT,
};

static void prepare(uint8_t type)
{
    begin();
    p9_model_make(&model, "dir", S_IFDIR | 0755, NULL, 0);
    p9_model_make(&model, "dir/file", S_IFREG | 0644, "12345", 5);
    p9_model_make(&model, "other", S_IFREG | 0644, "12345", 5);
    p9_model_make(&model, "link", S_IFLNK | 0777, "text", 4);
    assert_int_equal(walk("dir/file", &file_fid), E_OK);
    open_fid = opened("dir/file", O_RDWR);
    dir_fid = opened("", O_RDONLY);
    assert_int_equal(walk(type == P9_LCREATE    ? ""
                          : type == P9_READLINK ? "link"
                                                : "dir/file",
                          &plain_fid),
                     E_OK);
}

static void finish(bool plain_is_left)
{
    uint32_t fids[] = {file_fid, open_fid, dir_fid, plain_fid};
    for (unsigned i = 0; i < 3u + plain_is_left; i++)
        (void)p9_clunk(client, fids[i]);
    end();
}

static void test_each_call_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types; i++) {
        prepare(types[i]);
        assert_int_equal(call(types[i]), E_OK);
        assert_int_equal(model.messages[types[i]] > 0, true);
        if (types[i] == P9_XATTRCREATE) { /* the attribute that it would remove is not there */
            assert_int_equal(p9_clunk(client, plain_fid), E_NODATA);
            finish(false);
            continue;
        }
        finish(types[i] != P9_CLUNK);
    }
}

static void test_each_call_tells_its_error(void **state)
{
    (void)state;
    static const uint32_t errors[] = {ENOENT, EROFS, ENOSPC, EDQUOT, EOPNOTSUPP};
    for (size_t i = 0; i < sizeof types; i++) {
        prepare(types[i]);
        model.lie_type = types[i];
        for (size_t n = 0; n < sizeof errors / sizeof errors[0]; n++) {
            unsigned fids = p9_fids(client);
            if (types[i] == P9_CLUNK && n > 0)
                break; /* the fid is gone */
            model.lie = P9_LIE_ERROR;
            model.error = errors[n];
            assert_int_equal(call(types[i]), errors[n]);
            model.lie = P9_HONEST;
            assert_int_equal(p9_fids(client), fids - (types[i] == P9_CLUNK));
            assert_int_equal(p9_fids(client), model.fids);
        }
        finish(types[i] != P9_CLUNK);
    }
}

static bool can_lie(enum p9_lie lie, uint8_t type)
{
    static const uint8_t counts[] = {P9_READLINK, P9_READDIR, P9_WALK, P9_READ, P9_WRITE};
    static const uint8_t values[] = {P9_GETATTR, P9_READLINK, P9_GETLOCK};
    if (lie == P9_LIE_COUNT)
        return memchr(counts, type, sizeof counts) != NULL;
    return lie != P9_LIE_VALUE || memchr(values, type, sizeof values) != NULL;
}

static void test_lies_end_the_session(void **state)
{
    (void)state;
    static const enum p9_lie lies[] = {P9_LIE_CUT,   P9_LIE_NOTHING, P9_LIE_TAG,
                                       P9_LIE_TYPE,  P9_LIE_SIZE,    P9_LIE_LONGER,
                                       P9_LIE_COUNT, P9_LIE_VALUE,   P9_LIE_NO_ANSWER};
    for (size_t i = 0; i < sizeof types; i++)
        for (size_t n = 0; n < sizeof lies / sizeof lies[0]; n++) {
            struct p9_attributes a;
            if (!can_lie(lies[n], types[i]))
                continue;
            prepare(types[i]);
            model.lie_type = types[i];
            model.lie = lies[n];
            assert_int_equal(call(types[i]), E_IO);
            model.lie_type = 1; /* honest from now on, which does not help */
            unsigned before = model.messages[P9_GETATTR];
            assert_int_equal(p9_getattr(client, root, &a), E_IO);
            assert_int_equal(model.messages[P9_GETATTR], before);
            finish(types[i] != P9_CLUNK);
        }
}

static void test_values_that_are_errors(void **state)
{
    (void)state;
    uint64_t done;
    uint8_t byte = 0;
    const struct p9_data data = {.bytes = &byte, .size = 1};
    struct p9_lock lock = {P9_LOCK_READ, 1, 2, 3};
    prepare(P9_WRITE);
    model.lie = P9_LIE_VALUE;
    assert_int_equal(p9_write(client, open_fid, 0, &data, &done), E_IO); /* of no bytes */
    assert_int_equal(done, 0);
    assert_int_equal(p9_lock(client, open_fid, &lock), E_IO);
    model.lie = P9_HONEST;
    finish(true); /* the session works */
}

static void test_hosts_that_are_none(void **state)
{
    (void)state;
    static const struct {
        enum p9_lie lie;
        uint8_t type;
        enum err e;
    } cases[] = {
        {P9_LIE_VALUE, P9_SESSION, E_PROTO},  {P9_LIE_COUNT, P9_SESSION, E_IO},
        {P9_LIE_CUT, P9_SESSION, E_IO},       {P9_LIE_NOTHING, P9_SESSION, E_IO},
        {P9_LIE_TAG, P9_SESSION, E_IO},       {P9_LIE_NO_ANSWER, P9_SESSION, E_IO},
        {P9_LIE_ERROR, P9_SESSION, E_NOTSUP}, {P9_LIE_VALUE, P9_ATTACH, E_NOTDIR},
        {P9_LIE_CUT, P9_ATTACH, E_IO},        {P9_LIE_ERROR, P9_ATTACH, E_NOTSUP},
        {P9_LIE_LONGER, P9_ATTACH, E_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct p9_qid qid;
        p9_model_begin(&model);
        model.lie = cases[i].lie;
        model.lie_type = cases[i].type;
        model.error = EOPNOTSUPP;
        p9_native_begin(&native, &model, P9_PARTS_MAX);
        assert_int_equal(p9_attach(&native.channel, &client, &root, &qid), cases[i].e);
        assert_false(native.channel.open);
        p9_model_end(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call_works),
        cmocka_unit_test(test_each_call_tells_its_error),
        cmocka_unit_test(test_lies_end_the_session),
        cmocka_unit_test(test_values_that_are_errors),
        cmocka_unit_test(test_hosts_that_are_none),
    };
    return RUN_TESTS(tests);
}
