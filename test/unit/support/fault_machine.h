/* SPDX-License-Identifier: MIT */
/*
 * A machine for tests of the fault report (src/diag): areas, page tables over the simulated MMU, threads with
 * kernel stacks, and the history of the address space. It is the same each time it is made.
 *
 *   0x555555554000  the program (unit/support/fault_program.h): text and data are mapped, .rodata and .bss not yet
 *   0x555555600000  heap, 16 pages: the first is mapped
 *   0x7f0000000000  /lib/data, 2 pages, of which the file ends in the first; nothing mapped
 *   0x7f0000010000  anonymous, 4 pages: mapped, read by page 1 as copy-on-write, page 3 without a leaf
 *   0x7f0000020000  4 pages without permission, the first kept behind a leaf that is not present
 *   0x7f0000100000  guard, 1 page, and stack, 8 pages, of "worker"
 *   0x7f0000200000  read-only, one page of 2 MiB
 *   0x7fffffefe000  the main stack up to 0x7fffffffe000: 1 MiB of the 8 it may have
 *
 * The kernel has a page of its heap, and the kernel stacks of three threads.
 */
#pragma once

#include "diag/parts.h"
#include "fault_program.h"
#include "mm/layout.h"
#include "report_stubs.h"

#define MACHINE_PROGRAM      ((uint64_t)LAYOUT_PIE_BASE)
#define MACHINE_HEAP         UINT64_C(0x555555600000)
#define MACHINE_FILE         UINT64_C(0x7f0000000000)
#define MACHINE_MEMORY       UINT64_C(0x7f0000010000)
#define MACHINE_KEPT         UINT64_C(0x7f0000020000)
#define MACHINE_GUARD        UINT64_C(0x7f0000100000)
#define MACHINE_WORKER_STACK UINT64_C(0x7f0000101000)
#define MACHINE_WORKER_TOP   UINT64_C(0x7f0000109000)
#define MACHINE_LARGE        UINT64_C(0x7f0000200000)
#define MACHINE_STACK        UINT64_C(0x7fffffefe000)
#define MACHINE_STACK_TOP    UINT64_C(0x7fffffffe000)
#define MACHINE_STACK_LIMIT  UINT64_C(0x800000)
#define MACHINE_NOW          UINT64_C(12345678901) /* ns since boot */

/* Program threads 1 "main", which runs, and 2 "worker"; and 3 "flusher" of the kernel. */
#define machine_main    (&stub_threads[0])
#define machine_worker  (&stub_threads[1])
#define machine_flusher (&stub_threads[2])

void machine_start(void);
/* Frees what it holds. */
void machine_end(void);

/* A frame of zeros at this page. */
void machine_map(uint64_t page, prot_t prot);
void machine_unmap(uint64_t page);
void machine_store(uint64_t at, uint64_t word);
/* munmap() by a thread: areas and history. */
void machine_munmap(struct thread *thread, struct virt_range range);

/* The facts of a page fault of the thread that runs, in the program's main, rsp on its stack. */
struct fault_facts machine_fault(uint64_t address, enum fault_access access);
/* Recomputes the facts that depend on address and registers. */
void machine_gather(struct fault_facts *facts);
