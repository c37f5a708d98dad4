/* SPDX-License-Identifier: MIT */
/* Which file PROGRAM on the command line means, and whether Ouro can run it. */
#pragma once

#include "image/tree.h"

struct program {
    char *name;  /* argv[0]: as typed, a C file without its ".c" */
    char *file;  /* on the host */
    char *place; /* in the machine, absolute */
};

/* What the program finds in its environment unless --env says otherwise. */
#define PROGRAM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Finds the program, compiles it when it is a C file, checks it with the kernel's own ELF reader
 * and puts it in the tree with all it needs to start: interpreter and libraries (library.h), and
 * for a script what its first line names; `path` is where env(1) will look in the machine. A file
 * that the tree has at the program's place already is taken as it is, because that is the one that a
 * program in the machine would see there. Needs guard_start(). Ends the tool with STATUS_NOT_FOUND
 * or STATUS_CANNOT_RUN and one sentence. */
void program_prepare(struct tree *tree, const char *typed, const char *path, struct program *out);
/* The same for a file on the host under a name of our choice, without the search. */
void program_prepare_file(struct tree *tree, const char *name, const char *file,
                          struct program *out);
/* --with: packs a file or a folder at the same path (a relative one below /), and the libraries that
 * ELF files in it need. What a folder's files miss is a warning. */
void program_pack_with(struct tree *tree, const char *typed);
