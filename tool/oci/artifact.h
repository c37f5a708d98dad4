/* SPDX-License-Identifier: MIT */
/*
 * `ouro image --format oci`: an OCI archive with kernel and files of the machine, for a registry, and for urunc, a container
 * runtime that boots unikernels. The same input gives the same bytes.
 *
 *   /unikernel/ouro.elf    the kernel          com.urunc.unikernel.binary
 *   /unikernel/root.cpio   the root folder     com.urunc.unikernel.initrd
 *   /urunc.json            the annotations once more, for engines that pass none on
 *
 *   /licences/             the texts of licences
 *
 * Values of annotations are in base64, as urunc reads them; the labels of the configuration are the same in plain text.
 */
#pragma once

#include "host/text.h"

struct artifact {
    const char *kernel, *archive; /* files here */
    const char *words;            /* the kernel's command line */
    const char *name;             /* the tag */
    const char *licences;         /* folder; its files are licence_names */
    const struct args *licence_names;
};

/* Needs guard_start(). Fails the tool. */
void artifact_write(const struct artifact *artifact, const char *output);
