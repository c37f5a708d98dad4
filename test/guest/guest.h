/* SPDX-License-Identifier: MIT */
/*
 * Common to the tests in the booted kernel. A test makes an access that may fault through the
 * functions below: the handler records the CPU's report and resumes after the access.
 */
#pragma once

#include "base/addr.h"
#include "base/panic.h"
#include "base/str.h"
#include "cpu/features.h"
#include "cpu/trap.h"
#include "boot/guest_test.h"
#include "mm/vm/fault.h"
#include "mm/phys/frames.h"
#include "mm/pt/paging.h"

#define ULL(x) ((unsigned long long)(x))

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : guest_test_fail(__FILE__, __LINE__, "%s", #condition))
#define CHECK_EQUAL(got, expected)                                                                 \
    do {                                                                                           \
        unsigned long long got_ = ULL(got), expected_ = ULL(expected);                             \
        if (got_ != expected_)                                                                     \
            guest_test_fail(__FILE__, __LINE__, "%s is 0x%llx, not 0x%llx", #got, got_,            \
                            expected_);                                                            \
    } while (0)

#define NO_FAULT 0x100 /* where a vector is expected */

struct guest_fault {
    unsigned vector;  /* NO_FAULT: the access succeeded */
    uint64_t error;   /* the CPU's error code */
    uint64_t address; /* CR2 after #PF, else 0 */
};

/* Access eight bytes at an aligned address; *out (may be NULL) is written only on success. */
struct guest_fault guest_read(virt_t at, uint64_t *out);
struct guest_fault guest_write(virt_t at, uint64_t value);
/* Calls the code at the address, which is one `ret`. */
struct guest_fault guest_call(virt_t at);
/* Executes the two bytes `ud2`. */
struct guest_fault guest_undefined(void);
struct guest_fault guest_breakpoint(void);
struct guest_fault guest_divide_by_zero(void);

/* Fails the test unless the access raised #PF at this address with this error code. */
#define CHECK_PAGE_FAULT(fault, at, code)                                                          \
    guest_check_fault(__FILE__, __LINE__,                                                          \
                      (struct guest_fault[]){(fault), {VECTOR_PAGE_FAULT, (code), (at).v}})
#define CHECK_NO_FAULT(fault)                                                                      \
    guest_check_fault(__FILE__, __LINE__, (struct guest_fault[]){(fault), {NO_FAULT, 0, 0}})
#define CHECK_FAULT(fault, vector, code)                                                           \
    guest_check_fault(__FILE__, __LINE__, (struct guest_fault[]){(fault), {(vector), (code), 0}})
/* pair[0]: the actual fault, pair[1]: the expected one. */
void guest_check_fault(const char *file, int line, const struct guest_fault *pair);

/* PF_EXECUTE if the CPU reports instruction fetches, as it does with NX enabled (SDM 3A 4.7); else 0. */
uint64_t guest_fetch_bit(void);

/* Reproducible: the same numbers in every boot. */
uint64_t guest_random(void);
void guest_random_seed(uint64_t seed);

/* A range of the program's half, 2 GiB aligned to 1 GiB, where only tests map. */
#define GUEST_ARENA         UINT64_C(0x0000200000000000)
#define GUEST_ARENA_PAGE(n) virt(GUEST_ARENA + (uint64_t)(n)*PAGE_SIZE)

/* Allocates a frame with the value in its first word; 0 if none is free. The test owns it. */
phys_t guest_frame(uint64_t value);
/* The first word of a frame, read through the scratch page. */
uint64_t guest_frame_word(phys_t frame);
void guest_frame_set_word(phys_t frame, uint64_t value);

/* Takes all frames but `keep`, and all frames that a back end reserves for page tables. */
phys_t guest_take_frames(uint64_t keep);
/* Free one taken frame of each kind, or all. */
void guest_give_frame(phys_t *taken);
void guest_give_frames(phys_t taken);

/* Spins until the condition holds or `ms` milliseconds have passed. True if it holds. */
#define GUEST_WAIT(condition, ms)                                                                  \
    __extension__({                                                                                \
        uint64_t until_ = time_now_ns() + (ms)*UINT64_C(1000000);                                  \
        while (!(condition) && time_now_ns() < until_)                                             \
            thread_yield();                                                                        \
        (condition);                                                                               \
    })
