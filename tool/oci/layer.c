/* SPDX-License-Identifier: MIT */
/*
 * Names that are no files (OCI image specification, "Representing Changes"):
 *
 *   FOLDER/.wh.NAME     NAME of older layers is removed
 *   FOLDER/.wh..wh..opq everything of older layers in FOLDER is
 *   .wh..wh.*           others are of a file system that docker used, and nothing
 */
#include "oci/layer.h"
#include "host/fail.h"
#include "host/path.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WHITEOUT ".wh."
#define OPAQUE   WHITEOUT WHITEOUT ".opq"
#define BLOCK    (1u << 16)

struct layer {
    struct root *root;
    struct archive *archive;
    layer_place place;
    void *context;
    char why[256]; /* a reason that is made here */
};

struct archive *layer_reader(void)
{
    struct archive *archive = archive_read_new();
    if (!archive)
        fail(STATUS_FAILED, "out of memory");
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_format_tar(archive);
    return archive;
}

static const char *archive_reason(struct layer *layer)
{
    const char *text = archive_error_string(layer->archive);
    snprintf(layer->why, sizeof(layer->why), "%s", text ? text : "it cannot be read");
    return layer->why;
}

/* Writes the entry's data to a new file; *name is NULL without a place. */
static const char *take_data(struct layer *layer, int64_t size, char **name)
{
    char block[BLOCK];
    int64_t left = size;
    *name = layer->place(layer->context);
    int fd = *name ? open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (*name && fd < 0)
        fail_errno("cannot write %s", *name);
    const char *why = NULL;
    while (!why && left >= 0) {
        la_ssize_t got = archive_read_data(layer->archive, block, sizeof(block));
        if (got < 0)
            why = archive_reason(layer);
        if (got <= 0)
            break;
        left -= got;
        for (la_ssize_t done = 0; fd >= 0 && done < got;) {
            ssize_t wrote = write(fd, block + done, (size_t)(got - done));
            if (wrote < 0 && errno != EINTR)
                fail_errno("cannot write %s", *name);
            done += wrote < 0 ? 0 : wrote;
        }
    }
    if (fd >= 0 && close(fd) != 0)
        fail_errno("cannot write %s", *name);
    return why ? why : left != 0 ? "its data is not as long as its header says" : NULL;
}

static const char *take_file(struct layer *layer, struct archive_entry *entry, const char *path)
{
    char *source = NULL;
    const char *target = archive_entry_symlink(entry);
    struct stat stat = {
        .st_mode = archive_entry_mode(entry),
        .st_uid = (uid_t)archive_entry_uid(entry),
        .st_gid = (gid_t)archive_entry_gid(entry),
        .st_mtim.tv_sec = archive_entry_mtime(entry),
        .st_rdev = archive_entry_rdev(entry),
    };
    switch (stat.st_mode & S_IFMT) {
    case S_IFREG:
        stat.st_size = archive_entry_size(entry);
        if (stat.st_size < 0 || (uint64_t)stat.st_size > root_room(layer->root))
            return "the image's files are larger than 4 GiB";
        const char *why = take_data(layer, stat.st_size, &source);
        if (why) {
            free(source);
            return why;
        }
        break;
    case S_IFLNK:
        if (!target || !*target || strlen(target) >= PATH_MAX)
            return "it is a symbolic link without a target, or with one that is too long";
        stat.st_size = (off_t)strlen(target);
        break;
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
        break;
    default:
        return "its type is unknown";
    }
    const char *why =
        root_put(layer->root, path, &stat, S_ISLNK(stat.st_mode) ? target : NULL, source);
    free(source);
    return why;
}

/* The path without its last component; malloc'ed. */
static char *folder_of(const char *path)
{
    return string_format("%.*s", (int)(path_base(path) - path), path);
}

/* True for a name of the storage of docker's aufs. */
static bool is_of_aufs(const char *path)
{
    const char *at = strstr(path, WHITEOUT WHITEOUT);
    return at && (at == path || at[-1] == '/');
}

static const char *take_whiteout(struct layer *layer, const char *path, const char *name)
{
    const char *hidden = name + sizeof(WHITEOUT) - 1;
    if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
        return "it removes no name";
    char *folder = folder_of(path), *at = string_format("%s%s", folder, hidden);
    const char *why = root_whiteout(layer->root, at);
    free(folder);
    free(at);
    return why;
}

static const char *take(struct layer *layer, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
    if (!path || strlen(path) >= 2 * PATH_MAX)
        return "it has no name, or one that is too long";
    const char *name = path_base(path);
    if (strcmp(name, OPAQUE) == 0) {
        char *folder = folder_of(path);
        const char *why = root_opaque(layer->root, folder);
        free(folder);
        return why;
    }
    if (is_of_aufs(path))
        return NULL;
    if (string_starts(name, WHITEOUT))
        return take_whiteout(layer, path, name);
    if (link)
        return strlen(link) < 2 * PATH_MAX ? root_link(layer->root, path, link)
                                           : "the name that it links to is too long";
    return take_file(layer, entry, path);
}

bool layer_apply(struct root *root, struct archive *archive, layer_place place, void *context,
                 struct text *reason)
{
    struct layer layer = {.root = root, .archive = archive, .place = place, .context = context};
    struct archive_entry *entry = archive_entry_new();
    const char *why = NULL, *path = NULL;
    int result = ARCHIVE_OK;
    if (!entry)
        fail(STATUS_FAILED, "out of memory");
    root_next_layer(root);
    while (!why && (result = archive_read_next_header2(archive, entry)) != ARCHIVE_EOF) {
        path = NULL;
        if (result <
            ARCHIVE_WARN) { /* a warning: a name that is not in this computer's character set */
            why = archive_reason(&layer);
            break;
        }
        path = archive_entry_pathname(entry);
        why = take(&layer, entry);
    }
    if (why && path)
        text_format(reason, "%.200s: %s", path, why);
    else if (why)
        text_string(reason, why);
    archive_entry_free(entry);
    return !why;
}
