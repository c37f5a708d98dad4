/* SPDX-License-Identifier: MIT */
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

/* The answer that is no event; malloc'ed, NULL when QEMU is gone or silent. */
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
        *reason = string_format("QEMU %s%.*s", said ? "said: " : "did not answer",
                                said ? (int)strcspn(said, "\r\n") : 0, said ? said : "");
    free(said);
    return done;
}

/* Characters that JSON escapes do not come in paths of the temporary folder. */
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
