/* SPDX-License-Identifier: MIT */
#include "machine/suggest.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/text.h"

#include <string.h>
#include <unistd.h>

#define WORD_MAX 40 /* letters of a word that is compared */
#define NEAR     2  /* letters that may differ */

/* Options of docker, podman, QEMU and ops. */
static const struct habit {
    const char *option, *meant;
} habits[] = {
#include "machine/habits.inc"
};

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned suggest_distance(const char *a, const char *b, unsigned most)
{
    size_t rows = strlen(a), columns = strlen(b);
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];
    if (rows > WORD_MAX || columns > WORD_MAX)
        return most + 1;
    for (unsigned i = 0; i <= rows; i++)
        for (unsigned j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
                            d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return least(d[rows][columns], most + 1);
}

static bool is_end(const struct argp_option *option)
{
    return !option->name && option->key == 0;
}

/* As GNU getopt takes it: the whole name, or its beginning. */
static const struct argp_option *find_long(const struct argp_option *options, const char *name,
                                           size_t length)
{
    const struct argp_option *found = NULL;
    for (; !is_end(options); options++)
        if (options->name && strncmp(options->name, name, length) == 0) {
            found = options;
            if (options->name[length] == '\0')
                break;
        }
    return found;
}

static const struct argp_option *find_short(const struct argp_option *options, int key)
{
    for (; !is_end(options); options++)
        if (options->key == key)
            return options;
    return NULL;
}

/* Options that argp adds. */
static bool is_argps(const char *name, size_t length)
{
    return length > 0 &&
           (strncmp("help", name, length) == 0 || strncmp("usage", name, length) == 0);
}

static const char *nearest(const struct argp_option *options, const char *name)
{
    const char *found = NULL;
    unsigned best = NEAR + 1;
    for (; !is_end(options); options++) {
        unsigned n = options->name ? suggest_distance(name, options->name, NEAR) : best;
        if (n < best && n < strlen(options->name)) {
            best = n;
            found = options->name;
        }
    }
    return found;
}

static NORETURN void unknown_option(const struct argp_option *options, const char *command,
                                    const char *typed)
{
    size_t length = strcspn(typed, "=");
    char *option = string_format("%.*s", (int)length, typed);
    for (size_t i = 0; i < ARRAY_LENGTH(habits); i++)
        if (strcmp(habits[i].option, option) == 0)
            fail(STATUS_FAILED, "%s is no option of %s: %s", option, command, habits[i].meant);
    const char *near = string_starts(option, "--") ? nearest(options, option + 2) : NULL;
    if (near)
        fail(STATUS_FAILED, "%s is no option of %s: did you mean --%s?", option, command, near);
    fail(STATUS_FAILED, "%s is no option of %s; %s --help lists them", option, command, command);
}

/* The number of arguments that the option at `argv` takes, itself included. */
static int check_long(const struct argp_option *options, const char *command, char **argv)
{
    const char *name = argv[0] + 2;
    size_t length = strcspn(name, "=");
    const struct argp_option *option = find_long(options, name, length);
    if (!option && !is_argps(name, length))
        unknown_option(options, command, argv[0]);
    return option && option->arg && !(option->flags & OPTION_ARG_OPTIONAL) && !name[length] ? 2 : 1;
}

static int check_short(const struct argp_option *options, const char *command, char **argv)
{
    for (const char *at = argv[0] + 1; *at; at++) {
        const struct argp_option *option = find_short(options, *at);
        if (*at == '?')
            continue;
        if (!option)
            unknown_option(options, command, argv[0]);
        if (option->arg && !(option->flags & OPTION_ARG_OPTIONAL))
            return at[1] ? 1 : 2;
    }
    return 1;
}

/* `docker run -v FOLDER:/PATH`. Here -v is --verbose, and what follows would be the program. */
static void check_volume(const struct argp_option *options, const char *command, char **argv)
{
    if (strcmp(argv[0], "-v") == 0 && argv[1] && strstr(argv[1], ":/") &&
        access(argv[1], F_OK) != 0 && find_long(options, "share", 5))
        fail(
            STATUS_FAILED,
            "%s -v is --verbose: --share %s shows the folder, --volume FILE:/PATH mounts a file system",
            command, argv[1]);
}

void suggest_check(const struct argp_option *options, int argc, char **argv)
{
    for (int i = 1; i < argc && argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "--") != 0;) {
        check_volume(options, argv[0], argv + i);
        i += argv[i][1] == '-' ? check_long(options, argv[0], argv + i)
                               : check_short(options, argv[0], argv + i);
    }
}
