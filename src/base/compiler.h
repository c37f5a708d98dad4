/* SPDX-License-Identifier: MIT */
/* Compiler attributes and small macros. */
#pragma once

#define MUST_CHECK           __attribute__((warn_unused_result))
#define NORETURN             __attribute__((noreturn))
#define PRINTF_LIKE(fmt, va) __attribute__((format(printf, fmt, va)))
#define ALIGNED(n)           __attribute__((aligned(n)))
#define PACKED               __attribute__((packed))
#define NOINLINE             __attribute__((noinline))
#define ALWAYS_INLINE        inline __attribute__((always_inline))
#define UNUSED               __attribute__((unused))
#define likely(x)            __builtin_expect(!!(x), 1)
#define unlikely(x)          __builtin_expect(!!(x), 0)

/* Compiled for size, also in a file of src/CMakeLists.txt's hot_sources. */
#ifdef __clang__
#define COLD __attribute__((cold, minsize, noinline))
#else
#define COLD __attribute__((cold, noinline))
#endif

/* Code that only boot runs; its pages are freed before the program starts. */
#define INIT_CODE __attribute__((section(".init.text"), noinline))
/* Zeroed data that only boot uses; its pages are freed with those of INIT_CODE. */
#define INIT_DATA __attribute__((section(".bss.init")))
/* Data written only while booting; its pages become read-only before the program starts. */
#define RO_AFTER_INIT                __attribute__((section(".data.ro_after_init")))

#define ARRAY_LENGTH(a)              (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, mem) ((type *)((char *)(ptr) - __builtin_offsetof(type, mem)))
