/* SPDX-License-Identifier: MIT */
/* Options of wait4(2) and waitid(2). */
#pragma once

#include <stdint.h>

enum wait_option {
    WNOHANG = 1,
    WSTOPPED = 2, /* WUNTRACED */
    WEXITED = 4,
    WCONTINUED = 8,
    WNOWAIT = 0x01000000,
};
#define WNOTHREAD UINT32_C(0x20000000) /* __WNOTHREAD */
#define WALL      UINT32_C(0x40000000)
#define WCLONE    UINT32_C(0x80000000)
