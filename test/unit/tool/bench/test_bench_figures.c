/* SPDX-License-Identifier: MIT */
#include "bench/bench_figures.h"

#include "tool_native.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct figure_key getppid_key = {"primitives", "getppid", "ns"};
static char path[] = "/tmp/ouro-figures-XXXXXX";

static void add(struct figures *f, const char *series, const double *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        figures_add(f, &getppid_key, series, samples[i]);
}

static void test_median_of_odd_and_even_counts(void **state)
{
    (void)state;
    double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};
    assert_true(median_of(odd, 3) > 4.99 && median_of(odd, 3) < 5.01);
    assert_true(median_of(even, 4) > 2.49 && median_of(even, 4) < 2.51);
}

static void test_summary_is_median_least_greatest(void **state)
{
    (void)state;
    struct figures f = {0};
    const double samples[] = {30, 10, 20};
    add(&f, SERIES_OURO, samples, 3);
    struct summary s = figures_summary(&f, &getppid_key, SERIES_OURO);
    assert_int_equal(s.samples, 3);
    assert_true(s.median > 19.9 && s.median < 20.1 && s.least < 10.1 && s.greatest > 29.9);
    assert_int_equal(figures_summary(&f, &getppid_key, SERIES_LINUX).samples, 0);
    figures_free(&f);
}

/* Writes one run and compares another with it. Returns the number of regressions. */
static size_t compare(const struct figures *then, const struct figures *now,
                      const char *accelerator)
{
    FILE *out = fopen(path, "w"), *nowhere = fopen("/dev/null", "w");
    figures_write_json(then, "tcg", out);
    fclose(out);
    size_t worse = figures_compare(now, accelerator, path, nowhere);
    fclose(nowhere);
    return worse;
}

static void test_compare_tells_worse_from_spread(void **state)
{
    (void)state;
    const double base[] = {100, 101, 105}, within[] = {104, 106, 107}, slower[] = {120, 121, 122},
                 faster[] = {50, 51, 52}, counted[] = {167}, counted_more[] = {170};
    struct figures then = {0}, same = {0}, worse = {0}, better = {0}, peer = {0};
    add(&then, SERIES_OURO, base, 3);
    add(&then, SERIES_OURO_INSTRUCTIONS, counted, 1);
    add(&then, SERIES_LINUX, base, 3);
    add(&same, SERIES_OURO, within, 3);
    add(&same, SERIES_OURO_INSTRUCTIONS, counted, 1);
    add(&worse, SERIES_OURO, slower, 3);
    add(&worse, SERIES_OURO_INSTRUCTIONS, counted_more, 1);
    add(&better, SERIES_OURO, faster, 3);
    add(&peer, SERIES_LINUX, slower, 3);
    assert_int_equal(compare(&then, &then, "tcg"), 0);
    assert_int_equal(compare(&then, &same, "tcg"), 0);
    assert_int_equal(compare(&then, &worse, "tcg"), 2);
    assert_int_equal(compare(&then, &better, "tcg"), 0);
    assert_int_equal(compare(&then, &peer, "tcg"), 0);
    struct figures *const all[] = {&then, &same, &worse, &better, &peer};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        figures_free(all[i]);
}

static void test_no_comparison_across_accelerators(void **state)
{
    (void)state;
    struct figures f = {0};
    const double one[] = {1};
    add(&f, SERIES_OURO, one, 1);
    assert_true(TOOL_FAILS(compare(&f, &f, "kvm")));
    assert_non_null(strstr(tool_native_sentence, "was measured with tcg"));
    assert_true(TOOL_FAILS(figures_compare(&f, "tcg", "/dev/null", stdout)));
    assert_non_null(strstr(tool_native_sentence, "was not written by"));
    figures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median_of_odd_and_even_counts),
        cmocka_unit_test(test_summary_is_median_least_greatest),
        cmocka_unit_test(test_compare_tells_worse_from_spread),
        cmocka_unit_test(test_no_comparison_across_accelerators),
    };
    close(mkstemp(path));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
