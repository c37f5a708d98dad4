/* SPDX-License-Identifier: MIT */
#include "image/package.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/path.h"
#include "host/progress.h"
#include "host/text.h"
#include "image/dpkg.h"
#include "image/elf_needs.h"
#include "image/library.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE "/var/lib/dpkg"

static bool is_documentation(const char *path)
{
    static const char *const folders[] = {"/usr/share/doc",  "/usr/share/man",
                                          "/usr/share/info", "/usr/share/lintian",
                                          "/usr/share/bug",  "/usr/share/doc-base"};
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length) == 0 && (path[length] == '/' || !path[length]))
            return true;
    }
    return false;
}

/* The libraries of an ELF file: also those behind links that no package owns (update-alternatives(1)). */
static void add_libraries(struct tree *tree, const char *place)
{
    const struct entry *entry = tree_follow(tree, place);
    struct elf_needs needs;
    if (!entry || !entry->source)
        return;
    enum elf_kind kind = elf_needs_read(entry->source, &needs);
    elf_needs_free(&needs);
    if (kind == ELF_DYNAMIC)
        (void)library_add(tree, place, NULL, place, MISSING_WARNS);
}

/* Packs the paths of a list, a line each, as far as they are there. */
static void pack_list(struct tree *tree, char *list)
{
    for (char *path; (path = strsep(&list, "\n")) != NULL;) {
        if (path[0] != '/' || !path[1] || is_documentation(path))
            continue;
        free(tree_overlay(tree, path, OVERLAY_TAKE, NULL));
        add_libraries(tree, path);
    }
}

static void pack_installed(struct tree *tree, const char *package)
{
    char *file = string_format(DATABASE "/info/%s.list", package);
    if (access(file, R_OK) != 0) {
        free(file);
        file = string_format(DATABASE "/info/%s:amd64.list", package);
    }
    if (access(file, R_OK) != 0)
        fail(STATUS_FAILED, "dpkg's database does not list the files of the package %s", package);
    char *list = file_read(file);
    pack_list(tree, list);
    free(list);
    free(file);
}

/* Unpacks the .deb beside the other temporary files; its files are then a folder's. */
static void pack_file(struct tree *tree, const char *file)
{
    static unsigned files;
    char *name = string_format("package%u", files++), *folder = guard_path(name);
    const char *const words[] = {"dpkg-deb", "-x", file, folder, NULL};
    struct args args = {0}, added = {0};
    args_all(&args, words);
    if (access(file, R_OK) != 0)
        fail_errno("cannot read %s", file);
    if (!child_run(args.item))
        fail(STATUS_FAILED, "dpkg-deb cannot unpack %s", file);
    tree_add_inside(tree, folder, &added);
    for (size_t i = 0; i < added.count; i++)
        add_libraries(tree, added.item[i]);
    args_free(&added);
    args_free(&args);
    free(folder);
    free(name);
}

void package_pack(struct tree *tree, const char *name)
{
    struct args packages = {0};
    if (string_ends(name, ".deb")) {
        pack_file(tree, name);
        return;
    }
    if (access(DATABASE "/status", R_OK) != 0)
        fail(STATUS_FAILED, "--with " PACKAGE_PREFIX "%s: this computer has no dpkg database",
             name);
    char *status = file_read(DATABASE "/status");
    if (!package_closure(status, name, &packages))
        fail(STATUS_NOT_FOUND, "--with " PACKAGE_PREFIX "%s: the package is not installed here",
             name);
    for (size_t i = 0; i < packages.count; i++)
        pack_installed(tree, packages.item[i]);
    args_free(&packages);
    free(status);
}
