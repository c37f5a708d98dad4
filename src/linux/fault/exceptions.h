/* SPDX-License-Identifier: MIT */
/* CPU exceptions of the program become signals; page faults that no area explains, too: trap_leave(), trap_gs_restored()
 * (cpu/trap.h) and fault_of_program() (mm/vm/fault.h) are defined here. */
#pragma once

/* Installs the handlers; a program is expected from here on. Boot only. */
void exceptions_init(void);
