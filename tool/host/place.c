/* SPDX-License-Identifier: MIT */
#include "host/place.h"
#include "host/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL "kernel/ouro.elf"

/* The tool's folder if it is installed, else NULL. */
static const char *installed(void)
{
    static char folder[PATH_MAX];
    static bool known;
    if (!known) {
        ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
        folder[length > 0 ? length : 0] = '\0';
        char *slash = strrchr(folder, '/');
        if (slash)
            *slash = '\0';
        char *kernel = string_format("%s/" KERNEL, folder);
        if (!slash || access(kernel, F_OK) != 0)
            folder[0] = '\0';
        free(kernel);
        known = true;
    }
    return folder[0] ? folder : NULL;
}

bool place_is_installed(void)
{
    return installed() != NULL;
}

const char *place_source(const char *below)
{
    return string_format("%s/%s", installed() ? installed() : OURO_SOURCE_DIR, below);
}

const char *place_built(const char *below)
{
    const char *init = "host/tool/";
    if (installed())
        return string_format("%s/%s", installed(),
                             string_starts(below, init) ? below + strlen(init) : below);
    return string_format("%s/%s", OURO_BUILD_DIR, below);
}

/* Makes the folders of a path; errors show when the file is made. */
static void make_folders(char *path)
{
    for (char *c = path + 1; *c; c++)
        if (*c == '/') {
            *c = '\0';
            mkdir(path, 0755);
            *c = '/';
        }
}

const char *place_kept(const char *below)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path;
    if (!installed())
        path = string_format("%s/%s", OURO_BUILD_DIR, below);
    else if (cache && *cache == '/')
        path = string_format("%s/ouro/%s", cache, below);
    else
        path = string_format("%s/.cache/ouro/%s", home && *home == '/' ? home : "/tmp", below);
    make_folders(path);
    return path;
}
