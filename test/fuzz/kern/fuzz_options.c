/* SPDX-License-Identifier: MIT */
/* Any command line: the options are complete, the complaint is terminated, and every string lies in
 * the line. */
#include "kern/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const char *const *list, size_t max)
{
    size_t n = 0;
    while (list[n] != NULL) {
        (void)strlen(list[n]);
        if (++n > max)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct options o;
    size_t room = size > 0 ? 1 + data[0] % 250 : 1;
    char *line = malloc(size + 1), *complaint = malloc(room);
    if (size > 0)
        memcpy(line, data + 1, size - 1);
    line[size > 0 ? size - 1 : 0] = '\0';
    memset(complaint, 'x', room);
    memset(&o, 0xff, sizeof o);
    if (options_parse(line, &o, complaint, room) != E_OK) {
        if (memchr(complaint, '\0', room) == NULL)
            abort();
    } else if (o.argv[0] == NULL || strchr(o.init, '/') == NULL) {
        abort();
    }
    if (o.init == NULL || o.loglevel < 0 || o.loglevel > 7 || o.console.terminals > 7 ||
        (o.window_slot != 0 && (o.window_slot < 256 || o.window_slot > 495)))
        abort();
    check_list(o.argv, OPTIONS_ARGUMENTS_MAX);
    check_list(o.envp, OPTIONS_ENVIRONMENT_MAX);
    free(line);
    free(complaint);
    return 0;
}
