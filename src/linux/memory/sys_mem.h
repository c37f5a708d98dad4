/* SPDX-License-Identifier: MIT */
/* mmap(2) and its kin, brk(2): Linux's rules over mm/vm/areas.h. */
#pragma once

#include "linux/call/syscall.h"
#include "mm/vm/history.h"
#include "mm/prot.h"
#include "base/addr.h"

/* PROT_READ 1 | PROT_WRITE 2 | PROT_EXEC 4. Writable and executable at once is granted as the one
 * exception to W^X: counted, and logged the first time. */
prot_t mem_prot_from_linux(uint64_t prot);
/* Mappings that were granted both. */
uint64_t mem_rwx_exceptions(void);

/* exec: forgets the old break and starts an empty heap at brk_start (page-aligned). */
void mem_exec_reset(virt_t brk_start);
/* Start and end of the heap. */
struct virt_range mem_heap(void);

enum err sys_mmap(struct syscall *call);
enum err sys_munmap(struct syscall *call);
enum err sys_mprotect(struct syscall *call);
enum err sys_mremap(struct syscall *call);
enum err sys_madvise(struct syscall *call);
enum err sys_brk(struct syscall *call);
enum err sys_msync(struct syscall *call);
enum err sys_mincore(struct syscall *call);
enum err sys_mlock(struct syscall *call);
enum err sys_mlock2(struct syscall *call);
enum err sys_munlock(struct syscall *call);
enum err sys_mlockall(struct syscall *call);
enum err sys_munlockall(struct syscall *call);
/* Remembers for fault reports what this call has just done to the range. */
void mem_note(const struct syscall *call, enum history_kind kind, struct virt_range range,
              prot_t prot);
