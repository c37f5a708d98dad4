/* SPDX-License-Identifier: MIT */
#include "parse/bpf.h"

#include "base/str.h"

enum class {
    LD,
    LDX,
    ST,
    STX,
    ALU,
    JMP,
    RET,
    MISC,
};

enum { /* of LD and LDX: size and mode */
    WORD = 0x00,
    HALF = 0x08,
    BYTE = 0x10,
    IMM = 0x00,
    ABS = 0x20,
    IND = 0x40,
    MEM = 0x60,
    LEN = 0x80,
    MSH = 0xa0, /* four times the low four bits of a byte: a length of IPv4 */
};

enum { /* of ALU */
    ADD = 0x00,
    SUB = 0x10,
    MUL = 0x20,
    DIV = 0x30,
    OR = 0x40,
    AND = 0x50,
    LSH = 0x60,
    RSH = 0x70,
    NEG = 0x80,
    MOD = 0x90,
    XOR = 0xa0,
};

enum { /* of JMP */
    JA = 0x00,
    JEQ = 0x10,
    JGT = 0x20,
    JGE = 0x30,
    JSET = 0x40,
};

#define BY_X    0x08u /* the operand is X, not k */
#define RET_A   0x10u
#define TXA     0x80u
#define WORDS   16u
#define AT_FACT 0xfffff000u /* SKF_AD_OFF */
#define AT_NET  0xfff00000u /* SKF_NET_OFF */
#define AT_LINK 0xffe00000u /* SKF_LL_OFF */
#define KNOWN   0xdfe7u     /* bit n: enum bpf_fact n */

/* True if the instruction is one, whatever its k. */
static bool is_known(const struct bpf_instruction *i)
{
    unsigned rest = i->code & ~7u, mode = i->code & 0xe0u, op = i->code & 0xf0u;
    if (i->code > 0xff)
        return false;
    switch (i->code & 7) {
    case LD:
        return mode == ABS || mode == IND ? (i->code & 0x18) != 0x18
                                          : rest == IMM || rest == MEM || rest == LEN;
    case LDX:
        return rest == IMM || rest == MEM || rest == LEN || rest == (MSH | BYTE);
    case ST:
    case STX:
        return rest == 0;
    case ALU:
        return op <= XOR && (op != NEG || !(i->code & BY_X));
    case JMP:
        return op <= JSET && (op != JA || !(i->code & BY_X));
    case RET:
        return rest == 0 || rest == RET_A;
    default:
        return rest == 0 || rest == TXA;
    }
}

static bool operand_is_ok(const struct bpf_instruction *i)
{
    unsigned class = i->code & 7, op = i->code & 0xf0u;
    bool constant = !(i->code & BY_X);
    if (class == ALU && constant)
        return op == DIV || op == MOD ? i->k != 0 : (op != LSH && op != RSH) || i->k < 32;
    if (class == ST || class == STX || (class <= LDX && (i->code & 0xe0) == MEM))
        return i->k < WORDS;
    if (class == LD && (i->code & 0xe0) == ABS && i->k >= AT_FACT) {
        uint32_t fact = i->k - AT_FACT;
        return fact % 4 == 0 && fact / 4 < BPF_FACTS && KNOWN >> fact / 4 & 1;
    }
    return true;
}

/* Jumps end inside; what a jump has written on its way is what all of its ways have. */
static bool ways_are_ok(const struct bpf_instruction *filter, size_t count, uint16_t *seen)
{
    uint16_t written = 0;
    memset(seen, 0xff, count * sizeof *seen);
    for (size_t at = 0; at < count; at++) {
        const struct bpf_instruction *i = &filter[at];
        size_t left = count - at - 1;
        written &= seen[at];
        switch (i->code & 7) {
        case ST:
        case STX:
            written |= (uint16_t)(1u << i->k);
            break;
        case LD:
        case LDX:
            if ((i->code & 0xe0) == MEM && !(written >> i->k & 1))
                return false;
            break;
        case JMP:
            if ((i->code & 0xf0) == JA) {
                if (i->k >= left)
                    return false;
                seen[at + 1 + i->k] &= written;
            } else {
                if (i->jump_true >= left || i->jump_false >= left)
                    return false;
                seen[at + 1 + i->jump_true] &= written;
                seen[at + 1 + i->jump_false] &= written;
            }
            written = 0xffff;
            break;
        default:
            break;
        }
    }
    return true;
}

bool bpf_check(const struct bpf_instruction *filter, size_t count, uint16_t *seen)
{
    if (count == 0 || count > BPF_INSTRUCTIONS_MAX || (filter[count - 1].code & 7) != RET)
        return false;
    for (size_t at = 0; at < count; at++)
        if (!is_known(&filter[at]) || !operand_is_ok(&filter[at]))
            return false;
    return ways_are_ok(filter, count, seen);
}

/* Big-endian. False: it is not all there. */
static bool bpf_load(const struct bpf_packet *packet, uint32_t at, uint32_t size, uint32_t *out)
{
    uint8_t bytes[4];
    int64_t from = at, least = 0;
    if ((int32_t)at < 0) {
        int32_t base = at >= AT_NET ? packet->network : packet->link;
        if (at < AT_LINK || base == BPF_NOWHERE)
            return false;
        from = (int64_t)(at - (at >= AT_NET ? AT_NET : AT_LINK)) + base;
        least = packet->link == BPF_NOWHERE ? packet->network : packet->link;
    }
    if (from < least || from + size > packet->size)
        return false;
    const uint8_t *first = (const uint8_t *)packet->bytes + from;
    if (packet->copy != NULL) {
        packet->copy(packet, (int32_t)from, size, bytes);
        first = bytes;
    }
    *out = 0;
    for (uint32_t i = 0; i < size; i++)
        *out = *out << 8 | first[i];
    return true;
}

/* False: a division by 0. */
static bool calculate(unsigned op, uint32_t *a, uint32_t b)
{
    switch (op) {
    case ADD:
        *a += b;
        break;
    case SUB:
        *a -= b;
        break;
    case MUL:
        *a *= b;
        break;
    case OR:
        *a |= b;
        break;
    case AND:
        *a &= b;
        break;
    case LSH:
        *a <<= b & 31;
        break;
    case RSH:
        *a >>= b & 31;
        break;
    case NEG:
        *a = -*a;
        break;
    case XOR:
        *a ^= b;
        break;
    default:
        if (b == 0)
            return false;
        *a = op == DIV ? *a / b : *a % b;
    }
    return true;
}

static bool condition(unsigned op, uint32_t a, uint32_t b)
{
    return op == JEQ ? a == b : op == JGT ? a > b : op == JGE ? a >= b : (a & b) != 0;
}

struct registers {
    uint32_t a, x, words[WORDS];
};

/* LD and LDX. */
static bool load_register(const struct bpf_instruction *i, const struct bpf_packet *packet,
                          struct registers *r)
{
    uint32_t size = i->code & BYTE ? 1 : i->code & HALF ? 2 : 4, value = i->k;
    switch (i->code & 0xe0) {
    case ABS:
        if (i->k >= AT_FACT) {
            uint32_t fact = (i->k - AT_FACT) / 4;
            value = fact == BPF_XOR_X ? r->a ^ r->x : packet->fact[fact];
        } else if (!bpf_load(packet, i->k, size, &value)) {
            return false;
        }
        break;
    case IND:
        if (!bpf_load(packet, r->x + i->k, size, &value))
            return false;
        break;
    case MSH:
        if (!bpf_load(packet, i->k, 1, &value))
            return false;
        value = (value & 15) * 4;
        break;
    case MEM:
        value = r->words[i->k];
        break;
    case LEN:
        value = packet->size;
        break;
    default:
        break;
    }
    *((i->code & 7) == LD ? &r->a : &r->x) = value;
    return true;
}

uint32_t bpf_run(const struct bpf_instruction *filter, const struct bpf_packet *packet)
{
    struct registers r = {0};
    for (const struct bpf_instruction *i = filter;; i++) {
        uint32_t operand = i->code & BY_X ? r.x : i->k;
        switch (i->code & 7) {
        case LD:
        case LDX:
            if (!load_register(i, packet, &r))
                return 0;
            break;
        case ST:
            r.words[i->k] = r.a;
            break;
        case STX:
            r.words[i->k] = r.x;
            break;
        case ALU:
            if (!calculate(i->code & 0xf0, &r.a, operand))
                return 0;
            break;
        case JMP:
            if ((i->code & 0xf0) == JA)
                i += i->k;
            else
                i += condition(i->code & 0xf0, r.a, operand) ? i->jump_true : i->jump_false;
            break;
        case RET:
            return i->code & RET_A ? r.a : i->k;
        default:
            *(i->code & TXA ? &r.a : &r.x) = i->code & TXA ? r.x : r.a;
        }
    }
}
