/* SPDX-License-Identifier: MIT */
/*
 * Page replacement over a trace of accesses, with policies that are written from their descriptions and not from mm/vm/clock.c: how
 * many pages have to come from the device.
 */
#pragma once

#include "../../programs/memory/traces.h"

enum policy {
    POLICY_LRU,
    POLICY_FIFO,
    POLICY_RANDOM,
    POLICY_CLOCK, /* two hands */
    POLICIES,
};

extern const char *const policy_names[POLICIES];

struct model_machine {
    uint32_t total; /* frames of the machine: the hands are a quarter of them apart */
    uint32_t free;  /* frames that are free at the beginning */
};

/* Touches all pages once, then makes `accesses` accesses. Returns the pages that were fetched in the second part. */
uint64_t model_faults(enum policy policy, struct model_machine machine, enum trace trace,
                      uint32_t pages, uint64_t accesses);
