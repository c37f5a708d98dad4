/* SPDX-License-Identifier: MIT */
#include "base/gap_tree.h"

#include "gap_tree_model.h"
#include "unit.h"

#include <stdlib.h>

#define MANY 65536

static size_t random_below(size_t n)
{
    return (size_t)rand() % n;
}

static void test_random_steps_against_an_array(void **state)
{
    (void)state;
    size_t most = 0;
    srand(1);
    gap_model_start();
    for (int step = 0; step < 100000; step++) {
        gap_model_step(random_below);
        gap_model_check();
        if (gap_model_count() > most)
            most = gap_model_count();
        if (step % 20000 == 19999)
            gap_model_start();
    }
    assert_true(most > 200);
}

static struct gap_node nodes[MANY];

static unsigned height_of(const struct gap_node *node)
{
    if (node == NULL)
        return 0;
    unsigned low = height_of(node->child[0]), high = height_of(node->child[1]);
    return 1 + (low > high ? low : high);
}

/* The three orders that make a tree without balance a list. */
static struct gap_node *place_of(int way, struct gap_tree *tree, size_t i)
{
    if (way == 0)
        return NULL;
    return way == 1 || i == 0 ? tree->first : nodes[i / 2].next;
}

static void test_height_grows_with_the_logarithm(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct gap_tree tree = {0};
        for (size_t i = 0; i < MANY; i++)
            gap_tree_insert(&tree, &nodes[i], place_of(way, &tree, i), i);
        assert_in_range(height_of(tree.root), 17, 24); /* 1.44 * 16 */
        for (size_t i = 0; i < MANY; i += 2)
            gap_tree_remove(&tree, &nodes[i]);
        assert_in_range(height_of(tree.root), 16, 24);
        assert_ptr_equal(gap_tree_before(&tree, NULL, MANY - 1), &nodes[MANY - 1]);
        for (size_t i = 1; i < MANY; i += 2)
            gap_tree_remove(&tree, &nodes[i]);
        assert_null(tree.root);
        assert_null(tree.first);
        assert_null(tree.last);
    }
}

/* Removals leave ranks as they are: the height stays within the logarithm of all insertions. */
static void test_height_stays_where_nodes_come_and_go(void **state)
{
    (void)state;
    const size_t window = 1000;
    for (int way = 0; way < 2; way++) {
        struct gap_tree tree = {0};
        size_t inserted = 0;
        for (; inserted < window; inserted++)
            gap_tree_insert(&tree, &nodes[inserted], way == 0 ? NULL : tree.first, inserted);
        for (; inserted < UINT64_C(1) << 20; inserted++) {
            struct gap_node *gone = way == 0 ? tree.first : tree.last;
            gap_tree_remove(&tree, gone);
            gap_tree_insert(&tree, gone, way == 0 ? NULL : tree.first, inserted);
            if (inserted % 4096 == 0)
                assert_in_range(height_of(tree.root), 10, 29); /* 1.44 * 20 */
        }
        assert_true(tree.root->rank <= 29);
    }
}

static void test_nothing_before_in_an_empty_tree(void **state)
{
    (void)state;
    struct gap_tree tree = {0};
    assert_null(gap_tree_before(&tree, NULL, 0));
    gap_tree_insert(&tree, &nodes[0], NULL, 5);
    assert_ptr_equal(gap_tree_before(&tree, NULL, 5), &nodes[0]);
    assert_null(gap_tree_before(&tree, NULL, 6));
    assert_null(gap_tree_before(&tree, &nodes[0], 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_steps_against_an_array),
        cmocka_unit_test(test_height_grows_with_the_logarithm),
        cmocka_unit_test(test_height_stays_where_nodes_come_and_go),
        cmocka_unit_test(test_nothing_before_in_an_empty_tree),
    };
    return RUN_TESTS(tests);
}
