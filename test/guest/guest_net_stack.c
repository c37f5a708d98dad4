/* SPDX-License-Identifier: MIT */
/*
 * The network stack over a card of the test's own: a connection is opened, and segments of 1,460 bytes go each way. The
 * figures are TSC ticks for a segment: instructions under QEMU's -icount shift=0. Run by name.
 */
#include "guest.h"

#include "base/fmt.h"
#include "base/str.h"
#include "cpu/x86.h"
#include "kern/console.h"
#include "kern/deferred.h"
#include "kern/machine.h"
#include "kern/netdev.h"
#include "net/stack/stack.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip4.h>

#define SEGMENTS 32

enum {
    SEGMENT = 1460,
    HEADERS = 14 + 20 + 20,
    FRAME = HEADERS + SEGMENT,
    PORT = 80,
    PEER = 9999
};

static uint8_t figure_out[NETDEV_FRAME_MAX];
static size_t figure_out_size;
static unsigned figures_sent;
static struct net_buffer *figure_in[SEGMENTS];
static unsigned figure_in_count;
static uint32_t figure_received;

static bool figure_open(struct netdev *netdev)
{
    netdev->link = true;
    return true;
}

static void *figure_frame(struct netdev *netdev, size_t size)
{
    (void)netdev;
    figure_out_size = size;
    return figure_out;
}

static void figure_send(struct netdev *netdev, const struct netdev_send *how)
{
    (void)netdev;
    (void)how;
    figures_sent++;
}

static unsigned figure_poll(struct netdev *netdev, unsigned most)
{
    unsigned count = figure_in_count;
    (void)most;
    figure_in_count = 0;
    for (unsigned i = 0; i < count; i++)
        netdev->receive(netdev, figure_in[i]);
    return count;
}

static bool figure_listen(struct netdev *netdev)
{
    (void)netdev;
    return true;
}

static const struct netdev_ops figure_ops = {.open = figure_open,
                                             .frame = figure_frame,
                                             .send = figure_send,
                                             .poll = figure_poll,
                                             .listen = figure_listen};
static struct netdev figure_card = {
    .ops = &figure_ops, .driver = "test", .address = {0x52, 0x54, 0, 0, 0, 1}, .mtu = 1500};

static void figure_put32(uint8_t *at, uint32_t value)
{
    value = lwip_htonl(value);
    memcpy(at, &value, 4);
}

static uint32_t figure_get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return lwip_htonl(value);
}

static uint32_t figure_sum(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i += 2)
        sum += (uint32_t)bytes[i] << 8 | (i + 1 < size ? bytes[i + 1] : 0);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* 10.0.2.2 says which card it has. */
static void figure_neighbour(void)
{
    static const uint8_t reply[42] = {0x52, 0x54, 0, 0, 0, 1, 0x52, 0x55, 10, 0, 2, 2, 8,  6, 0, 1,
                                      8,    0,    6, 4, 0, 2, 0x52, 0x55, 10, 0, 2, 2, 10, 0, 2, 2,
                                      0x52, 0x54, 0, 0, 0, 1, 10,   0,    2,  15};
    struct net_buffer *buffer = net_buffer_alloc();
    CHECK(buffer != NULL);
    if (buffer == NULL)
        return;
    memcpy(buffer->data, reply, sizeof reply);
    buffer->next = NULL;
    buffer->start = 0;
    buffer->size = sizeof reply;
    buffer->checked = false;
    figure_in[figure_in_count++] = buffer;
}

/* A segment from 10.0.2.2 waits to be polled. */
static void figure_come(uint32_t sequence, uint32_t acknowledges, uint8_t flags, unsigned size)
{
    static const uint8_t head[14] = {0x52, 0x54, 0, 0, 0, 1, 0x52, 0x55, 10, 0, 2, 2, 8, 0};
    static const uint8_t ip[20] = {0x45, 0, 0,  0, 0, 0, 0,  0, 64, 6,
                                   0,    0, 10, 0, 2, 2, 10, 0, 2,  15};
    struct net_buffer *buffer = net_buffer_alloc();
    CHECK(buffer != NULL);
    if (buffer == NULL)
        return;
    uint8_t *frame = buffer->data, *tcp = frame + 34;
    memset(frame, 0, FRAME);
    memcpy(frame, head, 14);
    memcpy(frame + 14, ip, 20);
    frame[16] = (uint8_t)((40 + size) >> 8);
    frame[17] = (uint8_t)(40 + size);
    uint32_t sum = ~figure_sum(frame + 14, 20, 0);
    frame[24] = (uint8_t)(sum >> 8);
    frame[25] = (uint8_t)sum;
    tcp[0] = PEER >> 8;
    tcp[1] = PEER & 0xff;
    tcp[3] = PORT;
    figure_put32(tcp + 4, sequence);
    figure_put32(tcp + 8, acknowledges);
    tcp[12] = 0x50;
    tcp[13] = flags;
    tcp[14] = tcp[15] = 0xff;
    sum = ~figure_sum(tcp, 20 + size, figure_sum(frame + 26, 8, 6 + 20 + size));
    tcp[16] = (uint8_t)(sum >> 8);
    tcp[17] = (uint8_t)sum;
    buffer->next = NULL;
    buffer->start = 0;
    buffer->size = (uint16_t)(HEADERS + size);
    buffer->checked = false; /* QEMU's card does not check */
    figure_in[figure_in_count++] = buffer;
}

static void figure_deliver(void) REQUIRES(kernel_lock)
{
    figure_card.wake(&figure_card);
    deferred_run();
}

static struct tcp_pcb *figure_pcb;

static err_t figure_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (p == NULL)
        return ERR_OK;
    figure_received += p->tot_len;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t figure_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    figure_pcb = pcb;
    tcp_recv(pcb, figure_recv);
    return ERR_OK;
}

static void figure_say(const char *name, uint64_t ticks)
{
    char line[80];
    size_t size = fmt_snprintf(line, sizeof line, "figure net %s %llu\n", name, ULL(ticks));
    console_write(CONSOLE_STDOUT, line, size);
}

static uint32_t figure_connect(void) REQUIRES(kernel_lock)
{
    net_lock_take();
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    CHECK(pcb != NULL && tcp_bind(pcb, IP4_ADDR_ANY, PORT) == ERR_OK);
    pcb = tcp_listen(pcb);
    tcp_accept(pcb, figure_accept);
    net_lock_drop();
    figure_come(999, 0, TCP_SYN, 0);
    figure_neighbour();
    figure_deliver();
    uint32_t ours = figure_get32(figure_out + 38) + 1;
    figure_come(1000, ours, TCP_ACK, 0);
    figure_deliver();
    return ours;
}

GUEST_FATAL(net_figures)
{
    static const struct net_options options = {
        .way = NET_STATIC, .address = {10, 0, 2, 15}, .gateway = {10, 0, 2, 2}, .prefix = 24};
    static uint8_t data[SEGMENT];
    netdev_register(&figure_card);
    net_configure(&options);
    CHECK_EQUAL(net_start(), E_OK);
    deferred_run();
    uint32_t ours = figure_connect();
    CHECK(figure_pcb != NULL);
    if (figure_pcb == NULL)
        return;
    for (unsigned i = 0; i < SEGMENTS; i++)
        figure_come(1000 + i * SEGMENT, ours, TCP_ACK | TCP_PSH, SEGMENT);
    uint64_t from = rdtsc();
    figure_deliver();
    figure_say("segment-in", (rdtsc() - from) / SEGMENTS);
    CHECK_EQUAL(figure_received, SEGMENTS * SEGMENT);

    net_lock_take();
    figure_pcb->mss = SEGMENT;
    figure_pcb->cwnd = 1U << 20;
    unsigned before = figures_sent;
    from = rdtsc();
    for (unsigned i = 0; i < SEGMENTS; i++) {
        CHECK(tcp_write(figure_pcb, data, SEGMENT, TCP_WRITE_FLAG_COPY) == ERR_OK);
        tcp_output(figure_pcb);
    }
    figure_say("segment-out", (rdtsc() - from) / SEGMENTS);
    CHECK_EQUAL(figures_sent - before, SEGMENTS);
    net_lock_drop();
    for (unsigned i = 0; i < SEGMENTS / 2; i++)
        figure_come(1000 + SEGMENTS * SEGMENT, ours + (i + 1) * 2 * SEGMENT, TCP_ACK, 0);
    from = rdtsc();
    figure_deliver();
    figure_say("ack-of-two-in", (rdtsc() - from) / (SEGMENTS / 2));
    if (guest_test_passed())
        machine_exit(0);
}
