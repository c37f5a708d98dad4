/* SPDX-License-Identifier: MIT */
/*
 * Files in memory. A regular file's bytes come from three places, looked at in this order:
 *
 *   1. its own pages (a page tree);
 *   2. the root archive, where the file was when it was packed, up to archive_size;
 *   3. nothing: a hole reads as zeros.
 *
 * A page that lies in the archive becomes one of the file's own when it is first written. What is
 * page-aligned in the archive is mapped by programs where it lies; the last page of such a file is
 * not, because behind its end the next entry's header follows where a program must see zeros.
 */
#pragma once

#include "fs/vfs/inode.h"

/* A new, empty file system with a root directory (mode 0755). `type` and `device` as in struct
 * filesystem. */
MUST_CHECK enum err ramfs_init(struct filesystem *fs, const char *type, uint64_t device);
/* Own pages that all files together may have; UINT64_MAX at start. Beyond it: E_NOSPC. */
void ramfs_set_limit(uint64_t pages);
uint64_t ramfs_used_pages(void);

/* Makes `size` bytes of the archive, at physical address `where`, the contents of the regular file,
 * which is of a ramfs. The bytes stay there unchanged for ever. */
void ramfs_set_archive(struct inode *inode, const uint8_t *bytes, uint64_t size, phys_t where);

/* memfd_create(): a file with no directory. The seals are F_SEAL_SEAL unless `sealable`. The open
 * file has one reference. */
struct file;
MUST_CHECK enum err memfd_open(const char *name, bool sealable, struct file **out);
/* Memory of `size` bytes that is shared without a file having been opened: MAP_SHARED with
 * MAP_ANONYMOUS. The source has one reference, which an area takes over. E_NOMEM. */
struct page_source;
MUST_CHECK enum err ramfs_share_memory(uint64_t size, struct page_source **out);
/* Does a seal forbid to store through new mappings of the source? */
bool ramfs_is_write_sealed(struct page_source *source);
/* F_ADD_SEALS and F_GET_SEALS: E_INVAL when it is no memfd, E_PERM, E_BUSY (mapped writable). */
MUST_CHECK enum err memfd_add_seals(struct file *file, uint32_t seals);
MUST_CHECK enum err memfd_seals(const struct file *file, uint32_t *out);
