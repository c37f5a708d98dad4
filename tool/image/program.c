/* SPDX-License-Identifier: MIT */
/*
 * Finds PROGRAM in the tree or on this computer, follows #! lines, and adds each file with its
 * libraries. ELF files are checked by the kernel's reader, so that a program that execve() would
 * refuse in the machine is refused before the boot.
 */
#include "image/program.h"
#include "host/fail.h"
#include "host/path.h"
#include "host/text.h"
#include "image/compile.h"
#include "image/elf_needs.h"
#include "image/library.h"
#include "image/package.h"
#include "image/script.h"
#include "mm/layout.h"
#include "parse/elf64.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_HEAD   255 /* bytes of a file that tell a text */
#define SCRIPTS_MAX 5   /* nested scripts */
#define BLANKS      " \t"

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* True if the path names a file of this computer that may be executed. */
static bool is_program(const char *path)
{
    char *file = tree_host_file(path);
    bool good = file && is_file(file) && access(file, X_OK) == 0;
    free(file);
    return good;
}

/* Searches PATH, as a shell does for a command without a slash. NULL: not found. */
static char *search_path(const char *name, const char *path)
{
    while (path && *path) {
        size_t length = strcspn(path, ":");
        char *candidate = string_format("%.*s/%s", (int)length, length ? path : ".", name);
        if (is_program(candidate))
            return candidate;
        free(candidate);
        path += length + (path[length] == ':');
    }
    return NULL;
}

/* The path of the program on this computer, which tree_host_file() takes. A name without a slash is
 * searched where it is run from: in this computer's PATH, or in the machine's if a sysroot stands for
 * this computer. */
static char *find_on_host(const char *typed, const char *machine_path)
{
    struct stat st;
    char *file = tree_host_file(typed);
    if (!file || stat(file, &st) != 0) {
        int error = errno;
        const char *path = tree_has_sysroot() ? machine_path : getenv("PATH");
        char *found = strchr(typed, '/') ? NULL : search_path(typed, path);
        if (!found)
            fail(error == EACCES ? STATUS_CANNOT_RUN : STATUS_NOT_FOUND, "%s: %s", typed,
                 strerror(error));
        return found;
    }
    free(file);
    if (S_ISDIR(st.st_mode))
        fail(STATUS_CANNOT_RUN, "%s is a folder, not a program", typed);
    if (!S_ISREG(st.st_mode))
        fail(STATUS_CANNOT_RUN, "%s is not a regular file", typed);
    return string_copy(typed);
}

static NORETURN void not_executable(const char *name)
{
    fail(STATUS_CANNOT_RUN, "%s: Permission denied: it is not executable (chmod +x %s)", name,
         name);
}

/* True if the file looks like text: no NUL in its beginning. */
static bool is_text(const char *bytes, size_t size)
{
    return !memchr(bytes, '\0', size < TEXT_HEAD ? size : TEXT_HEAD);
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
    enum err e = elf64_parse(bytes, size, LAYOUT_PROGRAM_END, &image, &fault);
    if (e != E_OK && is_text(bytes, size))
        fail(
            STATUS_CANNOT_RUN,
            "%s cannot be run: it is not an ELF file, and a script begins with a line like #!/bin/sh",
            name);
    if (e != E_OK)
        fail(STATUS_CANNOT_RUN, "%s cannot be run: %s (at offset %llu)", name, fault.what,
             (unsigned long long)fault.offset);
    munmap(bytes, size);
    close(fd);
}

struct start {
    struct tree *tree;
    const char *path; /* PATH in the machine */
    unsigned scripts;
    enum missing missing;
};

static void add_start(struct start *start, const char *place, const char *host_folder,
                      const char *name);

/* Adds the interpreter that a script's first line names, and the command that env(1) starts. */
static void add_script(struct start *start, const char *name, const char *line)
{
    size_t length = strcspn(line, BLANKS);
    char *interpreter = string_format("%.*s", (int)length, line);
    if (++start->scripts > SCRIPTS_MAX)
        fail(STATUS_CANNOT_RUN, "%s is a script for scripts that name each other", name);
    if (!*interpreter)
        fail(STATUS_CANNOT_RUN, "%s is a script whose first line names no interpreter", name);
    char *source, *real = tree_overlay(start->tree, interpreter, OVERLAY_TAKE, &source);
    if (!source)
        fail(STATUS_CANNOT_RUN, "%s is a script for %s, which is not there", name, interpreter);
    add_start(start, interpreter, NULL, interpreter);
    char *command =
        strcmp(path_base(interpreter), "env") == 0 ? script_env_command(line + length) : NULL;
    if (command) {
        char *place = strchr(command, '/') ? path_normalise(command)
                                           : script_search(start->tree, command, start->path);
        char *there = place ? tree_overlay(start->tree, place, OVERLAY_TAKE, NULL) : NULL;
        if (!there)
            fail(STATUS_CANNOT_RUN, "%s is a script for %s, which is not in the machine's PATH",
                 name, command);
        add_start(start, place, NULL, command);
        free(place);
        free(there);
    }
    free(command);
    free(interpreter);
    free(real);
    free(source);
}

/* Checks the file at `place` of the tree and adds what it needs to start. */
static void add_start(struct start *start, const char *place, const char *host_folder,
                      const char *name)
{
    const struct entry *entry = tree_follow(start->tree, place);
    if (!entry || !entry->source)
        fail(STATUS_CANNOT_RUN, "%s is not a regular file", name);
    char *source = string_copy(entry->source), *line = script_line(source);
    if (!(entry->stat.st_mode & 0111))
        not_executable(name);
    if (line) {
        add_script(start, name, line);
    } else {
        check_elf(name, source);
        (void)library_add(start->tree, place, host_folder, name, start->missing);
    }
    free(line);
    free(source);
}

/* Adds a program whose path on the host differs from its path in the machine. */
static void add_moved(struct start *start, const struct program *program)
{
    char *real = realpath(program->file, NULL);
    if (!real)
        fail(STATUS_CANNOT_RUN, "%s: %s", program->name, strerror(errno));
    char *folder = string_format("%.*s", (int)(path_base(real) - real), real);
    tree_add_file(start->tree, program->place, program->file);
    add_start(start, program->place, folder, program->name);
    free(folder);
    free(real);
}

void program_prepare_file(struct tree *tree, const char *name, const char *file,
                          struct program *out)
{
    struct start start = {.tree = tree, .path = PROGRAM_PATH};
    *out = (struct program){string_copy(name), string_copy(file), path_normalise(name)};
    if (access(file, X_OK) != 0)
        not_executable(name);
    add_moved(&start, out);
}

void program_prepare(struct tree *tree, const char *typed, const char *path, struct program *out)
{
    struct start start = {.tree = tree, .path = path};
    if (!*typed)
        fail(STATUS_NOT_FOUND, "the name of the program is empty");
    size_t ending = compile_ending(typed);
    if (ending > 0 && is_file(typed)) {
        char *file = compile_program(typed);
        char *name = string_format("%.*s", (int)(strlen(typed) - ending), typed);
        program_prepare_file(tree, name, file, out);
        free(name);
        free(file);
        return;
    }
    *out = (struct program){string_copy(typed), NULL, path_normalise(typed)};
    const struct entry *there = tree_follow(tree, out->place);
    if (there && S_ISREG(there->stat.st_mode)) {
        out->file = string_copy(there->source);
        add_start(&start, out->place, NULL, typed);
        return;
    }
    char *found = find_on_host(typed, path);
    out->file = tree_host_file(found);
    if (!out->file || access(out->file, X_OK) != 0)
        not_executable(typed);
    if (found[0] != '/') {
        add_moved(&start, out);
    } else { /* the program keeps its path, symbolic links included */
        free(out->place);
        out->place = path_normalise(found);
        char *real = tree_overlay(tree, out->place, OVERLAY_TAKE, NULL);
        if (!real)
            fail(STATUS_CANNOT_RUN, "%s cannot be placed in the machine", typed);
        add_start(&start, out->place, NULL, typed);
        free(real);
    }
    free(found);
}

void program_prepare_inside(struct tree *tree, const char *place, const char *typed,
                            const char *path, struct program *out)
{
    struct start start = {.tree = tree, .path = path, .missing = MISSING_WARNS};
    const struct entry *there = tree_follow(tree, place);
    if (!there || !there->source)
        fail(STATUS_CANNOT_RUN, "%s is not a regular file", typed);
    *out = (struct program){string_copy(typed), string_copy(there->source), string_copy(place)};
    add_start(&start, place, NULL, typed);
}

bool program_is_package(const char *typed)
{
    return string_starts(typed, PACKAGE_PREFIX);
}

void program_pack_with(struct tree *tree, const char *typed)
{
    struct args added = {0};
    struct stat st;
    if (program_is_package(typed)) {
        package_pack(tree, typed + sizeof(PACKAGE_PREFIX) - 1);
        return;
    }
    char *place = path_normalise(typed), *file = tree_host_file(typed);
    if (!file || stat(file, &st) != 0)
        fail(STATUS_NOT_FOUND, "--with %s: %s", typed, strerror(errno));
    tree_add_all(tree, place, typed, &added);
    for (size_t i = 0; i < added.count; i++) {
        const struct entry *entry = tree_follow(tree, added.item[i]);
        struct elf_needs needs;
        if (!entry || !entry->source)
            continue;
        enum elf_kind kind = elf_needs_read(entry->source, &needs);
        elf_needs_free(&needs);
        if (kind != ELF_DYNAMIC)
            continue;
        char *host =
            string_format("%.*s", (int)(path_base(entry->source) - entry->source), entry->source);
        (void)library_add(tree, added.item[i], typed[0] == '/' ? NULL : host, added.item[i],
                          S_ISREG(st.st_mode) ? MISSING_FAILS : MISSING_WARNS);
        free(host);
    }
    args_free(&added);
    free(place);
    free(file);
}
