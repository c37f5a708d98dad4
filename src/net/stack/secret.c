/* SPDX-License-Identifier: MIT */
#include "net/stack/secret.h"

#include "base/compiler.h"
#include "base/str.h"
#include "kern/random.h"
#include "kern/time.h"

#include <lwip/ip_addr.h>

static uint64_t secret_key[2];
static uint32_t random_pool[32];
static unsigned random_left;
static uint64_t packet_ids;

void net_secret_init(void)
{
    random_fill(secret_key, sizeof secret_key);
    packet_ids = random_u64();
}

uint32_t net_random(void)
{
    if (random_left == 0) {
        random_fill(random_pool, sizeof random_pool);
        random_left = ARRAY_LENGTH(random_pool);
    }
    uint32_t number = random_pool[--random_left];
    random_pool[random_left] = 0;
    return number;
}

/* A linear congruence (Knuth's MMIX) from a random start, of which 16 of 64 bits are seen. */
uint16_t net_packet_id(void)
{
    packet_ids = packet_ids * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint16_t)(packet_ids >> 48);
}

static uint64_t sip_rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], unsigned rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = sip_rotate(v[1], 13) ^ v[0];
        v[3] = sip_rotate(v[3], 16) ^ v[2];
        v[0] = sip_rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = sip_rotate(v[1], 17) ^ v[2];
        v[3] = sip_rotate(v[3], 21) ^ v[0];
        v[2] = sip_rotate(v[2], 32);
    }
}

uint64_t net_keyed_hash(const uint64_t *words, size_t count)
{
    uint64_t v[4] = {
        secret_key[0] ^ UINT64_C(0x736f6d6570736575), secret_key[1] ^ UINT64_C(0x646f72616e646f6d),
        secret_key[0] ^ UINT64_C(0x6c7967656e657261), secret_key[1] ^ UINT64_C(0x7465646279746573)};
    for (size_t i = 0; i <= count; i++) {
        uint64_t word = i < count ? words[i] : (uint64_t)count << 59;
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void address_words(const ip_addr_t *address, uint64_t out[2])
{
    out[0] = out[1] = 0;
    if (IP_IS_V6(address))
        memcpy(out, ip_2_ip6(address)->addr, 16);
    else
        out[0] = ip_2_ip4(address)->addr;
}

void net_ends_words(const struct net_ends *ends, uint64_t out[NET_ENDS_WORDS])
{
    address_words(ends->local, out);
    address_words(ends->remote, out + 2);
    out[4] = (uint64_t)ends->remote_port << 16 | ends->local_port;
}

uint32_t net_initial_sequence(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                              uint16_t remote_port)
{
    uint64_t words[NET_ENDS_WORDS];
    net_ends_words(&(struct net_ends){local, remote, local_port, remote_port}, words);
    return (uint32_t)(net_keyed_hash(words, NET_ENDS_WORDS) + (time_now_ns() >> 6));
}
