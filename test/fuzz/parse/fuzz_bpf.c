/* SPDX-License-Identifier: MIT */
/* Any bytes as a filter and a packet: what bpf_check() takes ends, and reads only the packet. */
#include "parse/bpf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy(const struct bpf_packet *packet, int32_t offset, uint32_t size, uint8_t *out)
{
    int32_t least = packet->link == BPF_NOWHERE ? 0 : packet->link;
    if (offset < least || (int64_t)offset + size > packet->size)
        abort();
    memcpy(out, (const uint8_t *)packet->bytes + offset, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = size > 0 ? data[0] % 64 : 0, room = count * sizeof(struct bpf_instruction);
    if (size < 1 + room + 14)
        return 0;
    struct bpf_instruction *filter = malloc(room + 1);
    uint16_t *seen = malloc(count * sizeof *seen + 1);
    memcpy(filter, data + 1, room);
    for (size_t i = 0; i < count && data[0] & 64; i++)
        filter[i].code &= 0xff; /* more of them are known */
    struct bpf_packet packet = {.size = (uint32_t)(size - 1 - room - 14),
                                .network = data[0] & 128 ? 0 : BPF_NOWHERE,
                                .link = data[0] & 128 ? -14 : BPF_NOWHERE,
                                .copy = copy};
    uint8_t *bytes = malloc(packet.size + 14); /* of the exact size, for ASan */
    memcpy(bytes, data + 1 + room, packet.size + 14);
    packet.bytes = bytes + 14;
    if (size % 2 == 0)
        packet.copy = NULL;
    if (bpf_check(filter, count, seen) && bpf_run(filter, &packet) != bpf_run(filter, &packet))
        abort();
    free(bytes);
    free(seen);
    free(filter);
    return 0;
}
