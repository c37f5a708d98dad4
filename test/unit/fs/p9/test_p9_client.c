/* SPDX-License-Identifier: MIT */
/* The client against an honest server over a folder in memory. */
#include "unit.h"

#include "fs/p9/client.h"
#include "p9_native.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum {
    MIB = 1 << 20,
};

static void fill(uint8_t *bytes, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)((i * 2654435761u + seed) >> 11);
}

/* --- honest --- */

static void test_a_session(void **state)
{
    (void)state;
    struct p9_client *other;
    struct p9_qid qid;
    uint32_t fid;
    begin();
    assert_int_equal(p9_most(client) % 4096, 0);
    assert_true(p9_most(client) >= 480 * 1024);
    assert_int_equal(model.size, 512 * 1024);
    assert_int_equal(p9_attach(&native.channel, &other, &fid, &qid), E_BUSY);
    end();
    begin(); /* another */
    end();
}

static void test_small_messages(void **state)
{
    (void)state;
    static uint8_t bytes[100000], got[100001];
    struct p9_qid qid;
    uint64_t done;
    p9_model_begin(&model);
    model.session_size = 8192;
    p9_native_begin(&native, &model, 8);
    assert_int_equal(p9_attach(&native.channel, &client, &root, &qid), E_OK);
    assert_int_equal(p9_most(client), 4096);
    fill(bytes, sizeof bytes, 1);
    p9_model_make(&model, "file", S_IFREG | 0644, bytes, sizeof bytes);
    uint32_t fid = opened("file", O_RDONLY);
    const struct p9_data data = {.bytes = got, .size = sizeof got};
    assert_int_equal(p9_read(client, fid, 0, &data, &done), E_OK);
    assert_int_equal(done, sizeof bytes);
    assert_memory_equal(got, bytes, sizeof bytes);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    end();
    p9_model_begin(&model);
    model.session_size = 4096; /* too small for a page and its head */
    p9_native_begin(&native, &model, 8);
    assert_int_equal(p9_attach(&native.channel, &client, &root, &qid), E_PROTO);
    assert_false(native.channel.open);
    p9_model_end(&model);
}

static void test_walks(void **state)
{
    (void)state;
    uint32_t fid, same;
    struct p9_attributes a;
    struct p9_qid qid;
    begin();
    p9_model_make(&model, "a", S_IFDIR | 0755, NULL, 0);
    p9_model_make(&model, "a/b", S_IFDIR | 0755, NULL, 0);
    p9_model_make(&model, "a/b/file", S_IFREG | 0640, "12345", 5);
    assert_int_equal(walk("a/b/file", &fid), E_OK);
    assert_int_equal(p9_getattr(client, fid, &a), E_OK);
    assert_int_equal(a.mode, S_IFREG | 0640);
    assert_int_equal(a.size, 5);
    assert_int_equal(p9_walk(client, fid, &(struct p9_path){NULL, 0}, &same, &qid), E_OK);
    assert_int_not_equal(fid, same);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    assert_int_equal(p9_getattr(client, same, &a), E_OK);
    assert_int_equal(walk("nothing", &fid), E_NOENT);
    assert_int_equal(walk("a/nothing/file", &fid), E_NOENT);
    assert_int_equal(walk("a/b/file/more", &fid), E_NOENT);
    assert_int_equal(p9_clunk(client, same), E_OK);
    /* Numbers are used again. */
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(walk("a/b", &fid), E_OK);
        assert_true(fid < 3);
        assert_int_equal(p9_clunk(client, fid), E_OK);
    }
    end();
}

static void check_file(const char *path, const void *bytes, size_t size)
{
    size_t have;
    struct p9_node *node = p9_model_find(&model, path);
    assert_non_null(node);
    const uint8_t *is = p9_model_bytes(node, &have);
    assert_int_equal(have, size);
    assert_memory_equal(is, bytes, size);
}

/* Writes and reads `size` bytes at an offset, from memory in one piece and from pages. */
static void move_there_and_back(uint64_t size, uint64_t offset)
{
    uint8_t *all = calloc(1, offset + size), *got = malloc(size + 1);
    void *pages[MIB * 2 / 4096];
    uint64_t done;
    fill(all + offset, size, (unsigned)size);
    uint32_t fid;
    struct p9_qid qid;
    const struct p9_new file = {.name = STRING_NAME("new"), .mode = 0600, .flags = O_RDWR};
    assert_int_equal(walk("", &fid), E_OK);
    assert_int_equal(p9_create(client, fid, &file, &qid), E_OK);
    struct p9_data data = {.bytes = all + offset, .size = size};
    assert_int_equal(p9_write(client, fid, offset, &data, &done), E_OK);
    assert_int_equal(done, size);
    check_file("new", all, size > 0 ? offset + size : 0);

    size_t count = (size + 4095) / 4096;
    for (size_t i = 0; i < count; i++)
        pages[i] = aligned_alloc(4096, 4096);
    data = (struct p9_data){.pages = pages, .size = size};
    assert_int_equal(p9_read(client, fid, offset, &data, &done), E_OK);
    assert_int_equal(done, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(((uint8_t *)pages[i / 4096])[i % 4096], all[offset + i]);
    ((uint8_t *)pages[0])[0] ^= 1; /* other bytes, from pages */
    if (size > 0) {
        all[offset] ^= 1;
        assert_int_equal(p9_write(client, fid, offset, &data, &done), E_OK);
        check_file("new", all, offset + size);
    }
    for (size_t i = 0; i < count; i++)
        free(pages[i]);

    data = (struct p9_data){.bytes = got, .size = size + 1}; /* past the end */
    assert_int_equal(p9_read(client, fid, offset, &data, &done), E_OK);
    assert_int_equal(done, size);
    assert_memory_equal(got, all + offset, size);
    free(got);
    free(all);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    assert_int_equal(p9_unlink(client, root, STRING_NAME("new"), false), E_OK);
}

static void test_reads_and_writes(void **state)
{
    (void)state;
    static const struct {
        uint64_t size, offset;
    } cases[] = {{1, 0},          {4095, 1},       {4096, 0},          {4097, 4095},
                 {500000, 12345}, {2 * MIB, 4096}, {2 * MIB - 1, 511}, {123 * 4096, 0}};
    for (uint32_t most = 0; most <= 70000;
         most += 35000) { /* and a host that moves less than was asked for */
        begin();
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            model.most = most;
            move_there_and_back(cases[i].size, cases[i].offset);
        }
        end();
    }
}

static void test_one_message_for_half_a_mebibyte(void **state)
{
    (void)state;
    static uint8_t bytes[480 * 1024];
    const struct p9_data data = {.bytes = bytes, .size = sizeof bytes};
    uint64_t done;
    begin();
    p9_model_make(&model, "file", S_IFREG | 0600, bytes, sizeof bytes);
    uint32_t fid = opened("file", O_RDWR);
    assert_int_equal(p9_read(client, fid, 0, &data, &done), E_OK);
    assert_int_equal(p9_write(client, fid, 0, &data, &done), E_OK);
    assert_int_equal(model.messages[P9_READ], 1);
    assert_int_equal(model.messages[P9_WRITE], 1);
    assert_int_equal(p9_fsync(client, fid, false), E_OK);
    assert_int_equal(p9_fsync(client, fid, true), E_OK);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    end();
}

static void test_attributes_change(void **state)
{
    (void)state;
    uint32_t fid;
    struct p9_attributes a;
    struct p9_changes changes = {.valid = P9_SET_MODE | P9_SET_SIZE | P9_SET_MODIFIED |
                                          P9_SET_MODIFIED_TO,
                                 .mode = 0711,
                                 .size = 3,
                                 .modified = {77, 88}};
    begin();
    p9_model_make(&model, "file", S_IFREG | 0600, "12345", 5);
    assert_int_equal(walk("file", &fid), E_OK);
    assert_int_equal(p9_setattr(client, fid, &changes), E_OK);
    assert_int_equal(p9_getattr(client, fid, &a), E_OK);
    assert_int_equal(a.mode, S_IFREG | 0711);
    assert_int_equal(a.size, 3);
    assert_int_equal(a.modified.seconds, 77);
    assert_int_equal(a.modified.nanoseconds, 88);
    check_file("file", "123", 3);
    struct p9_statfs s;
    assert_int_equal(p9_statfs(client, fid, &s), E_OK);
    assert_int_equal(s.blocks_free, 200);
    assert_int_equal(s.name_max, 255);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    end();
}

static void test_names(void **state)
{
    (void)state;
    struct p9_qid qid;
    uint32_t dir, fid;
    char text[4096];
    static char longest[256];
    memset(longest, 'n', 255);
    begin();
    struct p9_new file = {.name = STRING_NAME("dir"), .mode = 0750};
    assert_int_equal(p9_mkdir(client, root, &file, &qid), E_OK);
    assert_int_equal(qid.type, P9_QID_DIRECTORY);
    assert_int_equal(p9_mkdir(client, root, &file, &qid), E_EXIST);
    assert_int_equal(walk("dir", &dir), E_OK);
    file = (struct p9_new){.name = STRING_NAME("fifo"), .mode = S_IFIFO | 0600};
    assert_int_equal(p9_mknod(client, dir, &file, &qid), E_OK);
    file = (struct p9_new){.name = STRING_NAME(longest), .mode = S_IFREG | 0600};
    assert_int_equal(p9_mknod(client, dir, &file, &qid), E_OK);
    file = (struct p9_new){.name = STRING_NAME("link"), .text = STRING_NAME("../somewhere")};
    assert_int_equal(p9_symlink(client, dir, &file, &qid), E_OK);
    assert_int_equal(qid.type, P9_QID_LINK);
    assert_int_equal(walk("dir/link", &fid), E_OK);
    assert_int_equal(p9_readlink(client, fid, text, sizeof text), E_OK);
    assert_string_equal(text, "../somewhere");
    assert_int_equal(p9_readlink(client, fid, text, 13), E_OK);
    assert_int_equal(p9_readlink(client, fid, text, 12), E_NAMETOOLONG);
    assert_int_equal(p9_clunk(client, fid), E_OK);

    assert_int_equal(walk("dir/fifo", &fid), E_OK);
    assert_int_equal(p9_link(client, root, fid, STRING_NAME("other")), E_OK);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    assert_ptr_equal(p9_model_find(&model, "other"), p9_model_find(&model, "dir/fifo"));
    assert_int_equal(p9_rename(client, root, STRING_NAME("other"), dir, STRING_NAME("moved")),
                     E_OK);
    assert_null(p9_model_find(&model, "other"));
    assert_non_null(p9_model_find(&model, "dir/moved"));
    assert_int_equal(p9_unlink(client, root, STRING_NAME("dir"), false), E_ISDIR);
    assert_int_equal(p9_unlink(client, root, STRING_NAME("dir"), true), E_NOTEMPTY);
    static const char *const names[] = {"fifo", longest, "link", "moved"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(p9_unlink(client, dir, STRING_NAME(names[i]), false), E_OK);
    assert_int_equal(p9_unlink(client, dir, STRING_NAME("fifo"), false), E_NOENT);
    assert_int_equal(p9_unlink(client, root, STRING_NAME("dir"), true), E_OK);
    assert_int_equal(p9_clunk(client, dir), E_OK);
    end();
}

static void test_a_text_of_4095_bytes(void **state)
{
    (void)state;
    static char text[4096], got[4096], longest[256];
    struct p9_qid qid;
    uint32_t fid;
    memset(text, 't', 4095);
    memset(longest, 'n', 255);
    begin();
    const struct p9_new file = {.name = STRING_NAME(longest), .text = STRING_NAME(text)};
    assert_int_equal(p9_symlink(client, root, &file, &qid), E_OK);
    assert_int_equal(walk(longest, &fid), E_OK);
    assert_int_equal(p9_readlink(client, fid, got, sizeof got), E_OK);
    assert_string_equal(text, got);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    end();
}

/* Lists the folder by pieces of `size` bytes. Names are "f%u". */
static unsigned list(uint32_t fid, size_t size, bool *seen)
{
    uint8_t *bytes = malloc(size);
    const struct p9_data data = {.bytes = bytes, .size = size};
    uint64_t next = 0;
    uint32_t have;
    unsigned count = 0;
    for (;;) {
        struct p9_entry e;
        assert_int_equal(p9_readdir(client, fid, next, &data, &have), E_OK);
        struct p9_reader r = {.at = bytes, .end = bytes + have};
        if (have == 0)
            break;
        while (p9_get_entry(&r, &e)) {
            next = e.next;
            count++;
            if (e.name[0] == '.')
                continue;
            unsigned long number = strtoul(e.name + 1, NULL, 10);
            assert_false(seen[number]);
            seen[number] = true;
        }
        assert_true(p9_done(&r));
    }
    free(bytes);
    return count;
}

static void test_listings_by_pieces(void **state)
{
    (void)state;
    enum {
        FILES = 3000,
        EXTRA = 7,
    };
    static const size_t sizes[] = {300, 4096, 65536, MIB};
    begin();
    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%u", i);
        p9_model_make(&model, name, S_IFREG | 0600, NULL, 0);
    }
    uint32_t fid = opened("", O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bool seen[FILES + EXTRA] = {false};
        assert_int_equal(list(fid, sizes[i], seen), FILES + 2);
        for (unsigned n = 0; n < FILES; n++)
            assert_true(seen[n]);
    }
    assert_int_equal(p9_clunk(client, fid), E_OK);
    end();
}

static void test_extended_attributes(void **state)
{
    (void)state;
    uint32_t fid, of;
    uint64_t size, done;
    char value[32];
    begin();
    p9_model_make(&model, "file", S_IFREG | 0600, NULL, 0);
    static const char *const values[] = {"first", "second value", ""};
    for (size_t i = 0; i < 3; i++) {
        struct p9_data data = {.bytes = (void *)(uintptr_t)values[i], .size = strlen(values[i])};
        assert_int_equal(walk("file", &fid), E_OK);
        assert_int_equal(p9_xattr_create(client, fid, STRING_NAME("user.a"), data.size,
                                         i == 0 ? XATTR_CREATE : 0),
                         E_OK);
        assert_int_equal(p9_write(client, fid, 0, &data, &done), E_OK);
        assert_int_equal(p9_clunk(client, fid), E_OK);
        assert_int_equal(walk("file", &of), E_OK);
        enum err e = p9_xattr_walk(client, of, STRING_NAME("user.a"), &fid, &size);
        assert_int_equal(e, i < 2 ? E_OK : E_NODATA);
        data = (struct p9_data){.bytes = value, .size = sizeof value};
        if (e == E_OK) {
            assert_int_equal(size, strlen(values[i]));
            assert_int_equal(p9_read(client, fid, 0, &data, &done), E_OK);
            assert_int_equal(done, size);
            assert_memory_equal(value, values[i], size);
            assert_int_equal(p9_clunk(client, fid), E_OK);
        }
        assert_int_equal(p9_xattr_walk(client, of, STRING_NAME(""), &fid, &size), E_OK);
        assert_int_equal(size, i < 2 ? 7 : 0);
        assert_int_equal(p9_clunk(client, fid), E_OK);
        assert_int_equal(p9_clunk(client, of), E_OK);
    }
    /* The error of setting it is the clunk's, and the fid is gone all the same. */
    assert_int_equal(walk("file", &fid), E_OK);
    assert_int_equal(p9_xattr_create(client, fid, STRING_NAME("user.a"), 0, 0), E_OK);
    assert_int_equal(p9_clunk(client, fid), E_NODATA);
    end();
}

static void test_locks(void **state)
{
    (void)state;
    struct p9_lock lock = {P9_LOCK_WRITE, 5, 100, 10};
    begin();
    p9_model_make(&model, "file", S_IFREG | 0600, NULL, 0);
    uint32_t fid = opened("file", O_RDWR);
    assert_int_equal(p9_lock(client, fid, &lock), E_OK);
    assert_int_equal(p9_getlock(client, fid, &lock), E_OK);
    assert_int_equal(lock.type, P9_LOCK_NONE);
    model.lacks_locks = true;
    assert_int_equal(p9_lock(client, fid, &lock), E_AGAIN);
    lock.type = P9_LOCK_READ;
    assert_int_equal(p9_getlock(client, fid, &lock), E_OK);
    assert_int_equal(lock.type, P9_LOCK_WRITE);
    assert_int_equal(lock.start, 100);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    end();
}

static unsigned meanwhile_calls;

static void another_thread(void)
{
    struct p9_attributes a;
    uint32_t fid;
    assert_int_equal(walk("file", &fid), E_OK);
    assert_int_equal(p9_getattr(client, fid, &a), E_OK);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    meanwhile_calls++;
}

static void test_calls_at_the_same_time(void **state)
{
    (void)state;
    static uint8_t bytes[MIB], got[MIB];
    const struct p9_data data = {.bytes = got, .size = sizeof got};
    uint64_t done;
    begin();
    fill(bytes, sizeof bytes, 7);
    p9_model_make(&model, "file", S_IFREG | 0600, bytes, sizeof bytes);
    native.meanwhile = another_thread;
    uint32_t fid = opened("file", O_RDONLY);
    assert_int_equal(p9_read(client, fid, 0, &data, &done), E_OK);
    assert_memory_equal(got, bytes, sizeof bytes);
    assert_true(meanwhile_calls >= 5);
    assert_int_equal(p9_clunk(client, fid), E_OK);
    native.meanwhile = NULL;
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session),
        cmocka_unit_test(test_small_messages),
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_reads_and_writes),
        cmocka_unit_test(test_one_message_for_half_a_mebibyte),
        cmocka_unit_test(test_attributes_change),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_text_of_4095_bytes),
        cmocka_unit_test(test_listings_by_pieces),
        cmocka_unit_test(test_extended_attributes),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_calls_at_the_same_time),
    };
    return RUN_TESTS(tests);
}
