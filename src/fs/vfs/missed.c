/* SPDX-License-Identifier: MIT */
/* A hash table of paths that were sent, by their hashes alone: two paths with the same one count as one. */
#include "fs/vfs/missed.h"
#include "base/str.h"
#include "fs/vfs/location.h"
#include "kern/console.h"

#define SLOTS  1024
#define PREFIX "missed "

bool missed_wanted;

static uint64_t sent[SLOTS]; /* kernel_lock; 0: free */
static unsigned count;       /* kernel_lock */

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    return hash != 0 ? hash : 1;
}

/* False if it was there, or the table is full. */
static bool is_new_path(uint64_t hash)
{
    size_t slot = hash % SLOTS;
    while (sent[slot] != 0 && sent[slot] != hash)
        slot = (slot + 1) % SLOTS;
    if (sent[slot] == hash || count == MISSED_MAX)
        return false;
    sent[slot] = hash;
    count++;
    return true;
}

void missed_note(const struct location *at, const struct location *root, const char *name,
                 size_t length, const char *rest)
{
    char text[sizeof PREFIX + MISSED_LENGTH], *path;
    size_t tail = strnlen(rest, MISSED_LENGTH);
    char folder[MISSED_LENGTH];
    if (location_path(at, root, LOCATION_PLAIN, folder, sizeof folder, &path) != E_OK)
        return;
    size_t head = strlen(path);
    if (path[head - 1] == '/')
        head--; /* the root */
    if (head + 1 + length + tail >= MISSED_LENGTH)
        return;
    char *end = text + sizeof PREFIX - 1;
    memcpy(text, PREFIX, sizeof PREFIX - 1);
    memcpy(end, path, head);
    end += head;
    *end++ = '/';
    memcpy(end, name, length);
    memcpy(end + length, rest, tail);
    end[length + tail] = '\0';
    for (const char *c = text; *c != '\0'; c++)
        if ((uint8_t)*c < ' ')
            return; /* it would end the line */
    if (is_new_path(hash_of(text)))
        console_tell_host(text);
}
