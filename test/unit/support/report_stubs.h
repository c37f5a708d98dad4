/* SPDX-License-Identifier: MIT */
/*
 * Stand-ins for the parts of the kernel that the fault report uses, for native tests of src/diag: a
 * CPU, threads, a file, the output. With the headers of test/unit/shadow/report.
 */
#pragma once

#include "kern/thread.h"
#include "mm/vm/page_source.h"

/* Values of the privileged registers; no real machine has them. */
#define STUB_CR0      UINT64_C(0x80010033)
#define STUB_CR2      UINT64_C(0x1234567018)
#define STUB_CR4      UINT64_C(0x3006a8)
#define STUB_EFER     UINT64_C(0xd01)

#define STUB_BUILD_ID UINT64_C(0x123456789abc0000)
/* Two functions and a variable of the kernel (offsets: base/sections.h). */
#define STUB_FUNCTION UINT64_C(0xffffffff80103000) /* fault_page, up to the next: */
#define STUB_SLEEP    UINT64_C(0xffffffff80103100)
#define STUB_VARIABLE UINT64_C(0xffffffff801a1040) /* kernel_counter */

#define STUB_THREADS  120
extern struct thread stub_threads[STUB_THREADS];
extern unsigned stub_thread_count;
extern struct thread *stub_current;

/* A file of these bytes; zeroed past its end. */
struct stub_file {
    struct page_source source; /* .ops = &stub_file_ops */
    const uint8_t *bytes;
    size_t size;
    const char *path;
    long references;
};
extern const struct page_source_ops stub_file_ops;

/* Lines of the report, each with a newline, and the bytes of the JSON line. What does not fit aborts. */
struct stub_output {
    unsigned lines;
    size_t text_used, json_used;
    char text[100000], json[200000];
};
extern struct stub_output stub_output;
void stub_output_clear(void);
