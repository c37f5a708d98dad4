/* SPDX-License-Identifier: MIT */
/* The program of `ouro explore` and its page: example/explorer. */
#pragma once

#include "image/program.h"
#include "machine/options.h"

/* Compiles the program and adds it and its page to the tree. Needs guard_start(). */
void explorer_prepare(struct tree *tree, struct program *program);
/* The program's arguments: its port, the page's folder, and the page's address on this computer, which it prints when it
 * answers. The ports are taken. */
void explorer_arguments(struct request *request);
/* What it prints before that address. */
#define EXPLORER_SAYS "open http://"
/* "http://localhost:8080"; malloc'ed. */
char *explorer_url(const struct network *network);
