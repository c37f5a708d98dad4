/* SPDX-License-Identifier: MIT */
/* The program's own frame and its runtime, from JSON lines of reports. dpkg's database is a stand-in. */
#include "image/package.h"
#include "report/report_own.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct entry packed = {.source = "/bin/app"};

const struct entry *tree_follow(const struct tree *tree, const char *path)
{
    (void)tree;
    return strcmp(path, "/bin/app") == 0 ? &packed : NULL;
}

char *tree_host_file(const char *path)
{
    return string_copy(path);
}

static const char *owner;

char *package_owner(const char *path)
{
    (void)path;
    return owner ? string_copy(owner) : NULL;
}

#define FRAME(address, at) "{\"rip\":\"" #address "\",\"how\":\"c\",\"at\":\"" at "\"}"
#define REPORT(frames)     "{\"trace\":[" frames "],\"modules\":[{\"path\":\"/bin/app\"}]}"

static struct report_note lines[] = {
    {.address = 1, .tail = " at a.c:2", .excerpt = "2 | x\n", .json = "[{\"file\":\"/a.c\"}]"},
    {.address = 2,
     .tail = " at library/std/abort.rs:9",
     .json = "[{\"file\":\"/rustc/1234/library/std/abort.rs\"}]"},
    {.address = 3,
     .tail = " at b.c:3 in get, inlined at b.c:7 in look",
     .json = "[{\"file\":\"/b.c\"}]"},
    {.address = 4, .was = ".text+0x1 [app]", .place = "_ZN3app5parseEv+0x2 [app]", .tail = ""},
};

static void find(const char *report, const char *own, const char *debugging, const char *advice)
{
    struct report_notes notes = {.note = lines, .count = sizeof lines / sizeof *lines};
    report_own_find(NULL, (struct json){report, report + strlen(report)}, &notes);
    assert_int_equal(notes.own == NULL, own == NULL);
    if (own)
        assert_string_equal(notes.own, own);
    assert_int_equal(notes.debugging == NULL, debugging == NULL);
    if (debugging)
        assert_string_equal(notes.debugging, debugging);
    assert_int_equal(notes.advice == NULL, advice == NULL);
    if (advice)
        assert_non_null(strstr(notes.advice, advice));
    free(notes.own);
    free(notes.debugging);
}

static void test_own_frames(void **state)
{
    (void)state;
    find(REPORT(FRAME(0x1, "main+0x1 [app]")), NULL, NULL, NULL); /* itself */
    find(REPORT(FRAME(0x9, "raise+0x1 [libc.so.6]") "," FRAME(0x1, "main+0x1 [app]")),
         "main() at a.c:2", NULL, NULL);
    find(REPORT(FRAME(0x9, "raise+0x1 [libc.so.6]") "," FRAME(0x3, "look+0x1 [app]")),
         "get() at b.c:3", NULL, NULL);
    /* A static program: the C library has no lines. */
    find(REPORT(FRAME(0x9, "abort+0x1 [app]") "," FRAME(0x1, "main+0x1 [app]")), "main() at a.c:2",
         NULL, NULL);
    find(REPORT(FRAME(0x9, "raise+0x1 [libc.so.6]") "," FRAME(0x4, ".text+0x1 [app]")),
         "_ZN3app5parseEv+0x2 [app]", "app has no line numbers: compile with -g", NULL);
    find(REPORT(FRAME(0x9, "raise+0x1 [libc.so.6]")), NULL, NULL, NULL);
    find("{}", NULL, NULL, NULL);
    owner = "apple";
    find(REPORT(FRAME(0x9, "main+0x1 [app]")), NULL,
         "app has no line numbers: install apple-dbgsym", NULL);
    owner = NULL;
}

static void test_runtimes(void **state)
{
    (void)state;
    find(REPORT(FRAME(0x9, "strlen+0x1 [libc.so.6]") "," FRAME(
             0x9, ".text+0x1 [_ctypes.cpython-311.so]") "," FRAME(0x9, "x+0x1 [python3.11]")),
         NULL, NULL, "ctypes; python3 -X faulthandler");
    find(REPORT(FRAME(0x9, "x+0x1 [python3.11]")), NULL, NULL, "faulthandler");
    find(REPORT(FRAME(0x9, "x+0x1 [node]")), NULL, NULL, "node's own");
    find(REPORT(FRAME(0x9, "x+0x1 [libjvm.so]") "," FRAME(0x9, "main+0x1 [java]")), NULL, NULL,
         "Java's own");
    find(REPORT(FRAME(0x9, "runtime.raise.abi0+0x1 [app]")), NULL,
         "app has no line numbers: compile with -g", "Go's own");
    /* Rust's library has lines, but not the author's. */
    find(REPORT(FRAME(0x2, "abort_internal+0x1 [app]") "," FRAME(
             0x2, "rust_panic+0x1 [app]") "," FRAME(0x1, "main+0x1 [app]")),
         "main() at a.c:2", NULL, "RUST_BACKTRACE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_own_frames),
                                       cmocka_unit_test(test_runtimes)};
    return RUN_TESTS(tests);
}
