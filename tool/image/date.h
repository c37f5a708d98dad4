/* SPDX-License-Identifier: MIT */
/*
 * The date of an image, for equal bytes from equal input: SOURCE_DATE_EPOCH (reproducible-builds.org), else the newest file
 * packed. Later times become this one, and so do those of what is made for the image.
 */
#pragma once

#include "image/tree.h"

#include <stdint.h>

/* Chooses the date for the rest of the run. Fails the tool if SOURCE_DATE_EPOCH is no number. */
void date_choose(const struct tree *tree);
/* Seconds since 1970, at least 1980 (FAT knows nothing before), and UINT32_MAX at most. 1980 before date_choose(). */
uint32_t date_of_image(void);
