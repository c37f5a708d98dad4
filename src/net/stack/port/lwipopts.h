/* SPDX-License-Identifier: MIT */
/* lwIP's options, which its documentation explains: no thread of its own, calls under net_lock, memory from the kernel's heap. */
#pragma once

#include "net/stack/memory.h"

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS          0 /* net/stack/timers.c */
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
/* Of the counters those of RFC 1213: net/inet/proc_net_counts.c. */
#define LWIP_STATS     1
#define MIB2_STATS     1
#define LINK_STATS     0
#define ETHARP_STATS   0
#define IP_STATS       0
#define IPFRAG_STATS   0
#define ICMP_STATS     0
#define IGMP_STATS     0
#define UDP_STATS      0
#define TCP_STATS      0
#define MEM_STATS      0
#define MEMP_STATS     0
#define SYS_STATS      0
#define IP6_STATS      0
#define ICMP6_STATS    0
#define IP6_FRAG_STATS 0
#define MLD6_STATS     0
#define ND6_STATS      0

/* Memory. */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define mem_clib_malloc net_memory_alloc
#define mem_clib_free   net_memory_free
#define mem_clib_calloc net_memory_calloc
#define MEM_ALIGNMENT   8
#define LWIP_PBUF_REF_T uint16_t

/* Interfaces. */
#define LWIP_HAVE_LOOPIF             1
#define LWIP_NETIF_LOOPBACK          1
#define LWIP_LOOPIF_MULTICAST        1
#define LWIP_LOOPBACK_MAX_PBUFS      8192
#define LWIP_NETIF_STATUS_CALLBACK   1
#define LWIP_NETIF_HOSTNAME          1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_NETIF_TX_SINGLE_PBUF    0
#define ARP_TABLE_SIZE               64
#define ARP_QUEUEING                 1
#define ARP_QUEUE_LEN                16
#define ETH_PAD_SIZE                 0

/* IP. */
#define LWIP_IPV4                     1
#define IP_REASSEMBLY                 1
#define IP_REASS_MAX_PBUFS            256
#define IP_FRAG                       1
#define IP_DEFAULT_TTL                64
#define IP_SOF_BROADCAST              1
#define LWIP_ICMP                     1
#define LWIP_RAW                      1
#define LWIP_DHCP                     1
#define DHCP_DOES_ARP_CHECK           0
#define LWIP_IGMP                     1
#define LWIP_MULTICAST_TX_OPTIONS     1
#define LWIP_IPV6                     1
#define LWIP_IPV6_NUM_ADDRESSES       4
#define LWIP_IPV6_REASS               1
#define IPV6_FRAG_COPYHEADER          1 /* pointers are of 8 bytes */
#define LWIP_IPV6_FRAG                1
#define LWIP_IPV6_MLD                 1
#define LWIP_IPV6_AUTOCONFIG          1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 1
#define LWIP_IPV6_DHCP6               0
/* net/stack/name_servers.c */
#define DNS_MAX_SERVERS                3
#define LWIP_DHCP_MAX_DNS_SERVERS      3
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 3
#define LWIP_ND6_NUM_NEIGHBORS         32
#define LWIP_ND6_NUM_DESTINATIONS      32
#define LWIP_ND6_QUEUEING              1
#define LWIP_ICMP6                     1
#define LWIP_ICMP6_DATASIZE            1232 /* an error message fits in 1,280 bytes */

/* UDP and TCP. */
#define LWIP_UDP                  1
#define LWIP_NETBUF_RECVINFO      1
#define SO_REUSE                  1
#define SO_REUSE_RXTOALL          1
#define LWIP_TCP                  1
#define TCP_MSS                   1460
#define LWIP_WND_SCALE            1
#define TCP_RCV_SCALE             4
#define TCP_WND                   (512 * 1024)
#define TCP_WND_UPDATE_THRESHOLD  LWIP_MIN(TCP_WND_MAX(pcb) / 4, TCP_MSS * 4)
#define TCP_SND_BUF               (512 * 1024)
#define TCP_SND_QUEUELEN          8192
#define TCP_SNDLOWAT              (0xFFFE - 4 * TCP_MSS)
#define TCP_SNDQUEUELOWAT         (TCP_SND_QUEUELEN / 2)
#define TCP_OVERSIZE              TCP_MSS
#define TCP_QUEUE_OOSEQ           1
#define LWIP_TCP_SACK_OUT         1
#define LWIP_TCP_TIMESTAMPS       1
#define LWIP_TCP_KEEPALIVE        1
#define TCP_LISTEN_BACKLOG        1
#define LWIP_CALLBACK_API         1
#define TCP_TMR_INTERVAL          100 /* ms: of a delayed ACK; retransmission counts in 200 ms */
#define LWIP_TCP_RTO_TIME         1000
#define LWIP_TCP_PCB_NUM_EXT_ARGS 0
#define TCP_MSL                   30000 /* ms: TIME-WAIT lasts 60 s, as Linux's */
#define TCP_FIN_WAIT_TIMEOUT      60000

/* ms, until a SYN with ACK is repeated. QEMU's user network forgets what it has to send when it gets a second one; it repeats
 * its data, which says as much as its lost ACK, after at most 3.1 s. */
#define NET_SYN_ACK_TIME 3600

/* Numbers that are not to be guessed: net/stack/secret.h. The ports are those of net/stack/pcbs.h. */
#define LWIP_HOOK_FILENAME "net/stack/hooks.h"
#define LWIP_HOOK_TCP_ISN  net_initial_sequence
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, size, size1, options2, p)                          \
    net_segment_comes(pcb, header, p)
#define TCP_LOCAL_PORT_RANGE_START        32768
#define TCP_LOCAL_PORT_RANGE_END          60999
#define TCP_ENSURE_LOCAL_PORT_RANGE(port) ((u16_t)(32768 + (port) % 28232))
#define UDP_LOCAL_PORT_RANGE_START        32768
#define UDP_LOCAL_PORT_RANGE_END          60999
#define UDP_ENSURE_LOCAL_PORT_RANGE(port) ((u16_t)(32768 + (port) % 28232))

/* The sum by words of 32 bits. */
#define LWIP_CHKSUM_ALGORITHM 3
#define LWIP_CHECKSUM_ON_COPY 0
