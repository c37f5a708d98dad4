/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include "fs_native.h"
#include "native.h"
#include "vfs_names.h"

#include "fs/ram/ramfs.h"
#include "fs/vfs/context.h"
#include "fs/vfs/missed.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/walk.h"

#include <stdio.h>
#include <string.h>

static struct filesystem root;

/* The host gets each path that is not found, once, with links resolved. */
static void test_walk_missed(void **state)
{
    uint64_t ino;
    char longer[MISSED_LENGTH + 2];
    (void)state;
    assert_int_equal(make_dir("/usr"), E_OK);
    assert_int_equal(make_link("usr", "/link"), E_OK);
    fs_native_told[0] = '\0';
    assert_int_equal(look("/usr/before", 0, &ino), E_NOENT);
    assert_string_equal(fs_native_told, ""); /* not asked for */
    missed_wanted = true;
    assert_int_equal(look("/link/lib/x.so", 0, &ino), E_NOENT);
    assert_string_equal(fs_native_told, "missed /usr/lib/x.so");
    assert_int_equal(look("/none", 0, &ino), E_NOENT);
    assert_string_equal(fs_native_told, "missed /none");
    assert_int_equal(look("/usr/lib/x.so", 0, &ino), E_NOENT);
    assert_string_equal(fs_native_told, "missed /none");
    assert_int_equal(look("/a\nb", 0, &ino), E_NOENT);
    memset(longer, 'x', sizeof longer);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(look(longer, 0, &ino), E_NOENT);
    assert_string_equal(fs_native_told, "missed /none");
    for (unsigned i = 0; i < 2 * MISSED_MAX; i++) {
        snprintf(longer, sizeof longer, "/n%u", i);
        assert_int_equal(look(longer, 0, &ino), E_NOENT);
    }
    snprintf(longer, sizeof longer, "missed /n%u", MISSED_MAX - 3);
    assert_string_equal(fs_native_told, longer); /* two were sent before */
    missed_wanted = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk_missed)};
    fs_current()->umask = 022;
    native_credentials = &credentials_first;
    if (ramfs_init(&root, "tmpfs", 2) != E_OK)
        return 1;
    vfs_init(&root);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vfs_end();
    return failed;
}
