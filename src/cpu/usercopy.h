/* SPDX-License-Identifier: MIT */
/* The loops of usercopy.S and their recovery. Only mm/vm/usercopy.c and the fault handler call
 * these; all other code uses mm/vm/usercopy.h. */
#pragma once

#include "base/err.h"
#include "cpu/trap_frame.h"

#include <stdbool.h>
#include <stddef.h>

int64_t usercopy_copy(void *to, const void *from, size_t size);
int64_t usercopy_copy_out(void *to, const void *from, size_t size);
int64_t usercopy_word(void *to, uint64_t word);
int64_t usercopy_change(void *at, uint32_t old, uint32_t now);
int64_t usercopy_clear(void *to, size_t size);
int64_t usercopy_string(char *to, const char *from, size_t size);
int64_t usercopy_xsave(void *to, uint64_t components);
int64_t usercopy_fxsave(void *to);
int64_t usercopy_xrstor(const void *from, uint64_t components);

extern char usercopy_start[], usercopy_end[], usercopy_fault[];
extern char usercopy_copy_32[], usercopy_copy_8[], usercopy_copy_4[], usercopy_copy_1[],
    usercopy_copy_copied[], usercopy_copy_tail[], usercopy_waiting[], usercopy_waiting_end[];

/* True if the frame interrupted one of the loops. */
static inline bool usercopy_active(const struct trap_frame *frame)
{
    return frame->rip >= (uint64_t)(uintptr_t)usercopy_start &&
           frame->rip < (uint64_t)(uintptr_t)usercopy_end;
}

/* True if its fault sleeps for a page that a device has. */
static inline bool usercopy_waits(const struct trap_frame *frame)
{
    return frame->rip >= (uint64_t)(uintptr_t)usercopy_waiting &&
           frame->rip < (uint64_t)(uintptr_t)usercopy_waiting_end;
}

/* Makes the interrupted loop return -e; a copy first copies the bytes up to the one that faults. */
static inline void usercopy_abort(struct trap_frame *frame, enum err e)
{
    char *at = (char *)(uintptr_t)frame->rip;
    frame->r8 = -(uint64_t)e;
    int64_t second =
        usercopy_waits(frame) ? usercopy_waiting - (char *)(uintptr_t)usercopy_copy : 0;
    at -= second;
    if (at >= usercopy_copy_copied) {
        frame->rip = (uint64_t)(uintptr_t)usercopy_fault;
        return;
    }
    frame->rip = (uint64_t)((uintptr_t)usercopy_copy_tail + (uint64_t)second);
    frame->rcx = at < usercopy_copy_32  ? 64
                 : at < usercopy_copy_8 ? 32
                 : at < usercopy_copy_4 ? 8
                 : at < usercopy_copy_1 ? 4
                                        : 1;
}
