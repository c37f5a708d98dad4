/* SPDX-License-Identifier: MIT */
/* Messages of 9P2000.L: bytes written out by hand from the protocol's description, and replies that lie. */
#include "unit.h"

#include "fs/p9/protocol.h"

#include <stdlib.h>
#include <string.h>

static void check_bytes(const struct p9_writer *w, const void *bytes, size_t size)
{
    assert_int_equal(w->used, size);
    assert_memory_equal(w->bytes, bytes, size);
}

static void test_a_request_has_these_bytes(void **state)
{
    (void)state;
    uint8_t room[64];
    struct p9_writer w;
    p9_begin(&w, room, sizeof room, P9_WALK, 0x1234);
    p9_put32(&w, 7);
    p9_put32(&w, 0x01020304);
    p9_put(&w, 2, 2);
    p9_put_string(&w, "usr", 3);
    p9_put_string(&w, "", 0);
    assert_int_equal(p9_end(&w, 0), 24);
    check_bytes(&w, "\x18\0\0\0\x6e\x34\x12\7\0\0\0\4\3\2\1\2\0\3\0usr\0\0", 24);

    p9_begin(&w, room, sizeof room, P9_WRITE, 1);
    p9_put32(&w, 9);
    p9_put64(&w, UINT64_C(0x1122334455667788));
    p9_put32(&w, 0x10000);
    assert_int_equal(w.used, P9_WRITE_HEAD);
    assert_int_equal(p9_end(&w, 0x10000), P9_WRITE_HEAD);
    check_bytes(&w, "\x17\0\1\0\x76\1\0\x9\0\0\0\x88\x77\x66\x55\x44\x33\x22\x11\0\0\1\0",
                P9_WRITE_HEAD);
}

static void test_changes_and_locks(void **state)
{
    (void)state;
    uint8_t room[96];
    struct p9_writer w;
    const struct p9_changes changes = {
        P9_SET_MODE | P9_SET_MODIFIED | P9_SET_MODIFIED_TO, 0644, 1, 2, 3, {-1, 5}, {6, 999999999}};
    p9_begin(&w, room, sizeof room, P9_SETATTR, 2);
    p9_put32(&w, 8);
    p9_put_changes(&w, &changes);
    assert_int_equal(p9_end(&w, 0), 67);
    check_bytes(&w,
                "\x43\0\0\0\x1a\2\0\x8\0\0\0\x21\1\0\0\xa4\1\0\0\1\0\0\0\2\0\0\0\3\0\0\0\0\0\0\0"
                "\xff\xff\xff\xff\xff\xff\xff\xff\5\0\0\0\0\0\0\0"
                "\6\0\0\0\0\0\0\0\xff\xc9\x9a\x3b\0\0\0\0",
                67);
    const struct p9_lock lock = {P9_LOCK_WRITE, 3, 1, 2};
    p9_begin(&w, room, sizeof room, P9_GETLOCK, 2);
    p9_put32(&w, 8);
    p9_put8(&w, lock.type);
    p9_put_lock(&w, &lock);
    assert_int_equal(p9_end(&w, 0), 38);
    check_bytes(&w, "\x26\0\0\0\x36\2\0\x8\0\0\0\1\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\4\0ouro",
                38);
}

static void test_a_full_message_is_not_sent(void **state)
{
    (void)state;
    for (size_t size = 0; size < 24;
         size++) { /* each in a block of its own: ASan watches its end */
        uint8_t *room = malloc(size);
        struct p9_writer w;
        p9_begin(&w, room, size, P9_WALK, 1);
        p9_put32(&w, 7);
        p9_put64(&w, 8);
        p9_put_string(&w, "usr", 3);
        assert_int_equal(p9_end(&w, 0), 0);
        p9_put8(&w, 1); /* nothing fits any more, be it ever so small */
        assert_int_equal(p9_end(&w, 0), 0);
        free(room);
    }
    static char huge[UINT16_MAX + 1], room[2 * UINT16_MAX];
    struct p9_writer w;
    p9_begin(&w, room, sizeof room, P9_WALK, 1);
    p9_put_string(&w, huge, sizeof huge);
    assert_int_equal(p9_end(&w, 0), 0);
}

static enum err reply(const char *bytes, size_t size, size_t written, uint8_t type, bool *broken)
{
    uint8_t *block = malloc(size);
    memcpy(block, bytes, size);
    struct p9_reader r = {.at = block, .end = block + size};
    enum err e = p9_reply(&r, written, type, 3);
    *broken = r.bad;
    free(block);
    return e;
}

static void test_replies_and_errors(void **state)
{
    (void)state;
    bool broken;
    assert_int_equal(reply("\7\0\0\0\x79\3\0", 7, 7, P9_CLUNK, &broken), E_OK);
    assert_false(broken);
    assert_int_equal(reply("\xb\0\0\0\7\3\0\x1e\0\0\0", 11, 11, P9_CLUNK, &broken), E_ROFS);
    assert_false(broken);
    /* What would make a caller ask again, or believe that a signal came. */
    assert_int_equal(reply("\xb\0\0\0\7\3\0\4\0\0\0", 11, 11, P9_CLUNK, &broken), E_IO);
    assert_false(broken);
    assert_int_equal(reply("\xb\0\0\0\7\3\0\xb\0\0\0", 11, 11, P9_CLUNK, &broken), E_IO);
    assert_false(broken);
    /* The first bytes of a longer one. */
    assert_int_equal(reply("\x13\0\0\0\x75\3\0\x8\0\0\0", 11, 19, P9_READ, &broken), E_OK);
    assert_false(broken);
}

static void test_broken_replies(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size, written;
    } lies[] = {
        {"\7\0\0\0\x79\3\0", 7, 6},                  /* fewer than it says */
        {"\7\0\0\0\x79\3\0", 7, 0},                  /* nothing */
        {"\7\0\0\0\x79\3\0", 7, 8},                  /* more than it says */
        {"\6\0\0\0\x79\3\0", 7, 7},                  /* another size */
        {"\xff\xff\xff\xff\x79\3\0", 7, 7},          /* another size */
        {"\7\0\0\0\x78\3\0", 7, 7},                  /* the request's type */
        {"\7\0\0\0\x7b\3\0", 7, 7},                  /* another reply */
        {"\7\0\0\0\x79\4\0", 7, 7},                  /* another tag */
        {"\7\0\0\0\x79\3\1", 7, 7},                  /* another tag */
        {"\7\0\0\0\7\3\0", 7, 7},                    /* an error without its number */
        {"\xb\0\0\0\7\3\0\0\0\0\0", 11, 11},         /* no error */
        {"\xb\0\0\0\7\3\0\x86\0\0\0", 11, 11},       /* no error of Linux */
        {"\xb\0\0\0\7\3\0\xff\xff\xff\xff", 11, 11}, /* no error of Linux */
        {"\xc\0\0\0\7\3\0\2\0\0\0\0", 12, 12},       /* more than an error */
        {"\3\0\0\0", 4, 3},                          /* no head */
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        bool broken = false;
        assert_int_equal(reply(lies[i].bytes, lies[i].size, lies[i].written, P9_CLUNK, &broken),
                         E_IO);
        assert_true(broken);
    }
}

/* A reply's fields in a block that ends with them. */
static struct p9_reader fields(uint8_t **block, const struct p9_writer *w, size_t size)
{
    *block = malloc(size);
    memcpy(*block, w->bytes, size);
    return (struct p9_reader){.at = *block, .end = *block + size};
}

static void put_qid(struct p9_writer *w, uint8_t type)
{
    p9_put8(w, type);
    p9_put32(w, 0xabcdef01);
    p9_put64(w, UINT64_C(0xfedcba9876543210));
}

struct given {
    uint64_t valid;
    uint8_t type;
    uint32_t mode;
    uint64_t size, nanoseconds;
};

static void put_attributes(struct p9_writer *w, const struct given *g)
{
    p9_put64(w, g->valid);
    put_qid(w, g->type);
    p9_put32(w, g->mode);
    p9_put32(w, 1000);
    p9_put32(w, 100);
    for (uint64_t i = 1; i <= 2; i++)
        p9_put64(w, i);
    p9_put64(w, g->size);
    p9_put64(w, 4096);
    p9_put64(w, 5);
    for (uint64_t i = 0; i < 4; i++) {
        p9_put64(w, 10 + i);
        p9_put64(w, g->nanoseconds);
    }
    p9_put64(w, 0);
    p9_put64(w, 0);
}

static bool attributes(struct given g, struct p9_attributes *out)
{
    uint8_t room[256], *block;
    struct p9_writer w = {.bytes = room, .size = sizeof room};
    put_attributes(&w, &g);
    struct p9_reader r = fields(&block, &w, w.used);
    p9_get_attributes(&r, out);
    free(block);
    return p9_done(&r);
}

static void test_attributes(void **state)
{
    (void)state;
    struct p9_attributes a;
    assert_true(attributes((struct given){0x7ff, 0, 0100644, 77, 999999999}, &a));
    assert_int_equal(a.qid.path, UINT64_C(0xfedcba9876543210));
    assert_int_equal(a.qid.version, 0xabcdef01);
    assert_int_equal(a.mode, 0100644);
    assert_int_equal(a.uid, 1000);
    assert_int_equal(a.gid, 100);
    assert_int_equal(a.nlink, 1);
    assert_int_equal(a.device, 2);
    assert_int_equal(a.size, 77);
    assert_int_equal(a.block_size, 4096);
    assert_int_equal(a.blocks, 5);
    assert_int_equal(a.accessed.seconds, 10);
    assert_int_equal(a.modified.seconds, 11);
    assert_int_equal(a.changed.seconds, 12);
    assert_int_equal(a.changed.nanoseconds, 999999999);
    assert_true(attributes((struct given){0x3fff, P9_QID_DIRECTORY, 0040755, 77, 0}, &a));
    assert_true(attributes((struct given){0x7ff, P9_QID_LINK, 0120777, 77, 0}, &a));
}

static void test_attributes_that_lie(void **state)
{
    (void)state;
    struct p9_attributes a;
    assert_false(attributes((struct given){0x7fe, 0, 0100644, 77, 0}, &a)); /* without the mode */
    assert_false(attributes((struct given){0x7ff, 0, 0100644, UINT64_C(1) << 63, 0}, &a));
    assert_false(attributes((struct given){0x7ff, 0, 0100644, 77, 1000000000}, &a));
    assert_false(attributes((struct given){0x7ff, 0, 0644, 77, 0}, &a));    /* of no type */
    assert_false(attributes((struct given){0x7ff, 0, 0170644, 77, 0}, &a)); /* of no type */
    assert_false(
        attributes((struct given){0x7ff, 0, 0040755, 77, 0}, &a)); /* types that disagree */
    assert_false(attributes((struct given){0x7ff, P9_QID_DIRECTORY, 0100644, 77, 0}, &a));
    assert_false(attributes((struct given){0x7ff, P9_QID_DIRECTORY, 0120777, 77, 0}, &a));
    assert_false(attributes((struct given){0x7ff, P9_QID_LINK, 0100644, 77, 0}, &a));
    assert_int_equal(a.size, 0);
    uint8_t room[256], *block;
    struct p9_writer w = {.bytes = room, .size = sizeof room};
    put_attributes(&w, &(struct given){0x7ff, 0, 0100644, 1, 2});
    for (size_t size = 0; size <= w.used + 1; size++) {
        struct p9_reader r = fields(&block, &w, size);
        p9_get_attributes(&r, &a);
        assert_int_equal(p9_done(&r), size == w.used);
        free(block);
    }
}

static void test_statfs_and_locks(void **state)
{
    (void)state;
    uint8_t room[128], *block;
    struct p9_writer w = {.bytes = room, .size = sizeof room};
    p9_put32(&w, 0x01021997);
    p9_put32(&w, 4096);
    for (uint64_t i = 1; i <= 6; i++)
        p9_put64(&w, i);
    p9_put32(&w, 255);
    for (size_t size = 0; size <= w.used + 1; size++) {
        struct p9_statfs s;
        struct p9_reader r = fields(&block, &w, size);
        p9_get_statfs(&r, &s);
        assert_int_equal(p9_done(&r), size == w.used);
        if (size == w.used) {
            assert_int_equal(s.block_size, 4096);
            assert_int_equal(s.blocks, 1);
            assert_int_equal(s.blocks_available, 3);
            assert_int_equal(s.files_free, 5);
            assert_int_equal(s.name_max, 255);
        }
        free(block);
    }
    for (uint8_t type = 0; type < 4; type++) {
        const struct p9_lock lock = {type, 77, 5, 6};
        struct p9_lock got;
        w.used = 0;
        p9_put8(&w, type);
        p9_put_lock(&w, &lock);
        struct p9_reader r = fields(&block, &w, w.used);
        p9_get_lock(&r, &got);
        assert_int_equal(p9_done(&r), type <= P9_LOCK_NONE);
        assert_int_equal(got.start, 5);
        assert_int_equal(got.length, 6);
        assert_int_equal(got.process, 77);
        free(block);
    }
}

static unsigned entries(const char *name, size_t length, size_t cut, bool *bad)
{
    uint8_t room[700], *block;
    struct p9_writer w = {.bytes = room, .size = sizeof room};
    struct p9_entry e;
    unsigned count = 0;
    put_qid(&w, P9_QID_DIRECTORY);
    p9_put64(&w, 100);
    p9_put8(&w, 4);
    p9_put_string(&w, "first", 5);
    put_qid(&w, 0);
    p9_put64(&w, 200);
    p9_put8(&w, 8);
    p9_put_string(&w, name, length);
    assert_false(w.full);
    struct p9_reader r = fields(&block, &w, w.used - cut);
    while (p9_get_entry(&r, &e)) {
        assert_int_equal(e.next, ++count * 100);
        assert_int_equal(e.length, count == 1 ? 5 : length);
        assert_memory_equal(e.name, count == 1 ? "first" : name, e.length);
        assert_int_equal(e.type, count * 4);
    }
    *bad = r.bad;
    free(block);
    return count;
}

static void test_listings(void **state)
{
    (void)state;
    static char longest[P9_NAME_MAX + 1];
    bool bad;
    memset(longest, 'n', sizeof longest);
    assert_int_equal(entries("second", 6, 0, &bad), 2);
    assert_false(bad);
    assert_int_equal(entries(longest, P9_NAME_MAX, 0, &bad), 2);
    assert_false(bad);
    for (size_t cut = 1; cut < 30; cut++) {
        assert_int_equal(entries("second", 6, cut, &bad), 1);
        assert_int_equal(bad, true);
    }
    static const struct {
        const char *name;
        size_t length;
    } wrong[] = {{"a/b", 3}, {"/", 1}, {"", 0}, {"a\0b", 3}, {longest, P9_NAME_MAX + 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(entries(wrong[i].name, wrong[i].length, 0, &bad), 1);
        assert_true(bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_has_these_bytes),
        cmocka_unit_test(test_changes_and_locks),
        cmocka_unit_test(test_a_full_message_is_not_sent),
        cmocka_unit_test(test_replies_and_errors),
        cmocka_unit_test(test_broken_replies),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_attributes_that_lie),
        cmocka_unit_test(test_statfs_and_locks),
        cmocka_unit_test(test_listings),
    };
    return RUN_TESTS(tests);
}
