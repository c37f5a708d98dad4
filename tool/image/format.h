/* SPDX-License-Identifier: MIT */
/*
 * Kinds of files for a disk image: the hybrid image of image/iso.h is a CD's and a disk's as it is; others are made of it
 * by qemu-img(1).
 */
#pragma once

enum image_format {
    FORMAT_ISO,
    FORMAT_RAW, /* the same bytes, up to a multiple of a MiB, as some hypervisors want disks */
    FORMAT_QCOW2,
    FORMAT_VMDK,
    FORMAT_VDI,
    FORMAT_OCI, /* of oci/artifact.h, which writes it */
    FORMATS,
};

/* "iso", "raw", "qcow2", "vmdk", "vdi", "oci", NULL. */
extern const char *const format_names[FORMATS + 1];

/* By the file's name: .qcow2, .vmdk, .vdi, .oci, .raw, .img (raw); FORMAT_ISO for all others. Pure. */
enum image_format format_of_name(const char *file);

/* Makes the file `output` of the image, of any format but FORMAT_OCI. Needs guard_start(). Fails the tool. */
void format_write(const char *image, enum image_format format, const char *output);
