/* SPDX-License-Identifier: MIT */
/* base/gap_tree.h beside a model, an array in order, for test_gap_tree.c and fuzz_gap_tree.c. */
#pragma once

#include <stddef.h>

/* A number below n, from the test's source of chance. */
typedef size_t (*gap_model_random)(size_t n);

/* Empties tree and model. */
void gap_model_start(void);
/* Inserts, removes, changes or asks for one node; aborts if tree and model do not agree about it. */
void gap_model_step(gap_model_random random);
/* Aborts if an invariant of the tree does not hold. O(nodes). */
void gap_model_check(void);
/* Nodes in the tree. */
size_t gap_model_count(void);
