/* SPDX-License-Identifier: MIT */
/*
 * Where the pages of a file mapping come from. Declared here, below the file systems, which
 * implement it: the fault handler asks for a frame and never learns what a file is.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct page_source;

struct page_source_ops {
    /* The frame that holds page `index` (bytes [index * 4096, +4096) of the file). With `for_write`
     * the caller will store into it (shared writable mapping): a read-only or missing page is
     * replaced by one of the file's own first. The frame carries one reference more, which the
     * caller drops with frames_put(). E_INVAL past the end of the file (SIGBUS), E_NOMEM; E_NOTSUP
     * when the page is not page-aligned in memory: then read() is used to make a private copy. */
    enum err (*page)(struct page_source *source, uint64_t index, bool for_write, phys_t *out);
    /* Copies up to `size` bytes at `offset` to kernel memory; bytes past the end of the file are
     * zeroed. E_INVAL when the page of the first lies past it. */
    enum err (*read)(struct page_source *source, uint64_t offset, void *to, size_t size);
    /* Is page `index` in memory, so that no work but mapping it is left? */
    bool (*present)(struct page_source *source, uint64_t index);
    /* Bytes [offset, offset + size) become a hole that reads as zeros; what is mapped of it must
     * fault again. E_PERM (sealed), E_NOMEM. */
    enum err (*punch)(struct page_source *source, uint64_t offset, uint64_t size);
    /* References: an area holds one for as long as it exists. */
    void (*get)(struct page_source *source);
    void (*put)(struct page_source *source);
    /* For /proc/self/maps. name() writes the path, NUL-terminated, at most size bytes. */
    void (*name)(struct page_source *source, char *to, size_t size);
    uint64_t (*inode)(struct page_source *source);
};

struct page_source {
    const struct page_source_ops *ops;
};
