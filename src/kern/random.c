/* SPDX-License-Identifier: MIT */
/*
 * A ChaCha20 generator with fast key erasure: the first 32 bytes of each call's key stream become
 * the next key, so that a later disclosure of memory does not reveal earlier output.
 */
#include "kern/random.h"

#include "base/str.h"
#include "cpu/entropy.h"
#include "kern/random_init.h"

static uint32_t key[8];
static uint64_t counter;

static uint32_t rotate(uint32_t v, int n)
{
    return v << n | v >> (32 - n);
}

static void quarter(uint32_t *s, int a, int b, int c, int d)
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

/* RFC 8439 section 2.3. The nonce is zero: no key is used for more than one call. */
static void block(uint32_t out[16], uint64_t number)
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
    memcpy(out, start, sizeof start);
    for (int round = 0; round < 10; round++) {
        quarter(out, 0, 4, 8, 12);
        quarter(out, 1, 5, 9, 13);
        quarter(out, 2, 6, 10, 14);
        quarter(out, 3, 7, 11, 15);
        quarter(out, 0, 5, 10, 15);
        quarter(out, 1, 6, 11, 12);
        quarter(out, 2, 7, 8, 13);
        quarter(out, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        out[i] += start[i];
}

void random_fill(void *to, size_t size)
{
    uint8_t *out = to;
    uint32_t stream[16], next_key[8];
    block(stream, counter++);
    memcpy(next_key, stream, sizeof next_key);
    size_t have = sizeof stream - sizeof next_key;
    const uint8_t *from = (const uint8_t *)stream + sizeof next_key;
    while (size > 0) {
        if (have == 0) {
            block(stream, counter++);
            from = (const uint8_t *)stream;
            have = sizeof stream;
        }
        size_t take = size < have ? size : have;
        memcpy(out, from, take);
        out += take;
        from += take;
        size -= take;
        have -= take;
    }
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
