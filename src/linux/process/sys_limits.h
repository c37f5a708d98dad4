/* SPDX-License-Identifier: MIT */
/* Resource limits and usage: getrlimit(2), getrusage(2). */
#pragma once

#include "linux/abi/call.h"
#include "linux/abi/time.h"

struct rusage { /* linux/resource.h */
    struct timeval user, system;
    uint64_t max_resident_kib;
    uint64_t unused[3];
    uint64_t minor_faults, major_faults, swaps;
    uint64_t blocks_in, blocks_out; /* of 512 bytes */
    uint64_t more[3];
    uint64_t voluntary, involuntary; /* context switches */
};

struct usage;
struct rusage rusage_of(const struct usage *usage);

enum err sys_getrlimit(struct syscall *call);
enum err sys_setrlimit(struct syscall *call);
enum err sys_prlimit64(struct syscall *call);
enum err sys_getrusage(struct syscall *call);
