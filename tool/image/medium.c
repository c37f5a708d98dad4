/* SPDX-License-Identifier: MIT */
#include "image/medium.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "image/date.h"
#include "oci/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LABEL_DIGITS 10

/* A word of xorriso's, with -backslash_codes in_double_quotes. */
static void quote(struct text *out, const char *before, const char *word)
{
    text_format(out, " \"%s", before);
    for (; *word; word++)
        if ((*word >= '0' && *word <= '9') || (*word >= 'a' && *word <= 'z') ||
            (*word >= 'A' && *word <= 'Z') || strchr("/._-+", *word))
            text_add(out, word, 1);
        else
            text_format(out, "\\%03o", (unsigned char)*word);
    text_string(out, "\"");
}

/* -COMMAND VALUE PATH -- */
static void command(struct text *out, const char *words, const struct entry *entry)
{
    text_string(out, words);
    quote(out, entry->path[0] ? MEDIUM_FOLDER "/" : MEDIUM_FOLDER, entry->path);
    text_string(out, " --\n");
}

static bool is_special(const struct entry *entry)
{
    return !S_ISREG(entry->stat.st_mode) && !S_ISDIR(entry->stat.st_mode) &&
           !S_ISLNK(entry->stat.st_mode);
}

/* The file with the data, without links on the way: xorriso would copy them. */
static char *source_of(const struct entry *entry, const char *empty, struct stat *st)
{
    char *real = realpath(entry->source ? entry->source : empty, NULL);
    if (!real || stat(real, st) != 0 || access(real, R_OK) != 0)
        fail_errno("cannot read %s", entry->source);
    return real;
}

static void add(struct text *out, const struct entry *entry, const char *empty, struct stat *st)
{
    *st = (struct stat){0};
    if (S_ISDIR(entry->stat.st_mode)) {
        command(out, "-mkdir", entry);
        return;
    }
    char *source = entry->target ? NULL : source_of(entry, empty, st);
    text_string(out, source ? "-map" : "-lns");
    quote(out, "", source ? source : entry->target);
    quote(out, MEDIUM_FOLDER "/", entry->path);
    text_string(out, "\n");
    free(source);
}

static uint32_t date_of(const struct entry *entry)
{
    time_t date = entry->stat.st_mtim.tv_sec;
    return date < 0 ? 0 : date > date_of_image() ? date_of_image() : (uint32_t)date;
}

/* What differs from the file that xorriso took, of which all belong to root by now. */
static void describe(struct text *out, const struct entry *entry, const struct stat *taken)
{
    char words[64];
    uint32_t mode = entry->stat.st_mode & 07777;
    if (!entry->target && (S_ISDIR(entry->stat.st_mode) || mode != (taken->st_mode & 07777))) {
        snprintf(words, sizeof(words), "-chmod 0%o", mode);
        command(out, words, entry);
    }
    if (entry->stat.st_uid != 0) {
        snprintf(words, sizeof(words), "-chown %u", entry->stat.st_uid);
        command(out, words, entry);
    }
    if (entry->stat.st_gid != 0) {
        snprintf(words, sizeof(words), "-chgrp %u", entry->stat.st_gid);
        command(out, words, entry);
    }
    snprintf(words, sizeof(words), "-alter_date m =%u", date_of(entry));
    if (date_of(entry) != date_of_image())
        command(out, words, entry);
}

/* Special files and the folders that lead to them. O(files * special files). */
static void choose_rest(const struct tree *tree, struct tree *rest)
{
    bool *keep = memory(tree->count * sizeof(*keep));
    rest->entry = memory(tree->count * sizeof(*rest->entry));
    for (size_t i = 0; i < tree->count; i++) {
        if (!is_special(&tree->entry[i]))
            continue;
        const char *path = tree->entry[i].path;
        keep[i] = true;
        for (size_t k = 1; k < i; k++) {
            size_t length = strlen(tree->entry[k].path);
            keep[k] |= strncmp(path, tree->entry[k].path, length) == 0 && path[length] == '/';
        }
    }
    for (size_t i = 0; i < tree->count; i++)
        if (keep[i] || i == 0) /* the root */
            rest->entry[rest->count++] = tree->entry[i];
    free(keep);
}

void medium_plan(const struct tree *tree, struct root_medium *out)
{
    struct text text = {0}, after = {0}, names = {0};
    struct digest digest;
    struct stat taken;
    char *empty = guard_path("empty");
    *out = (struct root_medium){0};
    file_write(empty, "");
    text_string(&text, "-iso_rr_pattern off\n-backslash_codes in_double_quotes\n");
    for (size_t i = 0; i < tree->count; i++) {
        const struct entry *entry = &tree->entry[i];
        if (is_special(entry))
            continue;
        add(&text, entry, empty, &taken);
        describe(&after, entry, &taken);
        text_format(&names, "%s %lld %u %s\n", entry->path,
                    entry->source ? (long long)entry->stat.st_size : 0, date_of(entry),
                    entry->target ? entry->target : "");
    }
    text_format(&text,
                "-chown_r 0 " MEDIUM_FOLDER " --\n-chgrp_r 0 " MEDIUM_FOLDER
                " --\n-alter_date_r b-c =%u / --\n",
                date_of_image());
    text_string(&text, after.bytes ? after.bytes : "");
    digest_text(names.bytes, &digest);
    out->label = string_format("OURO_%.*s", LABEL_DIGITS, digest.hex);
    for (char *c = out->label; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    out->commands = guard_path("medium-commands");
    file_write(out->commands, text.bytes);
    choose_rest(tree, &out->rest);
    text_free(&text);
    text_free(&after);
    text_free(&names);
    free(empty);
}
