/* SPDX-License-Identifier: MIT */
/* A native test that includes this has a running thread: cpu/percpu.h reads it at the base of GS. */
#pragma once

#include "cpu/percpu.h"
#include "kern/thread.h"

#include <asm/prctl.h>
#include <stdlib.h>
#include <sys/syscall.h>

long syscall(long number, ...); /* <unistd.h> has macros that fs/vfs/abi.h has, too */

static struct thread native_thread;
static struct percpu native_percpu = {.self = &native_percpu, .current = &native_thread};

__attribute__((constructor)) static void set_percpu(void)
{
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &native_percpu) != 0)
        abort();
}
