/* SPDX-License-Identifier: MIT */
/* Character devices by number. Drivers register at boot; devfs_fill() makes the nodes. */
#pragma once

#include "fs/vfs/file.h"

struct device {
    const char *name; /* under /dev; static storage */
    uint64_t number;  /* device_number() */
    uint32_t mode;    /* permissions of the node */
    const struct file_ops *ops;
};

/* `device` must stay valid. Boot. */
void device_register(const struct device *device);
/* The operations of the device; NULL: not registered. Defined in fs/dev/devfs.c. */
const struct file_ops *device_find(uint64_t number);

/* Registers null, zero, full, random, urandom. Boot. */
void devices_register_memory(void);

/* Makes the missing entries of /dev: nodes of all registered devices, fd, stdin, stdout, stderr,
 * shm, pts. Boot, after the root is filled. */
MUST_CHECK enum err devfs_fill(void);
