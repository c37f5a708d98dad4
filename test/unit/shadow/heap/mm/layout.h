/* SPDX-License-Identifier: MIT */
/* Stands in for src/mm/layout.h in the native test of the heap: the slot is in the user half. */
#pragma once

#include "../../../../../src/mm/layout.h"

#undef LAYOUT_HEAP_START
#undef LAYOUT_HEAP_END
#define LAYOUT_HEAP_START 0x0000200000000000
#define LAYOUT_HEAP_END   0x0000208000000000
