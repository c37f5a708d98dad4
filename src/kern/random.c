/* SPDX-License-Identifier: MIT */
/*
 * A ChaCha20 generator with fast key erasure: the first 32 bytes of each call's key stream become
 * the next key, so that a later disclosure of memory does not reveal earlier output.
 */
#include "kern/random.h"

#include "base/compiler.h"
#include "base/str.h"
#include "cpu/entropy.h"
#include "kern/random_init.h"

static uint32_t key[8];
static uint64_t counter;

static ALWAYS_INLINE uint32_t rotate(uint32_t v, int n)
{
    return v << n | v >> (32 - n);
}

static ALWAYS_INLINE void quarter(uint32_t *s, int a, int b, int c, int d)
{
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 7);
}

/* RFC 8439 section 2.3. The nonce is zero: no key is used for more than one call. `out` has 64
 * bytes, at any address. */
static void block(void *out, uint64_t number)
{
    const uint32_t start[16] = {
        0x61707865,
        0x3320646e,
        0x79622d32,
        0x6b206574,
        key[0],
        key[1],
        key[2],
        key[3],
        key[4],
        key[5],
        key[6],
        key[7],
        (uint32_t)number,
        (uint32_t)(number >> 32),
        0,
        0,
    };
    uint32_t s[16];
    memcpy(s, start, sizeof s);
    for (int round = 0; round < 10; round++) {
        quarter(s, 0, 4, 8, 12);
        quarter(s, 1, 5, 9, 13);
        quarter(s, 2, 6, 10, 14);
        quarter(s, 3, 7, 11, 15);
        quarter(s, 0, 5, 10, 15);
        quarter(s, 1, 6, 11, 12);
        quarter(s, 2, 7, 8, 13);
        quarter(s, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        s[i] += start[i];
    memcpy(out, s, sizeof s);
}

void random_fill(void *to, size_t size)
{
    uint8_t *out = to;
    uint32_t stream[16], next_key[8];
    const uint8_t *rest = (const uint8_t *)stream + sizeof next_key;
    size_t have = sizeof stream - sizeof next_key;
    block(stream, counter++);
    memcpy(next_key, stream, sizeof next_key);
    while (size > have) {
        memcpy(out, rest, have);
        out += have;
        size -= have;
        for (; size >= sizeof stream; size -= sizeof stream, out += sizeof stream)
            block(out, counter++);
        block(stream, counter++);
        rest = (const uint8_t *)stream;
        have = sizeof stream;
    }
    memcpy(out, rest, size);
    memcpy(key, next_key, sizeof key);
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_fill(&v, sizeof v);
    return v;
}

void random_stir(const void *from, size_t size)
{
    const uint8_t *p = from;
    uint8_t *k = (uint8_t *)key;
    for (size_t i = 0; i < size; i++) {
        k[i % sizeof key] ^= p[i];
        if (i % sizeof key == sizeof key - 1)
            random_u64();
    }
    random_u64();
}

void random_init(void)
{
    for (int i = 0; i < 4; i++) {
        uint64_t bits = 0;
        if (!cpu_random(&bits))
            bits = cpu_jitter();
        key[2 * i] ^= (uint32_t)bits;
        key[2 * i + 1] ^= (uint32_t)(bits >> 32);
    }
    uint64_t jitter = cpu_jitter();
    random_stir(&jitter, sizeof jitter);
}
