/* SPDX-License-Identifier: MIT */
/* The input is a file of /proc. */
#include "../../../example/explorer/proc.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json json = {0};
    char *text = malloc(size + 1);
    const char *at;
    size_t length;
    uint64_t value;
    memcpy(text, data, size);
    text[size] = '\0';
    size_t end = strlen(text);
    json_open(&json, '[');
    proc_maps_write(&json, text);
    proc_pagetables_write(&json, text);
    json_close(&json, ']');
    assert(json_end(&json));
    proc_kernel_window(text);
    proc_value(text, "MemTotal", &value);
    if (proc_word(text, "pagetables", &at, &length))
        assert(at >= text && length <= end && at + length <= text + end);
    free(json.bytes);
    free(text);
    return 0;
}
