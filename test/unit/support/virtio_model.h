/* SPDX-License-Identifier: MIT */
/*
 * The device's side of virtqueues (VIRTIO 1.1, 2.6), written from the specification and not from the driver. It
 * judges the driver strictly: a chain that the specification forbids fails the test. It looks at a queue
 * only after a notification, and interrupts only where the driver has asked for it, so a lost wish of
 * either side stops the traffic.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_SEGMENTS 128

/* Memory that driver and device share: `bytes` at the physical address `bus`. */
struct model_memory {
    uint8_t *start;
    uint64_t bus, bytes;
};

struct model_queue {
    const struct model_memory *memory;
    uint64_t descriptors, available, used; /* physical */
    uint16_t size;
    bool event_index, indirect;
    uint16_t taken;    /* index of the next entry of the available ring */
    uint16_t returned; /* index of the next entry of the used ring */
};

struct model_segment {
    uint8_t *bytes;
    uint32_t size;
    bool writable;
};

struct model_chain {
    uint16_t head;
    unsigned count;
    struct model_segment segment[MODEL_SEGMENTS];
};

/* The bytes at a physical address; a range outside of the memory fails the test. */
uint8_t *model_at(const struct model_memory *memory, uint64_t at, uint64_t size);

/* The next request of the driver; false if there is none. */
bool model_take(struct model_queue *queue, struct model_chain *out);
/* Asks for a notification of the next request. False if there is one already. */
bool model_listen(struct model_queue *queue);
/* Asks for no notifications. */
void model_ignore(struct model_queue *queue);
/* Returns a request, or says so. True if the driver has asked for an interrupt. */
bool model_return(struct model_queue *queue, uint32_t head, uint32_t written);
