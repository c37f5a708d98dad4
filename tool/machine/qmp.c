/* SPDX-License-Identifier: MIT */
/* QEMU's QMP: one command a connection, answers matched as text. */
#include "machine/qmp.h"
#include "host/file.h"
#include "host/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE 20 /* seconds for an answer */

/* The next line that is not an event; malloc'ed, NULL if QEMU has ended or does not answer. */
static char *answer(FILE *from)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, from) > 0)
        if (!strstr(line, "\"event\":"))
            return line;
    free(line);
    return NULL;
}

static bool order(FILE *from, int to, const char *line, char **reason)
{
    char *said = NULL;
    bool done = false;
    if (!line || send(to, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
        said = answer(from);
    done = said && !strstr(said, "\"error\":");
    if (!done)
        *reason = string_format("QEMU %s%.*s", said ? "answered: " : "did not answer",
                                said ? (int)strcspn(said, "\r\n") : 0, said ? said : "");
    free(said);
    return done;
}

/* Paths in the temporary folder have no characters that JSON would escape. */
bool qmp_screenshot(const char *socket_path, const char *file, char **reason)
{
    const struct timeval patience = {.tv_sec = PATIENCE};
    int fd = socket_connect(socket_path);
    FILE *from = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!from) {
        *reason = string_format("QEMU cannot be reached: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    char *picture = string_format("{\"execute\": \"screendump\", \"arguments\": "
                                  "{\"filename\": \"%s\", \"format\": \"png\"}}\n",
                                  file);
    bool done = order(from, fd, NULL, reason) && /* the greeting */
                order(from, fd, "{\"execute\": \"qmp_capabilities\"}\n", reason) &&
                order(from, fd, picture, reason);
    free(picture);
    fclose(from);
    return done;
}
