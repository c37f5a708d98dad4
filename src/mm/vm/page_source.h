/* SPDX-License-Identifier: MIT */
/*
 * The source of a file mapping's pages (Linux: address_space_operations). Declared here, below the
 * file systems, which implement it: the fault handler requests frames and is independent of files.
 *
 * Only fetch(), punch() and sync() sleep. Where a page is on a device, page() and read() answer E_AGAIN; the
 * caller lets go of all that it has found, calls fetch(), and begins again.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>

struct page_source;

struct page_source_ops {
    /* The frame that holds page `index` (bytes [index * 4096, +4096) of the file). With `for_write`
     * the caller will store into it (shared writable mapping): a read-only or missing page is first
     * replaced with one of the file's own. The frame has an additional reference, which the caller
     * drops with frames_put(). E_INVAL past the end of the file (SIGBUS), E_NOMEM; E_NOTSUP if the
     * page is not page-aligned in memory: the caller then makes a private copy with read(); E_AGAIN:
     * fetch() first. */
    enum err (*page)(struct page_source *source, uint64_t index, bool for_write, phys_t *out);
    /* Copies up to `size` bytes at `offset` to kernel memory; bytes past the end of the file are
     * zeroed. E_INVAL if the first byte's page lies past it. E_AGAIN: fetch() first; the bytes lie in
     * one page then. */
    enum err (*read)(struct page_source *source, uint64_t offset, void *to, size_t size);
    /* Brings page `index` into memory, and with `for_write` makes it ready to be stored into. Sleeps.
     * E_OK: page() and read() are worth another call; any of them may answer E_AGAIN again. Errors of
     * the device or the file system: SIGBUS, or E_NOMEM. NULL if page() and read() never answer E_AGAIN. */
    enum err (*fetch)(struct page_source *source, uint64_t index, bool for_write);
    /* True if page `index` is in memory and only needs to be mapped. */
    bool (*present)(struct page_source *source, uint64_t index);
    /* Makes bytes [offset, offset + size) a hole that reads as zeros, and drops mappings of it.
     * E_PERM (sealed), E_NOMEM. */
    enum err (*punch)(struct page_source *source, uint64_t offset, uint64_t size);
    /* msync(MS_SYNC): bytes [offset, offset + size) are durable then. Sleeps. NULL: they are in memory. */
    enum err (*sync)(struct page_source *source, uint64_t offset, uint64_t size);
    /* References: an area holds one throughout its life. */
    void (*get)(struct page_source *source);
    void (*put)(struct page_source *source);
    /* For /proc/self/maps. name() writes the path, NUL-terminated, at most size bytes. */
    void (*name)(struct page_source *source, char *to, size_t size);
    uint64_t (*inode)(struct page_source *source);
    /* The source by which futexes in its pages are known, and which they hold; NULL: itself. */
    struct page_source *(*identity)(struct page_source *source);
};

/* Embedded in what implements it, with zeros after the operations. */
struct page_source {
    const struct page_source_ops *ops;
    /* mm/vm/: */
    struct list *mappings; /* a ring of the areas that map it, from any of them on; NULL: none */
    uint32_t cuts;         /* areas_truncate() */
};
