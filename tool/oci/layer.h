/* SPDX-License-Identifier: MIT */
/* Applies the tar of a layer, compressed or not, to a root (oci/root.h). libarchive reads; its bytes come from outside. */
#pragma once

#include "oci/root.h"

struct archive;

/* The place for the data of one more file; malloc'ed, or NULL: it is read and thrown away. */
typedef char *(*layer_place)(void *context);

/* Makes a reader of tar with the filters of layers, which the caller opens. Never NULL. */
struct archive *layer_reader(void);
/* Reads to the end of the opened archive, whose names are the root's next layer. False with a sentence in *reason. */
bool layer_apply(struct root *root, struct archive *archive, layer_place place, void *context,
                 struct text *reason);
