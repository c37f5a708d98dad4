/* SPDX-License-Identifier: MIT */
#include "image/user.h"
#include "host/fail.h"
#include "host/file.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 7

/* The text of a file of the tree; empty if it is not there. */
static char *tree_text(struct tree *tree, const char *path)
{
    const struct entry *entry = tree_follow(tree, path);
    return entry && entry->source ? file_read(entry->source) : string_copy("");
}

/* Splits the next line of *at into its fields; the count, 0 at the end. */
static size_t next_line(char **at, char *field[FIELDS_MAX])
{
    size_t count = 0;
    char *line = strsep(at, "\n");
    if (!line)
        return 0;
    while (line && count < FIELDS_MAX)
        field[count++] = strsep(&line, ":");
    return count;
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
}

/* The line of the table that has `name` in its first field, or as its number (field 2). */
static bool user_line(char *table, const char *name, size_t fields, char *field[FIELDS_MAX])
{
    for (size_t count; (count = next_line(&table, field)) > 0;)
        if (count >= fields && is_number(field[2]) &&
            (strcmp(field[0], name) == 0 || (is_number(name) && strcmp(field[2], name) == 0)))
            return true;
    return false;
}

static void add_groups(char *table, const char *name, struct text *ids)
{
    char *field[FIELDS_MAX], separator = ':';
    for (size_t count; (count = next_line(&table, field)) > 0;) {
        if (count < 4 || !is_number(field[2]))
            continue;
        for (char *member; (member = strsep(&field[3], ","));) {
            if (strcmp(member, name) != 0)
                continue;
            text_format(ids, "%c%s", separator, field[2]);
            separator = ',';
            break;
        }
    }
}

void user_find(struct tree *tree, const char *typed, struct user *out)
{
    char *name = string_copy(typed), *group = strchr(name, ':'), *field[FIELDS_MAX];
    char *users = tree_text(tree, "/etc/passwd"), *groups = tree_text(tree, "/etc/group");
    struct text ids = {0};
    if (group)
        *group++ = '\0';
    bool known = user_line(users, name, 6, field);
    if (!known && !is_number(name))
        fail(STATUS_FAILED, "--user %s: no user %s in the root's /etc/passwd", typed, name);
    out->home = string_copy(known && *field[5] ? field[5] : "/");
    text_format(&ids, "%s:", known ? field[2] : name);
    if (!group) {
        text_string(&ids, known && is_number(field[3]) ? field[3] : "0");
        if (known)
            add_groups(groups, field[0], &ids);
    } else {
        bool found = user_line(groups, group, 3, field);
        if (!found && !is_number(group))
            fail(STATUS_FAILED, "--user %s: no group %s in the root's /etc/group", typed, group);
        text_string(&ids, found ? field[2] : group);
    }
    out->ids = string_copy(ids.bytes);
    text_free(&ids);
    free(users);
    free(groups);
    free(name);
}
