/* SPDX-License-Identifier: MIT */
/* Stands in for src/cpu/percpu.h in native tests: the test sets the current thread. */
#pragma once

#define percpu_thread    percpu_thread_at_gs
#define percpu_slice_has percpu_slice_has_at_gs
#include "../../../../../src/cpu/percpu.h"
#undef percpu_thread
#undef percpu_slice_has

struct thread *percpu_thread(void);
bool percpu_slice_has(unsigned any);
