/* SPDX-License-Identifier: MIT */
/* --sbom FILE: an SPDX 2.3 document of an image, in JSON. Equal input gives equal bytes. */
#pragma once

#include "image/inventory.h"

/* `name` is the image's. The date is date_of_image(). Fails the tool. */
void sbom_write(const struct tree *tree, const struct inventory *inventory, const char *name,
                const char *file);
