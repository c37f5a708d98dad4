/* SPDX-License-Identifier: MIT */
/* Finds the file that PROGRAM on the command line names, and checks that Ouro can run it. */
#pragma once

#include "image/tree.h"

#include <stdbool.h>

struct program {
    char *name;  /* argv[0]: as typed, a C file without its ".c" */
    char *file;  /* on the host */
    char *place; /* in the machine, absolute */
};

/* PATH of the program, unless --env sets it. */
#define PROGRAM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Finds the program, compiles it if it is a C file, checks it with the kernel's own ELF reader
 * and adds it to the tree with all it needs to start: interpreter and libraries (library.h), and
 * the interpreter of a script; `path` is the PATH that env(1) searches in the machine. If the tree
 * already has a file at the program's path, that file is the program. Needs guard_start(). Ends the
 * tool with STATUS_NOT_FOUND or STATUS_CANNOT_RUN and a message. */
void program_prepare(struct tree *tree, const char *typed, const char *path, struct program *out);
/* As program_prepare(), for a file of the tree at an absolute path, run by the name `typed`. What is missing is a warning: an
 * image is complete as it is. */
void program_prepare_inside(struct tree *tree, const char *place, const char *typed,
                            const char *path, struct program *out);
/* As program_prepare(), without the search, for a file on the host under a given name. */
void program_prepare_file(struct tree *tree, const char *name, const char *file,
                          struct program *out);
/* True for package:NAME (image/package.h), which may hold PROGRAM. */
bool program_is_package(const char *typed);
/* --with: packs a file or a folder at the same path (a relative one below /), and the libraries that
 * ELF files in it need. A library missing for a file of a folder is a warning. */
void program_pack_with(struct tree *tree, const char *typed);
