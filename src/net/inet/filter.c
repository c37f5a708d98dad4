/* SPDX-License-Identifier: MIT */
#include "net/inet/filter.h"

#include "kern/random.h"
#include "net/stack/hooks.h"

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ieee.h>

static void copy_pbuf(const struct bpf_packet *packet, int32_t offset, uint32_t size, uint8_t *out)
{
    pbuf_copy_partial(packet->bytes, out, (u16_t)size, (u16_t)offset);
}

bool filter_pbuf(const struct socket *socket, struct pbuf *p, uint32_t header)
{
    if (!socket->filter)
        return true;
    net_poll_less();
    struct bpf_packet packet = {
        .size = p->tot_len, .network = 0, .link = BPF_NOWHERE, .copy = copy_pbuf, .bytes = p};
    if (p->next == NULL) { /* in one piece, as nearly all are */
        packet.copy = NULL;
        packet.bytes = p->payload;
    }
    if (socket->type != SOCK_RAW || ip_current_is_v6())
        packet.network = BPF_NOWHERE;
    packet.fact[BPF_PROTOCOL] = ip_current_is_v6() ? ETHTYPE_IPV6 : ETHTYPE_IP;
    packet.fact[BPF_INTERFACE] = netif_get_index(ip_current_input_netif());
    packet.fact[BPF_RANDOM] = (uint32_t)random_u64();
    uint32_t size = socket_filter_run(socket, &packet);
    if (size == 0)
        return false;
    size = size < header ? header : size;
    if (size < p->tot_len)
        pbuf_realloc(p, (u16_t)size);
    return true;
}

uint32_t filter_bytes(const struct socket *socket, struct bpf_packet *about, const void *bytes,
                      uint32_t size)
{
    if (!socket->filter)
        return size;
    about->size = size;
    about->copy = NULL;
    about->bytes = bytes;
    about->fact[BPF_RANDOM] = (uint32_t)random_u64();
    uint32_t most = socket_filter_run(socket, about);
    return most < size ? most : size;
}
