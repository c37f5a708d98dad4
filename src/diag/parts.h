/* SPDX-License-Identifier: MIT */
/* Interfaces between the files of the report; for diag/ only. */
#pragma once

#include "base/byte_reader.h"
#include "diag/report.h"
#include "diag/text.h"
#include "parse/elf_symbols.h"

/* --- memory.c: what is at an address --- */

/* Memory of kernel and program, read without faults; file pages that are not mapped yet are read
 * from the file. */
extern const struct byte_reader report_memory;
bool report_read_word(uint64_t at, uint64_t *out);

struct report_module {       /* a mapped ELF file */
    struct virt_range range; /* the area that contains the address */
    struct byte_reader file;
    uint64_t bias;
    char name[48]; /* the last part of its path */
};
bool report_module_at(uint64_t at, struct report_module *out);

/* Describes a value as a place, an area, text, a small number or a pattern; or "". */
void report_describe(uint64_t value, char *to, size_t size);
/* Fills in the area that contains the fault address, or its neighbours. */
void report_find_areas(struct fault_facts *facts);
/* The part of the kernel's layout that contains the address. */
bool report_kernel_area(uint64_t at, struct fault_neighbour *out);
/* True if the address may be a return address: it is executable and follows a call instruction. */
bool report_is_return_address(uint64_t at);
void report_find_stack(struct fault_facts *facts);

/* --- blocks.c --- */
/* Fills in the free blocks of malloc() that registers and the fault address point into. O(areas, and the chunks of the heaps). */
void report_find_blocks(struct fault_facts *facts);

/* --- report.c --- */
struct thread;
/* True if the thread is a program's and not the subject of the report; `to` describes it. */
bool report_thread_other(const struct thread *thread, bool all_processes, char *to, size_t size);

/* --- trace.c --- */
/* Prints the trace; at most `on_screen` lines of it go to the screen. */
void report_trace(const struct fault_facts *facts, unsigned on_screen);
void report_registers_of(const struct trap_frame *frame, uint64_t registers[X86_REGISTERS]);
/* Fills in the recursion in that trace. */
void report_recursion(struct fault_facts *facts);
/* Calls take(context, rip, how, count) for each line of the trace, for the JSON line. */
void report_trace_visit(void (*take)(void *context, uint64_t rip, char how, uint32_t count),
                        void *context);

/* --- state.c --- */
void report_registers(const struct fault_facts *facts);
void report_stack_words(const struct fault_facts *facts);
void report_memory_totals(void);
void report_machine(const struct fault_facts *facts);
void report_json(const struct fault_facts *facts);
