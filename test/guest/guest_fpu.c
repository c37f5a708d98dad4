/* SPDX-License-Identifier: MIT */
/* Vector and x87 registers: save, load, reset, and switches between threads. The compiler uses none
 * of them. */
#include "guest.h"

#include "cpu/x86.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/heap/heap.h"

#define XCR0_AVX   4
#define XMM_COUNT  16
#define AREA_ALIGN 64

struct xmm {
    uint64_t word[XMM_COUNT][4]; /* 256 bits each; the upper half only where there is AVX */
};

#define EACH_XMM(X)                                                                                \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

static bool has_avx(void)
{
    return cpu_features.xcr0 & XCR0_AVX;
}

static void load(const struct xmm *from)
{
#define LOAD_XMM(n) __asm__ volatile("movups %0, %%xmm" #n : : "m"(from->word[n]));
#define LOAD_YMM(n) __asm__ volatile("vmovups %0, %%ymm" #n : : "m"(from->word[n]));
    if (has_avx()) {
        EACH_XMM(LOAD_YMM)
    } else {
        EACH_XMM(LOAD_XMM)
    }
}

static void store(struct xmm *to)
{
#define STORE_XMM(n) __asm__ volatile("movups %%xmm" #n ", %0" : "=m"(to->word[n]));
#define STORE_YMM(n) __asm__ volatile("vmovups %%ymm" #n ", %0" : "=m"(to->word[n]));
    memset(to, 0, sizeof *to);
    if (has_avx()) {
        EACH_XMM(STORE_YMM)
    } else {
        EACH_XMM(STORE_XMM)
    }
}

static void fill(struct xmm *x, uint64_t seed)
{
    memset(x, 0, sizeof *x);
    for (unsigned i = 0; i < XMM_COUNT; i++)
        for (unsigned j = 0; j < (has_avx() ? 4 : 2); j++)
            x->word[i][j] = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) * (i * 4 + j + 1);
}

static uint32_t mxcsr(void)
{
    uint32_t v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

static uint16_t control_word(void)
{
    uint16_t v;
    __asm__ volatile("fnstcw %0" : "=m"(v));
    return v;
}

static struct xmm before, after;

GUEST_TEST(test_fpu_save_and_load)
{
    char *block = heap_alloc_zero(2 * (cpu_features.xsave_size + AREA_ALIGN));
    CHECK(block != NULL);
    if (block == NULL)
        return;
    char *one = ptr_of(virt(align_up(virt_of(block).v, AREA_ALIGN)));
    char *two = one + align_up(cpu_features.xsave_size, AREA_ALIGN);
    fill(&before, 1);
    load(&before);
    uint32_t strict = 0x1f80 | 0x8000; /* flush to zero */
    __asm__ volatile("ldmxcsr %0; fldpi" : : "m"(strict));
    cpu_fpu_save(one);
    cpu_fpu_reset(two);
    cpu_fpu_load(two);
    CHECK_EQUAL(mxcsr(), 0x1f80);
    CHECK_EQUAL(control_word(), 0x37f);
    store(&after);
    fill(&before, 2);
    load(&before);
    cpu_fpu_load(one);
    uint64_t pi;
    __asm__ volatile("fstpl %0" : "=m"(pi));
    CHECK_EQUAL(pi, UINT64_C(0x400921fb54442d18));
    CHECK_EQUAL(mxcsr(), strict);
    store(&after);
    fill(&before, 1);
    CHECK_EQUAL(memcmp(&before, &after, sizeof before), 0);
    cpu_fpu_load(two);
    heap_free(block);
}

/* Loading a reset area clears all registers of the previous owner. */
GUEST_TEST(test_fpu_reset_leaks_nothing)
{
    char *block = heap_alloc(cpu_features.xsave_size + AREA_ALIGN);
    CHECK(block != NULL);
    if (block == NULL)
        return;
    char *area = ptr_of(virt(align_up(virt_of(block).v, AREA_ALIGN)));
    memset(area, 0xff, cpu_features.xsave_size);
    fill(&before, 3);
    load(&before);
    cpu_fpu_reset(area);
    cpu_fpu_load(area);
    store(&after);
    memset(&before, 0, sizeof before);
    CHECK_EQUAL(memcmp(&before, &after, sizeof before), 0);
    heap_free(block);
}

#define THREADS 5
#define ROUNDS  20

static volatile unsigned ended;

static void own_registers(void *argument) REQUIRES(kernel_lock)
{
    uint64_t seed = virt_of(argument).v;
    struct xmm mine, seen;
    if (thread_use_fpu() != E_OK)
        guest_test_fail(__FILE__, __LINE__, "no memory for FPU registers");
    store(&seen);
    memset(&mine, 0, sizeof mine);
    CHECK_EQUAL(memcmp(&seen, &mine, sizeof mine), 0);
    thread_set_fs_base(seed << 12);
    for (unsigned round = 0; round < ROUNDS; round++) {
        fill(&mine, seed * ROUNDS + round);
        load(&mine);
        thread_yield();
        store(&seen);
        CHECK_EQUAL(memcmp(&seen, &mine, sizeof mine), 0);
        CHECK_EQUAL(rdmsr(MSR_FS_BASE), seed << 12);
        CHECK_EQUAL(thread_get_fs_base(), seed << 12);
    }
    ended++;
}

/* One of the threads is a kernel thread, which has no FPU state: the others' registers survive it. */
GUEST_TEST(test_fpu_of_threads)
{
    struct thread *thread;
    ended = 0;
    for (uint64_t i = 1; i <= THREADS; i++)
        CHECK_EQUAL(thread_create("vectors", own_registers, ptr_of(virt(i)), &thread), E_OK);
    CHECK(GUEST_WAIT(ended == THREADS, 20000));
    thread_yield();
    thread_yield();
}

static void touch_registers(void *argument) REQUIRES(kernel_lock)
{
    (void)argument;
    CHECK_EQUAL(thread_use_fpu(), E_OK);
    store(&after);
    memset(&before, 0, sizeof before);
    CHECK_EQUAL(memcmp(&before, &after, sizeof before), 0);
    fill(&before, 5);
    load(&before);
    ended++;
}

static void run_one(void) REQUIRES(kernel_lock)
{
    struct thread *thread;
    ended = 0;
    CHECK_EQUAL(thread_create("vectors", touch_registers, NULL, &thread), E_OK);
    CHECK(GUEST_WAIT(ended == 1, 20000));
    thread_yield();
    thread_yield();
}

/* The registers still hold the state of an ended thread: it must not be saved to its freed area. */
GUEST_TEST(test_fpu_of_ended_thread)
{
    enum {
        BLOCKS = 16
    };
    size_t size = cpu_features.xsave_size + AREA_ALIGN, bad = 0;
    uint8_t *block[BLOCKS];
    run_one();
    for (unsigned i = 0; i < BLOCKS; i++) { /* one of them reuses the freed area */
        block[i] = heap_alloc(size);
        CHECK(block[i] != NULL);
        if (block[i] != NULL)
            memset(block[i], 0xa5, size);
    }
    run_one();
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (size_t j = 0; block[i] != NULL && j < size; j++)
            bad += block[i][j] != 0xa5;
        heap_free(block[i]);
    }
    CHECK_EQUAL(bad, 0);
}
