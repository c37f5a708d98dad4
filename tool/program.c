/* SPDX-License-Identifier: MIT */
#include "program.h"
#include "compile.h"
#include "fail.h"
#include "mm/layout.h"
#include "parse/elf64.h"
#include "path.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* As a shell looks for a command without a slash. NULL when it is in no folder. */
static char *search_path(const char *name)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        char *candidate = string_format("%.*s/%s", (int)length, length ? path : ".", name);
        if (is_file(candidate) && access(candidate, X_OK) == 0)
            return candidate;
        free(candidate);
        path += length + (path[length] == ':');
    }
    return NULL;
}

static char *find_on_host(const char *typed)
{
    struct stat st;
    if (stat(typed, &st) != 0) {
        int error = errno;
        char *found = strchr(typed, '/') ? NULL : search_path(typed);
        if (!found)
            fail(error == EACCES ? STATUS_CANNOT_RUN : STATUS_NOT_FOUND, "%s: %s", typed,
                 strerror(error));
        return found;
    }
    if (S_ISDIR(st.st_mode))
        fail(STATUS_CANNOT_RUN, "%s is a folder, not a program", typed);
    if (!S_ISREG(st.st_mode))
        fail(STATUS_CANNOT_RUN, "%s is not a regular file", typed);
    return string_copy(typed);
}

static void check_script(const char *name, const char *bytes, size_t size)
{
    if (size < 2 || bytes[0] != '#' || bytes[1] != '!')
        return;
    size_t start = 2, end;
    while (start < size && bytes[start] == ' ')
        start++;
    for (end = start; end < size && end - start < 200 && bytes[end] > ' '; end++)
        ;
    fail(STATUS_CANNOT_RUN, "%s is a script for %.*s; Ouro starts ELF programs only", name,
         (int)(end - start), bytes + start);
}

static void check_elf(const char *name, const char *file)
{
    static struct elf64_image image;
    struct parse_fault fault = {0};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        fail(STATUS_CANNOT_RUN, "%s: %s", name, strerror(errno));
    if (st.st_size == 0)
        fail(STATUS_CANNOT_RUN, "%s is empty, not a program", name);
    size_t size = (size_t)st.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        fail(STATUS_CANNOT_RUN, "%s: %s", name, strerror(errno));
    check_script(name, bytes, size);
    if (elf64_parse(bytes, size, LAYOUT_PROGRAM_END, &image, &fault) != E_OK)
        fail(STATUS_CANNOT_RUN, "%s cannot be run: %s (at offset %llu)", name, fault.what,
             (unsigned long long)fault.offset);
    if (image.interpreter[0])
        fail(STATUS_CANNOT_RUN,
             "%s is dynamically linked and needs %s; Ouro runs static programs so far", name,
             image.interpreter);
    munmap(bytes, size);
    close(fd);
}

void program_prepare_file(struct tree *tree, const char *name, const char *file,
                          struct program *out)
{
    *out = (struct program){string_copy(name), string_copy(file), path_normalise(name)};
    if (access(file, X_OK) != 0)
        fail(STATUS_CANNOT_RUN, "%s: %s", name, strerror(errno));
    check_elf(name, file);
    tree_add_file(tree, out->place, file);
}

void program_prepare(struct tree *tree, const char *typed, struct program *out)
{
    if (!*typed)
        fail(STATUS_NOT_FOUND, "the name of the program is empty");
    bool is_source = string_ends(typed, ".c") && typed[2] && is_file(typed);
    if (is_source) {
        char *file = compile_program(typed);
        char *name = string_format("%.*s", (int)strlen(typed) - 2, typed);
        program_prepare_file(tree, name, file, out);
        free(name);
        free(file);
        return;
    }
    char *place = path_normalise(typed);
    const struct entry *there = tree_follow(tree, place);
    if (there && S_ISREG(there->stat.st_mode)) {
        if (!(there->stat.st_mode & 0111))
            fail(STATUS_CANNOT_RUN, "%s: %s", typed, strerror(EACCES));
        check_elf(typed, there->source);
        *out = (struct program){string_copy(typed), string_copy(there->source), place};
        return;
    }
    char *file = find_on_host(typed);
    program_prepare_file(tree, typed, file, out);
    free(file);
    free(place);
}
