/* SPDX-License-Identifier: MIT */
/*
 * The bootable image: a hybrid ISO that starts from a CD or a USB stick, under BIOS or UEFI,
 * through GRUB.
 *
 * Its grub.cfg (iso/grub.cfg.in) has two sources of kernel words: those that were packed in, and a
 * line of blanks that `ouro run` fills in a copy of the image, because only then is known who
 * listens.
 */
#pragma once

#include "host/text.h"

struct iso_content {
    const char *config;        /* text of grub.cfg */
    const char *kernel;        /* file on the host, /boot/NAME in the image */
    const char *kernel_name;   /* NAME */
    const char *loader_module; /* GRUB's for this kind of kernel */
    const char *archive;       /* file on the host, /boot/root.cpio in the image */
};

/* Makes an image of any kernel, with the same parts of GRUB for each. */
void iso_build(const struct iso_content *content, const char *image);
/* Makes an image of kernel and archive; `words` always reach the kernel. */
void iso_make(const char *kernel, const char *archive, const struct args *words, const char *image);
/* Writes words into the line of blanks. Fails the tool when the image has none: not made by Ouro.
 */
void iso_patch(const char *image, const char *shown_name, const struct args *words);
