/* SPDX-License-Identifier: MIT */
/*
 * Deadlock detection: all threads sleep, no timer is armed, and no thread waits for a device or an
 * outside signal, so nothing can ever happen. After a delay in this state the report lists every
 * thread, its wait and its position, and the machine ends with the status of timeout(1).
 */
#pragma once

/* Reports a deadlock after `seconds` of that state; 0: never. Boot. */
void deadlock_watch(unsigned seconds);
