/* SPDX-License-Identifier: MIT */
/*
 * The registers of a virtio device in memory (VIRTIO 1.1, 3.1 and 4.2), written from the specification. An access
 * that the specification forbids, or in an order that it forbids, fails the test. `lie` makes it a bad device.
 */
#pragma once

#include "virtio_model.h"

enum {
    MODEL_QUEUES = 6,
    MODEL_CONFIG = 64
};

enum model_lie {
    HONEST,
    LIE_NO_RESET,         /* never comes out of the reset */
    LIE_LEGACY,           /* does not offer VIRTIO_F_VERSION_1 */
    LIE_REFUSES_FEATURES, /* FEATURES_OK does not stay */
    LIE_NEEDS_RESET,      /* fails at DRIVER_OK */
    LIE_QUEUE_BUSY,       /* queues are ready before they are set */
    LIE_CONFIG_CHANGES,   /* a new generation at each look */
    LIE_CONFIG_ONCE,      /* changes once, in the middle of the first reading */
};

struct mmio_model {
    enum model_lie lie;
    uint32_t magic, version, id;
    uint64_t offered, accepted;
    uint32_t most; /* QueueNumMax of the first `queues` queues */
    unsigned queues;
    uint32_t interrupt, notified[MODEL_QUEUES];
    uint8_t config[MODEL_CONFIG];
    void (*on_notify)(uint32_t queue); /* the device's work; NULL: none */

    /* What the driver has set. */
    uint32_t status, feature_select, accept_select, queue_select, generation;
    bool was_failed;
    struct model_queue queue[MODEL_QUEUES];
    bool ready[MODEL_QUEUES];
};

/* A range of addresses that is never touched: its accesses go to the model. */
volatile void *mmio_model_open(struct mmio_model *model, const struct model_memory *memory);
