/* SPDX-License-Identifier: MIT */
/* Functions of the native stand-ins (native.c, native_heap.c) beyond the kernel's own headers. */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

/* Number of blocks of heap_alloc() and pages of kpage_alloc() that are not freed, to find leaks. */
size_t native_heap_live(void);
/* The next `successes` allocations succeed and all later ones fail; a negative number ends this. */
void native_heap_fail_after(long successes);

/* The text of the last panic, "" if there was none. */
const char *native_panic_text(void);

/* The text of the last line of the log. */
extern char native_log_last[512];

/* True if `statement` panicked. Its allocations are not freed. */
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
