/* SPDX-License-Identifier: MIT */
#include "net/stack/cookie.h"

#include "base/compiler.h"
#include "kern/time.h"
#include "net/stack/hooks.h"
#include "net/stack/secret.h"

#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>

#define COOKIE_NS (64 * NS_PER_SECOND)

static const uint16_t cookie_mss[8] = {216, 536, 768, 996, 1220, 1440, 1452, 1460};
struct net_counts net_counts;
static uint64_t last_sent; /* when, in steps of COOKIE_NS from 1; 0: never */

static uint64_t cookie_time(void)
{
    return time_now_ns() / COOKIE_NS + 1;
}

static uint32_t cookie_of(uint16_t local_port, uint16_t remote_port, uint32_t sequence,
                          uint64_t time, unsigned mss)
{
    uint64_t words[NET_ENDS_WORDS + 1];
    net_ends_words(
        &(struct net_ends){ip_current_dest_addr(), ip_current_src_addr(), local_port, remote_port},
        words);
    words[NET_ENDS_WORDS] = time << 35 | (uint64_t)mss << 32 | sequence;
    uint32_t hash = (uint32_t)net_keyed_hash(words, ARRAY_LENGTH(words)) & 0xffffff;
    return (uint32_t)(time & 31) << 27 | mss << 24 | hash;
}

COLD void net_cookie_send(uint16_t local_port, uint16_t remote_port, uint32_t sequence,
                          uint16_t mss)
{
    unsigned class = ARRAY_LENGTH(cookie_mss) - 1;
    while (class > 0 && cookie_mss[class] > mss)
        class --;
    struct pbuf *p = pbuf_alloc(PBUF_IP, TCP_HLEN + 4, PBUF_RAM);
    if (p == NULL)
        return;
    last_sent = cookie_time();
    net_counts.cookies_sent++;
    struct tcp_hdr *header = p->payload;
    header->src = lwip_htons(local_port);
    header->dest = lwip_htons(remote_port);
    header->seqno = lwip_htonl(cookie_of(local_port, remote_port, sequence, last_sent, class));
    header->ackno = lwip_htonl(sequence + 1);
    TCPH_HDRLEN_FLAGS_SET(header, 6, TCP_SYN | TCP_ACK);
    header->wnd = lwip_htons(TCPWND_MIN16(TCP_WND));
    header->chksum = header->urgp = 0;
    uint16_t own = tcp_eff_send_mss(TCP_MSS, ip_current_dest_addr(), ip_current_src_addr());
    *(uint32_t *)(void *)(header + 1) = TCP_BUILD_MSS_OPTION(own);

    struct netif *netif = ip_current_netif();
    IF__NETIF_CHECKSUM_ENABLED(netif, NETIF_CHECKSUM_GEN_TCP)
    {
        header->chksum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, ip_current_dest_addr(),
                                          ip_current_src_addr());
    }
    ip_output_if(p, ip_current_dest_addr(), ip_current_src_addr(), TCP_TTL, 0, IP_PROTO_TCP, netif);
    pbuf_free(p);
}

bool net_cookie_read(uint16_t local_port, uint16_t remote_port, uint32_t sequence, uint32_t cookie,
                     uint16_t *mss)
{
    uint64_t now = cookie_time();
    if (last_sent == 0 || now - last_sent > 1)
        return false;
    unsigned class = cookie >> 24 & 7;
    for (uint64_t time = now; time + 1 >= now && time > 0; time--) {
        if (cookie_of(local_port, remote_port, sequence, time, class) == cookie) {
            *mss = cookie_mss[class];
            net_counts.cookies_good++;
            return true;
        }
    }
    net_counts.cookies_bad++;
    return false;
}
