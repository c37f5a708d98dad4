/* SPDX-License-Identifier: MIT */
/* Readers of the texts of /proc. Pure; lines that are not understood are passed over. */
#pragma once

#include "json.h"

/* /proc/self/maps: adds an object for each area: start, end, rights, name, kind "program". */
void proc_maps_write(struct json *json, const char *text);
/* /proc/pagetables: adds an object for each window (kind "window") and for each named region of the kernel
 * (kind "kernel"; adjacent lines of one name and one set of rights are one). */
void proc_pagetables_write(struct json *json, const char *text);
/* The start of the kernel's window in it; 0: there is none. */
uint64_t proc_kernel_window(const char *text);
/* The value of a line "NAME VALUE" or "NAME: VALUE"; false: there is none. */
bool proc_value(const char *text, const char *name, uint64_t *out);
/* The rest of the line "NAME: REST"; false: there is none. */
bool proc_word(const char *text, const char *name, const char **at, size_t *length);
