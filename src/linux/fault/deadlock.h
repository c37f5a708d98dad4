/* SPDX-License-Identifier: MIT */
/*
 * All threads asleep, no timer armed, nobody who waits for a device or a signal from outside: nothing
 * can happen any more. After a while of that the report names every thread, what it waits in and
 * where it was, and the machine ends with the status of a time-out.
 */
#pragma once

/* `seconds` of that state are one too many; 0: never. Boot. */
void deadlock_watch(unsigned seconds);
