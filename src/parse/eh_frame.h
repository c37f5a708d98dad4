/* SPDX-License-Identifier: MIT */
/*
 * Stack unwinding, one frame a step, by the call frame information in .eh_frame, which does not
 * depend on frame pointers (DWARF 5 chapter 6.4, LSB Core 5.0 10.6). The tables are untrusted
 * programs of two interpreters (rules and expressions): every loop is bounded, and memory is read
 * through a reader that may fail. Pure.
 */
#pragma once

#include "base/byte_reader.h"

/* DWARF register numbers (psABI figure 3.36). */
enum unwind_register {
    UNWIND_RAX,
    UNWIND_RDX,
    UNWIND_RCX,
    UNWIND_RBX,
    UNWIND_RSI,
    UNWIND_RDI,
    UNWIND_RBP,
    UNWIND_RSP,
    UNWIND_R8,
    UNWIND_R15 = 15,
    UNWIND_RIP = 16, /* the return address column */
    UNWIND_REGISTERS,
};

struct unwind_frame {
    uint64_t r[UNWIND_REGISTERS];
    uint32_t known; /* bit n: r[n] is valid */
    bool exact;     /* rip is the current instruction, not a return address */
};

struct unwind_tables {            /* addresses in memory; size 0: no such table */
    uint64_t header, header_size; /* .eh_frame_hdr */
    uint64_t frames, frames_size; /* .eh_frame */
};

/* Replaces the frame with that of its caller. False, with the frame unchanged: the code is not
 * described, the frame is the outermost, or the tables are malformed. */
bool eh_frame_step(const struct byte_reader *memory, const struct unwind_tables *tables,
                   struct unwind_frame *frame);

#define EH_FRAME_SEARCH_MAX 2048 /* FDEs that eh_frame_function() reads where there is no header */

/* The bounds of the function that contains pc, by its FDE. False if there is none, or if it is not found within
 * EH_FRAME_SEARCH_MAX. O(log FDEs) with a header. */
bool eh_frame_function(const struct byte_reader *memory, const struct unwind_tables *tables,
                       uint64_t pc, uint64_t *start, uint64_t *end);
