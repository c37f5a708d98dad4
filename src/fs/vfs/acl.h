/* SPDX-License-Identifier: MIT */
/*
 * POSIX access control lists (acl(5)), as pure functions. A list is kept in the form of the extended
 * attribute system.posix_acl_access: a header, then entries in the order of their tags. All
 * functions are O(entries); each entry of a named group takes O(log groups) more.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "fs/vfs/credentials.h"

#include <stddef.h>

#define ACL_VERSION 2

enum acl_tag {
    ACL_USER_OBJ = 1,
    ACL_USER = 2,
    ACL_GROUP_OBJ = 4,
    ACL_GROUP = 8,
    ACL_MASK = 16,
    ACL_OTHER = 32,
};

struct acl_entry { /* struct posix_acl_xattr_entry */
    uint16_t tag, may;
    uint32_t id;
};

struct acl {
    uint32_t version;
    struct acl_entry entry[];
};
_Static_assert(sizeof(struct acl_entry) == 8 && sizeof(struct acl) == 4, "ABI");

/* Checks an attribute of `size` bytes, which is 4-byte aligned, and sets the ids that mean nothing
 * to -1. *count: its entries; 0 is a list that means none. E_NOTSUP (version), E_INVAL. */
MUST_CHECK enum err acl_check(struct acl *acl, size_t size, uint32_t *count);
/* The permission bits of *mode follow the list. True if the mode says all of the list. */
bool acl_to_mode(const struct acl *acl, uint32_t count, uint32_t *mode);
/* chmod(2): the list follows the mode. */
void acl_from_mode(struct acl *acl, uint32_t count, uint32_t mode);
/* The list of a new file, which is a copy of its directory's default list: both the list and the
 * mode keep what the other allows. True if the mode says all of the list. */
bool acl_inherit(struct acl *acl, uint32_t count, uint32_t *mode);
/* True if the list grants all of `may` to a thread that does not own the file. */
bool acl_grants(const struct acl *acl, uint32_t count, const struct credentials *c, uint32_t gid,
                uint32_t may);
