/* SPDX-License-Identifier: MIT */
/* Character devices by number. A driver registers once, at boot; the nodes are made by
 * devfs_fill(). */
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
/* NULL: no driver has that number. Defined in fs/dev/devfs.c. */
const struct file_ops *device_find(uint64_t number);

/* Registers null, zero, full, random, urandom. Boot. */
void devices_register_memory(void);

/* Makes what is missing in the root's /dev: the nodes of all registered devices, fd, stdin, stdout,
 * stderr, shm, pts. Boot, after the root is filled. */
MUST_CHECK enum err devfs_fill(void);
