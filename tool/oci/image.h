/* SPDX-License-Identifier: MIT */
/*
 * Container images: --oci IMAGE. IMAGE is one of
 *
 *   a folder with an OCI layout              (umoci, skopeo copy … oci:FOLDER)
 *   an OCI archive or a docker archive, tar  (skopeo copy … oci-archive:FILE, docker save)
 *   a tar of a root folder                   (docker export, debootstrap)
 *
 * each with :TAG behind it where it holds several. Archives and layers may be compressed by gzip, zstd, xz or bzip2. Every blob
 * of a layout is compared with its SHA-256. Sources: OCI image specification 1.1, docker image specification 1.2.
 */
#pragma once

#include "image/tree.h"
#include "oci/config.h"

/* Puts the image's files into an empty tree, with their data in the temporary folder, and reads its configuration, which is
 * empty for the tar of a root folder. Needs guard_start(). O(bytes of the image). Fails the tool with a sentence. */
void oci_load(const char *image, struct tree *tree, struct oci_config *out);
