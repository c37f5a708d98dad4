/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes (xattr(7)) of the files of file systems that have them
 * (filesystem->attributes). By the start of the name:
 *
 *   user.       regular files and directories; the mode of the file decides
 *   trusted.    CAP_SYS_ADMIN, without which they seem absent
 *   security.   read by all; changed with CAP_SYS_ADMIN, security.capability with CAP_SETFCAP
 *   system.     posix_acl_access and posix_acl_default only, the lists of acl(5); changed by the owner
 *
 * An inode's attributes are an array in the order of the names, on the heap:
 *
 *   inode->attributes --> count, entry[0], entry[1], ...
 *                                 |
 *                                 size, the value, the name
 *
 * All attributes together take at most a 16th of the memory. Guarded by kernel_lock.
 */
#pragma once

#include "fs/vfs/acl.h"
#include "fs/vfs/dentry.h"

#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536u
#define XATTR_LIST_MAX 65536u
#define XATTR_CREATE   1u
#define XATTR_REPLACE  2u

struct xattr_value {
    void *bytes; /* 4-byte aligned; may be changed; NULL: the attribute is removed */
    size_t size;
    uint32_t flags; /* XATTR_* */
};
/* Sets or removes an attribute. O(log attributes), and O(attributes) moves of a pointer. E_NOTSUP,
 * E_PERM, E_ACCES, E_INVAL, E_EXIST, E_NODATA, E_NOMEM, E_NOSPC. */
MUST_CHECK enum err xattr_set(struct dentry *dentry, const char *name, struct xattr_value value);
/* *value: the value, valid until the attributes change. O(log attributes). E_NODATA, E_NOTSUP,
 * E_ACCES, E_INVAL. */
MUST_CHECK enum err xattr_get(const struct inode *inode, const char *name, const void **value,
                              size_t *size);
/* Writes the names that the caller may see, each with its NUL, into at[room], as far as they fit,
 * in Linux's order: the access control lists, then the greatest name first. Returns the bytes of all. O(attributes). */
size_t xattr_list(const struct inode *inode, char *at, size_t room);

/* For stored file systems: gives an inode that they make the attribute that it has on the medium. E_NOMEM,
 * E_NOSPC. */
MUST_CHECK enum err xattr_load(struct inode *inode, const char *name, const void *value,
                               size_t size);
/* The attribute with the index *at, which is counted up. False: there are no more. O(1). */
bool xattr_next(const struct inode *inode, uint32_t *at, const char **name, const void **value,
                size_t *size);

/* For fs/vfs. */
enum attribute_list {
    ATTRIBUTE_ACCESS_ACL,
    ATTRIBUTE_DEFAULT_ACL
};
struct attribute_acl {
    struct acl *acl; /* NULL: none */
    uint32_t count;  /* of its entries */
};
/* O(1). */
struct attribute_acl attributes_acl(const struct attributes *attributes, enum attribute_list which);
void attributes_free(struct attributes *attributes);
/* The access control list after a change of the mode (chmod(2)). O(entries). Errors of the medium, if the file system is
 * stored; then it sleeps, with the names lock. */
MUST_CHECK enum err attributes_follow_mode(struct inode *inode);
/* Gives a new inode the lists of its directory, with its mode, which is before the umask. E_NOMEM. */
MUST_CHECK enum err attributes_inherit(const struct attributes *parent, struct inode *inode,
                                       uint32_t umask);
/* security.capability: true if the file has it; removes it, true if there was one. O(log). */
bool attributes_capable(const struct inode *inode);
bool attributes_drop_capabilities(struct inode *inode);

struct file_capabilities { /* struct vfs_ns_cap_data */
    uint32_t magic;        /* the version and CAPABILITY_EFFECTIVE */
    struct {
        uint32_t permitted, inheritable;
    } half[2];
    uint32_t owner; /* only in version 3 */
};
#define CAPABILITY_EFFECTIVE 1u
/* The capabilities of a file for exec; NULL: none that count. */
const struct file_capabilities *file_capabilities(const struct inode *inode);
