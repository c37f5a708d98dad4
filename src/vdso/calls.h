/* SPDX-License-Identifier: MIT */
/*
 * System calls that Linux does not have. Their numbers lie far above Linux's, and above those that
 * it will have soon: on Linux they answer ENOSYS.
 */
#pragma once

#define VDSO_CALL_MPROTECT 10 /* Linux's */

#define OURO_CALL_FIRST    0x4f00
#define VDSO_CALL_HARVEST  0x4f00 /* sys_ouro_harvest() */
#define OURO_CALL_COUNT    1
