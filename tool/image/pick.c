/* SPDX-License-Identifier: MIT */
#include "image/pick.h"
#include "image/elf_needs.h"
#include "image/library.h"

#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 40 /* folders in folders */

bool pick_file(struct tree *tree, const char *place)
{
    struct stat st;
    struct elf_needs needs;
    char *file = tree_host_file(place);
    bool good = file && stat(file, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
                access(file, R_OK) == 0;
    char *real = good ? tree_overlay(tree, place, OVERLAY_TAKE, NULL) : NULL;
    if (real && S_ISREG(st.st_mode)) {
        enum elf_kind kind = elf_needs_read(file, &needs);
        elf_needs_free(&needs);
        if (kind == ELF_DYNAMIC)
            (void)library_add(tree, place, NULL, place, MISSING_IGNORED);
    }
    free(file);
    free(real);
    return real != NULL;
}

static bool is_left_out(const char *place, const struct args *left_out)
{
    for (size_t i = 0; i < left_out->count; i++)
        if (fnmatch(left_out->item[i], place, 0) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void pick_all(struct tree *tree, const char *place, const struct args *left_out, int depth)
{
    struct args names = {0};
    struct stat st;
    if (depth > DEPTH_MAX || is_left_out(place, left_out) || !pick_file(tree, place))
        return;
    char *file = tree_host_file(place);
    DIR *folder = file && stat(file, &st) == 0 && S_ISDIR(st.st_mode) ? opendir(file) : NULL;
    for (struct dirent *d; folder && (d = readdir(folder)) != NULL;)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            args_add(&names, d->d_name);
    if (folder)
        closedir(folder);
    if (names.count > 0)
        qsort(names.item, names.count, sizeof(*names.item), by_name);
    for (size_t i = 0; i < names.count; i++) {
        char *below = string_format("%s/%s", place, names.item[i]),
             *there = string_format("%s/%s", file, names.item[i]);
        bool link = lstat(there, &st) == 0 && S_ISLNK(st.st_mode);
        if (link && !is_left_out(below, left_out))
            (void)pick_file(tree, below); /* links to folders may lead in a circle */
        else if (!link)
            pick_all(tree, below, left_out, depth + 1);
        free(below);
        free(there);
    }
    args_free(&names);
    free(file);
}

void pick_pattern(struct tree *tree, const char *pattern, const struct args *left_out)
{
    glob_t found;
    const char *root = tree_sysroot_folder();
    char *whole = string_format("%s%s", root, pattern);
    if (glob(whole, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            pick_all(tree, found.gl_pathv[i] + strlen(root), left_out, 0);
        globfree(&found);
    }
    free(whole);
}
