/* SPDX-License-Identifier: MIT */
/*
 * Files that a program loads by itself, which neither its ELF header nor a #! line names. From what is packed already, three
 * kinds of rules find more, until nothing is added:
 *
 *   package   the Debian package that the program, its interpreter or the link to it belongs to, with those that it depends on
 *             (image/package.h)
 *   script    the commands in a shell script, in the recipes of a makefile, and in the calls of other scripts that start them
 *   table     image/rules.inc: "a packed object imports iconv_open: the converters"
 *
 * What a rule names and this computer lacks is left out silently. --bare applies none.
 */
#pragma once

#include "host/text.h"
#include "image/program.h"

struct rules_note { /* a rule that added something */
    char *reason;   /* "converters of iconv" */
    size_t files;   /* regular files */
    double bytes;
};

struct rules_notes {
    struct rules_note *note;
    size_t count;
};

struct rules_start {                /* how the program is started */
    const struct args *environment; /* "TERM=xterm" */
    const char *path;               /* its PATH */
    const struct args *arguments;   /* behind argv[0]; a shell's behind -c is a script, too */
};

/* Applies the rules. Needs guard_start().
 * O(rules * (files + symbols)) for each round. */
void rules_apply(struct tree *tree, const struct program *program, const struct rules_start *how,
                 struct rules_notes *out);

/* The words in a shell script's text that stand where a command stands, each once; with `recipes` only those of lines that
 * begin with a tab, and of $(shell …). Pure. O(size * words). */
void rules_commands(const char *text, bool recipes, struct args *out);
/* The commands in a script of another language that stand in a call that starts them: run(["git", ...]), system 'ls /'; each
 * once. Pure. O(size * words). */
void rules_calls(const char *text, struct args *out);
/* The path in the table with {NAME} replaced by the variable's value, {NAME:0} by its first letter, {NAME:.} by its part
 * before the first dot or underscore, {NAME:?} by nothing; NULL: the variable is not set, or its value has a slash or "..". Pure; malloc'ed. */
char *rules_expand(const char *path, const struct args *environment);
