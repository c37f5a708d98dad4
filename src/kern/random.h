/* SPDX-License-Identifier: MIT */
/* Random bytes: ChaCha20 (RFC 8439), keyed at boot from RDSEED, RDRAND and TSC jitter, and rekeyed
 * by each call. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* O(size); 32 bytes of each call are the next key. Callers: threads. */
void random_fill(void *to, size_t size);
uint64_t random_u64(void);
void random_stir(const void *from,
                 size_t size); /* mixes bytes into the key; never reduces its entropy */
