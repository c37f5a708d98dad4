/* SPDX-License-Identifier: MIT */
/* The tool finds reports in the log and prints them. The reader of DWARF is a stand-in, which finds
 * something, dies, or never returns. */
#include "host/guard.h"
#include "report/demangle.h"
#include "report/report.h"
#include "report/report_stream.h"
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LAST "{\"ouro_report\":1,\"trace\":[{\"rip\":\"0x10\",\"how\":\"0\"},{\"rip\":\"0x99\"}]}\n"

static const char report[] = "==== CRASH: null pointer ====\n"
                             "  what    READ by main+0x4 [a] (rip 0x10)\n"
                             "  walk    of 0x18\n"
                             "          L4 = 0 <== denies\n"
                             "  trace   #0 0x0000000000000010 main+0x4 [a] at other.c:7\n"
                             "          #1? 0x0000000000000099 start [a] at start.s:3\n"
                             "  stack   +00 0000000000000010  #0 0x10\n"
                             "  hint    none\n" LAST;

/* --- stand-ins for report_present() --- */

static enum {
    FINDS,
    DIES,
    HANGS
} reader;

void report_notes_make(const struct report_files *files, const char *line, size_t size,
                       struct report_notes *out)
{
    (void)files;
    if (reader == DIES)
        raise(SIGKILL); /* SIGSEGV would be caught by cmocka */
    while (reader == HANGS)
        usleep(1000);
    if (size != sizeof LAST - 1 || memcmp(line, LAST, size) != 0)
        _exit(3);
    out->note = memory(sizeof *out->note);
    out->count = 1;
    out->note[0] = (struct report_note){
        .address = 0x10,
        .tail = string_copy(" at a.c:2"),
        .excerpt = string_copy("          >     2 | x;\n"),
        .json = string_copy("[{\"line\":2}]"),
    };
}

pid_t guard_fork(int keep)
{
    pid_t pid = fork();
    if (pid == 0 && dup2(keep, 3) < 0)
        _exit(1);
    return pid;
}

/* The sanitizer needs more memory than the limit. */
int setrlimit(__rlimit_resource_t what, const struct rlimit *limit)
{
    (void)what, (void)limit;
    return 0;
}

static struct text kept;

/* --- the stream --- */

static struct text seen; /* the stream; a report between [ and ] or, if cut, between < and > */

static void on_bytes(void *context, const char *bytes, size_t size)
{
    (void)context;
    text_add(&seen, bytes, size);
}

static void on_report(void *context, const char *text, size_t size, bool complete)
{
    (void)context;
    text_string(&seen, complete ? "[" : "<");
    text_add(&seen, text, size);
    text_string(&seen, complete ? "]" : ">");
}

static const struct report_sink sink = {on_bytes, on_report, NULL};

static void expect_seen(const char *expected)
{
    assert_string_equal(seen.bytes ? seen.bytes : "", expected);
    text_free(&seen);
    seen = (struct text){0};
}

static void test_reports_are_found_in_any_portions(void **state)
{
    (void)state;
    char *log = string_format("a\n====\n==== CRASH\nx ==== CRASH: \n%sb\n%s==== PANIC: c\n", report,
                              report);
    char *expected = string_format(
        "a\n====\n==== CRASH\nx ==== CRASH: \n[%s]b\n[%s]<==== PANIC: c\n>", report, report);
    size_t size = strlen(log);
    for (size_t portion = 1; portion <= size; portion++) {
        struct report_stream s = {0};
        for (size_t done = 0; done < size; done += portion) {
            size_t left = size - done, piece = left < portion ? left : portion;
            report_stream_feed(&s, log + done, piece, &sink);
        }
        assert_true(report_stream_holds(&s));
        report_stream_release(&s, &sink);
        assert_false(report_stream_holds(&s));
        expect_seen(expected);
    }
    free(log);
    free(expected);
}

static void test_what_is_no_report_passes_at_once(void **state)
{
    (void)state;
    struct report_stream s = {0};
    report_stream_feed(&s, "no newline", 10, &sink);
    expect_seen("no newline");
    report_stream_feed(&s, "==== CRASH: \n==", 15, &sink);
    expect_seen("==== CRASH: \n");
    report_stream_release(&s, &sink);
    expect_seen("==");
    report_stream_feed(&s, "\n==== PANIC: ", 13, &sink); /* released: starts no new report */
    expect_seen("\n");
    report_stream_release(&s, &sink);
    expect_seen("<==== PANIC: >");
}

static void test_an_endless_report_is_not_held(void **state)
{
    (void)state;
    struct report_stream s = {0};
    report_stream_feed(&s, "==== PANIC: x\n", 14, &sink);
    for (size_t i = 0; i < 200000 && report_stream_holds(&s); i++)
        report_stream_feed(&s, "          words\n", 16, &sink);
    assert_false(report_stream_holds(&s));
    assert_true(seen.length > 1000000);
    text_free(&seen);
    seen = (struct text){0};
}

/* --- the text --- */

static char *present(const char *text, bool complete, bool colour)
{
    struct text out = {0};
    const struct report_options options = {.json = &kept, .colour = colour};
    text_free(&kept);
    kept = (struct text){0};
    report_present(&options, text, strlen(text), complete, &out);
    return out.bytes;
}

static void test_lines_are_added_to_what_and_trace(void **state)
{
    (void)state;
    reader = FINDS;
    char *text = present(report, true, false);
    assert_string_equal(text, "==== CRASH: null pointer ====\n"
                              "  what    READ by main+0x4 [a] (rip 0x10) at a.c:2\n"
                              "          >     2 | x;\n"
                              "  walk    of 0x18\n"
                              "          L4 = 0 <== denies\n"
                              "  trace   #0 0x0000000000000010 main+0x4 [a] at a.c:2\n"
                              "          #1? 0x0000000000000099 start [a] at start.s:3\n"
                              "  stack   +00 0000000000000010  #0 0x10\n"
                              "  hint    none\n" LAST);
    assert_string_equal(
        kept.bytes,
        "{\"ouro_report\":1,\"trace\":[{\"rip\":\"0x10\",\"how\":\"0\",\"lines\":[{\"line\":2}]},{\"rip\":\"0x99\"}]}\n");
    free(text);
}

static void test_colours_add_nothing_else(void **state)
{
    (void)state;
    reader = FINDS;
    char *plain = present(report, true, false), *text = present(report, true, true);
    assert_non_null(strstr(text, "\033[1;31m==== CRASH: null pointer ====\033[0m\n"));
    assert_non_null(strstr(text, "\033[31m          L4 = 0 <== denies\033[0m\n"));
    assert_non_null(
        strstr(text, "\033[32m at a.c:2\033[0m\n\033[1m          >     2 | x;\033[0m\n"));
    size_t length = 0;
    for (size_t i = 0; text[i]; i++)
        if (text[i] == '\033')
            i += strcspn(text + i, "m");
        else
            text[length++] = text[i];
    text[length] = '\0';
    assert_string_equal(text, plain);
    free(text);
    free(plain);
}

static void test_nothing_is_lost_without_the_reader(void **state)
{
    (void)state;
    reader = DIES;
    char *text = present(report, true, false);
    assert_string_equal(text, report);
    assert_string_equal(kept.bytes, LAST);
    free(text);
    reader = HANGS;
    text = present(report, true, false);
    assert_string_equal(text, report);
    assert_string_equal(kept.bytes, LAST);
    free(text);
}

static void test_a_cut_report_is_shown_as_it_is(void **state)
{
    (void)state;
    reader = FINDS;
    for (size_t size = 1; size < sizeof report - 1; size += 7) {
        char *part = string_format("%.*s", (int)size, report), *text = present(part, false, false);
        assert_string_equal(text, part);
        assert_null(kept.bytes);
        free(part);
        free(text);
    }
}

static void test_a_better_name_replaces_the_place(void **state)
{
    static const char text[] = "==== CRASH: abort ====\n"
                               "  what    SIGABRT by .text+0x4 [libc.so] (rip 0x10)\n"
                               "  trace   #0 0x0000000000000010 .text+0x4 [libc.so]\n"
                               "          #1 0x0000000000000011 .text+0x4 [libc.so]\n"
                               "  hint    abort() was called: yes\n"
                               "==== CRASH: abort; SIGABRT by .text+0x4 [libc.so] rip 0x10; end\n";
    struct report_note note = {
        .address = 0x10, .was = ".text+0x4 [libc.so]", .place = "raise+0x1 [libc.so]", .tail = ""};
    struct report_notes notes = {.note = &note, .count = 1, .said = "no\nmemory"};
    struct text out = {0};
    (void)state;
    report_render(text, sizeof text - 1, &notes, false, &out);
    assert_string_equal(out.bytes,
                        "==== CRASH: abort ====\n"
                        "  what    SIGABRT by raise+0x1 [libc.so] (rip 0x10)\n"
                        "  trace   #0 0x0000000000000010 raise+0x1 [libc.so]\n"
                        "          #1 0x0000000000000011 .text+0x4 [libc.so]\n"
                        "  said    no\n"
                        "          memory\n"
                        "==== CRASH: abort; SIGABRT by raise+0x1 [libc.so] rip 0x10; end\n");
    text_free(&out);
    out = (struct text){0};
    notes.said = NULL;
    report_render(text, sizeof text - 1, &notes, false, &out);
    assert_non_null(strstr(out.bytes, "  hint    abort() was called: yes\n"));
    text_free(&out);
}

static void test_names_are_demangled(void **state)
{
    static const struct {
        const char *mangled, *plain;
    } names[] = {
        {"at _ZN3app5parseERNS_6parserE+0x1 [a]", "at app::parse(app::parser&)+0x1 [a]"},
        {"_RNvNtCsfLfy6EI15iL_3std7process5abort+0x8", "std::process::abort+0x8"},
        {"_ZN3std9panicking20rust_panic_with_hook17h0123456789abcdefE;",
         "std::panicking::rust_panic_with_hook;"},
        {"_Zebra _R _RNv a_ZN3app5parseEv", "_Zebra _R _RNv a_ZN3app5parseEv"},
        {"main+0x1", "main+0x1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct text out = {0};
        demangle_text(names[i].mangled, strlen(names[i].mangled), &out);
        assert_string_equal(out.bytes, names[i].plain);
        text_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports_are_found_in_any_portions),
        cmocka_unit_test(test_what_is_no_report_passes_at_once),
        cmocka_unit_test(test_an_endless_report_is_not_held),
        cmocka_unit_test(test_lines_are_added_to_what_and_trace),
        cmocka_unit_test(test_colours_add_nothing_else),
        cmocka_unit_test(test_nothing_is_lost_without_the_reader),
        cmocka_unit_test(test_a_cut_report_is_shown_as_it_is),
        cmocka_unit_test(test_a_better_name_replaces_the_place),
        cmocka_unit_test(test_names_are_demangled),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    text_free(&kept);
    return failed;
}
