/* SPDX-License-Identifier: MIT */
#include "image/script.h"
#include "host/path.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_HEAD 255 /* Linux's BINPRM_BUF_SIZE - 1 */
#define BLANKS      " \t"

char *script_line(const char *file)
{
    char head[SCRIPT_HEAD + 1] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, head, SCRIPT_HEAD);
    if (fd >= 0)
        close(fd);
    if (size < 2 || head[0] != '#' || head[1] != '!')
        return NULL;
    head[size] = '\0';
    size_t start = 2 + strspn(head + 2, BLANKS), length = strcspn(head + start, "\n");
    while (length > 0 && strchr(BLANKS, head[start + length - 1]))
        length--;
    return string_format("%.*s", (int)length, head + start);
}

char *script_env_command(const char *words)
{
    while (*words) {
        words += strspn(words, BLANKS);
        size_t length = strcspn(words, BLANKS);
        bool split = length > 2 && strncmp(words, "-S", 2) == 0;
        const char *word = split ? words + 2 : words;
        size_t left = split ? length - 2 : length;
        if (left > 0 && word[0] != '-' && !memchr(word, '=', left))
            return string_format("%.*s", (int)left, word);
        words += length;
    }
    return NULL;
}

char *script_search(struct tree *tree, const char *name, const char *path)
{
    while (*path) {
        size_t length = strcspn(path, ":");
        char *place = string_format("%.*s/%s", (int)length, path, name), *source;
        char *real = tree_overlay(tree, place, OVERLAY_LOOK, &source);
        bool found = source && access(source, X_OK) == 0;
        free(real);
        free(source);
        if (found)
            return place;
        free(place);
        path += length + (path[length] == ':');
    }
    return NULL;
}
