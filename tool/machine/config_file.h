/* SPDX-License-Identifier: MIT */
/*
 * -c FILE.json: options from a file, as one JSON object. A key is an option's name; those of lists are plural. The command line
 * wins: a value typed takes the place of the file's, values of lists come after the file's, and a program typed takes the place
 * of the file's with its arguments. Paths mean what they mean on the command line. Keys whose option the command does not have
 * are ignored, so that one file serves `run` and `image`.
 */
#pragma once

#include "host/text.h"

#include <argp.h>

struct config_file {
    struct args options;   /* "--memory=64M", ... */
    struct args arguments; /* of the program */
    char *program;         /* NULL: none */
};

/* Fails the tool with a sentence: no JSON, an unknown key, a value of another type. */
void config_file_read(const char *file, const struct argp_option *options, struct config_file *out);
