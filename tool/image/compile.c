/* SPDX-License-Identifier: MIT */
/* C and C++ files on the command line: compiled before they are packed. */
#include "image/compile.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/path.h"
#include "host/place.h"
#include "host/progress.h"
#include "host/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_cpp(const char *file)
{
    return compile_ending(file) > 2;
}

size_t compile_ending(const char *file)
{
    static const char *const endings[] = {".c", ".cc", ".cpp", ".cxx"};
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++)
        if (string_ends(file, endings[i]) && file[strlen(endings[i])])
            return strlen(endings[i]);
    return 0;
}

/* Compiles the files, which are all of one language; messages name them `named`. Debian has musl for C only. */
static char *compile_files(const struct args *files, const char *named)
{
    char *result = guard_path("program");
    progress_start("compiling");
    const char *const c[] = {"musl-gcc", "-static", NULL}, *const cpp[] = {"g++", NULL};
    const char *const options[] = {"-O2", "-g", "-I", place_source("include"), "-o", result, NULL};
    struct args args = {0};
    args_all(&args, is_cpp(files->item[0]) ? cpp : c);
    args_all(&args, options);
    for (size_t i = 0; i < files->count; i++)
        args_format(&args, "%s%s", files->item[i][0] == '-' ? "./" : "", files->item[i]);
    if (!child_run(args.item))
        fail(STATUS_CANNOT_RUN, "%s does not compile", named);
    args_free(&args);
    return result;
}

char *compile_program(const char *source)
{
    struct args files = {0};
    args_add(&files, source);
    char *result = compile_files(&files, source);
    args_free(&files);
    return result;
}

static bool is_newer(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec > b->st_mtim.tv_sec ||
           (a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec > b->st_mtim.tv_nsec);
}

/* True if `result` exists and is newer than `source`. */
static bool is_made(const char *source, const char *result)
{
    struct stat from, to;
    if (stat(source, &from) != 0)
        fail_errno("cannot read %s", source);
    return stat(result, &to) == 0 && is_newer(&to, &from);
}

/* Returns the path of the program: `result`, or `fresh` if that folder is not to be written. */
static char *keep(char *fresh, const char *result)
{
    char *folder = string_format("%.*s", (int)(path_base(result) - result), result);
    bool kept = access(folder, W_OK) == 0;
    free(folder);
    if (!kept)
        return fresh;
    char *beside = string_format("%s.%d", result, (int)getpid());
    file_copy(fresh, beside);
    if (chmod(beside, 0755) != 0 || rename(beside, result) != 0)
        fail_errno("cannot write %s", result);
    free(beside);
    free(fresh);
    return string_copy(result);
}

char *compile_kept(const char *source, const char *result)
{
    return is_made(source, result) ? string_copy(result) : keep(compile_program(source), result);
}

char *compile_folder_kept(const char *folder, const char *result)
{
    struct args files = {0};
    const struct dirent *entry;
    bool made = is_made(place_source("include/ouro/pagetable.h"), result);
    DIR *open = opendir(folder);
    if (!open)
        fail_errno("cannot read %s", folder);
    while ((entry = readdir(open)) != NULL) {
        const char *name = entry->d_name;
        char *path = string_format("%s/%s", folder, name);
        if (string_ends(name, ".c"))
            args_add(&files, path);
        if (string_ends(name, ".c") || string_ends(name, ".h"))
            made = is_made(path, result) && made;
        free(path);
    }
    closedir(open);
    char *program = made ? string_copy(result) : keep(compile_files(&files, folder), result);
    args_free(&files);
    return program;
}
