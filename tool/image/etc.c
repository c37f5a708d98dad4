/* SPDX-License-Identifier: MIT */
#include "image/etc.h"
#include "base/compiler.h"

#include <string.h>

#define ZEROS_15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_20 ZEROS_15 "\0\0\0\0\0"

/* UTC in the format of tzfile(5): a header with six counts (one type, four bytes of names), the type
 * (offset 0, no daylight saving time, name 0), the name; the same again as version 2; the TZ string. */
#define TZ_BLOCK                                                                                   \
    "TZif2" ZEROS_15 ZEROS_15 "\0"                                                                 \
    "\0\0\0\1"                                                                                     \
    "\0\0\0\4"                                                                                     \
    "\0\0\0\0\0\0"                                                                                 \
    "UTC"

_Static_assert(sizeof("TZif2" ZEROS_15) == 21, "the start of a header");

static const char localtime_utc[] = TZ_BLOCK "\0" TZ_BLOCK "\0"
                                             "\nUTC0\n";

static const struct {
    const char *path, *text;
} texts[] = {
    {"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
    {"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
    {"/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
    {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
                           "networks: files\nprotocols: files\nservices: files\n"},
    {"/etc/resolv.conf", "# no name server\n"},
};

void etc_add(struct tree *tree)
{
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        tree_add_text(tree, texts[i].path, texts[i].text, strlen(texts[i].text));
    tree_add_text(tree, "/etc/localtime", localtime_utc, sizeof(localtime_utc) - 1);
}
