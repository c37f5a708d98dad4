/* SPDX-License-Identifier: MIT */
/*
 * Lists of access control. On the disk: a version (1), then entries of tag and permissions, and an id only in those of named
 * users and groups. In memory, as in setxattr(2): a version (2), then entries that all have an id.
 */
#include "base/str.h"
#include "fs/ext4/vfs/volume.h"
#include "fs/vfs/acl.h"

#define DISK_VERSION 1u
#define NO_ID        UINT32_MAX

static bool has_id(uint16_t tag)
{
    return tag == ACL_USER || tag == ACL_GROUP;
}

enum err volume_acl_to_disk(const void *value, size_t *size, void *out)
{
    const struct acl *acl = value;
    uint32_t version = DISK_VERSION;
    uint8_t *to = out;
    if (*size < sizeof(*acl) || (*size - sizeof(*acl)) % sizeof(struct acl_entry) != 0)
        return E_INVAL;
    size_t count = (*size - sizeof(*acl)) / sizeof(struct acl_entry);
    memcpy(to, &version, sizeof(version));
    to += sizeof(version);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = has_id(acl->entry[i].tag) ? 8 : 4;
        memcpy(to, &acl->entry[i], bytes);
        to += bytes;
    }
    *size = (size_t)(to - (uint8_t *)out);
    return E_OK;
}

enum err volume_acl_from_disk(const void *value, size_t *size, void *out)
{
    const uint8_t *at = value, *end = at + *size;
    struct acl *acl = out;
    uint32_t version, count = 0;
    if (*size < sizeof(version))
        return E_INVAL;
    memcpy(&version, at, sizeof(version));
    if (version != DISK_VERSION)
        return E_INVAL;
    acl->version = ACL_VERSION;
    for (at += sizeof(version); at < end; count++) {
        struct acl_entry entry = {.id = NO_ID};
        if (end - at < 4)
            return E_INVAL;
        memcpy(&entry, at, 4);
        size_t bytes = has_id(entry.tag) ? 8 : 4;
        if ((size_t)(end - at) < bytes)
            return E_INVAL;
        memcpy(&entry, at, bytes);
        memcpy(&acl->entry[count], &entry, sizeof(entry));
        at += bytes;
    }
    *size = sizeof(*acl) + count * sizeof(struct acl_entry);
    return E_OK;
}
