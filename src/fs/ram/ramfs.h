/* SPDX-License-Identifier: MIT */
/*
 * Files in memory, as Linux's tmpfs. The bytes of a regular file come from the first of these that
 * has them:
 *
 *   1. its own pages (a page tree);
 *   2. the root archive, up to archive_size;
 *   3. nothing: a hole reads as zeros.
 *
 * The first write to a page of the archive copies it to a page of the file's own. Page-aligned data
 * in the archive is mapped in place, except for an incomplete last page: after its end follows the
 * next entry's header, where a program must see zeros.
 */
#pragma once

#include "fs/vfs/inode.h"

/* A new, empty file system with a root directory (mode 0755). `type` and `device` as in struct
 * filesystem. */
MUST_CHECK enum err ramfs_init(struct filesystem *fs, const char *type, uint64_t device);
/* Limits the number of own pages of all files; UINT64_MAX at start. Beyond the limit: E_NOSPC. */
void ramfs_set_limit(uint64_t pages);
uint64_t ramfs_used_pages(void);

/* Makes `size` bytes of the archive, at physical address `where`, the contents of a regular file of
 * a ramfs. The bytes must stay mapped and unchanged. */
void ramfs_set_archive(struct inode *inode, const uint8_t *bytes, uint64_t size, phys_t where);

/* memfd_create(): a file in no directory. The seals are F_SEAL_SEAL unless `sealable`. *out: one
 * reference. E_INVAL (name too long), E_NOMEM. */
struct file;
MUST_CHECK enum err memfd_open(const char *name, bool sealable, struct file **out);
/* Shared memory of `size` bytes without a file: MAP_SHARED with MAP_ANONYMOUS. The source has one
 * reference, which an area takes over. E_NOMEM. */
struct page_source;
MUST_CHECK enum err ramfs_share_memory(uint64_t size, struct page_source **out);
/* True if a seal forbids new writable shared mappings of the source. */
bool ramfs_is_write_sealed(struct page_source *source);
/* F_ADD_SEALS and F_GET_SEALS. E_INVAL: not a memfd; E_PERM; E_BUSY: mapped writable. */
MUST_CHECK enum err memfd_add_seals(struct file *file, uint32_t seals);
MUST_CHECK enum err memfd_seals(const struct file *file, uint32_t *out);
