/* SPDX-License-Identifier: MIT */
/*
 * A port of a virtio console (VIRTIO 1.1, 5.3), the one named FRAME_PORT_NAME: blocks out, bytes in.
 * Pure, but for the device's registers; dev/virtio/port.c has interrupts and locks.
 *
 * The port must be number 1, the first that is not a console: its queues are 4 and 5. Ports are
 * announced by messages in the control queues, 2 and 3:
 *
 *     driver  DEVICE_READY                          PORT_READY                  PORT_OPEN
 *     device               PORT_ADD of each port               PORT_NAME, PORT_OPEN
 *
 * Back-pressure: the device keeps a buffer of output until the host has taken all of it, and reads
 * from the host only as much as there are buffers for input.
 *
 * What the device writes is used only after a check. A device that breaks a rule has failed for good.
 */
#pragma once

#include "dev/virtio/virtio.h"
#include "kern/block_ring.h"

enum {
    VIRTIO_CONSOLE_OUT = 16,    /* requests of output at once */
    VIRTIO_CONSOLE_IN_MAX = 16, /* buffers of input */
    VIRTIO_CONSOLE_CONTROL = 8, /* messages at once, each way */
};

enum virtio_console_queue {
    CONSOLE_CONTROL_IN,
    CONSOLE_CONTROL_OUT,
    CONSOLE_IN,
    CONSOLE_OUT,
    CONSOLE_QUEUES,
};

struct virtio_console_received {
    uint16_t buffer;
    uint32_t size;
};

struct virtio_console {
    struct virtio_device *device;
    unsigned polls;     /* how often virtio_console_start() looks for an answer */
    const char *failed; /* why; NULL: it works */
    bool added, named, host_open;
    struct virtio_ring ring[CONSOLE_QUEUES];
    struct virtio_slot slots[CONSOLE_QUEUES][VIRTIO_CONSOLE_IN_MAX];
    uint8_t *messages; /* VIRTIO_CONSOLE_CONTROL of them in each direction */
    phys_t messages_at;

    struct block_ring output;
    phys_t output_at;
    uint32_t sent_size[VIRTIO_CONSOLE_OUT]; /* requests with the device, oldest first */
    bool sent_done[VIRTIO_CONSOLE_OUT];
    unsigned sent_first, sent_count;

    uint8_t *input; /* buffers of input_size bytes */
    phys_t input_at;
    uint32_t input_size;
    uint16_t input_count;
    struct virtio_console_received received[VIRTIO_CONSOLE_IN_MAX]; /* oldest first */
    unsigned received_first, received_count;
    uint32_t input_taken; /* bytes of the oldest that were taken */
};

/* Memory for queues, buffers and output, in one physical piece, aligned to a page: a power of two from
 * VIRTIO_CONSOLE_MEMORY_MIN to VIRTIO_CONSOLE_MEMORY_MAX. Half of it is for output, a quarter for input. */
#define VIRTIO_CONSOLE_MEMORY_MIN 0x8000
#define VIRTIO_CONSOLE_MEMORY_MAX 0x20000
struct virtio_console_memory {
    void *start;
    phys_t at;
    uint32_t size;
};

/* The part of the memory that is the caller's: a power of two. */
static inline uint32_t virtio_console_spare_size(const struct virtio_console_memory *m)
{
    return m->size / 8;
}
static inline void *virtio_console_spare(const struct virtio_console_memory *m)
{
    return (char *)m->start + m->size / 4 * 3;
}

/* Finds the port and opens it. E_NODEV: no such port, or its host's end is closed; other errors: the
 * device failed. The device is stopped then. Looks for each answer at most `polls` times. */
MUST_CHECK enum err virtio_console_start(struct virtio_console *console,
                                         struct virtio_device *device,
                                         const struct virtio_console_memory *memory,
                                         unsigned polls);

/* Takes back what the device has finished, and reads its messages. True if bytes came, or were
 * sent. O(finished). */
bool virtio_console_poll(struct virtio_console *console);
/* Hands over what was put into `output`, and asks for an interrupt if some of it stays with the
 * device. O(1). */
void virtio_console_send(struct virtio_console *console);
/* The bytes that came first and were not taken; 0: none. O(1). */
const uint8_t *virtio_console_input(const struct virtio_console *console, size_t *size);
/* Takes some of them. O(1). */
void virtio_console_take(struct virtio_console *console, size_t size);
/* Gives empty buffers to the device; an interrupt comes when it fills one. False: it has filled one
 * already. O(1). */
bool virtio_console_listen(struct virtio_console *console);
