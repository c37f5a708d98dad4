/* SPDX-License-Identifier: MIT */
/* mmap(2) and related calls, brk(2): Linux's rules on top of mm/vm/areas.h. */
#pragma once

#include "base/addr.h"
#include "linux/abi/call.h"
#include "linux/abi/prot.h"
#include "mm/prot.h"
#include "mm/vm/history.h"

/* exec: starts an empty heap at brk_start, which is page-aligned. */
void mem_exec_reset(virt_t brk_start);
/* Start and end of the heap. */
struct virt_range mem_heap(void);

enum err sys_mmap(struct syscall *call);
enum err sys_munmap(struct syscall *call);
enum err sys_mprotect(struct syscall *call);
enum err sys_pkey_alloc(struct syscall *call);
enum err sys_pkey_free(struct syscall *call);
enum err sys_pkey_mprotect(struct syscall *call);
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
/* Records a change of the range by this call in the history for fault reports. O(1). */
void mem_note(const struct syscall *call, enum history_kind kind, struct virt_range range,
              prot_t prot);

/* madvise(2) in the running space. O(pages and areas of the range), with preemption points. */
MUST_CHECK enum err mem_advise(uint64_t start, uint64_t length, uint32_t advice);

/* sys_numa.c: memory policies */
enum err sys_mbind(struct syscall *call);
enum err sys_set_mempolicy(struct syscall *call);
enum err sys_get_mempolicy(struct syscall *call);
enum err sys_migrate_pages(struct syscall *call);
enum err sys_move_pages(struct syscall *call);

/* True if a page is mapped at the address. */
bool mem_is_mapped(virt_t at);
