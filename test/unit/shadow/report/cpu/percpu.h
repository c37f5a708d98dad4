/* SPDX-License-Identifier: MIT */
/* Stands in for src/cpu/percpu.h in native tests: the test sets the current thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct thread;

struct thread *percpu_thread(void);
bool percpu_slice_over(void);
