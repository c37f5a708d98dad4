/* SPDX-License-Identifier: MIT */
/*
 * The bootable image: a hybrid ISO that starts from a CD or a USB stick, under BIOS or UEFI,
 * through GRUB.
 *
 * Its grub.cfg (iso/grub.cfg.in) has two sources of kernel words: those packed with the image, and a
 * line of blanks. `ouro run` fills the blanks in its copy of the image with the words of this run
 * (console, terminal, log level).
 */
#pragma once

#include "host/text.h"
#include "image/medium.h"

struct iso_content {
    const char *config;        /* text of grub.cfg */
    const char *kernel;        /* file on the host, /boot/NAME in the image */
    const char *kernel_name;   /* NAME */
    const char *loader_module; /* GRUB module that loads this kind of kernel */
    const char *archive;       /* file on the host, /boot/root.cpio in the image */
};

/* Images made from now on carry this folder's files in /licences. */
void iso_carry(const char *folder);
/* Images made from now on carry this root folder, or a data partition (NULL: none) that is this file. */
void iso_carry_root(const struct root_medium *medium);
void iso_carry_data(const char *file);
/* Makes a medium with the root folder alone, which starts nothing. */
void iso_make_root(const char *image);
/* Makes an image of any kernel, with the same GRUB modules for each. Fails the tool. */
void iso_build(const struct iso_content *content, const char *image);
/* Makes an image of kernel and archive; `words` are on the command line at every boot. */
void iso_make(const char *kernel, const char *archive, const struct args *words, const char *image);
/* Writes words into the line of blanks. Fails the tool if the image has none (not made by Ouro) or is
 * truncated. */
void iso_patch(const char *image, const char *shown_name, const struct args *words);
