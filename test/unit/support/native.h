/* SPDX-License-Identifier: MIT */
/* What the native stand-ins (native.c, native_heap.c) offer to tests beyond the kernel's own
 * headers. */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

/* Blocks of heap_alloc() and pages of kpage_alloc() that were not freed: a test compares before and
 * after. */
size_t native_heap_live(void);
/* The next `successes` allocations work and all after them fail; a negative number ends that. */
void native_heap_fail_after(long successes);

/* The text of the last panic, "" when there was none. */
const char *native_panic_text(void);

/* True when `statement` panicked. What it held stays held, so memory may leak. */
#define NATIVE_PANICS(statement)                                                                   \
    ({                                                                                             \
        volatile bool native_panicked_ = true;                                                     \
        native_panic_armed = true;                                                                 \
        if (setjmp(native_panic_catch) == 0) {                                                     \
            statement;                                                                             \
            native_panicked_ = false;                                                              \
            native_panic_armed = false;                                                            \
        }                                                                                          \
        native_panicked_;                                                                          \
    })
extern jmp_buf native_panic_catch;
extern bool native_panic_armed;
