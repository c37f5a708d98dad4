/* SPDX-License-Identifier: MIT */
/*
 * System calls that Linux does not have. Their numbers lie far above Linux's: on Linux they return
 * ENOSYS.
 */
#pragma once

#define VDSO_CALL_MPROTECT 10 /* Linux's number */

#define OURO_CALL_FIRST    0x4f00
#define VDSO_CALL_HARVEST  0x4f00 /* sys_ouro_harvest() */
#define OURO_CALL_COUNT    1
