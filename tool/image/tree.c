/* SPDX-License-Identifier: MIT */
/* The tree is a sorted array; libarchive reads folders. Paths are normalised before they are looked up. */
#include "image/tree.h"
#include "host/fail.h"
#include "host/guard.h"
#include "host/path.h"
#include "host/text.h"
#include "image/cpio_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 40 /* Linux: symbolic links on one path */

static const char *sysroot = ""; /* absolute, without a trailing slash */

/* Finds the position of path, or the one to insert it at; paths have no leading slash. O(log n). */
static bool find(const struct tree *tree, const char *path, size_t *position)
{
    size_t low = 0, high = tree->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(tree->entry[middle].path, path);
        if (order == 0) {
            *position = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *position = low;
    return false;
}

void tree_append(struct tree *tree, const struct entry *entry)
{
    if ((tree->count & (tree->count - 1)) == 0) /* full: 0, 1, and each power of two */
        tree->entry = memory_resize(tree->entry, (tree->count * 2 + 1) * sizeof(*tree->entry));
    tree->entry[tree->count++] = *entry;
}

static void insert(struct tree *tree, const struct entry *entry)
{
    size_t position;
    if (find(tree, entry->path, &position))
        fail(STATUS_FAILED, "/%s is in the root folder already", entry->path);
    tree_append(tree, entry);
    struct entry *at = tree->entry + position;
    memmove(at + 1, at, (tree->count - 1 - position) * sizeof(*at));
    *at = *entry;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

void tree_sort(struct tree *tree)
{
    qsort(tree->entry, tree->count, sizeof(*tree->entry), by_path);
}

/* Only root packs the owners of files; for other users the owner becomes root, because the machine has
 * no other users. */
static void owner(struct stat *st)
{
    if (geteuid() != 0)
        st->st_uid = st->st_gid = 0;
}

/* Appends an entry; its path is `place`, followed by its own path without the first `prefix` bytes. */
static void load_entry(struct tree *tree, struct archive_entry *from, size_t prefix,
                       const char *place)
{
    const char *source = archive_entry_pathname(from);
    char *path = string_format("%s/%s", place, source + prefix), *clean = path_normalise(path);
    struct entry entry = {.stat = *archive_entry_stat(from)};
    free(path);
    path = clean + 1;
    if (strlen(path) > CPIO_NAME_MAX)
        fail(STATUS_FAILED, "%s: the path is too long for the archive", source);
    if (S_ISSOCK(entry.stat.st_mode)) {
        warn("%s is a socket and was left out", source);
        free(clean);
        return;
    }
    entry.path = string_copy(path);
    free(clean);
    owner(&entry.stat);
    if (S_ISLNK(entry.stat.st_mode))
        entry.target = string_copy(archive_entry_symlink(from));
    if (S_ISREG(entry.stat.st_mode))
        entry.source = string_copy(source);
    if (S_ISREG(entry.stat.st_mode) && entry.stat.st_size > UINT32_MAX)
        fail(STATUS_FAILED, "%s is larger than 4 GiB, more than the archive can hold", source);
    tree_append(tree, &entry);
}

/* Appends the folder's files with paths below `place`, then sorts the tree. */
static void load_folder(struct tree *tree, const char *folder, const char *place)
{
    struct archive *disk = archive_read_disk_new();
    struct archive_entry *entry = archive_entry_new();
    if (!disk || !entry)
        fail(STATUS_FAILED, "out of memory");
    archive_read_disk_set_symlink_physical(disk);
    archive_read_disk_set_behavior(disk, ARCHIVE_READDISK_NO_ACL | ARCHIVE_READDISK_NO_XATTR |
                                             ARCHIVE_READDISK_NO_FFLAGS |
                                             ARCHIVE_READDISK_NO_SPARSE);
    int result = archive_read_disk_open(disk, folder);
    while (result == ARCHIVE_OK) {
        result = archive_read_next_header2(disk, entry);
        if (result != ARCHIVE_OK)
            break;
        load_entry(tree, entry, strcmp(folder, "/") == 0 ? 0 : strlen(folder), place);
        result = archive_read_disk_descend(disk);
        if (result == ARCHIVE_WARN) /* not a folder */
            result = ARCHIVE_OK;
    }
    if (result != ARCHIVE_EOF)
        fail(STATUS_FAILED, "cannot read the folder %s: %s", folder, archive_error_string(disk));
    archive_entry_free(entry);
    archive_read_free(disk);
    qsort(tree->entry, tree->count, sizeof(*tree->entry), by_path);
}

static void add_folder(struct tree *tree, const char *path, mode_t mode)
{
    size_t position;
    struct entry entry = {.path = string_copy(path),
                          .stat = {.st_mode = S_IFDIR | mode, .st_nlink = 2}};
    if (find(tree, path, &position))
        free(entry.path);
    else
        insert(tree, &entry);
}

void tree_load(struct tree *tree, const char *from)
{
    if (from) {
        struct stat st;
        char *folder = realpath(from, NULL);
        if (!folder || stat(folder, &st) != 0)
            fail_errno("cannot read the root folder %s", from);
        if (!S_ISDIR(st.st_mode))
            fail(STATUS_FAILED, "cannot read the root folder %s: it is not a folder", from);
        load_folder(tree, folder, "");
        free(folder);
    }
    add_folder(tree, "", 0755);
    add_folder(tree, "dev", 0755);
    add_folder(tree, "home", 0755);
    add_folder(tree, "proc", 0555);
    add_folder(tree, "root", 0700);
    add_folder(tree, "run", 0755);
    add_folder(tree, "tmp", 01777);
    size_t position;
    if (!find(tree, "var", &position) || S_ISDIR(tree->entry[position].stat.st_mode)) {
        add_folder(tree, "var", 0755);
        add_folder(tree, "var/tmp", 01777);
    }
}

/* The path with the symbolic link replaced by its target, followed by `rest`. malloc'ed. */
static char *substitute(const struct entry *link, const char *rest)
{
    const char *slash = strrchr(link->path, '/');
    int folder = slash ? (int)(slash - link->path) : 0;
    char *joined = link->target[0] == '/'
                       ? string_format("%s/%s", link->target, rest)
                       : string_format("%.*s/%s/%s", folder, link->path, link->target, rest);
    char *clean = path_normalise(joined);
    free(joined);
    return clean;
}

/* Resolves all symbolic links of the path, the last component's only if follow_last. Components that
 * do not exist stay. NULL: a loop. Differs from Linux in that ".." was resolved before. */
static char *resolve(const struct tree *tree, const char *path, bool follow_last)
{
    char *now = string_copy(path);
    for (int links = 0; links < LINKS_MAX; links++) {
        const struct entry *link = NULL;
        char *end = now;
        while (*end && !link) {
            end = strchrnul(end + 1, '/');
            char kept = *end;
            size_t position;
            *end = '\0';
            if (find(tree, now + 1, &position) && tree->entry[position].target &&
                (kept || follow_last))
                link = &tree->entry[position];
            *end = kept;
        }
        if (!link)
            return now;
        char *next = substitute(link, end);
        free(now);
        now = next;
    }
    free(now);
    return NULL;
}

const struct entry *tree_follow(const struct tree *tree, const char *path)
{
    char *real = resolve(tree, path, true);
    size_t position;
    bool found = real && find(tree, real + 1, &position);
    free(real);
    return found ? &tree->entry[position] : NULL;
}

static void add_parents(struct tree *tree, char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t position;
        *slash = '\0';
        if (find(tree, path + 1, &position) && !S_ISDIR(tree->entry[position].stat.st_mode))
            fail(STATUS_FAILED, "%s in the root folder is not a folder", path);
        add_folder(tree, path + 1, 0755);
        *slash = '/';
    }
}

void tree_add_folder(struct tree *tree, const char *path)
{
    char *real = resolve(tree, path, true);
    if (!real)
        fail(STATUS_FAILED, "%s cannot be placed in the root folder", path);
    char *inside = string_format("%s/", real); /* a parent of what is in it */
    add_parents(tree, inside);
    free(inside);
    free(real);
}

void tree_add_file(struct tree *tree, const char *path, const char *source)
{
    char *real = resolve(tree, path, true);
    if (!real || strlen(real) > CPIO_NAME_MAX)
        fail(STATUS_FAILED, "%s cannot be placed in the root folder", path);
    add_parents(tree, real);
    struct entry entry = {.path = string_copy(real + 1), .source = string_copy(source)};
    if (stat(source, &entry.stat) != 0)
        fail_errno("cannot read %s", source);
    owner(&entry.stat);
    entry.stat.st_nlink = 1;
    insert(tree, &entry);
    free(real);
}

void tree_add_text(struct tree *tree, const char *path, const char *text, size_t size)
{
    static unsigned count;
    if (tree_follow(tree, path))
        return;
    char *name = string_format("text-%u", count++), *file = guard_path(name);
    FILE *out = fopen(file, "we");
    if (!out || (size > 0 && fwrite(text, 1, size, out) != size) || fclose(out) != 0)
        fail_errno("cannot write %s", file);
    /* Fixed times, so that equal requests give equal archives. */
    const struct timespec times[2] = {{0, 0}, {0, 0}};
    if (chmod(file, 0644) != 0 || utimensat(AT_FDCWD, file, times, 0) != 0)
        fail_errno("cannot write %s", file);
    tree_add_file(tree, path, file);
    free(name);
    free(file);
}

void tree_add_link(struct tree *tree, const char *path, const char *target)
{
    char *parents = string_copy(path);
    size_t position;
    bool there = find(tree, path + 1, &position);
    if (!there) {
        add_parents(tree, parents);
        struct entry entry = {
            .path = string_copy(path + 1),
            .stat = {.st_mode = S_IFLNK | 0777, .st_nlink = 1, .st_size = (off_t)strlen(target)},
            .target = string_copy(target)};
        insert(tree, &entry);
    }
    free(parents);
}

static void entry_free(struct entry *entry)
{
    free(entry->path);
    free(entry->target);
    free(entry->source);
}

/* Fills in target or source of the file `host`, whose attributes are known. */
static bool host_content(const char *host, struct entry *out)
{
    mode_t mode = out->stat.st_mode;
    if (S_ISREG(mode) && out->stat.st_size > UINT32_MAX)
        fail(STATUS_FAILED, "%s is larger than 4 GiB, more than the archive can hold", host);
    if (S_ISLNK(mode)) {
        char target[PATH_MAX];
        ssize_t length = readlink(host, target, sizeof(target));
        if (length <= 0 || length >= (ssize_t)sizeof(target))
            return false;
        out->target = string_format("%.*s", (int)length, target);
    }
    if (S_ISREG(mode))
        out->source = string_copy(host);
    return S_ISLNK(mode) || S_ISREG(mode) || S_ISDIR(mode);
}

/* Makes an entry from this computer's file at the path; false unless it is a file, folder or link. */
static bool host_entry(const char *path, struct entry *out)
{
    char *host = string_format("%s%s", sysroot, path);
    *out = (struct entry){.path = string_copy(path + 1)};
    bool good =
        strlen(path) <= CPIO_NAME_MAX && lstat(host, &out->stat) == 0 && host_content(host, out);
    free(host);
    owner(&out->stat);
    if (!good)
        entry_free(out);
    return good;
}

/* A copy of the entry at one path, from the tree or from this computer. */
static bool overlay_entry(struct tree *tree, const char *path, enum overlay what, struct entry *out)
{
    size_t position;
    if (!find(tree, path + 1, &position)) {
        if (!host_entry(path, out))
            return false;
        if (what == OVERLAY_LOOK)
            return true;
        insert(tree, out);
    }
    (void)find(tree, path + 1, &position);
    const struct entry *there = &tree->entry[position];
    *out = *there;
    out->path = string_copy(there->path);
    out->target = there->target ? string_copy(there->target) : NULL;
    out->source = there->source ? string_copy(there->source) : NULL;
    return true;
}

/* Walks from the root to the first link or to the end of the path; *out is that entry, *length the
 * length of its path. False if a component does not exist. */
static bool overlay_pass(struct tree *tree, char *now, enum overlay what, struct entry *out,
                         size_t *length)
{
    char *end = now;
    for (;;) {
        end = strchrnul(end + 1, '/');
        char kept = *end;
        *end = '\0';
        bool there = overlay_entry(tree, now, what, out);
        *end = kept;
        *length = (size_t)(end - now);
        if (!there || !kept || out->target)
            return there;
        bool folder = S_ISDIR(out->stat.st_mode);
        entry_free(out);
        if (!folder)
            return false;
    }
}

char *tree_overlay(struct tree *tree, const char *path, enum overlay what, char **source)
{
    char *now = path_normalise(path);
    if (source)
        *source = NULL;
    for (int links = 0; links < LINKS_MAX && now[1]; links++) {
        struct entry entry;
        size_t length;
        if (!overlay_pass(tree, now, what, &entry, &length))
            break;
        if (!entry.target) {
            bool useful = S_ISREG(entry.stat.st_mode) || S_ISDIR(entry.stat.st_mode);
            if (source && useful && entry.source)
                *source = string_copy(entry.source);
            entry_free(&entry);
            if (useful)
                return now;
            break;
        }
        char *next = substitute(&entry, now + length);
        entry_free(&entry);
        free(now);
        now = next;
    }
    free(now);
    return NULL;
}

void tree_sysroot(const char *folder)
{
    struct stat st;
    char *real = realpath(folder, NULL);
    if (!real || stat(real, &st) != 0)
        fail_errno("cannot read the folder %s of --sysroot", folder);
    if (!S_ISDIR(st.st_mode))
        fail(STATUS_FAILED, "%s of --sysroot is not a folder", folder);
    sysroot = strcmp(real, "/") == 0 ? "" : real;
}

const char *tree_sysroot_folder(void)
{
    return sysroot;
}

bool tree_has_sysroot(void)
{
    return sysroot[0] != '\0';
}

char *tree_host_file(const char *path)
{
    struct tree none = {0};
    if (!tree_has_sysroot() || path[0] != '/')
        return realpath(path, NULL);
    char *real = tree_overlay(&none, path, OVERLAY_LOOK, NULL), *host = NULL;
    if (real)
        host = string_format("%s%s", sysroot, real);
    else
        errno = ENOENT;
    free(real);
    return host;
}

/* Moves the entries of `more` that the tree lacks into the tree, and sorts it. Frees `more`. */
static void merge(struct tree *tree, struct tree *more, struct args *added)
{
    struct tree before = *tree;
    for (size_t i = 0; i < more->count; i++) {
        struct entry *entry = &more->entry[i];
        size_t position;
        before.entry = tree->entry;
        if (find(&before, entry->path, &position)) {
            entry_free(entry);
            continue;
        }
        if (entry->source)
            args_format(added, "/%s", entry->path);
        tree_append(tree, entry);
    }
    free(more->entry);
    qsort(tree->entry, tree->count, sizeof(*tree->entry), by_path);
}

void tree_add_inside(struct tree *tree, const char *folder, struct args *added)
{
    struct tree more = {0}, placed = {0};
    load_folder(&more, folder, "");
    for (size_t i = 0; i < more.count;
         i++) { /* folders of the tree, and of this computer, may be links */
        struct entry *entry = &more.entry[i];
        char *path = string_format("/%s", entry->path), *parent = string_copy(path);
        parent[path_base(parent) - parent] = '\0';
        free(tree_overlay(tree, parent, OVERLAY_TAKE, NULL));
        char *real = resolve(tree, path, S_ISDIR(entry->stat.st_mode));
        if (!real || !entry->path[0]) {
            entry_free(entry);
        } else {
            free(entry->path);
            entry->path = string_copy(real + 1);
            tree_append(&placed, entry);
        }
        free(real);
        free(parent);
        free(path);
    }
    free(more.entry);
    qsort(placed.entry, placed.count, sizeof(*placed.entry), by_path);
    merge(tree, &placed, added);
}

void tree_add_all(struct tree *tree, const char *path, const char *from, struct args *added)
{
    struct stat st;
    struct tree more = {0};
    struct args links = {0};
    char *real = tree_host_file(from);
    if (!real || stat(real, &st) != 0)
        fail_errno("cannot read %s", from);
    /* The symbolic links on an absolute path are packed too. */
    char *place = from[0] == '/' ? tree_overlay(tree, path, OVERLAY_TAKE, NULL) : NULL;
    if (!place)
        place = resolve(tree, path, true);
    if (!place)
        fail(STATUS_FAILED, "%s cannot be placed in the machine", path);
    if (S_ISREG(st.st_mode)) {
        if (!tree_follow(tree, place))
            tree_add_file(tree, place, real);
        args_add(added, place);
    } else if (S_ISDIR(st.st_mode)) {
        add_parents(tree, place);
        load_folder(&more, real, place);
        for (size_t i = 0; i < more.count; i++)
            if (more.entry[i].target)
                args_format(&links, "/%s", more.entry[i].path);
        merge(tree, &more, added);
    } else {
        fail(STATUS_FAILED, "%s is neither a file nor a folder", from);
    }
    for (size_t i = 0; i < links.count; i++)
        free(tree_overlay(tree, links.item[i], OVERLAY_TAKE, NULL));
    args_free(&links);
    free(place);
    free(real);
}
