/* SPDX-License-Identifier: MIT */
#include "net/stack/tap.h"

#include "base/str.h"
#include "mm/heap/heap.h"
#include "net/stack/hooks.h"

#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ieee.h>

#define LO 1 /* the index of lo */

struct list net_taps = LIST_INIT(net_taps);

int net_poll_most = 64;

void net_poll_less(void)
{
    net_poll_most = 1;
}

static uint8_t type_of(const struct netif *netif, const uint8_t *to)
{
    if (to[0] & 1)
        return memcmp(to, "\xff\xff\xff\xff\xff\xff", NETIF_MAX_HWADDR_LEN) == 0 ? TAP_BROADCAST
                                                                                 : TAP_MULTICAST;
    return memcmp(to, netif->hwaddr, NETIF_MAX_HWADDR_LEN) == 0 ? TAP_HOST : TAP_OTHER_HOST;
}

/* A copy in one piece, with `header` bytes of zeros before it. NULL: no memory, and the taps miss it. */
COLD static uint8_t *copy_frame(const struct pbuf *p, uint32_t header)
{
    uint8_t *bytes = heap_alloc(header + p->tot_len);
    if (bytes == NULL)
        return NULL;
    memset(bytes, 0, header);
    pbuf_copy_partial(p, bytes + header, p->tot_len, 0);
    return bytes;
}

static void tell_taps(const struct tap_frame *frame) REQUIRES(net_lock)
{
    list_for_each (link, &net_taps) {
        struct net_tap *tap = CONTAINER_OF(link, struct net_tap, link);
        tap->frame(tap, frame);
    }
}

COLD void net_tap_card(struct netif *netif, const struct pbuf *p, bool out)
{
    uint8_t *bytes = p->tot_len < TAP_HEADER ? NULL : copy_frame(p, 0);
    if (bytes == NULL)
        return;
    const struct tap_frame frame = {
        .bytes = bytes,
        .size = p->tot_len,
        .interface = netif_get_index(netif),
        .type = out ? TAP_OUTGOING : type_of(netif, bytes),
        .protocol = (uint16_t)(bytes[TAP_PROTOCOL] << 8 | bytes[TAP_PROTOCOL + 1])};
    tell_taps(&frame);
    heap_free(bytes);
}

void net_tap_loop(const struct pbuf *p)
{
    net_lock_assert();
    if (likely(!net_is_tapped()) || p->tot_len == 0)
        return;
    uint8_t *bytes = copy_frame(p, TAP_HEADER);
    if (bytes == NULL)
        return;
    struct tap_frame frame = {.bytes = bytes,
                              .size = TAP_HEADER + p->tot_len,
                              .interface = LO,
                              .type = TAP_OUTGOING,
                              .protocol = bytes[TAP_HEADER] >> 4 == 6 ? ETHTYPE_IPV6 : ETHTYPE_IP};
    bytes[TAP_PROTOCOL] = (uint8_t)(frame.protocol >> 8);
    bytes[TAP_PROTOCOL + 1] = (uint8_t)frame.protocol;
    tell_taps(&frame);
    frame.type = TAP_HOST;
    tell_taps(&frame);
    heap_free(bytes);
}
