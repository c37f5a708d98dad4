/* SPDX-License-Identifier: MIT */
#include "virtio_mmio_model.h"

#include "unit.h"

#include "cpu/mmio.h"

#include <string.h>

enum {
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    NEEDS_RESET = 64,
    FAILED = 128,
};

#define VERSION_1 (UINT64_C(1) << 32)
#define INDIRECT  (UINT64_C(1) << 28)
#define EVENT     (UINT64_C(1) << 29)

static struct mmio_model *model;
static const struct model_memory *shared;
static char registers[0x100 + MODEL_CONFIG]; /* only for its addresses */

volatile void *mmio_model_open(struct mmio_model *m, const struct model_memory *memory)
{
    model = m;
    shared = memory;
    m->magic = 0x74726976;
    m->version = 2;
    return registers;
}

static uint32_t offset_of(const volatile void *at, unsigned width)
{
    ptrdiff_t offset = (const volatile char *)at - registers;
    assert_true(offset >= 0 && offset + (ptrdiff_t)width <= (ptrdiff_t)sizeof(registers));
    assert_int_equal(offset % width, 0);
    return (uint32_t)offset;
}

/* 3.1.1: in this order, and nothing is taken back but by a reset. */
static void set_status(uint32_t value)
{
    struct mmio_model *m = model;
    if (value == 0) {
        if (m->lie != LIE_NO_RESET)
            m->status = 0;
        memset(m->ready, 0, sizeof(m->ready));
        memset(m->queue, 0, sizeof(m->queue));
        m->accepted = 0;
        return;
    }
    if (value & FAILED) {
        m->was_failed = true;
        m->status |= FAILED;
        return;
    }
    assert_int_equal(value & m->status & ~(uint32_t)NEEDS_RESET,
                     m->status & ~(uint32_t)NEEDS_RESET);
    if (value & DRIVER)
        assert_true(m->status & ACKNOWLEDGE);
    if (value & FEATURES_OK)
        assert_true(m->status & DRIVER && m->accepted & VERSION_1);
    if (value & DRIVER_OK)
        assert_true(m->status & FEATURES_OK);
    m->status = value;
    if (m->lie == LIE_REFUSES_FEATURES)
        m->status &= ~(uint32_t)FEATURES_OK;
    if (m->lie == LIE_NEEDS_RESET && value & DRIVER_OK)
        m->status |= NEEDS_RESET;
}

static uint64_t offered(void)
{
    return model->lie == LIE_LEGACY ? model->offered & ~VERSION_1 : model->offered | VERSION_1;
}

static void set_half(uint64_t *word, unsigned high, uint32_t value)
{
    uint64_t mask = UINT64_C(0xffffffff) << (high ? 32 : 0);
    *word = (*word & ~mask) | (uint64_t)value << (high ? 32 : 0);
}

static void set_queue(uint32_t offset, uint32_t value)
{
    struct mmio_model *m = model;
    assert_true(m->queue_select < m->queues);
    assert_true(m->status & FEATURES_OK && !(m->status & DRIVER_OK));
    assert_false(m->ready[m->queue_select]);
    struct model_queue *q = &m->queue[m->queue_select];
    switch (offset) {
    case 0x38:
        assert_true(value > 0 && value <= m->most && (value & (value - 1)) == 0);
        q->size = (uint16_t)value;
        break;
    case 0x44:
        assert_int_equal(value, 1);
        assert_true(q->size > 0 && q->descriptors % 16 == 0 && q->available % 2 == 0 &&
                    q->used % 4 == 0);
        q->memory = shared;
        q->indirect = m->accepted & INDIRECT;
        q->event_index = m->accepted & EVENT;
        m->ready[m->queue_select] = true;
        break;
    case 0x80:
    case 0x84:
        set_half(&q->descriptors, offset == 0x84, value);
        break;
    case 0x90:
    case 0x94:
        set_half(&q->available, offset == 0x94, value);
        break;
    case 0xa0:
    case 0xa4:
        set_half(&q->used, offset == 0xa4, value);
        break;
    default:
        fail_msg("write to register 0x%x", offset);
    }
}

void mmio_write32(volatile void *at, uint32_t value)
{
    struct mmio_model *m = model;
    uint32_t offset = offset_of(at, 4);
    switch (offset) {
    case 0x14:
        m->feature_select = value;
        break;
    case 0x20:
        assert_true(m->status & DRIVER && !(m->status & FEATURES_OK));
        set_half(&m->accepted, m->accept_select, value);
        assert_int_equal(m->accepted & ~offered(), 0);
        break;
    case 0x24:
        m->accept_select = value;
        break;
    case 0x30:
        m->queue_select = value;
        break;
    case 0x50:
        assert_true(m->status & DRIVER_OK && value < m->queues && m->ready[value]);
        m->notified[value]++;
        if (m->on_notify != NULL)
            m->on_notify(value);
        break;
    case 0x64:
        assert_int_equal(value & ~m->interrupt, 0);
        m->interrupt &= ~value;
        break;
    case 0x70:
        set_status(value);
        break;
    default:
        set_queue(offset, value);
    }
}

uint32_t mmio_read32(const volatile void *at)
{
    struct mmio_model *m = model;
    switch (offset_of(at, 4)) {
    case 0x00:
        return m->magic;
    case 0x04:
        return m->version;
    case 0x08:
        return m->id;
    case 0x10:
        assert_true(m->status & DRIVER && m->feature_select < 2);
        return (uint32_t)(offered() >> 32 * m->feature_select);
    case 0x34:
        return m->queue_select < m->queues ? m->most : 0;
    case 0x44:
        return m->lie == LIE_QUEUE_BUSY ||
               (m->queue_select < m->queues && m->ready[m->queue_select]);
    case 0x60:
        return m->interrupt;
    case 0x70:
        return m->lie == LIE_NO_RESET ? m->status | ACKNOWLEDGE : m->status;
    case 0xfc:
        return m->lie == LIE_CONFIG_CHANGES ? m->generation++ : m->generation;
    default:
        fail_msg("read of register 0x%x", offset_of(at, 4));
        return 0;
    }
}

uint8_t mmio_read8(const volatile void *at)
{
    struct mmio_model *m = model;
    uint32_t offset = offset_of(at, 1);
    assert_true(offset >= 0x100);
    if (m->lie == LIE_CONFIG_ONCE && m->generation == 0 && offset == 0x102) {
        m->generation = 1;
        memset(m->config, 0x77, sizeof(m->config));
    }
    return m->config[offset - 0x100];
}
