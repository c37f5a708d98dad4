/* SPDX-License-Identifier: MIT */
#include "fs/vfs/acl.h"

/* The entries are those of the owner, named users, the group, named groups, the mask (needed if
 * there are named ones), others. */
static enum err acl_check_order(struct acl *acl, uint32_t count)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct acl_entry *e = &acl->entry[i];
        bool named = e->tag == ACL_USER || e->tag == ACL_GROUP;
        uint32_t needs = e->tag == ACL_USER_OBJ ? 0 : ACL_USER_OBJ;
        if (e->tag >= ACL_GROUP)
            needs |= ACL_GROUP_OBJ;
        if (e->tag == ACL_OTHER && (seen & (ACL_USER | ACL_GROUP)))
            needs |= ACL_MASK;
        if (e->tag == 0 || (e->tag & (e->tag - 1)) || e->tag > ACL_OTHER || e->may > 7 ||
            (named && e->id == UINT32_MAX) || (seen & needs) != needs ||
            (named ? seen >= e->tag * 2u : seen >= e->tag))
            return E_INVAL;
        seen |= e->tag;
        if (!named)
            e->id = UINT32_MAX;
    }
    return seen & ACL_OTHER ? E_OK : E_INVAL;
}

enum err acl_check(struct acl *acl, size_t size, uint32_t *count)
{
    if (size < sizeof(*acl))
        return E_INVAL;
    if (acl->version != ACL_VERSION)
        return E_NOTSUP;
    if ((size - sizeof(*acl)) % sizeof(struct acl_entry) != 0)
        return E_INVAL;
    *count = (uint32_t)((size - sizeof(*acl)) / sizeof(struct acl_entry));
    return *count == 0 ? E_OK : acl_check_order(acl, *count);
}

/* The bits of a mode that an entry stands for: the mask stands for the group's if there is one. */
static int acl_shift(const struct acl *acl, uint32_t count, uint32_t at)
{
    bool mask = count >= 2 && acl->entry[count - 2].tag == ACL_MASK;
    switch (acl->entry[at].tag) {
    case ACL_USER_OBJ:
        return 6;
    case ACL_OTHER:
        return 0;
    case ACL_MASK:
        return 3;
    case ACL_GROUP_OBJ:
        return mask ? -1 : 3;
    default:
        return -1;
    }
}

/* Three entries are the owner, the group and others, and have the order of the mode. */
static bool acl_is_mode(uint32_t count)
{
    return count == 3;
}

bool acl_to_mode(const struct acl *acl, uint32_t count, uint32_t *mode)
{
    for (uint32_t i = 0; i < count; i++) {
        int shift = acl_shift(acl, count, i);
        if (shift >= 0)
            *mode = (*mode & ~(7u << shift)) | (uint32_t)acl->entry[i].may << shift;
    }
    return acl_is_mode(count);
}

void acl_from_mode(struct acl *acl, uint32_t count, uint32_t mode)
{
    for (uint32_t i = 0; i < count; i++) {
        int shift = acl_shift(acl, count, i);
        if (shift >= 0)
            acl->entry[i].may = mode >> shift & 7;
    }
}

bool acl_inherit(struct acl *acl, uint32_t count, uint32_t *mode)
{
    for (uint32_t i = 0; i < count; i++) {
        int shift = acl_shift(acl, count, i);
        if (shift >= 0)
            acl->entry[i].may &= *mode >> shift & 7;
    }
    return acl_to_mode(acl, count, mode);
}

bool acl_grants(const struct acl *acl, uint32_t count, const struct credentials *c, uint32_t gid,
                uint32_t may)
{
    const struct acl_entry *e = acl->entry, *end = e + count, *last = end - 1;
    uint32_t mask = count >= 2 && last[-1].tag == ACL_MASK ? last[-1].may : 7;
    bool member = false;
    for (; e != last; e++) {
        if (e->tag == ACL_USER && e->id == c->uid.fs)
            return !(may & ~(e->may & mask));
        if ((e->tag == ACL_GROUP_OBJ && credentials_in_group(c, gid)) ||
            (e->tag == ACL_GROUP && credentials_in_group(c, e->id))) {
            member = true;
            if (!(may & ~(uint32_t)e->may))
                return !(may & ~mask);
        }
    }
    return !member && !(may & ~(uint32_t)last->may);
}
