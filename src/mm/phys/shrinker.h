/* SPDX-License-Identifier: MIT */
/*
 * Memory that its owner can do without: an allocator that finds no frame asks each registered shrinker before it
 * gives up. Shrinkers allocate nothing. Not preempted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct shrinker {
    bool (*shrink)(void); /* frees what it can; true if anything was freed */
    struct shrinker *next;
};

/* `shrinker` stays registered and must stay valid. O(1). Boot. */
void shrinker_register(struct shrinker *shrinker);
/* True if any of them freed something: the allocation is worth another try. Callers: threads. */
bool shrinkers_run(void);
