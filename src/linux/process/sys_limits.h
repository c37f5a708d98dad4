/* SPDX-License-Identifier: MIT */
/* Resource limits and usage: getrlimit(2), getrusage(2). */
#pragma once

#include "linux/abi/call.h"
#include "linux/abi/time.h"

struct rusage { /* linux/resource.h */
    struct timeval user, system;
    uint64_t max_resident_kib;
    uint64_t others[11];
    uint64_t voluntary, involuntary; /* context switches */
};

struct usage;
struct rusage rusage_of(const struct usage *usage);

enum err sys_getrlimit(struct syscall *call);
enum err sys_setrlimit(struct syscall *call);
enum err sys_prlimit64(struct syscall *call);
enum err sys_getrusage(struct syscall *call);
