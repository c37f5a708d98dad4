/* SPDX-License-Identifier: MIT */
#include "image/date.h"
#include "host/fail.h"

#include <errno.h>
#include <stdlib.h>

#define YEAR_1980 UINT32_C(315532800)

static uint32_t date = YEAR_1980;

static uint32_t bounded(uint64_t seconds)
{
    return seconds < YEAR_1980 ? YEAR_1980 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

/* Folders are left out: theirs are of this computer's last package. */
static uint64_t newest_file(const struct tree *tree)
{
    int64_t newest = 0;
    for (size_t i = 0; i < tree->count; i++)
        if (tree->entry[i].source && tree->entry[i].stat.st_mtim.tv_sec > newest)
            newest = tree->entry[i].stat.st_mtim.tv_sec;
    return (uint64_t)newest;
}

void date_choose(const struct tree *tree)
{
    const char *given = getenv("SOURCE_DATE_EPOCH");
    char *end;
    if (!given || !*given) {
        date = bounded(newest_file(tree));
        return;
    }
    errno = 0;
    unsigned long long seconds = strtoull(given, &end, 10);
    if (given[0] < '0' || given[0] > '9' || *end || errno != 0)
        fail(STATUS_FAILED, "SOURCE_DATE_EPOCH=%s is not a number of seconds", given);
    date = bounded(seconds);
}

uint32_t date_of_image(void)
{
    return date;
}
