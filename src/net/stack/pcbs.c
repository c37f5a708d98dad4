/* SPDX-License-Identifier: MIT */
#include "net/stack/pcbs.h"

#include "base/panic.h"
#include "mm/heap/heap.h"
#include "net/stack/secret.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>

/* A bucket for each 64 KiB of memory, and as many in TIME-WAIT: a connection that is open costs more. */
#define MEMORY_EACH (UINT64_C(1) << 16)
#define BUCKETS_MIN 256
#define BUCKETS_MAX 65536
#define PORTS       (NET_PORT_LAST - NET_PORT_FIRST + 1)
#define ENDED_MOST  1000u /* in one go */

static struct tcp_pcb **by_ends;
static uint32_t bucket_mask;
static uint64_t mix_key[2];
static struct tcp_pcb *oldest; /* the last of tcp_tw_pcbs */
static uint32_t time_waiting;

enum err net_pcbs_init(uint64_t memory)
{
    uint32_t count = BUCKETS_MIN;
    while (count < BUCKETS_MAX && count < memory / MEMORY_EACH)
        count *= 2;
    by_ends = heap_alloc_zero(2 * count * sizeof by_ends[0]);
    if (by_ends == NULL)
        return E_NOMEM;
    bucket_mask = count - 1;
    net_port_init((struct net_port_link **)(by_ends + count), bucket_mask);
    for (unsigned i = 0; i < 4; i++)
        mix_key[i / 2] = mix_key[i / 2] << 32 | net_random();
    return E_OK;
}

/* Multiplication folded, under a random key, so that the buckets cannot be aimed at. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ mix_key[0]) * (b ^ mix_key[1]);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t ends_hash(const struct net_ends *ends)
{
    uint64_t words[NET_ENDS_WORDS];
    net_ends_words(ends, words);
    uint64_t h = mix(words[0] ^ words[2] << 32, words[4]);
    if (IP_IS_V6(ends->remote)) {
        h = mix(h ^ words[1], words[2]);
        h = mix(h, words[3]);
    }
    return (uint32_t)(h >> 8) & bucket_mask;
}

static struct net_ends ends_of(const struct tcp_pcb *pcb)
{
    return (struct net_ends){&pcb->local_ip, &pcb->remote_ip, pcb->local_port, pcb->remote_port};
}

/* Segments are looked up in these lists only. */
static bool has_ends(struct tcp_pcb *const *list)
{
    return list == &tcp_active_pcbs || list == &tcp_tw_pcbs;
}

static void drop_oldest(void)
{
    struct tcp_pcb *pcb = oldest;
    tcp_pcb_remove(&tcp_tw_pcbs, pcb);
    tcp_free(pcb);
}

void net_pcb_add(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    if (list == &tcp_tw_pcbs) {
        if (oldest == NULL)
            oldest = pcb;
        else if (time_waiting >= net_pcbs_time_wait_most())
            drop_oldest();
        time_waiting++;
    }
    pcb->next = *list;
    pcb->before = list;
    if (pcb->next != NULL)
        pcb->next->before = &pcb->next;
    *list = pcb;

    bool listens = list == &tcp_listen_pcbs.pcbs;
    net_port_add(&pcb->port_link, listens ? NET_PORT_LISTENER : NET_PORT_TCP, pcb->local_port);
    if (!has_ends(list))
        return;
    struct net_ends ends = ends_of(pcb);
    struct tcp_pcb **bucket = &by_ends[ends_hash(&ends)];
    pcb->ends_next = *bucket;
    pcb->ends_before = bucket;
    if (pcb->ends_next != NULL)
        pcb->ends_next->ends_before = &pcb->ends_next;
    *bucket = pcb;
}

void net_pcb_remove(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    if (list == &tcp_tw_pcbs) {
        if (oldest == pcb)
            oldest = pcb->before == &tcp_tw_pcbs ? NULL
                                                 : CONTAINER_OF(pcb->before, struct tcp_pcb, next);
        time_waiting--;
    }
    *pcb->before = pcb->next;
    if (pcb->next != NULL)
        pcb->next->before = pcb->before;
    pcb->next = NULL;
    net_port_remove(&pcb->port_link);
    if (!has_ends(list))
        return;
    net_due_remove(pcb);
    *pcb->ends_before = pcb->ends_next;
    if (pcb->ends_next != NULL)
        pcb->ends_next->ends_before = pcb->ends_before;
}

static struct tcp_pcb *find(const struct net_ends *ends, bool time_wait)
{
    struct tcp_pcb *pcb = by_ends[ends_hash(ends)];
    while (pcb != NULL &&
           !(pcb->remote_port == ends->remote_port && pcb->local_port == ends->local_port &&
             (pcb->state == TIME_WAIT) == time_wait && ip_addr_cmp(&pcb->remote_ip, ends->remote) &&
             ip_addr_cmp(&pcb->local_ip, ends->local)))
        pcb = pcb->ends_next;
    return pcb;
}

struct tcp_pcb *net_pcb_of_ends(const struct net_ends *ends)
{
    return find(ends, false);
}

struct tcp_pcb *net_pcb_find(uint16_t local_port, uint16_t remote_port, bool time_wait)
{
    struct net_ends ends = {ip_current_dest_addr(), ip_current_src_addr(), local_port, remote_port};
    return find(&ends, time_wait);
}

static struct tcp_pcb *pcb_of(struct net_port_link *link)
{
    return link != NULL ? CONTAINER_OF(link, struct tcp_pcb, port_link) : NULL;
}

struct tcp_pcb *net_pcb_of_port(uint16_t port)
{
    struct net_port_link *link = net_port_first(NET_PORT_TCP, port);
    return pcb_of(link != NULL ? link : net_port_first(NET_PORT_LISTENER, port));
}

struct tcp_pcb *net_pcb_next_of_port(const struct tcp_pcb *pcb)
{
    struct net_port_link *link = net_port_next(&pcb->port_link);
    if (link == NULL && pcb->state != LISTEN)
        link = net_port_first(NET_PORT_LISTENER, pcb->local_port);
    return pcb_of(link);
}

struct tcp_pcb_listen *net_pcb_listener(uint16_t port, const struct tcp_pcb_listen *after)
{
    struct net_port_link *link =
        after != NULL ? net_port_next(&after->port_link) : net_port_first(NET_PORT_LISTENER, port);
    return link != NULL ? CONTAINER_OF(link, struct tcp_pcb_listen, port_link) : NULL;
}

void net_pcbs_end_time_wait(void)
{
    for (unsigned i = 0; i < ENDED_MOST && oldest != NULL; i++) {
        if (tcp_ticks - oldest->tmr <= 2 * TCP_MSL / TCP_SLOW_INTERVAL)
            return;
        drop_oldest();
    }
}

uint16_t net_pcb_new_port(void)
{
    uint32_t at = net_random() % PORTS;
    for (uint32_t tries = 0; tries < PORTS; tries++) {
        uint16_t port = (uint16_t)(NET_PORT_FIRST + (at + tries) % PORTS);
        if (net_pcb_of_port(port) == NULL)
            return port;
    }
    return 0;
}

/* True if a connection to these ends may use the port: nobody listens or is bound to it, and no connection that is open
 * has the same ends. */
static bool port_serves(struct net_ends *ends)
{
    for (struct tcp_pcb *pcb = net_pcb_of_port(ends->local_port); pcb != NULL;
         pcb = net_pcb_next_of_port(pcb)) {
        if (pcb->state == CLOSED || pcb->state == LISTEN)
            return false;
        if (pcb->state != TIME_WAIT && pcb->remote_port == ends->remote_port &&
            ip_addr_cmp(&pcb->remote_ip, ends->remote) && ip_addr_cmp(&pcb->local_ip, ends->local))
            return false;
    }
    return true;
}

uint16_t net_pcb_connect_port(const struct tcp_pcb *pcb)
{
    struct net_ends ends = ends_of(pcb);
    uint16_t waiting = 0;
    uint32_t at = net_random() % PORTS;
    for (uint32_t tries = 0; tries < PORTS; tries++) {
        ends.local_port = (uint16_t)(NET_PORT_FIRST + (at + tries) % PORTS);
        if (!port_serves(&ends))
            continue;
        if (find(&ends, true) == NULL)
            return ends.local_port;
        if (waiting == 0)
            waiting = ends.local_port;
    }
    if (waiting !=
        0) { /* the other side has heard the last of it long ago, or answers that it has not */
        ends.local_port = waiting;
        struct tcp_pcb *last = find(&ends, true);
        tcp_pcb_remove(&tcp_tw_pcbs, last);
        tcp_free(last);
    }
    return waiting;
}

uint32_t net_pcbs_time_wait(void)
{
    return time_waiting;
}

uint32_t net_pcbs_time_wait_most(void)
{
    return bucket_mask + 1;
}

void net_udp_add(struct udp_pcb *pcb)
{
    pcb->next = udp_pcbs;
    pcb->before = &udp_pcbs;
    if (pcb->next != NULL)
        pcb->next->before = &pcb->next;
    udp_pcbs = pcb;
    net_port_add(&pcb->port_link, NET_PORT_UDP, pcb->local_port);
}

void net_udp_remove(struct udp_pcb *pcb)
{
    if (pcb->before == NULL)
        return;
    *pcb->before = pcb->next;
    if (pcb->next != NULL)
        pcb->next->before = pcb->before;
    pcb->before = NULL;
    net_port_remove(&pcb->port_link);
}

struct udp_pcb *net_udp_of_port(uint16_t port, const struct udp_pcb *after)
{
    struct net_port_link *link =
        after != NULL ? net_port_next(&after->port_link) : net_port_first(NET_PORT_UDP, port);
    return link != NULL ? CONTAINER_OF(link, struct udp_pcb, port_link) : NULL;
}
