/* SPDX-License-Identifier: MIT */
#pragma once

/* The first thread: root file system, standard streams, the process, its program. Ends boot; does
 * not return. */
void linux_start(void *unused);
