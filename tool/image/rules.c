/* SPDX-License-Identifier: MIT */
/*
 * Rounds over the tree: each looks at the entries that came since the last one, marks the rules that they meet, and applies
 * those. An entry is looked at once, a rule is applied once, so the rounds end.
 */
#include "image/rules.h"
#include "base/compiler.h"
#include "host/file.h"
#include "host/path.h"
#include "image/package.h"
#include "image/pick.h"
#include "image/scan.h"
#include "image/script.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SCRIPT_MAX (1 << 20) /* bytes of a script that is read */
#define BLANKS     " \t"

enum condition {
    IMPORTS,
    FILE_IS
};

static const struct row {
    enum condition condition;
    const char *words, *reason, *targets;
} rows[] = {
#define RULE(condition, words, reason, targets) RULE_##condition(words, reason, targets)
#define RULE_IMPORTS(words, reason, targets)    {IMPORTS, words, reason, targets},
#define RULE_FILE(words, reason, targets)       {FILE_IS, words, reason, targets},
#include "image/rules.inc"
};

#define ROWS ARRAY_LENGTH(rows)

struct engine {
    struct tree *tree;
    const struct args *environment;
    const char *path;
    struct args
        starts; /* places of the programs that are started: the list grows while it is read */
    bool met[ROWS], applied[ROWS];
    struct rules_notes *out;
};

/* --- what a rule added --- */

struct sum {
    size_t files;
    double bytes;
};

static struct sum sum_of(const struct tree *tree)
{
    struct sum sum = {0};
    for (size_t i = 0; i < tree->count; i++)
        if (tree->entry[i].source) {
            sum.files++;
            sum.bytes += (double)tree->entry[i].stat.st_size;
        }
    return sum;
}

static void note(struct engine *e, struct sum before, const char *reason)
{
    struct sum now = sum_of(e->tree);
    struct rules_notes *out = e->out;
    if (now.files == before.files)
        return;
    out->note = memory_resize(out->note, (out->count + 1) * sizeof(*out->note));
    out->note[out->count++] = (struct rules_note){string_copy(reason), now.files - before.files,
                                                  now.bytes - before.bytes};
}

/* --- the table --- */

/* True if one of the words in the list is this one. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; length > 0 && (at = strstr(at, word)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

static bool matches(const char *patterns, const char *path)
{
    char *list = string_copy(patterns), *rest = list;
    bool found = false;
    for (char *pattern; !found && (pattern = strsep(&rest, " ")) != NULL;)
        found = *pattern && fnmatch(pattern, path, 0) == 0;
    free(list);
    return found;
}

static void look_at_import(void *context, const char *name)
{
    struct engine *e = context;
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].condition == IMPORTS && !e->met[i])
            e->met[i] = has_word(rows[i].words, name);
}

static void look_at(struct engine *e, const struct entry *entry)
{
    char *path = string_format("/%s", entry->path);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].condition == FILE_IS && !e->met[i])
            e->met[i] = matches(rows[i].words, path);
    if (entry->source && !scan_is_libc(path))
        scan_import_names(entry->source, look_at_import, e);
    free(path);
}

static void apply(struct engine *e, const struct row *row)
{
    struct args left_out = {0};
    struct sum before = sum_of(e->tree);
    char *list = string_copy(row->targets), *rest = list;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        char *path = *word && *word != '!' ? rules_expand(word, e->environment) : NULL;
        if (*word == '!')
            args_add(&left_out, word + 1);
        else if (path)
            pick_pattern(e->tree, path, &left_out);
        free(path);
    }
    note(e, before, row->reason);
    args_free(&left_out);
    free(list);
}

/* --- programs that are started --- */

static void add_start(struct engine *e, const char *place)
{
    for (size_t i = 0; i < e->starts.count; i++)
        if (strcmp(e->starts.item[i], place) == 0)
            return;
    args_add(&e->starts, place);
}

/* A command that a script names: found as the shell in the machine will find it. */
static void add_command(struct engine *e, const char *name)
{
    char *place = strchr(name, '/') ? (*name == '/' ? path_normalise(name) : NULL)
                                    : script_search(e->tree, name, e->path);
    char *source = NULL;
    if (place)
        free(tree_overlay(e->tree, place, OVERLAY_LOOK, &source));
    if (source && access(source, X_OK) == 0 && pick_file(e->tree, place))
        add_start(e, place);
    free(source);
    free(place);
}

enum language {
    SHELL,
    MAKE,
    OTHER
};

static void add_commands(struct engine *e, const char *file, enum language language)
{
    struct args words = {0};
    struct stat st;
    if (stat(file, &st) != 0 || st.st_size > SCRIPT_MAX || access(file, R_OK) != 0)
        return;
    char *text = file_read(file);
    if (language == OTHER)
        rules_calls(text, &words);
    else
        rules_commands(text, language == MAKE, &words);
    for (size_t i = 0; i < words.count; i++)
        add_command(e, words.item[i]);
    args_free(&words);
    free(text);
}

static bool is_shell(const char *interpreter)
{
    static const char *const shells[] = {"sh", "dash", "bash", "ksh", "zsh", "ash", "busybox"};
    for (size_t i = 0; i < ARRAY_LENGTH(shells); i++)
        if (strcmp(path_base(interpreter), shells[i]) == 0)
            return true;
    return false;
}

static void read_script(struct engine *e, const char *file, const char *line)
{
    size_t length = strcspn(line, BLANKS);
    char *interpreter = string_format("%.*s", (int)length, line);
    char *command =
        strcmp(path_base(interpreter), "env") == 0 ? script_env_command(line + length) : NULL;
    add_command(e, interpreter);
    if (command)
        add_command(e, command);
    add_commands(e, file, is_shell(command ? command : interpreter) ? SHELL : OTHER);
    free(command);
    free(interpreter);
}

/* sh -c 'ls | wc' */
static void read_argument(struct engine *e, const char *shell, const struct args *arguments)
{
    struct args words = {0};
    struct sum before = sum_of(e->tree);
    for (size_t i = 0; i + 1 < arguments->count && arguments->item[i][0] == '-'; i++)
        if (arguments->item[i][1] != '-' && strchr(arguments->item[i], 'c')) {
            rules_commands(arguments->item[i + 1], false, &words);
            break;
        }
    for (size_t i = 0; i < words.count; i++)
        add_command(e, words.item[i]);
    char *reason = string_format("commands of %s -c", shell);
    note(e, before, reason);
    free(reason);
    args_free(&words);
}

static void read_makefiles(struct engine *e)
{
    struct args files = {0};
    for (size_t i = 0; i < e->tree->count; i++) {
        const struct entry *entry = &e->tree->entry[i];
        const char *base = path_base(entry->path);
        if (entry->source && !string_starts(entry->path, "usr/") &&
            (strcasecmp(base, "makefile") == 0 || strcmp(base, "GNUmakefile") == 0 ||
             string_ends(base, ".mk")))
            args_add(&files, entry->source);
    }
    for (size_t i = 0; i < files.count; i++)
        add_commands(e, files.item[i], MAKE);
    args_free(&files);
}

/* The packages of a path and of the file that it leads to. */
static void add_package(struct engine *e, const char *place)
{
    char *source, *real = tree_overlay(e->tree, place, OVERLAY_LOOK, &source);
    char *here = real ? tree_host_file(real) : NULL;
    const char *const paths[] = {place, real};
    bool ours = here && source && strcmp(here, source) == 0; /* not a file of --root */
    for (size_t i = 0; ours && i < ARRAY_LENGTH(paths); i++) {
        char *owner = i == 1 && strcmp(place, real) == 0 ? NULL : package_owner(paths[i]);
        struct sum before = sum_of(e->tree);
        if (!owner)
            continue;
        package_pack_run_time(e->tree, owner);
        char *reason = string_format("package %s, of %s", owner, place);
        note(e, before, reason);
        free(reason);
        free(owner);
    }
    free(here);
    free(source);
    free(real);
}

static void read_start(struct engine *e, const char *place)
{
    const struct entry *entry = tree_follow(e->tree, place);
    if (!entry || !entry->source)
        return;
    char *file = string_copy(entry->source), *line = script_line(file);
    add_package(e, place);
    struct sum before = sum_of(e->tree);
    size_t starts = e->starts.count;
    if (line)
        read_script(e, file, line);
    else if (string_ends(path_base(file), "make"))
        read_makefiles(e);
    if (e->starts.count > starts) {
        char *reason = string_format("commands in %s", line ? place : "makefiles");
        note(e, before, reason);
        free(reason);
    }
    free(line);
    free(file);
}

void rules_apply(struct tree *tree, const struct program *program, const struct rules_start *how,
                 struct rules_notes *out)
{
    struct engine *e = memory(sizeof(*e));
    *e = (struct engine){
        .tree = tree, .environment = how->environment, .path = how->path, .out = out};
    add_start(e, program->place);
    if (is_shell(program->place))
        read_argument(e, program->place, how->arguments);
    for (size_t read = 0, added = 1; added > 0;) {
        for (; read < e->starts.count; read++) {
            char *place = string_copy(e->starts.item[read]); /* the list moves */
            read_start(e, place);
            free(place);
        }
        for (size_t i = 0; i < tree->count; i++)
            if (!tree->entry[i].examined && !S_ISDIR(tree->entry[i].stat.st_mode)) {
                tree->entry[i].examined = true;
                look_at(e, &tree->entry[i]);
            }
        added = 0;
        for (size_t i = 0; i < ROWS; i++)
            if (e->met[i] && !e->applied[i]) {
                e->applied[i] = true;
                apply(e, &rows[i]);
                added++;
            }
    }
    args_free(&e->starts);
    free(e);
}
