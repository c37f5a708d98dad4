/* SPDX-License-Identifier: MIT */
/*
 * An NVMe controller and its first namespace (NVM Express 1.4). Pure, but for the registers; dev/block/nvme_machine.c has the
 * device and its interrupts.
 *
 *     admin queue pair   at the start only: identify, and create the other pair
 *     I/O queue pair     a command of 64 bytes for each request, with its number; a completion of 16 bytes comes back,
 *                        whose phase bit says that it is new
 *
 * Memory is told by pages: the first may begin anywhere in its page, the others are whole; more than two are in a list of the
 * command's own. What the controller writes is used only after a check. A controller that breaks a rule has gone for
 * good.
 */
#pragma once

#include "kern/block.h"

#define NVME_REGISTERS 0x2000 /* bytes that are mapped: with the doorbells of two queue pairs */
#define NVME_ROOM      32     /* requests under way, at most */
#define NVME_MEMORY    0x8000 /* bytes of queues and lists, in one physical piece, aligned to a page */

struct nvme_command { /* the words of a submission queue's entry that are used */
    uint32_t head;    /* opcode, number of the command in the high half */
    uint32_t space;
    uint64_t unused, metadata;
    uint64_t page[2];
    uint32_t word[6];
};

struct nvme_completion {
    uint32_t result, unused;
    uint16_t head, queue;
    uint16_t number;
    uint16_t status; /* bit 0: the phase */
};

struct nvme_queue {
    volatile struct nvme_command *submitted;
    volatile struct nvme_completion *completed;
    phys_t submitted_at, completed_at;
    uint16_t size;       /* entries of both */
    uint16_t tail, head; /* where we write, where we read */
    uint16_t phase;      /* of new completions */
};

struct nvme {
    struct block_device disk; /* its name and numbers are the caller's */
    volatile void *registers; /* NVME_REGISTERS bytes, uncached */
    void (*leave)(struct nvme *nvme);
    unsigned polls; /* how often nvme_open() looks for an answer */
    char *memory;   /* NVME_MEMORY bytes, zeroed */
    phys_t memory_at;

    /* The driver's own. */
    uint32_t stride; /* bytes between doorbells */
    unsigned block_shift;
    struct nvme_queue admin, io;
    struct block_request *request[NVME_ROOM]; /* by number of the command; NULL: it is free */
    uint8_t free[NVME_ROOM];
    unsigned free_count;
};

/* Starts the controller, and fills in nvme->disk for block_register(). E_NODEV: it has no namespace; E_NOTSUP: it works in
 * another way; E_IO: it fails, or does not answer. Boot. */
MUST_CHECK enum err nvme_open(struct nvme *nvme);
/* The controller is off: it touches no memory. */
void nvme_stop(struct nvme *nvme);
