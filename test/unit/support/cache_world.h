/* SPDX-License-Identifier: MIT */
/*
 * What the page cache stands on, for native tests: a file system whose operations take a while, a mapping of
 * the file, and threads, which are coroutines: each operation of the device, and each wait, lets another run.
 */
#pragma once

#include "fs/cache/page_cache.h"
#include "fs/vfs/file.h"

#define WORLD_PAGES 80
#define WORLD_BYTES (WORLD_PAGES * PAGE_SIZE)

/* The medium. Blocks that were allocated and not written have garbage. */
struct world_disk {
    bool allocated[WORLD_PAGES], written[WORLD_PAGES];
    uint8_t bytes[WORLD_PAGES][PAGE_SIZE];
    uint64_t size;
};
extern struct world_disk world_disk;
extern struct cached_file world_file;
extern struct file world_open;
extern struct page_cache_ops world_ops;

/* Calls of the file system so far; the one with number world_fail_at ends with world_error (-1: none). */
extern long world_calls, world_fail_at;
extern enum err world_error;
extern unsigned world_reads, world_writes, world_prepares, world_syncs, world_read_pages;
extern uint64_t world_rlimit;
extern struct shrinker *world_shrinker;

void world_begin(uint32_t seed);
void world_end(void);
uint32_t world_random(void);

/* Threads. world_run() returns when the first of them has ended; the others are told by world_stops. */
void world_thread(void (*function)(void));
void world_run(void);
extern bool world_stops;
/* Another thread may run. */
void world_give_way(void);

/* Through the shared mapping. False: SIGBUS. */
bool world_store(uint64_t at, uint8_t byte);
bool world_load(uint64_t at, uint8_t *out);
