/* SPDX-License-Identifier: MIT */
/*
 * Whole files and local sockets for the rest of the tool. Each function either succeeds or fails the
 * tool with the path in the message; only socket_connect() returns an error. Programs' files are
 * packed by image/pack.c, not here.
 */
#include "host/file.h"
#include "host/fail.h"
#include "host/progress.h"
#include "host/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define COPY_BLOCK (1u << 20)

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

/* True if the bytes are zeros of a whole block, and the file, an empty one until now, got a hole for them. */
static bool leave_hole(int out, const char *block, size_t size)
{
    struct stat st;
    return size == COPY_BLOCK && block[0] == 0 && memcmp(block, block + 1, size - 1) == 0 &&
           fstat(out, &st) == 0 && S_ISREG(st.st_mode) && lseek(out, COPY_BLOCK, SEEK_CUR) >= 0;
}

void file_give_up(const char *path)
{
    struct stat st;
    int error = errno;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
        unlink(path);
    errno = error;
}

void file_copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (in < 0 || fstat(in, &st) != 0)
        fail_errno("cannot read %s", from);
    if (!S_ISREG(st.st_mode))
        fail(STATUS_FAILED, "cannot read %s: it is not a regular file", from);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out < 0)
        fail_errno("cannot write %s", to);
    char *block = memory(COPY_BLOCK);
    ssize_t got;
    uint64_t done = 0;
    while ((got = read(in, block, COPY_BLOCK)) > 0 &&
           (leave_hole(out, block, (size_t)got) || write_all(out, block, (size_t)got)))
        progress_step(done += (uint64_t)got, (uint64_t)st.st_size);
    if (got == 0 && fstat(out, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(out, (off_t)done) != 0)
        got = -1; /* a hole at the end */
    if (got != 0 || close(out) != 0) {
        file_give_up(to);
        fail_errno("cannot copy %s to %s", from, to);
    }
    free(block);
    close(in);
}

char *file_read(const char *path)
{
    size_t size;
    return file_read_bytes(path, &size);
}

char *file_read_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    struct text text = {0};
    char block[4096];
    size_t got;
    if (!file)
        fail_errno("cannot read %s", path);
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        text_add(&text, block, got);
    if (ferror(file))
        fail_errno("cannot read %s", path);
    fclose(file);
    text_add(&text, "", 0);
    *size = text.length;
    return text.bytes;
}

void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        fail_errno("cannot write %s", path);
}

int socket_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}
