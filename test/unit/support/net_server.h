/* SPDX-License-Identifier: MIT */
/* A server of lwIP's on PORT that keeps what it gets, and a client that is written segment by segment (net_wire.h). One for each
 * test program. */
#pragma once

#include "net_native.h"
#include "net_wire.h"
#include "unit.h"

#include <lwip/priv/tcp_priv.h>

enum {
    PORT = 80
};

static struct tcp_pcb *listener, *accepted;
static unsigned accepts, received;

static err_t keep(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)pcb;
    (void)err;
    if (p != NULL) {
        received += p->tot_len;
        pbuf_free(p);
    }
    return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    if (pcb == NULL)
        return ERR_MEM;
    accepted = pcb;
    accepts++;
    tcp_recv(pcb, keep);
    return ERR_OK;
}

static void serve(uint16_t backlog)
{
    accepts = received = 0;
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    ip_set_option(pcb, SOF_REUSEADDR);
    assert_int_equal(tcp_bind(pcb, IP4_ADDR_ANY, PORT), ERR_OK);
    listener = tcp_listen_with_backlog(pcb, backlog);
    tcp_accept(listener, on_accept);
}

/* Closes all there is. */
static void end(void)
{
    tcp_close(listener);
    while (tcp_active_pcbs != NULL)
        tcp_abort(tcp_active_pcbs);
    while (tcp_tw_pcbs != NULL)
        tcp_abort(tcp_tw_pcbs);
    net_native_pass(1000);
}

static struct wire_segment from(uint16_t source, uint32_t sequence, uint32_t acknowledges,
                                uint8_t flags)
{
    return (struct wire_segment){.source = source,
                                 .destination = PORT,
                                 .sequence = sequence,
                                 .acknowledges = acknowledges,
                                 .flags = flags};
}

/* A handshake from the port; returns the sequence number of the server's next byte. The client's is 1001. */
static uint32_t open_from(uint16_t source)
{
    struct wire_segment s = from(source, 1000, 0, TCP_SYN);
    wire_tcp(&s);
    struct wire_segment a = wire_answer();
    assert_int_equal(a.flags, TCP_SYN | TCP_ACK);
    s = from(source, 1001, a.sequence + 1, TCP_ACK);
    wire_tcp(&s);
    return a.sequence + 1;
}
