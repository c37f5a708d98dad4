/* SPDX-License-Identifier: MIT */
/* The parts of a block file: its ioctl() requests, its nodes. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdint.h>

struct block_device;
struct file;

/* Of an open block file. */
struct block_device *block_file_device(const struct file *file);
/* struct file_ops.control of block files (linux/fs.h). */
enum err block_file_control(struct file *file, uint32_t command, uint64_t argument,
                            uint64_t *result);
/* Makes /dev/NAME unless it is there. */
MUST_CHECK enum err block_file_make_node(const struct block_device *device);
