/* SPDX-License-Identifier: MIT */
/*
 * The hashes of names in hashed trees (Linux: Documentation/filesystems/ext4/directory.rst): half of MD4 with 24 of its 48
 * steps, TEA with 16 rounds, and the legacy one. Each is there with names as signed and as unsigned bytes.
 */
#include "fs/ext4/core.h"

#include "base/str.h"

enum {
    HASH_LEGACY,
    HASH_HALF_MD4,
    HASH_TEA,
    HASH_VERSIONS
};

#define HASH_END 0xfffffffeu /* of no name: it marks the end of a listing on Linux */

static uint32_t hash_rotate(uint32_t word, uint32_t by)
{
    return word << by | word >> (32 - by);
}

static uint32_t hash_mix(int round, uint32_t x, uint32_t y, uint32_t z)
{
    if (round == 0)
        return z ^ (x & (y ^ z));
    return round == 1 ? (x & y) + ((x ^ y) & z) : x ^ y ^ z;
}

static void half_md4(uint32_t state[4], const uint32_t in[8])
{
    static const uint8_t order[3][8] = {
        {0, 1, 2, 3, 4, 5, 6, 7}, {1, 3, 5, 7, 0, 2, 4, 6}, {3, 7, 2, 6, 1, 5, 0, 4}};
    static const uint8_t shift[3][4] = {{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}};
    static const uint32_t constant[3] = {0, 0x5a827999, 0x6ed9eba1};
    uint32_t w[4];
    memcpy(w, state, sizeof(w));
    for (int round = 0; round < 3; round++)
        for (uint32_t i = 0; i < 8; i++) { /* step i changes word -i, from the three behind it */
            uint32_t at = (0u - i) & 3;
            uint32_t sum = w[at] +
                           hash_mix(round, w[(at + 1) & 3], w[(at + 2) & 3], w[(at + 3) & 3]) +
                           in[order[round][i]] + constant[round];
            w[at] = hash_rotate(sum, shift[round][i & 3]);
        }
    for (int i = 0; i < 4; i++)
        state[i] += w[i];
}

static void tea(uint32_t state[4], const uint32_t in[8])
{
    uint32_t a = state[0], b = state[1], sum = 0;
    for (int round = 0; round < 16; round++) {
        sum += 0x9e3779b9;
        a += ((b << 4) + in[0]) ^ (b + sum) ^ ((b >> 5) + in[1]);
        b += ((a << 4) + in[2]) ^ (a + sum) ^ ((a >> 5) + in[3]);
    }
    state[0] += a;
    state[1] += b;
}

static uint32_t byte_of(char c, bool is_unsigned)
{
    return is_unsigned ? (uint8_t)c : (uint32_t)(int32_t)(int8_t)c;
}

static uint32_t legacy(const char *name, size_t length, bool is_unsigned)
{
    uint32_t now = 0x12a3fe2d, before = 0x37abe8f9;
    for (size_t i = 0; i < length; i++) {
        uint32_t next = before + (now ^ (byte_of(name[i], is_unsigned) * 7152373u));
        if (next & 0x80000000u)
            next -= 0x7fffffff;
        before = now;
        now = next;
    }
    return now << 1;
}

/* The next `words` words of the name, filled up with its length. */
static void words_of(const char *name, size_t length, bool is_unsigned, uint32_t *out,
                     uint32_t words)
{
    uint32_t pad = (uint32_t)length | (uint32_t)length << 8;
    pad |= pad << 16;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t word = pad;
        for (size_t at = i * 4; at < i * 4 + 4 && at < length; at++)
            word = byte_of(name[at], is_unsigned) + (word << 8);
        out[i] = word;
    }
}

uint32_t ext4_hash_version(const struct ext4 *fs, uint32_t version)
{
    return version < HASH_VERSIONS && (fs->super->flags & EXT4_HASH_UNSIGNED)
               ? version + HASH_VERSIONS
               : version;
}

bool ext4_hash(const struct ext4 *fs, uint32_t version, const char *name, size_t length,
               struct ext4_hash *out)
{
    static const uint32_t start[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    const uint32_t *seed = fs->super->hash_seed;
    bool is_unsigned = version >= HASH_VERSIONS;
    uint32_t kind = is_unsigned ? version - HASH_VERSIONS : version, state[4], in[8];
    uint32_t words = kind == HASH_TEA ? 4 : 8;
    if (kind >= HASH_VERSIONS)
        return false;
    memcpy(state, (seed[0] | seed[1] | seed[2] | seed[3]) != 0 ? seed : start, sizeof(state));
    if (kind == HASH_LEGACY) {
        *out = (struct ext4_hash){legacy(name, length, is_unsigned), 0};
    } else {
        for (size_t at = 0; at < length; at += words * 4) {
            words_of(name + at, length - at, is_unsigned, in, words);
            if (kind == HASH_TEA)
                tea(state, in);
            else
                half_md4(state, in);
        }
        *out = kind == HASH_TEA ? (struct ext4_hash){state[0], state[1]}
                                : (struct ext4_hash){state[1], state[2]};
    }
    out->major &= ~1u;
    if (out->major == HASH_END)
        out->major = HASH_END - 2;
    return true;
}
