/* SPDX-License-Identifier: MIT */
#include "dev/virtio/mmio.h"

#include "base/checked.h"
#include "base/str.h"
#include "cpu/mmio.h"
#include "parse/cmdline.h"

enum { /* VIRTIO 1.1, 4.2.2 */
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SELECT = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SELECT = 0x024,
    QUEUE_SELECT = 0x030,
    QUEUE_MOST = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACKNOWLEDGE = 0x064,
    STATUS = 0x070,
    QUEUE_DESCRIPTORS = 0x080,
    QUEUE_AVAILABLE = 0x090,
    QUEUE_USED = 0x0a0,
    GENERATION = 0x0fc,

    MAGIC_VIRT = 0x74726976, /* "virt" */
    VERSION_MODERN = 2,
    LINE_MAX = 255,
    BYTES_MAX = 65536,
    DIGITS_MAX = 20, /* 0x and 16 digits, a suffix, NUL */
};

/* The number before `end`, which is the character that ends it. NULL if there is none; else what follows `end`. */
static const char *number_before(const char *text, char end, unsigned long *out)
{
    char digits[DIGITS_MAX];
    size_t size = 0;
    while (text[size] != end) {
        if (text[size] == '\0' || size == sizeof digits - 1)
            return NULL;
        digits[size] = text[size];
        size++;
    }
    digits[size] = '\0';
    if (!cmdline_number(digits, out))
        return NULL;
    return text + size + (end != '\0');
}

bool virtio_mmio_parse(const char *value, struct virtio_mmio_word *out)
{
    unsigned long bytes, at, line;
    uint64_t end;
    const char *rest = number_before(value, '@', &bytes);
    rest = rest != NULL ? number_before(rest, ':', &at) : NULL;
    rest = rest != NULL ? number_before(rest, '\0', &line) : NULL;
    if (rest == NULL || bytes < VIRTIO_MMIO_BYTES || bytes > BYTES_MAX || line > LINE_MAX)
        return false;
    if (at == 0 || !is_aligned(at, 4) || !checked_add(at, bytes, &end))
        return false;
    *out = (struct virtio_mmio_word){phys_range(at, end), (unsigned)line};
    return true;
}

static volatile void *register_at(struct virtio_device *device, uint32_t offset)
{
    struct virtio_mmio *mmio = CONTAINER_OF(device, struct virtio_mmio, device);
    return (volatile char *)mmio->registers + offset;
}

static uint32_t mmio_get(struct virtio_device *d, uint32_t offset)
{
    return mmio_read32(register_at(d, offset));
}

static void mmio_set(struct virtio_device *d, uint32_t offset, uint32_t value)
{
    mmio_write32(register_at(d, offset), value);
}

static void mmio_set_address(struct virtio_device *d, uint32_t offset, phys_t address)
{
    mmio_set(d, offset, (uint32_t)address.v);
    mmio_set(d, offset + 4, (uint32_t)(address.v >> 32));
}

static uint8_t mmio_status(struct virtio_device *d)
{
    return (uint8_t)mmio_get(d, STATUS);
}

static void mmio_set_status(struct virtio_device *d, uint8_t status)
{
    mmio_set(d, STATUS, status);
}

static uint64_t mmio_features(struct virtio_device *d)
{
    mmio_set(d, DEVICE_FEATURES_SELECT, 0);
    uint64_t features = mmio_get(d, DEVICE_FEATURES);
    mmio_set(d, DEVICE_FEATURES_SELECT, 1);
    return features | (uint64_t)mmio_get(d, DEVICE_FEATURES) << 32;
}

static void mmio_accept(struct virtio_device *d, uint64_t features)
{
    mmio_set(d, DRIVER_FEATURES_SELECT, 0);
    mmio_set(d, DRIVER_FEATURES, (uint32_t)features);
    mmio_set(d, DRIVER_FEATURES_SELECT, 1);
    mmio_set(d, DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static uint32_t mmio_queue_most(struct virtio_device *d, uint16_t queue)
{
    mmio_set(d, QUEUE_SELECT, queue);
    return mmio_get(d, QUEUE_MOST);
}

static bool mmio_queue_set(struct virtio_device *d, uint16_t queue,
                           const struct virtio_place *where)
{
    mmio_set(d, QUEUE_SELECT, queue);
    if (mmio_get(d, QUEUE_READY) != 0)
        return false;
    mmio_set(d, QUEUE_SIZE, where->size);
    mmio_set_address(d, QUEUE_DESCRIPTORS, where->descriptors);
    mmio_set_address(d, QUEUE_AVAILABLE, where->available);
    mmio_set_address(d, QUEUE_USED, where->used);
    mmio_set(d, QUEUE_READY, 1);
    return true;
}

static void mmio_notify(struct virtio_device *d, uint16_t queue)
{
    mmio_set(d, QUEUE_NOTIFY, queue);
}

static uint32_t mmio_interrupt(struct virtio_device *d)
{
    uint32_t status = mmio_get(d, INTERRUPT_STATUS);
    if (status != 0)
        mmio_set(d, INTERRUPT_ACKNOWLEDGE, status);
    return status;
}

static uint32_t mmio_generation(struct virtio_device *d)
{
    return mmio_get(d, GENERATION);
}

static uint8_t mmio_config(struct virtio_device *d, uint32_t offset)
{
    return mmio_read8(register_at(d, VIRTIO_MMIO_BYTES + offset));
}

static const struct virtio_ops mmio_ops = {
    .status = mmio_status,
    .set_status = mmio_set_status,
    .features = mmio_features,
    .accept = mmio_accept,
    .queue_most = mmio_queue_most,
    .queue_set = mmio_queue_set,
    .notify = mmio_notify,
    .interrupt = mmio_interrupt,
    .generation = mmio_generation,
    .config = mmio_config,
};

enum err virtio_mmio_open(struct virtio_mmio *mmio, volatile void *registers, uint64_t bytes,
                          enum virtio_device_id *out)
{
    if (bytes < VIRTIO_MMIO_BYTES || bytes > UINT32_MAX)
        return E_NOTSUP;
    *mmio = (struct virtio_mmio){
        .device = {.ops = &mmio_ops, .config_bytes = (uint32_t)bytes - VIRTIO_MMIO_BYTES},
        .registers = registers,
    };
    struct virtio_device *d = &mmio->device;
    if (mmio_get(d, MAGIC) != MAGIC_VIRT || mmio_get(d, VERSION) != VERSION_MODERN)
        return E_NOTSUP;
    uint32_t id = mmio_get(d, DEVICE_ID);
    if (id == 0)
        return E_NODEV;
    *out = (enum virtio_device_id)id;
    return E_OK;
}
