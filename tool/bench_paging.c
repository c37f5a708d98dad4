/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static const char *const back_ends[] = {"recursive", "physmap", "offset", "identity", "temporary"};

void bench_paging(struct bench *bench)
{
    (void)back_ends;
    (void)bench;
}
