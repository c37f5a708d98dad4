/* SPDX-License-Identifier: MIT */
/*
 * A channel to a host that shows a folder by the protocol 9P2000.L, between its transport (dev/virtio/p9_machine.h) and the
 * client (fs/p9/client.h).
 *
 *     client --exchange(request, room for the reply)--> transport --> host
 *
 * A message is in parts, each of them kernel memory within one page, which the host reads and writes itself: no byte is copied
 * here. Messages of several threads may be under way.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define P9_PARTS_MAX 128 /* of one exchange, if the transport has as many */

struct p9_part {
    void *at;      /* heap_alloc(), kpage_alloc() */
    uint32_t size; /* not 0; does not cross the end of a page */
};

struct p9_exchange {
    const struct p9_part *parts; /* first those of the request, then those for the reply */
    unsigned readable, writable;
    uint32_t written; /* by the host into the writable parts, at most their size: of the reply */
};

struct p9_channel {
    const char *name; /* the mount tag */
    unsigned parts;   /* of one exchange at most: 8 to P9_PARTS_MAX */
    bool open;        /* a client uses it */
    /* Sleeps until the host has answered, whatever signals come. E_IO: the channel has failed, for good; the host touches no part
     * any more. */
    enum err (*exchange)(struct p9_channel *channel, struct p9_exchange *exchange);
    struct list link; /* of all */
};

/* Adds a channel, which stays for ever. Threads and boot. */
void p9_channel_register(struct p9_channel *channel);
/* By name; NULL: there is none. O(channels). */
struct p9_channel *p9_channel_find(const char *name);
