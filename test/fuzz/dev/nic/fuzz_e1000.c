/* SPDX-License-Identifier: MIT */
/* One of Intel's network cards that says and writes anything at any time: frames that the stack gets lie in buffers that the
 * card does not have any more, and no buffer is lost or used twice. */
#include "dev/nic/e1000.h"

#include "base/panic.h"
#include "cpu/mmio.h"
#include "mm/heap/heap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    RING = 16,
    BUFFERS = 48,
    STEPS = 400,
    DESCRIPTOR = 16,
};

static const uint8_t *at, *end;
static struct e1000 card;
static struct net_buffer *all[BUFFERS], *held[BUFFERS];
static bool in_use[BUFFERS];
static uint8_t *rings; /* the receive ring first */
static unsigned held_count;
static char registers[E1000_REGISTERS]; /* only for its addresses */

static uint8_t byte(void)
{
    return at < end ? *at++ : 0;
}

static uint16_t word(void)
{
    return (uint16_t)(byte() | byte() << 8);
}

uint32_t mmio_read32(const volatile void *from)
{
    uint32_t value = word() | (uint32_t)word() << 16;
    return from == registers ? value & ~(UINT32_C(1) << 26) : value; /* comes out of the reset */
}

void mmio_write32(volatile void *to, uint32_t value)
{
    assert((volatile char *)to - registers <= E1000_REGISTERS - 4);
    (void)value;
}

struct net_buffer *net_buffer_alloc(void)
{
    for (unsigned i = 0; i < BUFFERS; i++) {
        if (in_use[i])
            continue;
        in_use[i] = true;
        all[i] = malloc(sizeof *all[i]);
        memset(all[i], 0x5a, sizeof *all[i]);
        all[i]->at = phys((uint64_t)(uintptr_t)all[i]->data);
        return all[i];
    }
    return NULL;
}

void net_buffer_free(struct net_buffer *buffer)
{
    unsigned i = 0;
    while (i < BUFFERS && !(in_use[i] && all[i] == buffer))
        i++;
    assert(i < BUFFERS);
    in_use[i] = false;
    free(buffer);
}

static void *fuzz_memory(size_t size, phys_t *where)
{
    assert(rings == NULL);
    rings = aligned_alloc(16, size);
    memset(rings, 0, size);
    *where = phys((uint64_t)(uintptr_t)rings);
    return rings;
}

static void fuzz_receive(struct netdev *netdev, struct net_buffer *frame)
{
    assert(netdev == &card.netdev && frame->next == NULL);
    assert(frame->size >= 14 && (size_t)frame->start + frame->size <= NET_BUFFER_DATA);
    for (unsigned i = 0; i < RING; i++)
        assert(card.in_buffer[i] != frame);
    frame->data[frame->start + frame->size - 1] ^= 1;
    if (held_count < BUFFERS && byte() % 2)
        held[held_count++] = frame;
    else
        net_buffer_free(frame);
}

static void fuzz_wake(struct netdev *netdev)
{
    assert(netdev == &card.netdev);
}

static void fuzz_leave(struct e1000 *n)
{
    e1000_stop(n);
}

static void step(void)
{
    struct netdev *netdev = &card.netdev;
    uint8_t what = byte(), arg = byte();
    uint8_t *descriptor;
    void *room;
    switch (what % 8) {
    case 0:
        assert(e1000_ops.poll(netdev, arg) <= arg);
        break;
    case 1:
        (void)e1000_ops.listen(netdev);
        break;
    case 2:
        room = e1000_ops.frame(netdev, 1u + arg * 5u);
        if (room == NULL)
            break;
        memset(room, what, 1u + arg * 5u);
        e1000_ops.send(netdev, &(const struct netdev_send){.size = 1u + arg * 5u, .more = arg & 1});
        break;
    case 3:
        e1000_interrupt(&card);
        break;
    case 4:
        if (held_count > 0)
            net_buffer_free(held[--held_count]);
        break;
    case 5: /* any descriptor, any bytes of it */
        descriptor = rings + byte() % (2 * RING) * DESCRIPTOR;
        descriptor[byte() % DESCRIPTOR] = byte();
        break;
    default: /* the next one, with a frame */
        descriptor = rings + (card.in_next + arg % 3) % RING * DESCRIPTOR;
        descriptor[8] = byte();
        descriptor[9] = byte() % 7;
        descriptor[12] = (uint8_t)(arg | 3);
        descriptor[13] = arg > 200 ? byte() : 0;
    }
}

/* Every buffer belongs to a descriptor, or is with the stack. */
static void check(void)
{
    unsigned used = 0;
    for (unsigned i = 0; i < BUFFERS; i++)
        used += in_use[i];
    assert(used == 2 * RING + held_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    at = data;
    end = data + size;
    held_count = 0;
    rings = NULL;
    memset(in_use, 0, sizeof in_use);
    card = (struct e1000){
        .netdev = {.ops = &e1000_ops, .receive = fuzz_receive, .wake = fuzz_wake},
        .registers = registers,
        .leave = fuzz_leave,
        .memory = fuzz_memory,
        .in_size = RING,
        .out_size = RING,
    };
    if (e1000_ops.open(&card.netdev))
        for (unsigned i = 0; i < STEPS && at < end; i++) {
            step();
            check();
        }
    for (unsigned i = 0; i < BUFFERS; i++)
        if (in_use[i])
            free(all[i]);
    free(rings);
    return 0;
}
