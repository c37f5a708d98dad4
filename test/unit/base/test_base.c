/* SPDX-License-Identifier: MIT */
/* The small headers of base, and the stand-ins of the native tests (native.h). */
#include "base/addr.h"
#include "base/checked.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/panic.h"
#include "mm/heap/heap.h"
#include "native.h"

#include "unit.h"

struct member {
    int value;
    struct list link;
};

static int sum(const struct list *l)
{
    int total = 0;
    list_for_each (it, l)
        total = total * 10 + CONTAINER_OF(it, struct member, link)->value;
    return total;
}

static void test_list_keeps_order(void **state)
{
    (void)state;
    struct list l = LIST_INIT(l);
    struct member a = {1, LIST_INIT(a.link)}, b = {2, LIST_INIT(b.link)},
                  c = {3, LIST_INIT(c.link)};
    assert_true(list_empty(&l));
    assert_int_equal(sum(&l), 0);
    list_add_tail(&l, &b.link);
    list_add_tail(&l, &c.link);
    list_add_head(&l, &a.link);
    assert_int_equal(sum(&l), 123);
    list_remove(&b.link);
    list_remove(&b.link);
    assert_true(list_empty(&b.link));
    assert_int_equal(sum(&l), 13);
    list_remove(&a.link);
    list_remove(&c.link);
    assert_true(list_empty(&l));
}

static void test_checked_sums_refuse_overflow(void **state)
{
    (void)state;
    uint64_t v;
    assert_true(checked_add(UINT64_MAX - 1, 1, &v));
    assert_true(v == UINT64_MAX);
    assert_false(checked_add(UINT64_MAX, 1, &v));
    assert_true(checked_mul(UINT64_C(1) << 32, UINT64_C(1) << 31, &v));
    assert_false(checked_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &v));
    assert_true(checked_span(0, 0, 0));
    assert_true(checked_span(3, 7, 10));
    assert_false(checked_span(3, 8, 10));
    assert_true(checked_span(10, 0, 10));
    assert_false(checked_span(11, 0, 10));
    assert_false(checked_span(5, UINT64_MAX, 10));
}

static void test_ranges_are_half_open(void **state)
{
    (void)state;
    assert_int_equal(align_down(4097, PAGE_SIZE), 4096);
    assert_int_equal(align_up(4097, PAGE_SIZE), 8192);
    assert_int_equal(align_up(4096, PAGE_SIZE), 4096);
    assert_true(is_aligned(0, LARGE_SIZE));
    assert_false(is_aligned(LARGE_SIZE + 1, LARGE_SIZE));
    struct virt_range r = virt_range(0x1000, 0x3000);
    assert_int_equal(virt_range_size(r), 0x2000);
    assert_true(virt_range_contains(r, virt(0x1000)));
    assert_false(virt_range_contains(r, virt(0x3000)));
    assert_false(virt_range_overlaps(r, virt_range(0x3000, 0x4000)));
    assert_true(virt_range_overlaps(r, virt_range(0x2fff, 0x4000)));
    int object;
    assert_ptr_equal(ptr_of(virt_of(&object)), &object);
}

static void test_err_names(void **state)
{
    (void)state;
    assert_string_equal(err_name(E_OK), "E_OK");
    assert_string_equal(err_name(E_TIMEDOUT), "E_TIMEDOUT");
    assert_string_equal(err_name((enum err)9999), "E_?");
}

static void test_native_panics(void **state)
{
    (void)state;
    assert_true(NATIVE_PANICS(panic("value=%d", 7)));
    assert_string_equal(native_panic_text(), "value=7");
    assert_true(NATIVE_PANICS(assert(1 == 2)));
    assert_true(NATIVE_PANICS(must(E_NOMEM)));
    assert_string_equal(native_panic_text(), "E_NOMEM: E_NOMEM");
    assert_false(NATIVE_PANICS(must(E_OK)));
}

static void test_native_heap(void **state)
{
    (void)state;
    size_t before = native_heap_live();
    uint64_t used = heap_used();
    char *block = heap_alloc(10);
    assert_non_null(block);
    assert_true(is_aligned(virt_of(block).v, 16));
    block[9] = 'x';
    block = heap_resize(block, 2000);
    assert_int_equal(block[9], 'x');
    assert_int_equal(native_heap_live(), before + 1);
    assert_int_equal(heap_used(), used + 2000);
    void *page = kpage_alloc();
    assert_true(is_aligned(kpage_phys(page).v, PAGE_SIZE));
    native_heap_fail_after(1);
    void *last = heap_alloc_zero(1);
    assert_non_null(last);
    assert_null(heap_alloc(1));
    assert_null(heap_resize(last, 100));
    assert_null(kpage_alloc());
    native_heap_fail_after(-1);
    heap_free(last);
    heap_free(block);
    heap_free(NULL);
    kpage_free(page);
    assert_int_equal(native_heap_live(), before);
    assert_null(heap_alloc(SIZE_MAX - 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_keeps_order),
        cmocka_unit_test(test_checked_sums_refuse_overflow),
        cmocka_unit_test(test_ranges_are_half_open),
        cmocka_unit_test(test_err_names),
        cmocka_unit_test(test_native_panics),
        cmocka_unit_test(test_native_heap),
    };
    return RUN_TESTS(tests);
}
