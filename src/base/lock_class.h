/* SPDX-License-Identifier: MIT */
/*
 * The classes of locks, in the order in which they are taken, outermost first: docs/locks.md says what
 * each guards. A class is what Clang's -Wthread-safety calls a capability: a field that is
 * GUARDED_BY(class_sched) may be touched only where the compiler sees that a lock of that class is held.
 * C cannot name the instance in such an attribute, so the instance is checked at run time
 * (cpu/lock_check.h). gcc ignores the attributes.
 */
#pragma once

#include "base/compiler.h"

#ifdef __clang__
#define LOCK_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define LOCK_ATTRIBUTE(...)
#endif

#define GUARDED_BY(class) LOCK_ATTRIBUTE(guarded_by(class))
/* Of functions: the lock is held by the caller; taken; dropped; asserted (debug builds panic). */
#define REQUIRES(...)     LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...)      LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...)      LOCK_ATTRIBUTE(release_capability(__VA_ARGS__))
#define ASSERTS_HELD(...) LOCK_ATTRIBUTE(assert_capability(__VA_ARGS__))
/* Of functions: not analysed; the comment at the function gives the reason. */
#define NO_LOCK_ANALYSIS LOCK_ATTRIBUTE(no_thread_safety_analysis)

struct LOCK_ATTRIBUTE(capability("lock class")) lock_class {
    const char *name;
    unsigned index;
};

#define LOCK_CLASSES(X)                                                                            \
    X(kernel_lock)                                                                                 \
    X(net_lock)                                                                                    \
    X(class_futex)                                                                                 \
    X(class_pipe)                                                                                  \
    X(class_files)                                                                                 \
    X(class_space)                                                                                 \
    X(class_ps2)                                                                                   \
    X(class_timerfd)                                                                               \
    X(class_signal)                                                                                \
    X(class_uart)                                                                                  \
    X(class_port)                                                                                  \
    X(class_block)                                                                                 \
    X(class_nic)                                                                                   \
    X(class_console)                                                                               \
    X(class_screen)                                                                                \
    X(class_input)                                                                                 \
    X(class_sched)                                                                                 \
    X(class_timer)                                                                                 \
    X(class_heap)                                                                                  \
    X(class_flush)                                                                                 \
    X(class_frames)                                                                                \
    X(class_log)

#define LOCK_DECLARE(class) extern struct lock_class class;
LOCK_CLASSES(LOCK_DECLARE)
#undef LOCK_DECLARE

/* LOCK_INDEX_kernel_lock and so on; LOCK_CLASS_COUNT. */
#define LOCK_INDEX(class) LOCK_INDEX_##class,
enum lock_index {
    LOCK_CLASSES(LOCK_INDEX) LOCK_CLASS_COUNT
};
#undef LOCK_INDEX
