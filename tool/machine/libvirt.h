/* SPDX-License-Identifier: MIT */
/* --libvirt FILE.xml: a domain of libvirt that boots the image: virsh create FILE.xml. */
#pragma once

#include "image/format.h"

#include <stdbool.h>
#include <stdint.h>

struct libvirt_domain {
    const char *name;
    const char *image; /* the file, absolute */
    enum image_format format;
    uint64_t memory;
    bool network;
    unsigned cpus;
};

/* Writes the file. Fails the tool. */
void libvirt_write(const struct libvirt_domain *domain, const char *file);
