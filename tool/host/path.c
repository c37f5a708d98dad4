/* SPDX-License-Identifier: MIT */
#include "host/path.h"
#include "host/text.h"

#include <string.h>

char *path_normalise(const char *path)
{
    char *out = memory(strlen(path) + 2);
    size_t length = 0;
    while (*path) {
        size_t part = strcspn(path, "/");
        if (part == 2 && path[0] == '.' && path[1] == '.') {
            while (length > 0 && out[--length] != '/')
                ;
        } else if (part > 0 && !(part == 1 && path[0] == '.')) {
            out[length++] = '/';
            memcpy(out + length, path, part);
            length += part;
        }
        path += part + (path[part] == '/');
    }
    if (length == 0)
        out[length++] = '/';
    out[length] = '\0';
    return out;
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool path_has_other_ending(const char *path, const char *ending)
{
    const char *dot = strrchr(path, '.');
    return dot && !strchr(dot, '/') && strcmp(dot, ending) != 0;
}
