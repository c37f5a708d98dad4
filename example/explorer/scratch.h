/* SPDX-License-Identifier: MIT */
/* An area of the process that the page maps, touches, dirties, protects and unmaps. */
#pragma once

#include "http.h"
#include "json.h"

#define SCRATCH_PAGES 16

/* Does what the parameter `do` says (map, touch, dirty, protect, open, unmap) to the page `page`, and writes the state and a
 * sentence. Without `do` only the state. */
void scratch_write(struct json *json, const struct http_request *request);
