/* SPDX-License-Identifier: MIT */
/* Makes signals of the program's CPU exceptions and of page faults that no area explains. Defines
 * trap_leave(), trap_gs_restored() (cpu/trap.h), fault_of_program() and fault_of_copy() (mm/vm/fault.h). */
#pragma once

/* Installs the handlers and calls trap_expect_program(). Boot. */
void exceptions_init(void);
