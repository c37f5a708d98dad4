/* SPDX-License-Identifier: MIT */
#include "kern/p9_channel.h"

#include "base/str.h"

static struct list channels = LIST_INIT(channels);

void p9_channel_register(struct p9_channel *channel)
{
    list_add_tail(&channels, &channel->link);
}

struct p9_channel *p9_channel_find(const char *name)
{
    list_for_each (at, &channels) {
        struct p9_channel *channel = CONTAINER_OF(at, struct p9_channel, link);
        if (strcmp(channel->name, name) == 0)
            return channel;
    }
    return NULL;
}
