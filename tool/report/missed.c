/* SPDX-License-Identifier: MIT */
#include "report/missed.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/json.h"
#include "host/path.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MAX    10
#define FOLDER_DEPTH 3 /* /usr/lib/NAME may be packed whole, /usr/lib not */

static bool has_own(const char *path)
{
    static const char *const own[] = {"/proc", "/sys",     "/dev",  "/tmp",
                                      "/run",  "/var/tmp", "/home", "/root"};
    for (size_t i = 0; i < ARRAY_LENGTH(own); i++) {
        size_t length = strlen(own[i]);
        if (strncmp(path, own[i], length) == 0 && (path[length] == '/' || !path[length]))
            return true;
    }
    return false;
}

/* What programs look for and do well without: folders for files of this computer's own, compiled Python, what glibc looks for
 * beside a locale. */
static bool is_optional(const char *path, const char *here)
{
    static const char *const parts[] = {"/locale.alias", "/gconv/gconv-modules"};
    struct stat st;
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
        if (strstr(path, parts[i]))
            return true;
    bool folder = stat(here, &st) == 0 && S_ISDIR(st.st_mode);
    return string_ends(path, ".pyc") || (folder && string_starts(path, "/usr/local"));
}

/* Cuts the path behind its first folder, from the third on, that the tree lacks. */
static void cut(const struct tree *tree, char *path)
{
    int depth = 0;
    for (char *c = path + 1; *c; c++) {
        if (*c != '/' || ++depth < FOLDER_DEPTH)
            continue;
        *c = '\0';
        if (!tree_follow(tree, path))
            return;
        *c = '/';
    }
}

static bool has(const struct args *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i], path) == 0)
            return true;
    return false;
}

void missed_choose(const struct tree *tree, const struct args *asked, struct args *missed)
{
    for (size_t i = 0; i < asked->count; i++) {
        char *path = path_normalise(asked->item[i]);
        char *here = has_own(path) ? NULL : tree_host_file(path);
        if (here && !is_optional(path, here) && !tree_follow(tree, path)) {
            cut(tree, path);
            if (!has(missed, path))
                args_add(missed, path);
        }
        free(here);
        free(path);
    }
}

void missed_tell(const struct args *missed)
{
    for (size_t i = 0; i < missed->count && i < LINES_MAX; i++)
        warn("%s is on this computer but was not packed: --with %s", missed->item[i],
             missed->item[i]);
    if (missed->count > LINES_MAX)
        warn("and %zu more, which --report FILE.json lists if the program crashes",
             missed->count - LINES_MAX);
}

void missed_json(const struct args *missed, struct text *json)
{
    size_t end = json->length;
    while (end > 0 && json->bytes[end - 1] != '}')
        end--;
    if (missed->count == 0 || end == 0)
        return;
    json->length = end - 1;
    text_string(json, ",\"missing\":[");
    for (size_t i = 0; i < missed->count; i++) {
        text_string(json, i ? "," : "");
        text_json(json, missed->item[i]);
    }
    text_string(json, "]}\n");
}
