/* SPDX-License-Identifier: MIT */
/* For native tests: the current thread is whom the test says. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct thread;

struct thread *percpu_thread(void);
bool percpu_slice_over(void);
