/* SPDX-License-Identifier: MIT */
#include "command/skips.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_SHOWN 4

static void add(struct skips *all, const char *name, const char *why)
{
    size_t i = 0;
    while (i < all->count && strcmp(all->item[i].why, why) != 0)
        i++;
    if (i == all->count) {
        all->item = memory_resize(all->item, (i + 1) * sizeof(*all->item));
        all->item[all->count++] = (struct skip){.why = string_copy(why)};
    }
    struct skip *skip = &all->item[i];
    if (skip->count++ < NAMES_SHOWN)
        text_format(&skip->names, "%s%s", skip->count > 1 ? ", " : "", name);
}

void skips_read(FILE *log, struct skips *all)
{
    static const char none[] = "it does not say why", mark[] = "skip: ";
    char *line = NULL, *name = string_copy("?"), *why = string_copy(none);
    size_t size = 0;
    int at = 0;
    while (getline(&line, &size, log) > 0) {
        line[strcspn(line, "\n")] = '\0';
        at = 0;
        if (sscanf(line, "%*u/%*u Testing: %n", &at) == 0 && at > 0) {
            free(name);
            free(why);
            name = string_copy(line + at);
            why = string_copy(none);
        } else if (strncmp(line, mark, strlen(mark)) == 0) {
            free(why);
            why = string_copy(line + strlen(mark));
        } else if (strcmp(line, "Test Skipped.") == 0) {
            add(all, name, why);
        }
    }
    free(line);
    free(name);
    free(why);
}

void skips_print(FILE *out, const struct skips *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct skip *skip = &all->item[i];
        fprintf(out, "ouro: skipped: %zu, %s: %s%s\n", skip->count, skip->why, skip->names.bytes,
                skip->count > NAMES_SHOWN ? ", …" : "");
    }
}

void skips_free(struct skips *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->item[i].why);
        text_free(&all->item[i].names);
    }
    free(all->item);
    *all = (struct skips){0};
}
