/* SPDX-License-Identifier: MIT */
/* Access control lists (acl(5)): which lists are valid, and who may do what, by a second reading of
 * the manual page. */
#include "fs/vfs/acl.h"

#include "unit.h"
#include "native.h"

#include "fs/vfs/abi.h"

#include <string.h>

static struct credentials user = {.uid = {.fs = 5}, .gid = {.fs = 6}};

const struct credentials *credentials_current(void)
{
    return &user;
}

struct list {
    uint32_t version;
    struct acl_entry entry[8];
};

static const uint16_t tags[] = {ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ,
                                ACL_GROUP,    ACL_MASK, ACL_OTHER};

static struct acl *acl_of(struct list *list)
{
    return (struct acl *)(void *)list;
}

/* acl(5), "VALID ACLs", for entries in any order of all lengths up to 6: exactly one entry of the
 * owner, the group and others; a mask if there are named ones, at most one; in the order of tags. */
static bool valid(const struct list *list, uint32_t count)
{
    uint32_t of[33] = {0};
    for (uint32_t i = 0; i < count; i++) {
        of[list->entry[i].tag]++;
        if (i > 0 && list->entry[i].tag < list->entry[i - 1].tag)
            return false;
    }
    bool named = of[ACL_USER] + of[ACL_GROUP] > 0;
    return of[ACL_USER_OBJ] == 1 && of[ACL_GROUP_OBJ] == 1 && of[ACL_OTHER] == 1 &&
           of[ACL_MASK] <= 1 && (!named || of[ACL_MASK] == 1);
}

static void test_validity(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 6; count++) {
        uint32_t all = 1;
        for (uint32_t i = 0; i < count; i++)
            all *= 6;
        for (uint32_t which = 0; which < all; which++) {
            struct list list = {.version = ACL_VERSION};
            for (uint32_t i = 0, rest = which; i < count; i++, rest /= 6)
                list.entry[i] = (struct acl_entry){tags[rest % 6], 5, 9};
            uint32_t got;
            enum err e = acl_check(acl_of(&list), 4 + count * 8, &got);
            if ((e == E_OK) != valid(&list, count))
                fail_msg("list %u of %u entries: error %d", which, count, e);
        }
    }
}

static void test_refused(void **state)
{
    (void)state;
    uint32_t count;
    struct list list = {ACL_VERSION, {{1, 7, 3}, {4, 5, 3}, {32, 1, 3}}};
    assert_int_equal(acl_check(acl_of(&list), 28, &count), E_OK);
    assert_true(count == 3 && list.entry[1].id == UINT32_MAX);
    assert_int_equal(acl_check(acl_of(&list), 4, &count), E_OK);
    assert_int_equal(count, 0);
    for (size_t size = 0; size < 60; size++)
        if (size != 4 && size != 28)
            assert_int_not_equal(acl_check(acl_of(&list), size, &count), E_OK);
    list.entry[0].may = 8;
    assert_int_equal(acl_check(acl_of(&list), 28, &count), E_INVAL);
    list = (struct list){ACL_VERSION,
                         {{1, 7, 3}, {2, 1, UINT32_MAX}, {4, 5, 3}, {16, 7, 0}, {32, 1, 3}}};
    assert_int_equal(acl_check(acl_of(&list), 44, &count), E_INVAL);
    list.version = 1;
    assert_int_equal(acl_check(acl_of(&list), 28, &count), E_NOTSUP);
}

/* acl(5), "ACCESS CHECK ALGORITHM", from 2 on. */
static bool model(const struct list *list, uint32_t count, uint32_t gid, uint32_t may)
{
    uint32_t mask = 7, other = 0;
    bool in_a_group = false, a_group_grants = false;
    for (uint32_t i = 0; i < count; i++) {
        if (list->entry[i].tag == ACL_MASK)
            mask = list->entry[i].may;
        if (list->entry[i].tag == ACL_OTHER)
            other = list->entry[i].may;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct acl_entry *e = &list->entry[i];
        if (e->tag == ACL_USER && e->id == 5)
            return (e->may & mask & may) == may;
        if ((e->tag == ACL_GROUP_OBJ && gid == 6) || (e->tag == ACL_GROUP && e->id == 6)) {
            in_a_group = true;
            a_group_grants = a_group_grants || (e->may & mask & may) == may;
        }
    }
    return in_a_group ? a_group_grants : (other & may) == may;
}

static void test_access(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 1u << 17; bits++) {
        uint16_t may[5];
        for (int i = 0; i < 5; i++)
            may[i] = bits >> 3 * i & 7;
        struct list list = {ACL_VERSION,
                            {{ACL_USER_OBJ, 7, 0},
                             {ACL_USER, may[0], bits & 1u << 15 ? 5 : 7},
                             {ACL_GROUP_OBJ, may[1], 0},
                             {ACL_GROUP, may[2], bits & 1u << 16 ? 6 : 7},
                             {ACL_MASK, may[3], 0},
                             {ACL_OTHER, may[4], 0}}};
        for (uint32_t gid = 6; gid < 8; gid++)
            for (uint32_t want = 1; want < 8; want++)
                if (acl_grants(acl_of(&list), 6, &user, gid, want) != model(&list, 6, gid, want))
                    fail_msg("bits %x, group %u, right %u", bits, gid, want);
    }
}

static void test_modes(void **state)
{
    (void)state;
    for (uint32_t mode = 0; mode < 010000; mode++) {
        uint32_t of = S_IFREG | 07070;
        struct list three = {ACL_VERSION, {{1, 0, 0}, {4, 0, 0}, {32, 0, 0}}};
        acl_from_mode(acl_of(&three), 3, mode);
        assert_true(acl_to_mode(acl_of(&three), 3, &of));
        assert_true(of == (S_IFREG | 07000 | (mode & 0777)));
        struct list six = {ACL_VERSION,
                           {{1, 6, 0}, {2, 7, 9}, {4, 5, 0}, {8, 3, 9}, {16, 3, 0}, {32, 4, 0}}};
        of = mode;
        assert_false(acl_inherit(acl_of(&six), 6, &of));
        assert_true(of == (mode & (07000 | 0634)));
        assert_true(six.entry[1].may == 7 && six.entry[2].may == 5 && six.entry[3].may == 3);
        assert_true(six.entry[4].may == (mode >> 3 & 3));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
