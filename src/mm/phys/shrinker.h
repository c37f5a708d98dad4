/* SPDX-License-Identifier: MIT */
/*
 * Shrinkers (as in Linux) free memory that its owner can do without. An allocator that finds no
 * frame runs all of them before it fails. Shrinkers allocate nothing. Not preempted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shrinker {
    bool (*shrink)(
        void); /* frees a bounded part of what it can; true if anything was freed, or may be by another call */
    uint64_t (*spare)(
        void); /* about how many frames that could become, in time; NULL: hardly any */
    struct shrinker *next;
};

/* `shrinker` stays registered and must stay valid. O(1). Boot. */
void shrinker_register(struct shrinker *shrinker);
/* Runs all shrinkers; true if one freed something, so that the allocation is worth a retry.
 * Callers: threads. */
bool shrinkers_run(void);
/* The sum of spare(). O(shrinkers). */
uint64_t shrinkers_spare(void);
