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
#include "image/pick.h"

#include <dirent.h>
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

/* dpkg's list of the package's files; NULL: none. malloc'ed. */
static char *list_file(const char *package)
{
    char *path = string_format(DATABASE "/info/%s.list", package), *file = tree_host_file(path);
    if (!file) {
        free(path);
        path = string_format(DATABASE "/info/%s:amd64.list", package);
        file = tree_host_file(path);
    }
    free(path);
    return file;
}

static void pack_installed(struct tree *tree, const char *package)
{
    char *file = list_file(package);
    if (!file)
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
    char *database = tree_host_file(DATABASE "/status");
    if (!database)
        fail(STATUS_FAILED, "--with " PACKAGE_PREFIX "%s: this computer has no dpkg database",
             name);
    char *status = file_read(database);
    free(database);
    if (!package_closure(status, name, &packages))
        fail(STATUS_NOT_FOUND, "--with " PACKAGE_PREFIX "%s: the package is not installed here",
             name);
    for (size_t i = 0; i < packages.count; i++)
        pack_installed(tree, packages.item[i]);
    args_free(&packages);
    free(status);
}

/* --- the package of a program --- */

static bool lists_path(const char *list, const char *path)
{
    size_t length = strlen(path);
    for (const char *at = list; (at = strstr(at, path)) != NULL; at += length)
        if ((at == list || at[-1] == '\n') && (at[length] == '\n' || !at[length]))
            return true;
    return false;
}

/* The path with /usr in front, or without: /bin is a link to /usr/bin, and packages name either. */
static char *other_name(const char *path)
{
    return string_starts(path, "/usr/") ? string_copy(path + 4) : string_format("/usr%s", path);
}

char *package_owner(const char *path)
{
    char *folder = tree_host_file(DATABASE "/info"), *other = other_name(path), *owner = NULL;
    DIR *lists = folder ? opendir(folder) : NULL;
    for (struct dirent *d; lists && !owner && (d = readdir(lists)) != NULL;) {
        if (!string_ends(d->d_name, ".list"))
            continue;
        char *file = string_format("%s/%s", folder, d->d_name), *list = file_read(file);
        if (lists_path(list, path) || lists_path(list, other))
            owner = string_format("%.*s", (int)strcspn(d->d_name, ":"), d->d_name);
        free(list);
        free(file);
    }
    if (lists)
        closedir(lists);
    if (owner && string_ends(owner, ".list"))
        owner[strlen(owner) - 5] = '\0';
    free(folder);
    free(other);
    return owner;
}

/* What no program looks for at run time. */
static bool is_for_people(const char *path)
{
    static const char *const folders[] = {"/usr/share/locale/",
                                          "/usr/share/applications/",
                                          "/usr/share/bash-completion/",
                                          "/usr/share/zsh/",
                                          "/usr/share/fish/",
                                          "/usr/share/metainfo/",
                                          "/usr/lib/systemd/",
                                          "/lib/systemd/",
                                          "/etc/init.d/",
                                          "/etc/logrotate.d/",
                                          "/etc/cron"};
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++)
        if (string_starts(path, folders[i]))
            return true;
    return is_documentation(path);
}

static bool is_command(const char *path)
{
    const char *below = string_starts(path, "/usr/") ? path + 4 : path;
    return string_starts(below, "/bin/") || string_starts(below, "/sbin/");
}

static void pack_one_run_time(struct tree *tree, const char *package, bool commands)
{
    char *file = list_file(package);
    if (!file)
        return;
    char *list = file_read(file), *rest = list;
    for (char *path; (path = strsep(&rest, "\n")) != NULL;)
        if (path[0] == '/' && path[1] && path[1] != '.' && !is_for_people(path) &&
            (commands || !is_command(path)))
            (void)pick_file(tree, path);
    free(list);
    free(file);
}

void package_pack_run_time(struct tree *tree, const char *name)
{
    struct args packages = {0};
    char *file = tree_host_file(DATABASE "/status");
    if (!file)
        return;
    char *status = file_read(file);
    bool base = package_is_base(status, name);
    if (base)
        args_add(&packages, name);
    else
        (void)package_closure(status, name, &packages);
    for (size_t i = 0; i < packages.count; i++)
        if (i == 0 || !package_is_base(status, packages.item[i]))
            pack_one_run_time(tree, packages.item[i], !base);
    args_free(&packages);
    free(status);
    free(file);
}
