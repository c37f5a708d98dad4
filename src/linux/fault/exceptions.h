/* SPDX-License-Identifier: MIT */
/* CPU exceptions of the program become signals; page faults that no area explains, too. */
#pragma once

/* Installs the handlers and the fault hooks. Boot only. */
void exceptions_init(void);
