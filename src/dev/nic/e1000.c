/* SPDX-License-Identifier: MIT */
#include "dev/nic/e1000.h"

#include "base/panic.h"
#include "cpu/mmio.h"
#include "cpu/x86.h"
#include "parse/load.h"

enum {
    CONTROL = 0x0000,
    STATUS = 0x0008,
    CAUSE = 0x00c0, /* reading clears it */
    MASK_SET = 0x00d0,
    MASK_CLEAR = 0x00d8,
    RECEIVE = 0x0100,
    TRANSMIT = 0x0400,
    GAP = 0x0410,
    IN_RING = 0x2800, /* of a ring: address low, high, bytes, head, tail */
    OUT_RING = 0x3800,
    MISSED = 0x4010,
    RING_HIGH = 0x04,
    RING_BYTES = 0x08,
    RING_HEAD = 0x10,
    RING_TAIL = 0x18,
    RECEIVE_CHECKSUM = 0x5000,
    GROUPS = 0x5200, /* of a filter: 128 words */
    GROUPS_END = 0x5400,
    ADDRESS_LOW = 0x5400,
    ADDRESS_HIGH = 0x5404,

    CONTROL_LINK_RESET = 1 << 3,
    CONTROL_DETECT_SPEED = 1 << 5,
    CONTROL_LINK_UP = 1 << 6,
    CONTROL_RESET = 1 << 26,
    STATUS_LINK = 1 << 1,
    CAUSE_SENT = 1 << 0,
    CAUSE_LINK = 1 << 2,
    CAUSE_FEW = 1 << 4, /* descriptors to receive into */
    CAUSE_LOST = 1 << 6,
    CAUSE_CAME = 1 << 7,
    RECEIVE_ON = 1 << 1,
    RECEIVE_BROADCAST = 1 << 15,
    RECEIVE_GROUPS = 1 << 4, /* frames to all groups: the stack chooses */
    RECEIVE_NO_FCS = 1 << 26,
    TRANSMIT_ON = 1 << 1,
    TRANSMIT_PAD = 1 << 3,
    TRANSMIT_COLLISIONS = 15 << 4 | 64 << 12,
    GAPS = 10 | 8 << 10 | 6 << 20, /* IPGT, IPGR1, IPGR2 */
    CHECKSUM_TCP = 1 << 9 | 1 << 8,
    ADDRESS_VALID = INT32_MIN,

    IN_DONE = 1, /* status */
    IN_END = 2,
    IN_UNCHECKED = 4,
    IN_CHECKED = 1 << 5,
    IN_BAD_CHECKSUM = 3 << 5, /* errors: TCP's or UDP's, IP's */
    IN_BAD = 0x97,            /* CRC, symbol, sequence, carrier, receive */
    OUT_END = 1,              /* command */
    OUT_FCS = 2,
    OUT_REPORT = 8,
    OUT_DONE = 1, /* status */

    RESET_POLLS = 1000000,
    ETHERNET_HEADER = 14,
    FRAME_MAX = NETDEV_FRAME_MAX + 4, /* one that comes: with a VLAN tag */
    WRITTEN_MAX = FRAME_MAX + 4,      /* and its FCS; longer ones the card refuses */
    MTU = 1500,
};

#define CAUSES_HEARD ((uint32_t)(CAUSE_LINK | CAUSE_FEW | CAUSE_LOST | CAUSE_CAME))

struct e1000_in {
    uint64_t at;
    uint16_t size, checksum;
    uint8_t status, errors;
    uint16_t tag;
};

struct e1000_out {
    uint64_t at;
    uint16_t size;
    uint8_t checksum_at, command, status, checksum_from;
    uint16_t tag;
};

_Static_assert(sizeof(struct e1000_in) == 16 && sizeof(struct e1000_out) == 16,
               "8254x, 3.2 and 3.3");
_Static_assert(WRITTEN_MAX <= NET_BUFFER_DATA, "a frame fits one buffer");

const uint32_t e1000_ids[] = {0x100e8086, 0x10d38086, 0};

const char *e1000_driver(uint32_t id)
{
    return id == e1000_ids[1] ? "e1000e" : "e1000";
}

static struct e1000 *e1000_of(struct netdev *netdev)
{
    return CONTAINER_OF(netdev, struct e1000, netdev);
}

static uint32_t e1000_get(const struct e1000 *n, uint32_t reg)
{
    return mmio_read32((volatile char *)n->registers + reg);
}

static void e1000_set(struct e1000 *n, uint32_t reg, uint32_t value)
{
    mmio_write32((volatile char *)n->registers + reg, value);
}

static COLD void e1000_fail(struct e1000 *n, const char *why)
{
    if (n->netdev.failed != NULL)
        return;
    n->netdev.failed = why;
    n->netdev.link = false;
    n->leave(n);
}

static uint16_t next_of(uint16_t ring_size, uint16_t i)
{
    return (uint16_t)((i + 1) & (ring_size - 1));
}

/* --- start --- */

COLD void e1000_stop(struct e1000 *n)
{
    e1000_set(n, MASK_CLEAR, UINT32_MAX);
    e1000_set(n, RECEIVE, 0);
    e1000_set(n, TRANSMIT, 0);
}

static COLD bool e1000_reset(struct e1000 *n)
{
    e1000_stop(n);
    e1000_set(n, CONTROL, e1000_get(n, CONTROL) | CONTROL_RESET);
    for (unsigned i = 0; i < RESET_POLLS; i++) {
        if (!(e1000_get(n, CONTROL) & CONTROL_RESET))
            return true;
        cpu_pause();
    }
    return false;
}

/* From the registers, if they have one. */
static COLD void read_address(struct e1000 *n)
{
    uint32_t low = e1000_get(n, ADDRESS_LOW), high = e1000_get(n, ADDRESS_HIGH);
    if (!(high & (uint32_t)ADDRESS_VALID) || low == 0 || low & 1) /* a group's address is none */
        return;
    for (unsigned i = 0; i < NETDEV_ADDRESS; i++)
        n->netdev.address[i] = (uint8_t)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
}

static COLD void set_address_filter(struct e1000 *n)
{
    const uint8_t *address = n->netdev.address;
    e1000_set(n, ADDRESS_LOW, load32(address));
    e1000_set(n, ADDRESS_HIGH, load16(address + 4) | (uint32_t)ADDRESS_VALID);
    for (uint32_t at = GROUPS; at < GROUPS_END; at += 4)
        e1000_set(n, at, 0);
}

static COLD void set_ring(struct e1000 *n, uint32_t ring, uint64_t where, unsigned bytes)
{
    e1000_set(n, ring, (uint32_t)where);
    e1000_set(n, ring + RING_HIGH, (uint32_t)(where >> 32));
    e1000_set(n, ring + RING_BYTES, bytes);
    e1000_set(n, ring + RING_HEAD, 0);
    e1000_set(n, ring + RING_TAIL, 0);
}

static COLD bool make_e1000_rings(struct e1000 *n)
{
    unsigned in = n->in_size, out = n->out_size;
    phys_t at;
    n->in = n->memory((in + out) * (sizeof *n->in + sizeof *n->in_buffer), &at);
    if (n->in == NULL)
        return false;
    n->out = (volatile struct e1000_out *)(n->in + in);
    n->in_buffer = (struct net_buffer **)(uintptr_t)(n->out + out);
    n->out_buffer = n->in_buffer + in;
    for (unsigned i = 0; i < in + out; i++) { /* both rings and both tables are in one piece */
        struct net_buffer *buffer = net_buffer_alloc();
        if (buffer == NULL)
            return false;
        n->in_buffer[i] = buffer;
        n->in[i].at = buffer->at.v;
    }
    set_ring(n, IN_RING, at.v, in * (unsigned)sizeof *n->in);
    set_ring(n, OUT_RING, at.v + in * sizeof *n->in, out * (unsigned)sizeof *n->out);
    return true;
}

static void look_at_link(struct e1000 *n)
{
    n->changed = false;
    n->netdev.link = e1000_get(n, STATUS) & STATUS_LINK;
}

static COLD bool e1000_open(struct netdev *netdev)
{
    struct e1000 *n = e1000_of(netdev);
    assert(!n->open && n->in_size >= E1000_RING_MIN && n->out_size >= E1000_RING_MIN);
    n->open = true;
    netdev->mtu = MTU;
    netdev->features = NETDEV_CHECKSUM_IN;
    read_address(n); /* the reset may clear it */
    if (!e1000_reset(n)) {
        e1000_fail(n, "the card does not come out of the reset");
        return false;
    }
    e1000_stop(n);
    (void)e1000_get(n, CAUSE);
    e1000_set(n, CONTROL,
              (e1000_get(n, CONTROL) & ~(uint32_t)CONTROL_LINK_RESET) | CONTROL_LINK_UP |
                  CONTROL_DETECT_SPEED);
    set_address_filter(n);
    if (!make_e1000_rings(n)) {
        e1000_fail(n, "there is no memory for the card's buffers");
        return false;
    }
    e1000_set(n, RECEIVE_CHECKSUM, CHECKSUM_TCP);
    e1000_set(n, GAP, GAPS);
    e1000_set(n, TRANSMIT, TRANSMIT_ON | TRANSMIT_PAD | TRANSMIT_COLLISIONS);
    e1000_set(n, RECEIVE, RECEIVE_ON | RECEIVE_BROADCAST | RECEIVE_GROUPS | RECEIVE_NO_FCS);
    n->in_told = (uint16_t)(n->in_size - 1);
    e1000_set(n, IN_RING + RING_TAIL, n->in_told);
    look_at_link(n);
    return true;
}

/* --- in --- */

/* The frame in the descriptor's buffer goes to the stack, and the descriptor gets another buffer. */
static void e1000_pass_on(struct e1000 *n, uint16_t i, uint16_t size, bool checked)
{
    struct net_buffer *fresh = net_buffer_alloc(), *frame = n->in_buffer[i];
    if (fresh == NULL) {
        n->netdev.in.dropped++;
        return;
    }
    n->in_buffer[i] = fresh;
    n->in[i].at = fresh->at.v;
    frame->next = NULL;
    frame->start = 0;
    frame->size = size;
    frame->checked = checked;
    n->netdev.in.packets++;
    n->netdev.in.bytes += size;
    n->netdev.receive(&n->netdev, frame);
}

/* False if no frame is there. Each word of the descriptor is loaded once: the card may change it after the check. */
static bool e1000_receive(struct e1000 *n)
{
    uint16_t i = n->in_next;
    uint8_t status = n->in[i].status;
    if (!(status & IN_DONE))
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* the status before the rest */
    uint16_t size = n->in[i].size;
    uint8_t errors = n->in[i].errors;
    if (size > WRITTEN_MAX) {
        e1000_fail(n, "the card wrote more than a buffer has room for");
        return false;
    }
    bool whole = status & IN_END && !n->skips;
    bool checked =
        (status & (IN_CHECKED | IN_UNCHECKED)) == IN_CHECKED && !(errors & IN_BAD_CHECKSUM);
    if (!whole || errors & IN_BAD || size < ETHERNET_HEADER || size > FRAME_MAX)
        n->netdev.in.errors++;
    else
        e1000_pass_on(n, i, size, checked);
    n->skips = !(status & IN_END);
    n->in[i].status = 0;
    n->in_next = next_of(n->in_size, i);
    return true;
}

/* The counter of some cards begins anew when it is read, that of others does not: a second look says which. */
static COLD void count_missed(struct e1000 *n)
{
    n->overrun = false;
    n->netdev.in.dropped += e1000_get(n, MISSED) - n->missed;
    n->missed = e1000_get(n, MISSED);
}

static unsigned e1000_poll(struct netdev *netdev, unsigned most)
{
    struct e1000 *n = e1000_of(netdev);
    unsigned frames = 0;
    n->interrupts = 0;
    if (n->changed && netdev->failed == NULL)
        look_at_link(n);
    if (n->overrun && netdev->failed == NULL)
        count_missed(n);
    while (frames < most && netdev->failed == NULL && e1000_receive(n))
        frames++;
    uint16_t most_index = (uint16_t)(n->in_size - 1),
             last = (uint16_t)(n->in_told - 1) & most_index;
    if (frames > 0 && netdev->failed == NULL && !(n->in[last].status & IN_DONE)) {
        /* All but the next one are the card's. */
        n->in_told = (uint16_t)(n->in_next - 1) & most_index;
        e1000_set(n, IN_RING + RING_TAIL, n->in_told);
    }
    return frames;
}

static bool ring_is_full(const struct e1000 *n)
{
    return next_of(n->out_size, n->out_next) == n->out_done;
}

static bool e1000_listen(struct netdev *netdev)
{
    struct e1000 *n = e1000_of(netdev);
    if (netdev->failed != NULL)
        return true;
    e1000_set(n, MASK_SET, ring_is_full(n) ? CAUSES_HEARD | CAUSE_SENT : CAUSES_HEARD);
    return !(n->in[n->in_next].status & IN_DONE) && !n->changed;
}

void e1000_interrupt(struct e1000 *n)
{
    if (!n->open || n->netdev.failed != NULL)
        return;
    uint32_t cause = e1000_get(n, CAUSE);
    if (cause == 0) /* the line is another device's, too */
        return;
    n->interrupts++;
    e1000_set(n, MASK_CLEAR, UINT32_MAX);
    if (cause & CAUSE_LINK)
        n->changed = true;
    if (cause & CAUSE_LOST)
        n->overrun = true;
    n->netdev.wake(&n->netdev);
}

/* --- out --- */

static void tell_card(struct e1000 *n)
{
    if (n->out_told == n->out_next)
        return;
    n->out_told = n->out_next;
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the descriptors before the tail */
    e1000_set(n, OUT_RING + RING_TAIL, n->out_next);
}

static void reclaim_out(struct e1000 *n)
{
    while (n->out_done != n->out_told && n->out[n->out_done].status & OUT_DONE)
        n->out_done = next_of(n->out_size, n->out_done);
}

static void *e1000_frame(struct netdev *netdev, size_t size)
{
    struct e1000 *n = e1000_of(netdev);
    assert(size > 0 && size <= NETDEV_FRAME_MAX);
    if (netdev->failed != NULL)
        return NULL;
    if (ring_is_full(n)) {
        tell_card(n);
        reclaim_out(n);
    }
    if (ring_is_full(n)) {
        e1000_set(n, MASK_SET, CAUSE_SENT);
        reclaim_out(n);
    }
    return ring_is_full(n) ? NULL : n->out_buffer[n->out_next]->data;
}

static void e1000_send(struct netdev *netdev, const struct netdev_send *how)
{
    struct e1000 *n = e1000_of(netdev);
    volatile struct e1000_out *out = &n->out[n->out_next];
    assert(how->checksum_from == 0 && how->segment == 0);
    out->size = (uint16_t)how->size;
    out->command = OUT_END | OUT_FCS | OUT_REPORT;
    out->status = 0;
    n->out_next = next_of(n->out_size, n->out_next);
    netdev->out.packets++;
    netdev->out.bytes += how->size;
    if (!how->more)
        tell_card(n);
}

const struct netdev_ops e1000_ops = {
    .open = e1000_open,
    .frame = e1000_frame,
    .send = e1000_send,
    .poll = e1000_poll,
    .listen = e1000_listen,
};
