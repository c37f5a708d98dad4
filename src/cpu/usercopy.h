/* SPDX-License-Identifier: MIT */
/* The loops of usercopy.S and their recovery. Only mm/vm/usercopy.c and the fault handler call
 * these; all other code uses mm/vm/usercopy.h. */
#pragma once

#include "cpu/trap_frame.h"

#include <stdbool.h>
#include <stddef.h>

uint64_t usercopy_copy(void *to, const void *from, size_t size);
uint64_t usercopy_word(void *to, uint64_t word);
uint64_t usercopy_clear(void *to, size_t size);
uint64_t usercopy_string(char *to, const char *from, size_t size);
uint64_t usercopy_xsave(void *to, uint64_t components);
uint64_t usercopy_fxsave(void *to);
uint64_t usercopy_xrstor(const void *from, uint64_t components);

extern char usercopy_start[], usercopy_end[], usercopy_fault[];
extern char usercopy_32[], usercopy_8[], usercopy_4[], usercopy_1[], usercopy_copied[],
    usercopy_tail[];

/* True if the frame interrupted one of the loops. */
static inline bool usercopy_active(const struct trap_frame *frame)
{
    return frame->rip >= (uint64_t)(uintptr_t)usercopy_start &&
           frame->rip < (uint64_t)(uintptr_t)usercopy_end;
}

/* Makes the interrupted loop return -1; a copy first copies the bytes up to the one that faults. */
static inline void usercopy_abort(struct trap_frame *frame)
{
    char *at = (char *)(uintptr_t)frame->rip;
    if (at >= usercopy_copied) {
        frame->rip = (uint64_t)(uintptr_t)usercopy_fault;
        return;
    }
    frame->rip = (uint64_t)(uintptr_t)usercopy_tail;
    frame->rcx = at < usercopy_32  ? 64
                 : at < usercopy_8 ? 32
                 : at < usercopy_4 ? 8
                 : at < usercopy_1 ? 4
                                   : 1;
}
