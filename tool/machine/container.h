/* SPDX-License-Identifier: MIT */
/* --oci: the request becomes what the image's configuration says, as far as the command line does not say otherwise. */
#pragma once

#include "image/program.h"
#include "machine/options.h"

/*
 * Loads the image into an empty tree. Program and arguments are the image's entrypoint with its command, or with those typed;
 * environment, working folder, user and stop signal are the image's unless typed. Ports that the image exposes and nothing
 * forwards are named on a terminal. Until container_prepare() absolute paths name nothing of this computer. Needs
 * guard_start(). Fails the tool.
 */
void container_load(struct request *request, struct tree *tree);
/* As program_prepare(), for the program of the image, by the image's PATH. */
void container_prepare(const struct request *request, struct tree *tree, const char *path,
                       struct program *out);
