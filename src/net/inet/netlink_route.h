/* SPDX-License-Identifier: MIT */
/* The answers of NETLINK_ROUTE and NETLINK_GENERIC. */
#pragma once

#include "base/list.h"
#include "fs/vfs/process.h"

#include <stddef.h>
#include <stdint.h>

struct netlink_answer { /* one datagram; heap */
    struct list link;
    uint32_t pid, groups; /* whose it is, 0: the kernel's; to which groups */
    struct fs_credentials sender;
    uint32_t size;
    uint8_t bytes[];
};

struct netlink_answers {
    struct list list; /* struct netlink_answer */
    uint32_t pid;     /* of the socket that asked */
    uint32_t bytes;   /* of all of them */
    uint32_t room;    /* no more than this: answers that do not fit are lost */
};

/* Answers the requests in a datagram, up to the first that is malformed. O(requests). */
void netlink_route_answer(const uint8_t *request, size_t size, struct netlink_answers *out);
void netlink_generic_answer(const uint8_t *request, size_t size, struct netlink_answers *out);
