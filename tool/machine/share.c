/* SPDX-License-Identifier: MIT */
#include "machine/share.h"
#include "host/path.h"
#include "image/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Cuts ":ro" or ":rw" off the end. */
static bool cut_end(char *text, const char *end)
{
    size_t length = strlen(text), size = strlen(end);
    if (length <= size || strcmp(text + length - size, end) != 0)
        return false;
    text[length - size] = '\0';
    return true;
}

static const char *folder_refusal(const char *folder, bool readonly)
{
    struct stat s;
    if (stat(folder, &s) != 0 && errno == ENOENT)
        return "there is no such folder on this computer";
    if (stat(folder, &s) != 0)
        return "this computer does not let you look at the folder";
    if (!S_ISDIR(s.st_mode))
        return "not a folder; --with packs a copy of a file";
    if (access(folder, R_OK | X_OK) != 0)
        return "you may not read the folder";
    if (!readonly && access(folder, W_OK) != 0)
        return "you may not write to the folder: add :ro";
    return NULL;
}

const char *shares_add(struct shares *shares, const char *text)
{
    char *folder = string_copy(text);
    struct share share = {.folder = folder, .readonly = cut_end(folder, ":ro")};
    if (!share.readonly)
        cut_end(folder, ":rw");
    char *colon = strrchr(folder, ':');
    if (!colon || colon == folder || !colon[1])
        return "not like DIR:/PATH, a folder of this computer and its place in the machine";
    if (colon[1] != '/')
        return "the place in the machine is a path that begins with /";
    *colon = '\0';
    share.place = path_normalise(colon + 1);
    if (strcmp(share.place, "/") == 0)
        return "the root folder is the program's: choose a place below it";
    if (shares->count == SHARES_MAX)
        return "there are eight already";
    for (unsigned i = 0; i < shares->count; i++)
        if (strcmp(shares->item[i].place, share.place) == 0)
            return "another folder has this place";
    const char *why = folder_refusal(folder, share.readonly);
    if (!why)
        shares->item[shares->count++] = share;
    return why;
}

void shares_words(const struct shares *shares, const char *ids, struct args *words)
{
    if (shares->count > 0 && ids) {
        const char *groups = strchr(ids, ':');
        groups = groups ? strchr(groups + 1, ':') : NULL;
        args_format(words, "share.owner=%.*s", groups ? (int)(groups - ids) : (int)strlen(ids),
                    ids);
    }
    for (unsigned i = 0; i < shares->count; i++) {
        const struct share *s = &shares->item[i];
        char *word = string_format("mount=share%u:%s%s", i, s->place, s->readonly ? ":ro" : "");
        words_plain(words, word, "the place of --share");
        free(word);
    }
}

/* In QEMU's options a comma ends a value, and two commas are one. */
static char *double_commas(const char *path)
{
    struct text out = {0};
    for (; *path; path++)
        text_add(&out, *path == ',' ? ",," : path, *path == ',' ? 2 : 1);
    return out.bytes;
}

void shares_qemu(const struct shares *shares, unsigned bus, struct args *args)
{
    for (unsigned i = 0; i < shares->count; i++) {
        const struct share *s = &shares->item[i];
        char *path = double_commas(s->folder);
        args_add(args, "-fsdev");
        args_format(args, "local,id=share%u,security_model=none,multidevs=remap%s,path=%s", i,
                    s->readonly ? ",readonly=on" : "", path);
        args_add(args, "-device");
        if (bus > 0)
            args_format(args,
                        "virtio-9p-device,fsdev=share%u,mount_tag=share%u,bus=virtio-mmio-bus.%u",
                        i, i, bus - i);
        else
            args_format(args, "virtio-9p-pci,fsdev=share%u,mount_tag=share%u,disable-legacy=on", i,
                        i);
        free(path);
    }
}
