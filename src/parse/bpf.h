/* SPDX-License-Identifier: MIT */
/*
 * Classic BPF, the language of socket filters (socket(7), SO_ATTACH_FILTER; bpf(4) of the BSDs): two registers, 16 words, jumps
 * forward only, so that a filter of n instructions ends after n at most. Pure.
 *
 *     checked once by bpf_check(), then run for each packet: how many bytes of it the socket gets, 0: none
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BPF_INSTRUCTIONS_MAX 4096u

struct bpf_instruction { /* struct sock_filter */
    uint16_t code;
    uint8_t jump_true, jump_false;
    uint32_t k;
};

/* What a filter asks for besides bytes: SKF_AD_* / 4. */
enum bpf_fact {
    BPF_PROTOCOL,
    BPF_PACKET_TYPE,
    BPF_INTERFACE,
    BPF_MARK = 5,
    BPF_QUEUE,
    BPF_HARDWARE_TYPE,
    BPF_HASH,
    BPF_CPU,
    BPF_XOR_X,
    BPF_VLAN_TAG,
    BPF_VLAN_PRESENT,
    BPF_RANDOM = 14,
    BPF_VLAN_PROTOCOL,
    BPF_FACTS
};

struct bpf_packet {
    uint32_t size;
    /* Where the network's and the link's header begin, before `bytes` or in it; BPF_NOWHERE: they are not at hand. */
    int32_t network, link;
    /* NULL: `bytes` points to the packet. Else copies [offset, offset + size), which lies in the packet, or in front of it where `link` says so. */
    void (*copy)(const struct bpf_packet *packet, int32_t offset, uint32_t size, uint8_t *out);
    const void *bytes;
    uint32_t fact[BPF_FACTS];
};
#define BPF_NOWHERE INT32_MIN

/* True if Linux takes the filter: 1 to BPF_INSTRUCTIONS_MAX known instructions, jumps inside, an end, no division by a constant 0, no
 * word read before it is written. `seen`: room for as many. O(count). */
bool bpf_check(const struct bpf_instruction *filter, size_t count, uint16_t *seen);
/* A filter that was checked. A load past the packet, or a division by 0, ends it with 0. O(count). */
uint32_t bpf_run(const struct bpf_instruction *filter, const struct bpf_packet *packet);
