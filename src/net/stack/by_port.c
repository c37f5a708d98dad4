/* SPDX-License-Identifier: MIT */
#include "net/stack/by_port.h"

#include <stddef.h>

static struct net_port_link **port_buckets;
static uint32_t port_mask;

void net_port_init(struct net_port_link **buckets, uint32_t mask)
{
    port_buckets = buckets;
    port_mask = mask;
}

static struct net_port_link **bucket_of(uint32_t key)
{
    return &port_buckets[key * 40503U >> 4 & port_mask];
}

static struct net_port_link *with_key(struct net_port_link *link, uint32_t key)
{
    while (link != NULL && link->key != key)
        link = link->next;
    return link;
}

static uint32_t port_key(enum net_port_kind kind, uint16_t port)
{
    return (uint32_t)kind << 16 | port;
}

void net_port_add(struct net_port_link *link, enum net_port_kind kind, uint16_t port)
{
    link->key = port_key(kind, port);
    link->before = bucket_of(link->key);
    link->next = *link->before;
    if (link->next != NULL)
        link->next->before = &link->next;
    *link->before = link;
}

void net_port_remove(struct net_port_link *link)
{
    *link->before = link->next;
    if (link->next != NULL)
        link->next->before = link->before;
}

struct net_port_link *net_port_first(enum net_port_kind kind, uint16_t port)
{
    uint32_t key = port_key(kind, port);
    return with_key(*bucket_of(key), key);
}

struct net_port_link *net_port_next(const struct net_port_link *link)
{
    return with_key(link->next, link->key);
}
