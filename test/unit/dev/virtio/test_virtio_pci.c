/* SPDX-License-Identifier: MIT */
/* Where a virtio device on PCI has its registers, and what is done with them. */
#include "unit.h"

#include "cpu/mmio.h"
#include "dev/virtio/pci.h"
#include "pci_model.h"

#include <stdlib.h>
#include <string.h>

enum {
    QUEUES = 6,
    NOTIFY_STEP = 4,
    NOTIFY_BYTES = 0x20,
};

/* The common configuration, and what each queue has (VIRTIO 1.1, 4.1.4.3). */
static struct {
    uint32_t feature_select, accept_select, status, generation, queue;
    uint64_t offered, accepted;
    uint16_t most, config_vector;
    bool refuses_vectors;
    struct {
        uint16_t size, vector, enabled, notify_offset, notified;
        uint64_t address[3];
    } of[QUEUES];
} regs;
static uint8_t common[0x38], notify[NOTIFY_BYTES], isr[1], config[16];
static struct virtio_pci pci;

static uint32_t offset_in_common(const volatile void *at)
{
    return (uint32_t)((const volatile uint8_t *)at - common);
}

static void set_half(uint64_t *word, bool high, uint32_t value)
{
    *word = high ? (*word & UINT32_MAX) | (uint64_t)value << 32
                 : (*word & ~(uint64_t)UINT32_MAX) | value;
}

uint8_t mmio_read8(const volatile void *at)
{
    if (at >= (void *)config && at < (void *)(config + sizeof config))
        return *(const volatile uint8_t *)at;
    if (at == (void *)isr) {
        uint8_t was = isr[0];
        isr[0] = 0;
        return was;
    }
    if (offset_in_common(at) == 0x14)
        return (uint8_t)regs.status;
    assert_int_equal(offset_in_common(at), 0x15);
    return (uint8_t)regs.generation;
}

uint16_t mmio_read16(const volatile void *at)
{
    assert_true(regs.queue < QUEUES || offset_in_common(at) == 0x18);
    switch (offset_in_common(at)) {
    case 0x18:
        return regs.queue >= QUEUES ? 0 : regs.most;
    case 0x1a:
        return regs.refuses_vectors ? 0xffff : regs.of[regs.queue].vector;
    case 0x1c:
        return regs.of[regs.queue].enabled;
    case 0x1e:
        return regs.of[regs.queue].notify_offset;
    default:
        fail_msg("read of 16 bits at 0x%x", offset_in_common(at));
        return 0;
    }
}

uint32_t mmio_read32(const volatile void *at)
{
    assert_int_equal(offset_in_common(at), 4);
    return (uint32_t)(regs.offered >> 32 * (regs.feature_select & 1));
}

void mmio_write8(volatile void *at, uint8_t value)
{
    assert_int_equal(offset_in_common(at), 0x14);
    regs.status = value;
}

void mmio_write16(volatile void *at, uint16_t value)
{
    volatile uint8_t *byte = at;
    if (byte >= notify && byte < notify + NOTIFY_BYTES) {
        unsigned place = (unsigned)(byte - notify) / NOTIFY_STEP;
        for (unsigned q = 0; q < QUEUES; q++)
            if (regs.of[q].notify_offset == place) {
                assert_int_equal(value, q);
                regs.of[q].notified++;
            }
        return;
    }
    switch (offset_in_common(at)) {
    case 0x10:
        regs.config_vector = value;
        break;
    case 0x16:
        regs.queue = value;
        break;
    case 0x18:
        regs.of[regs.queue].size = value;
        break;
    case 0x1a:
        regs.of[regs.queue].vector = value;
        break;
    case 0x1c:
        assert_int_equal(value, 1);
        regs.of[regs.queue].enabled = value;
        break;
    default:
        fail_msg("write of 16 bits at 0x%x", offset_in_common(at));
    }
}

void mmio_write32(volatile void *at, uint32_t value)
{
    uint32_t offset = offset_in_common(at);
    if (offset == 0)
        regs.feature_select = value;
    else if (offset == 8)
        regs.accept_select = value;
    else if (offset == 12)
        set_half(&regs.accepted, regs.accept_select == 1, value);
    else if (offset >= 0x20 && offset < 0x38)
        set_half(&regs.of[regs.queue].address[(offset - 0x20) / 8], offset % 8 == 4, value);
    else
        fail_msg("write of 32 bits at 0x%x", offset);
}

static struct pci_model_function *add_device(void)
{
    memset(&pci_model, 0, sizeof pci_model);
    pci_model.strict = true;
    struct pci_model_function *f = pci_model_add(0, 0x1af4, 0x1043);
    pci_model_bar(f, 4, 0xfe000000, 0x4000, true);
    pci_model_virtio(f, 0x84, 5,
                     (struct pci_span){0, 0, 0}); /* access by the configuration space: not ours */
    pci_model_virtio(f, 0x70, 2, (struct pci_span){4, 0x3000, NOTIFY_BYTES});
    pci_model_put32(f, 0x80, NOTIFY_STEP);
    pci_model_virtio(f, 0x60, 4, (struct pci_span){4, 0x2000, 16});
    pci_model_virtio(f, 0x50, 3, (struct pci_span){4, 0x1000, 1});
    pci_model_virtio(f, 0x40, 1, (struct pci_span){4, 0, 0x38});
    return f;
}

static enum err find(struct virtio_pci_places *out)
{
    return virtio_pci_find(&pci_model_access, 0, out);
}

static void start(bool line)
{
    struct virtio_pci_places places;
    volatile void *const mapped[VIRTIO_PCI_PARTS] = {common, notify, isr, config};
    add_device();
    assert_int_equal(find(&places), E_OK);
    virtio_pci_open(&pci, &places, mapped, &(struct virtio_pci_interrupts){line, 1});
    memset(&regs, 0, sizeof regs);
    regs.offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | 2;
    regs.most = 64;
    for (uint16_t q = 0; q < QUEUES; q++)
        regs.of[q].notify_offset = (uint16_t)(QUEUES - 1 - q);
}

static void test_the_parts_are_found(void **state)
{
    (void)state;
    struct virtio_pci_places places;
    add_device();
    assert_int_equal(virtio_pci_id(VIRTIO_CONSOLE), 0x10431af4);
    assert_int_equal(virtio_pci_transitional_id(VIRTIO_CONSOLE), 0x10031af4);
    assert_int_equal(virtio_pci_transitional_id(VIRTIO_RNG), 0x10051af4);
    assert_int_equal(find(&places), E_OK);
    assert_int_equal(places.part[VIRTIO_PCI_COMMON].start.v, 0xfe000000);
    assert_int_equal(places.part[VIRTIO_PCI_NOTIFY].start.v, 0xfe003000);
    assert_int_equal(places.part[VIRTIO_PCI_ISR].end.v, 0xfe001001);
    assert_int_equal(phys_range_size(places.part[VIRTIO_PCI_CONFIG]), 16);
    assert_int_equal(places.notify_step, NOTIFY_STEP);
}

static void test_bad_capabilities(void **state)
{
    (void)state;
    static const struct {
        uint8_t at;
        uint32_t value;
    } bad[] = {
        {0x44, 5},          /* the upper half of a base address */
        {0x44, 9},          /* there is none of that number */
        {0x48, 0x3fe0},     /* ends behind the memory */
        {0x48, 0xffffffff}, /* the sum overflows */
        {0x48, 2},          /* not aligned */
        {0x4c, 0x37},       /* too short */
        {0x4c, 0},          /* empty */
        {0x7c, 1},          /* no room for a notification */
        {0x78, 0x3001},     /* not aligned */
        {0x80, 3},          /* nor will be the second */
    };
    struct virtio_pci_places places;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pci_model_put32(add_device(), bad[i].at, bad[i].value);
        assert_int_equal(find(&places), E_NOTSUP);
    }
    add_device()->bytes[0x43] = 9; /* no common configuration */
    assert_int_equal(find(&places), E_NOTSUP);
    add_device()->bytes[0x53] = 1; /* two of them and no ISR: the first counts */
    assert_int_equal(find(&places), E_NOTSUP);
    add_device()->bytes[0x85] = 0x40; /* a ring */
    assert_int_equal(find(&places), E_OK);
}

static void test_a_device_starts(void **state)
{
    (void)state;
    static _Alignas(16) uint8_t memory[4096];
    static struct virtio_slot slots[16];
    struct virtio_ring_options options;
    struct virtio_ring ring;
    start(false);
    assert_int_equal(virtio_start(&pci.device, VIRTIO_F_EVENT_IDX), E_OK);
    assert_int_equal(regs.accepted, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX);
    assert_int_equal(regs.config_vector, 1);
    assert_int_equal(pci.device.ops->interrupt(&pci.device), VIRTIO_INTERRUPT_QUEUE);
    assert_int_equal(virtio_queue_options(&pci.device, 5, 16, 0, &options), E_OK);
    assert_int_equal(options.size, 16);
    virtio_ring_init(&ring, &options, memory, phys(0x700000000), slots);
    assert_int_equal(virtio_set_queue(&pci.device, 5, &ring), E_OK);
    assert_int_equal(regs.of[5].size, 16);
    assert_int_equal(regs.of[5].address[0], 0x700000000);
    assert_true(regs.of[5].address[1] > 0x700000000 &&
                regs.of[5].address[2] > regs.of[5].address[1]);
    assert_int_equal(virtio_set_queue(&pci.device, 5, &ring), E_BUSY);
    assert_int_equal(virtio_go(&pci.device), E_OK);
    pci.device.ops->notify(&pci.device, 5);
    assert_int_equal(regs.of[5].notified, 1);
    assert_int_equal(virtio_queue_options(&pci.device, QUEUES, 16, 0, &options), E_NODEV);
    config[7] = 0x12;
    uint8_t byte = 0;
    assert_int_equal(virtio_read_config(&pci.device, 7, &byte, 1), E_OK);
    assert_int_equal(byte, 0x12);
    assert_int_equal(virtio_read_config(&pci.device, 16, &byte, 1), E_RANGE);
}

static void test_queues_that_cannot_be(void **state)
{
    (void)state;
    const struct virtio_place place = {16, phys(0x1000), phys(0x2000), phys(0x3000)};
    start(false);
    regs.of[1].notify_offset = NOTIFY_BYTES / NOTIFY_STEP; /* behind the registers */
    assert_false(pci.device.ops->queue_set(&pci.device, 1, &place));
    assert_int_equal(regs.of[1].enabled, 0);
    regs.refuses_vectors = true;
    assert_false(pci.device.ops->queue_set(&pci.device, 2, &place));
    assert_int_equal(regs.of[2].enabled, 0);
}

static void test_a_device_with_a_line(void **state)
{
    (void)state;
    const struct virtio_place place = {16, phys(0x1000), phys(0x2000), phys(0x3000)};
    start(true);
    regs.refuses_vectors = true;
    regs.config_vector = regs.of[2].vector = 0xffff;
    assert_int_equal(virtio_start(&pci.device, 0), E_OK);
    assert_true(pci.device.ops->queue_set(&pci.device, 2, &place));
    assert_int_equal(regs.config_vector, 0xffff);
    assert_int_equal(regs.of[2].vector, 0xffff);
    isr[0] = 3;
    assert_int_equal(pci.device.ops->interrupt(&pci.device), 3);
    assert_int_equal(pci.device.ops->interrupt(&pci.device), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_parts_are_found),  cmocka_unit_test(test_bad_capabilities),
        cmocka_unit_test(test_a_device_starts),      cmocka_unit_test(test_queues_that_cannot_be),
        cmocka_unit_test(test_a_device_with_a_line),
    };
    return RUN_TESTS(tests);
}
