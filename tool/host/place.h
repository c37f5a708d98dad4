/* SPDX-License-Identifier: MIT */
/*
 * Where the tool's own files are. Built in a checkout, it uses the checkout and its build folder. Installed, all are below the
 * folder that the tool is in (/usr/lib/ouro), which has the layout of a checkout, and nothing is written there: what the tool
 * keeps is in $XDG_CACHE_HOME/ouro, or ~/.cache/ouro.
 *
 * The results stay valid until the tool ends.
 */
#pragma once

#include <stdbool.h>

/* True if a kernel is in the tool's own folder. */
bool place_is_installed(void);
/* A file of the source: "iso/grub.cfg.in". */
const char *place_source(const char *below);
/* A file that the build made: "kernel/ouro.elf", "host/tool/ouro-init". */
const char *place_built(const char *below);
/* A file that the tool makes and keeps; its folder is made. */
const char *place_kept(const char *below);
