/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* Removes a file that could not be written whole. A device, such as /dev/full, stays. Keeps errno. */
void file_give_up(const char *path);
/* Copies a regular file to a new one. On an error the new file is removed and the tool fails. */
void file_copy(const char *from, const char *to);
/* Reads a text file; NUL-terminated, malloc'ed. Fails the tool. */
char *file_read(const char *path);
/* Reads a binary file; malloc'ed, followed by a NUL. Fails the tool. */
char *file_read_bytes(const char *path, size_t *size);
/* Connects to the AF_UNIX socket at the path; -1 with errno. */
int socket_connect(const char *path);
/* Creates or replaces a file. Fails the tool. */
void file_write(const char *path, const char *text);
