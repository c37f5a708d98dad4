/* SPDX-License-Identifier: MIT */
/*
 * One step up a stack by call frame information: what compilers write into .eh_frame about every
 * function, with or without frame pointers. DWARF 5 chapter 6.4, LSB Core 5.0 10.6. The tables are
 * an untrusted program with two interpreters (rules and expressions): all of it is bounded, and
 * reads through a reader that may refuse. Pure.
 */
#pragma once

#include "base/byte_reader.h"

/* DWARF's numbers of the registers (psABI figure 3.36). */
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
    uint32_t known; /* bit n: r[n] is */
    bool exact;     /* rip is where the code is, not where a call will return to */
};

struct unwind_tables {            /* addresses in memory; size 0: not there */
    uint64_t header, header_size; /* .eh_frame_hdr */
    uint64_t frames, frames_size; /* .eh_frame */
};

/* Turns the frame into its caller's. False: no description of this code, the outermost frame, or
 * tables that make no sense; the frame is as it was. */
bool eh_frame_step(const struct byte_reader *memory, const struct unwind_tables *tables,
                   struct unwind_frame *frame);

/* Where the function that holds pc begins and ends, by its description. False: it has none. */
bool eh_frame_function(const struct byte_reader *memory, const struct unwind_tables *tables,
                       uint64_t pc, uint64_t *start, uint64_t *end);
