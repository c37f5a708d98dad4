/* SPDX-License-Identifier: MIT */
/* Permissions of files (path_resolution(7), capabilities(7)) and lists of groups. */
#include "fs/vfs/credentials.h"

#include "unit.h"
#include "native.h"

#include "fs/vfs/abi.h"

#include <stdlib.h>

#define B(c) CAPABILITY_BIT(CAP_##c)

static struct credentials user = {.uid = {1, 2, 3, 5}, .gid = {1, 2, 3, 6}};

const struct credentials *credentials_current(void)
{
    return &user;
}

static struct group_list *list_of(const uint32_t *ids, uint32_t count)
{
    struct group_list *list = group_list_new(count);
    assert_non_null(list);
    for (uint32_t i = 0; i < count; i++)
        list->id[i] = ids[i];
    group_list_sort(list);
    return list;
}

/* For each mode and each right: exactly one of the three classes decides, by the fs ids. */
static void test_classes(void **state)
{
    (void)state;
    const uint32_t groups[] = {90, 70, 80};
    credentials_set_groups(&user, list_of(groups, 3));
    static const struct {
        uint32_t uid, gid;
        unsigned shift;
    } files[] = {{5, 9, 6},  {5, 6, 6}, {9, 6, 3}, {9, 80, 3},
                 {9, 90, 3}, {9, 2, 0}, {2, 9, 0}, {9, 75, 0}};
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++)
        for (uint32_t mode = 0; mode < 01000; mode++)
            for (uint32_t may = 0; may < 8; may++) {
                const struct file_rights file = {files[f].uid, files[f].gid, S_IFREG | mode};
                bool granted = (mode >> files[f].shift & may) == may;
                if (credentials_may_access(&user, file, may) != granted)
                    fail_msg("file %zu, mode %o, right %u", f, mode, may);
            }
    credentials_set_groups(&user, NULL);
}

/* The words of capabilities(7). */
static bool by_capability(uint64_t capabilities, uint32_t type, uint32_t mode, uint32_t may)
{
    bool all = capabilities & B(DAC_OVERRIDE), reads = capabilities & B(DAC_READ_SEARCH);
    if (type == S_IFDIR)
        return all || (reads && !(may & MAY_WRITE));
    if ((may & MAY_EXECUTE) && !(mode & 0111))
        return false;
    return all || (reads && may == MAY_READ);
}

static void test_capabilities(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 4; which++)
        for (uint32_t mode = 0; mode < 01000; mode++)
            for (uint32_t may = 1; may < 16; may++) {
                uint32_t type = may & 8 ? S_IFDIR : S_IFREG, rights = may & 7;
                struct credentials c = {.uid = {0, 0, 0, 5},
                                        .effective = (which & 1 ? B(DAC_OVERRIDE) : 0) |
                                                     (which & 2 ? B(DAC_READ_SEARCH) : 0)};
                bool granted =
                    (mode & rights) == rights || by_capability(c.effective, type, mode, rights);
                const struct file_rights file = {9, 9, type | mode};
                if (credentials_may_access(&c, file, rights) != granted)
                    fail_msg("capabilities %u, mode %o, right %u", which, mode, may);
            }
}

static void test_lost_set_ids(void **state)
{
    (void)state;
    static const struct {
        uint32_t gid, mode;
        uint64_t effective;
        uint32_t lost;
    } rows[] = {
        {9, 0755, 0, 0},      {9, 04755, 0, 04000},         {9, 06755, 0, 06000},
        {6, 06755, 0, 06000}, /* the x bit of the group: its members too */
        {6, 06745, 0, 04000}, /* without it, it is no set-group-ID file */
        {9, 06745, 0, 06000}, {9, 06745, B(FSETID), 04000}, {9, 06755, B(FSETID), 06000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct credentials c = user;
        c.effective = rows[i].effective;
        const struct file_rights file = {5, rows[i].gid, S_IFREG | rows[i].mode};
        if (credentials_lost_set_ids(&c, file) != rows[i].lost)
            fail_msg("row %zu", i);
    }
}

static void test_groups(void **state)
{
    (void)state;
    for (uint32_t count = 0; count < 40; count++) {
        uint32_t ids[40];
        for (uint32_t i = 0; i < count; i++)
            ids[i] = (uint32_t)rand() % 50 * 2 + 10;
        struct credentials c = {.gid = {1, 2, 3, 4}};
        credentials_set_groups(&c, list_of(ids, count));
        for (uint32_t i = 1; i < count; i++)
            assert_true(c.groups->id[i - 1] <= c.groups->id[i]);
        for (uint32_t gid = 5; gid < 120; gid++) {
            bool member = false;
            for (uint32_t i = 0; i < count; i++)
                member |= ids[i] == gid;
            assert_int_equal(credentials_in_group(&c, gid), member);
        }
        assert_true(credentials_in_group(&c, 4));
        assert_false(credentials_in_group(&c, 2));
        credentials_set_groups(&c, NULL);
    }
}

/* A copy shares the groups with its original until it gets others. */
static void test_copies(void **state)
{
    (void)state;
    size_t live = native_heap_live();
    const uint32_t ids[] = {7}, others[] = {8};
    struct credentials *a = credentials_copy(&user);
    credentials_set_groups(a, list_of(ids, 1));
    struct credentials *b = credentials_copy(a);
    assert_ptr_equal(a->groups, b->groups);
    credentials_set_groups(b, list_of(others, 1));
    assert_true(credentials_in_group(a, 7) && !credentials_in_group(a, 8));
    assert_true(credentials_in_group(b, 8) && !credentials_in_group(b, 7));
    credentials_get(a);
    credentials_put(a);
    assert_int_equal(a->references, 1);
    credentials_put(a);
    credentials_put(b);
    assert_int_equal(native_heap_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),      cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_lost_set_ids), cmocka_unit_test(test_groups),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
