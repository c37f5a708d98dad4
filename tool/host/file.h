/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* Copies a regular file to a new one, which is removed again when that fails; the tool then fails.
 */
void file_copy(const char *from, const char *to);
/* A whole text file, NUL-terminated, malloc'ed; fails the tool. */
char *file_read(const char *path);
/* A whole file of any kind of bytes, malloc'ed, with a NUL behind; fails the tool. */
char *file_read_bytes(const char *path, size_t *size);
/* A connection to the socket of this path; -1 with errno. */
int socket_connect(const char *path);
/* Creates or replaces a file; fails the tool. */
void file_write(const char *path, const char *text);
