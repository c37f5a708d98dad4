/* SPDX-License-Identifier: MIT */
#include "parse/x86_insn.h"

#include "base/compiler.h"

struct decoder {
    const uint8_t *bytes;
    size_t size, at;
    uint8_t rex;       /* bits W 8, R 4, X 2, B 1; 0: no prefix */
    uint8_t mandatory; /* mandatory prefix: F2 or F3 (the last one), else 66, else 0 */
    bool operand16, address32;
    bool wide_vector; /* VEX.L, EVEX.LL */
    bool evex;
    uint8_t segment;
    struct x86_insn *out;
};

enum immediate {
    IMM_NONE,
    IMM_8,
    IMM_16,
    IMM_Z,    /* 2 or 4 bytes, by operand size */
    IMM_V,    /* mov: 2, 4 or 8 bytes */
    IMM_32,   /* near branches: 4 bytes with any prefix */
    IMM_A,    /* moffs: by address size */
    IMM_16_8, /* enter: 2 bytes and 1 byte */
};

/* Bit n of row r stands for opcode 16 r + n. */
static const uint16_t modrm_one[16] = {
    0x0f0f, 0x0f0f, 0x0f0f, 0x0f0f, 0, 0, 0x0a08, 0, 0xffff, 0, 0, 0, 0x00c3, 0xff0f, 0, 0xc0c0,
};
static const uint16_t invalid_one[16] = {
    0x40c0, 0xc0c0, 0x8080, 0x8080, 0,      0,      0x0007, 0,
    0x0004, 0x0400, 0,      0,      0x4000, 0x0070, 0x0400, 0,
};
static const uint16_t modrm_two[16] = {
    0xa00f, 0xffff, 0xff0f, 0,      0xffff, 0xffff, 0xffff, 0xff7f,
    0,      0xffff, 0xf838, 0xffff, 0x00ff, 0xffff, 0xffff, 0xffff,
};
static const uint16_t invalid_two[16] = {
    0x1410, 0, 0x00f0, 0xea40, 0, 0, 0, 0x0c00, 0, 0, 0x00c0, 0, 0, 0, 0, 0,
};

static bool x86_insn_bit_of(const uint16_t table[16], uint8_t opcode)
{
    return table[opcode >> 4] >> (opcode & 15) & 1;
}

static bool x86_insn_take(struct decoder *d, unsigned size, int64_t *out)
{
    if (size > d->size - d->at || d->at + size > X86_INSN_MAX)
        return false;
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)d->bytes[d->at++] << 8 * i;
    if (size < 8 && size > 0 && value >> (8 * size - 1))
        value |= ~UINT64_C(0) << 8 * size;
    *out = (int64_t)value;
    return true;
}

static bool x86_insn_take_byte(struct decoder *d, uint8_t *out)
{
    int64_t value;
    if (!x86_insn_take(d, 1, &value))
        return false;
    *out = (uint8_t)value;
    return true;
}

static bool take_prefix(struct decoder *d, uint8_t byte)
{
    switch (byte) {
    case 0x66:
        d->operand16 = true;
        if (d->mandatory == 0)
            d->mandatory = byte;
        return true;
    case 0x67:
        d->address32 = true;
        return true;
    case 0xf2:
    case 0xf3:
        d->mandatory = byte;
        d->out->repeated = true;
        return true;
    case 0x64:
    case 0x65:
        d->segment = byte == 0x64 ? 'f' : 'g';
        return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0xf0:
        return true;
    default:
        return false;
    }
}

static void set_vex_prefix(struct decoder *d, uint8_t pp)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2};
    d->mandatory = prefixes[pp & 3];
}

/* C5, C4 (VEX) and 62 (EVEX): prefix, escape and inverted REX bits in two to four bytes. */
static bool take_vex(struct decoder *d, uint8_t kind)
{
    uint8_t p0, p1, p2 = 0;
    if (d->rex != 0 || d->mandatory != 0 || !x86_insn_take_byte(d, &p0))
        return false;
    d->out->vex = true;
    d->out->map = 1;
    d->rex = (uint8_t)(~p0 >> 5 & 4);
    if (kind == 0xc5) {
        set_vex_prefix(d, p0);
        d->wide_vector = p0 & 4;
        return true;
    }
    if (!x86_insn_take_byte(d, &p1) || (kind == 0x62 && !x86_insn_take_byte(d, &p2)))
        return false;
    d->out->map = p0 & (kind == 0x62 ? 7 : 31);
    d->rex = (uint8_t)((~p0 >> 5 & 7) | (p1 >> 4 & 8));
    d->wide_vector = kind == 0x62 ? p2 & 0x60 : p1 & 4;
    d->evex = kind == 0x62;
    set_vex_prefix(d, p1);
    return d->out->map >= 1 && d->out->map <= 3;
}

static bool take_opcode(struct decoder *d)
{
    struct x86_insn *o = d->out;
    uint8_t byte;
    do {
        if (!x86_insn_take_byte(d, &byte))
            return false;
    } while (take_prefix(d, byte));
    if ((byte & 0xf0) == 0x40) {
        d->rex = byte;
        if (!x86_insn_take_byte(d, &byte))
            return false;
    }
    if (byte == 0xc4 || byte == 0xc5 || byte == 0x62)
        return take_vex(d, byte) && x86_insn_take_byte(d, &o->opcode);
    if (byte == 0x0f) {
        o->map = 1;
        if (!x86_insn_take_byte(d, &byte))
            return false;
        if (byte == 0x38 || byte == 0x3a) {
            o->map = byte == 0x38 ? 2 : 3;
            if (!x86_insn_take_byte(d, &byte))
                return false;
        }
    }
    o->opcode = byte;
    return true;
}

static bool needs_modrm(const struct x86_insn *o)
{
    if (o->map == 0)
        return x86_insn_bit_of(modrm_one, o->opcode);
    return o->map > 1 || (o->vex ? o->opcode != 0x77 : x86_insn_bit_of(modrm_two, o->opcode));
}

static enum immediate immediate_one(uint8_t op, uint8_t modrm)
{
    if (op < 0x40)
        return (op & 7) == 4 ? IMM_8 : (op & 7) == 5 ? IMM_Z : IMM_NONE;
    if ((op >= 0x70 && op <= 0x7f) || (op >= 0xb0 && op <= 0xb7) || (op >= 0xe0 && op <= 0xe7))
        return IMM_8;
    if (op >= 0xb8 && op <= 0xbf)
        return IMM_V;
    switch (op) {
    case 0x6a:
    case 0x6b:
    case 0x80:
    case 0x83:
    case 0xa8:
    case 0xc0:
    case 0xc1:
    case 0xc6:
    case 0xcd:
    case 0xeb:
        return IMM_8;
    case 0x68:
    case 0x69:
    case 0x81:
    case 0xa9:
    case 0xc7:
        return IMM_Z;
    case 0xc2:
    case 0xca:
        return IMM_16;
    case 0xc8:
        return IMM_16_8;
    case 0xe8:
    case 0xe9:
        return IMM_32;
    case 0xa0:
    case 0xa1:
    case 0xa2:
    case 0xa3:
        return IMM_A;
    case 0xf6:
    case 0xf7:
        return (modrm >> 3 & 7) > 1 ? IMM_NONE : op == 0xf6 ? IMM_8 : IMM_Z;
    default:
        return IMM_NONE;
    }
}

static enum immediate immediate_of(const struct x86_insn *o)
{
    uint8_t op = o->opcode;
    if (o->map == 0)
        return immediate_one(op, o->modrm);
    if (o->map == 3)
        return IMM_8;
    if (o->map == 2)
        return IMM_NONE;
    if (op >= 0x80 && op <= 0x8f && !o->vex)
        return IMM_32;
    return (op >= 0x70 && op <= 0x73) || op == 0xa4 || op == 0xac || op == 0xba || op == 0xc2 ||
                   (op >= 0xc4 && op <= 0xc6) || (op == 0x0f && !o->vex)
               ? IMM_8
               : IMM_NONE;
}

static unsigned immediate_size(const struct decoder *d, enum immediate kind)
{
    unsigned z = d->operand16 && !(d->rex & 8) ? 2 : 4;
    switch (kind) {
    case IMM_8:
        return 1;
    case IMM_16:
        return 2;
    case IMM_16_8:
        return 3;
    case IMM_Z:
        return z;
    case IMM_V:
        return d->rex & 8 ? 8 : z;
    case IMM_32:
        return 4;
    case IMM_A:
        return d->address32 ? 4 : 8;
    default:
        return 0;
    }
}

static unsigned operand_size(const struct decoder *d)
{
    return d->rex & 8 ? 8 : d->operand16 ? 2 : 4;
}

static unsigned x87_size(uint8_t op, uint8_t reg)
{
    static const uint8_t sizes[8][8] = {
        {4, 4, 4, 4, 4, 4, 4, 4},   {4, 0, 4, 4, 28, 2, 28, 2}, {4, 4, 4, 4, 4, 4, 4, 4},
        {4, 4, 4, 4, 0, 10, 0, 10}, {8, 8, 8, 8, 8, 8, 8, 8},   {8, 8, 8, 8, 108, 0, 108, 2},
        {2, 2, 2, 2, 2, 2, 2, 2},   {2, 2, 2, 2, 10, 8, 10, 8},
    };
    return sizes[op & 7][reg];
}

static unsigned size_one(const struct decoder *d, uint8_t op, uint8_t reg)
{
    if (op >= 0xd8 && op <= 0xdf)
        return x87_size(op, reg);
    if (op == 0x63)
        return 4;
    if (op == 0x8c || op == 0x8e)
        return 2;
    if (op == 0x8f || (op == 0xff && reg >= 2 && reg != 3 && reg != 5))
        return d->operand16 ? 2 : 8;
    if (op == 0x69 || op == 0x6b)
        return operand_size(d);
    return op & 1 ? operand_size(d) : 1;
}

/* Operand size of SSE and AVX instructions, which depends on the prefix. */
static unsigned size_vector(const struct decoder *d, uint8_t op)
{
    unsigned whole = d->wide_vector ? 32 : 16;
    if (d->evex)
        return 0;
    if ((op & 0xfc) == 0x10 && op > 0x11)
        return 8;
    if (op == 0x16 || op == 0x17)
        return 8;
    if (op == 0x2e || op == 0x2f)
        return d->mandatory == 0x66 ? 8 : 4;
    if (d->mandatory == 0xf3 && op < 0x60)
        return 4;
    if (d->mandatory == 0xf2 && op < 0x60)
        return 8;
    if (op == 0x6e || (op == 0x7e && d->mandatory != 0xf3))
        return d->rex & 8 ? 8 : 4;
    if (op == 0x7e || op == 0xd6)
        return 8;
    return op >= 0x60 && d->mandatory == 0 && !d->out->vex ? 8 : whole;
}

static unsigned size_two(const struct decoder *d, uint8_t op, uint8_t reg)
{
    if ((op >= 0x10 && op <= 0x17) || (op >= 0x28 && op <= 0x2f) || (op >= 0x50 && op <= 0x7f) ||
        op == 0xc2 || op == 0xc6 || op >= 0xd0)
        return size_vector(d, op);
    if (op >= 0x90 && op <= 0x9f)
        return 1;
    switch (op) {
    case 0xb0:
    case 0xb6:
    case 0xbe:
    case 0xc0:
        return 1;
    case 0xb7:
    case 0xbf:
    case 0xc4:
        return 2;
    case 0xc7:
        return d->rex & 8 ? 16 : 8;
    case 0xae:
        return reg == 2 || reg == 3 ? 4 : reg < 2 ? 512 : 0;
    case 0x18:
    case 0x0d:
        return 0;
    default:
        return operand_size(d);
    }
}

static bool writes_one(uint8_t op, uint8_t reg)
{
    if (op < 0x40)
        return (op & 7) < 2 && op < 0x38;
    if (op >= 0x80 && op <= 0x83)
        return reg != 7;
    if (op >= 0xd8 && op <= 0xdf)
        return (op & 1) &&
               (reg == 2 || reg == 3 || reg == 6 || reg == 7 || (op != 0xd9 && reg == 1));
    switch (op) {
    case 0x86:
    case 0x87:
    case 0x88:
    case 0x89:
    case 0x8c:
    case 0x8f:
    case 0xc0:
    case 0xc1:
    case 0xc6:
    case 0xc7:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return true;
    case 0xf6:
    case 0xf7:
        return reg == 2 || reg == 3;
    case 0xfe:
    case 0xff:
        return reg < 2;
    default:
        return false;
    }
}

static bool writes_two(const struct decoder *d, uint8_t op, uint8_t reg)
{
    switch (op) {
    case 0x11:
    case 0x13:
    case 0x17:
    case 0x29:
    case 0x2b:
    case 0x7f:
    case 0xa3 + 8: /* bts */
    case 0xa4:
    case 0xa5:
    case 0xac:
    case 0xad:
    case 0xb0:
    case 0xb1:
    case 0xb3:
    case 0xbb:
    case 0xc0:
    case 0xc1:
    case 0xc3:
    case 0xc7:
    case 0xd6:
    case 0xe7:
        return true;
    case 0x7e:
        return d->mandatory != 0xf3;
    case 0xae:
        return reg == 0 || reg == 3 || reg == 4 || reg == 6;
    case 0xba:
        return reg >= 5;
    default:
        return op >= 0x90 && op <= 0x9f;
    }
}

/* True for mov, setcc and the like, which do not read their destination. */
static bool only_writes(const struct x86_insn *o)
{
    uint8_t op = o->opcode;
    if (o->map == 0)
        return op == 0x88 || op == 0x89 || op == 0x8c || op == 0x8f || op == 0xc6 || op == 0xc7 ||
               (op >= 0xd8 && op <= 0xdf);
    return op < 0x80 || (op >= 0x90 && op <= 0x9f) || op == 0xc3 || op == 0xd6 || op == 0xe7 ||
           op == 0xae;
}

static void set_access(const struct decoder *d, struct x86_operand *m)
{
    const struct x86_insn *o = d->out;
    uint8_t reg = o->modrm >> 3 & 7;
    if (o->map == 0) {
        m->size = (uint16_t)size_one(d, o->opcode, reg);
        m->write = writes_one(o->opcode, reg);
        m->read = o->opcode != 0x8d && !(m->write && only_writes(o));
    } else if (o->map == 1) {
        bool nothing = o->opcode == 0x18 || o->opcode == 0x0d || o->opcode == 0x1e ||
                       o->opcode == 0x1f || o->opcode == 0x01 || o->opcode == 0x00;
        m->size = nothing ? 0 : (uint16_t)size_two(d, o->opcode, reg);
        m->write = writes_two(d, o->opcode, reg);
        m->read = !nothing && !(m->write && only_writes(o));
    } else {
        m->size = d->evex ? 0 : d->wide_vector ? 32 : o->vex || d->mandatory == 0x66 ? 16 : 0;
        m->read = true;
    }
}

static bool take_memory(struct decoder *d)
{
    struct x86_insn *o = d->out;
    struct x86_operand *m = &o->operand[0];
    uint8_t mod = o->modrm >> 6, rm = o->modrm & 7, sib = 0;
    *m = (struct x86_operand){
        .base = (uint8_t)(rm | (d->rex & 1) << 3), .index = X86_NONE, .scale = 1};
    if (rm == 4) {
        if (!x86_insn_take_byte(d, &sib))
            return false;
        unsigned index = (sib >> 3 & 7U) | (d->rex & 2U) << 2;
        m->base = (uint8_t)((sib & 7) | (d->rex & 1) << 3);
        m->index = index == 4 ? X86_NONE : (uint8_t)index;
        m->scale = (uint8_t)(1 << (sib >> 6));
    }
    bool no_base = mod == 0 && (rm == 4 ? (sib & 7) == 5 : rm == 5);
    if (no_base)
        m->base = rm == 4 ? X86_NONE : X86_RIP;
    if (!x86_insn_take(d, no_base || mod == 2 ? 4 : mod == 1 ? 1 : 0, &m->displacement))
        return false;
    m->segment = d->segment;
    m->short_address = d->address32;
    set_access(d, m);
    /* Not supported: EVEX scales a displacement of 8 bits; gathers have a vector of indexes. */
    bool gather = o->vex && o->map == 2 && (o->opcode & 0xf8) == 0x90;
    o->operands = !gather && !(d->evex && mod == 1);
    return true;
}

static void add_implicit(struct decoder *d, unsigned base, int displacement, unsigned size,
                         bool write)
{
    struct x86_insn *o = d->out;
    if (o->operands == ARRAY_LENGTH(o->operand))
        return;
    o->operand[o->operands++] = (struct x86_operand){
        .base = (uint8_t)base,
        .index = X86_NONE,
        .scale = 1,
        .displacement = displacement,
        .size = (uint16_t)size,
        .read = !write,
        .write = write,
    };
}

/* Adds implicit memory operands: the stack, and strings. */
static void add_stack_and_strings(struct decoder *d)
{
    const struct x86_insn *o = d->out;
    uint8_t op = o->opcode, reg = o->modrm >> 3 & 7;
    unsigned size = op & 1 ? operand_size(d) : 1;
    if (o->map != 0 || o->vex)
        return;
    if ((op >= 0x50 && op <= 0x57) || op == 0x68 || op == 0x6a || op == 0x9c || op == 0xe8 ||
        (op == 0xff && (reg == 2 || reg == 6)))
        add_implicit(d, X86_RSP, -8, 8, true);
    else if ((op >= 0x58 && op <= 0x5f) || op == 0x9d || op == 0xc3 || op == 0xc2)
        add_implicit(d, X86_RSP, 0, 8, false);
    else if (op == 0xc9)
        add_implicit(d, X86_RBP, 0, 8, false);
    if ((op >= 0xa4 && op <= 0xa7) || op == 0xac || op == 0xad)
        add_implicit(d, X86_RSI, 0, size, false);
    if ((op >= 0xa4 && op <= 0xa7) || op == 0xaa || op == 0xab || op == 0xae || op == 0xaf)
        add_implicit(d, X86_RDI, 0, size, op <= 0xa5 || op == 0xaa || op == 0xab);
}

static bool is_invalid(const struct x86_insn *o)
{
    if (o->vex)
        return false;
    return o->map == 0 ? x86_insn_bit_of(invalid_one, o->opcode)
                       : o->map == 1 && x86_insn_bit_of(invalid_two, o->opcode);
}

bool x86_decode(const uint8_t *bytes, size_t size, struct x86_insn *out)
{
    struct decoder d = {.bytes = bytes, .size = size, .out = out};
    *out = (struct x86_insn){0};
    if (!take_opcode(&d) || is_invalid(out))
        return false;
    out->has_modrm = needs_modrm(out);
    if (out->has_modrm) {
        bool control = out->map == 1 && out->opcode >= 0x20 && out->opcode <= 0x23;
        if (!x86_insn_take_byte(&d, &out->modrm))
            return false;
        if (out->modrm < 0xc0 && !control && !take_memory(&d))
            return false;
    }
    add_stack_and_strings(&d);
    unsigned immediate = immediate_size(&d, immediate_of(out));
    int64_t value = 0;
    if (!x86_insn_take(&d, immediate, &value))
        return false;
    if (out->map == 0 && out->opcode >= 0xa0 && out->opcode <= 0xa3) {
        add_implicit(&d, X86_NONE, 0, out->opcode & 1 ? operand_size(&d) : 1, out->opcode >= 0xa2);
        out->operand[0].displacement = value;
        out->operand[0].segment = d.segment;
    }
    out->length = (uint8_t)d.at;
    return true;
}

uint64_t x86_address(const struct x86_insn *insn, const struct x86_operand *m,
                     const uint64_t registers[X86_REGISTERS], uint64_t fs_base, uint64_t gs_base)
{
    uint64_t at = (uint64_t)m->displacement;
    if (m->base < X86_REGISTERS)
        at += registers[m->base];
    if (m->base == X86_RIP)
        at += insn->length;
    if (m->index < X86_REGISTERS)
        at += registers[m->index] * m->scale;
    if (m->short_address)
        at = (uint32_t)at;
    return at + (m->segment == 'f' ? fs_base : m->segment == 'g' ? gs_base : 0);
}

const char *x86_register_name(unsigned number)
{
    static const char names[X86_NONE + 1][4] = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
        "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "",
    };
    return names[number < X86_NONE ? number : X86_NONE];
}
