/* SPDX-License-Identifier: MIT */
#include "linux/exec/script.h"

#include "base/str.h"
#include "linux/task/image.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool script_cut_line(char *line, char **interpreter, char **argument)
{
    char *end = memchr(line, '\n', EXEC_HEAD_SIZE);
    char *p = line + 2;
    if (end == NULL)
        end = memchr(line, '\0', EXEC_HEAD_SIZE); /* the file is shorter than the head */
    if (end == NULL)
        return false;
    *end = '\0';
    while (end > p && is_blank(end[-1]))
        *--end = '\0';
    while (is_blank(*p))
        p++;
    *interpreter = p;
    while (*p != '\0' && !is_blank(*p))
        p++;
    while (is_blank(*p))
        *p++ = '\0';
    *argument = *p != '\0' ? p : NULL;
    return **interpreter != '\0';
}
