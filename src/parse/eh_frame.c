/* SPDX-License-Identifier: MIT */
#include "parse/eh_frame.h"

#include "base/str.h"
#include "parse/cursor.h"

enum {
    ENCODING_OMIT = 0xff,
    ENCODING_INDIRECT = 0x80,
    ENCODING_PC_RELATIVE = 0x10,
    ENCODING_DATA_RELATIVE = 0x30,
    HEADER_TABLE_ENCODING = 0x3b, /* of all linkers: pairs of int32, relative to the header */

    FUEL = 4096,           /* limit of instructions executed of one CFI program or expression */
    ENTRIES_MAX = 1000000, /* limit of entries read of .eh_frame if there is no header */
    ROWS_MAX = 4,          /* depth of DW_CFA_remember_state */
    EXPRESSION_STACK = 16,
};

enum rule_kind {
    RULE_SAME, /* also a register without a rule */
    RULE_UNDEFINED,
    RULE_OFFSET,         /* saved at CFA + value */
    RULE_VAL_OFFSET,     /* the value is CFA + value */
    RULE_REGISTER,       /* saved in register `value` */
    RULE_EXPRESSION,     /* saved at the address that the expression at `value` computes */
    RULE_VAL_EXPRESSION, /* the value is the result of the expression at `value` */
};

struct rule {
    uint8_t kind;
    uint32_t size; /* of the expression */
    int64_t value;
};

struct row {
    struct rule rules[UNWIND_REGISTERS];
    struct rule cfa; /* RULE_VAL_OFFSET: register `size` + value; or RULE_VAL_EXPRESSION */
};

struct description {      /* a CIE and one FDE of it */
    uint64_t start, size; /* the code */
    uint64_t code_align;
    int64_t data_align;
    uint64_t return_register;
    uint8_t encoding;
    bool has_augmentation_size, signal;
    uint64_t first, first_end;   /* the CIE's program */
    uint64_t second, second_end; /* the FDE's */
};

static uint64_t take_raw(struct cursor *c, uint8_t format)
{
    switch (format & 15) {
    case 0:
    case 4:
    case 12:
        return cursor_take(c, 8);
    case 1:
        return cursor_uleb(c);
    case 2:
        return cursor_take(c, 2);
    case 3:
        return cursor_take(c, 4);
    case 9:
        return (uint64_t)cursor_sleb(c);
    case 10:
        return (uint64_t)cursor_extend(cursor_take(c, 2), 16);
    case 11:
        return (uint64_t)cursor_extend(cursor_take(c, 4), 32);
    default:
        c->bad = true;
        return 0;
    }
}

static uint64_t take_pointer(struct cursor *c, uint8_t encoding, uint64_t data)
{
    uint64_t from = c->at, value = take_raw(c, encoding);
    switch (encoding & 0x70) {
    case 0:
        return value;
    case ENCODING_PC_RELATIVE:
        return value + from;
    case ENCODING_DATA_RELATIVE:
        return value + data;
    default:
        c->bad = true;
        return 0;
    }
}

/* Reads an entry's length and limits the cursor to the entry. False: terminator, or malformed. */
static bool take_length(struct cursor *c)
{
    uint64_t length = cursor_take(c, 4);
    if (length == 0xffffffff)
        length = cursor_take(c, 8);
    if (c->bad || length == 0 || length > c->end - c->at)
        return false;
    c->end = c->at + length;
    return true;
}

static bool read_cie(const struct byte_reader *memory, uint64_t at, uint64_t limit,
                     struct description *d)
{
    struct cursor c;
    char augmentation[8];
    size_t n = 0;
    cursor_start(&c, memory, at, limit);
    if (!take_length(&c) || cursor_take(&c, 4) != 0)
        return false;
    uint64_t version = cursor_take(&c, 1);
    for (char letter; n < sizeof augmentation && (letter = (char)cursor_take(&c, 1)) != '\0';)
        augmentation[n++] = letter;
    if ((version != 1 && version != 3) || n == sizeof augmentation)
        return false;
    d->code_align = cursor_uleb(&c);
    d->data_align = cursor_sleb(&c);
    d->return_register = version == 1 ? cursor_take(&c, 1) : cursor_uleb(&c);
    d->encoding = 0;
    d->signal = false;
    d->has_augmentation_size = n > 0 && augmentation[0] == 'z';
    if (n > 0 && !d->has_augmentation_size)
        return false;
    uint64_t size = d->has_augmentation_size ? cursor_uleb(&c) : 0;
    uint64_t end = c.at + size;
    for (size_t i = 1; i < n; i++) {
        if (augmentation[i] == 'R')
            d->encoding = (uint8_t)cursor_take(&c, 1);
        else if (augmentation[i] == 'S')
            d->signal = true;
        else if (augmentation[i] == 'L')
            cursor_take(&c, 1);
        else if (augmentation[i] == 'P')
            take_pointer(&c, (uint8_t)(cursor_take(&c, 1) & 0x7f), 0);
        else if (augmentation[i] != 'B')
            return false;
    }
    d->first = end;
    d->first_end = c.end;
    return !c.bad && d->return_register == UNWIND_RIP && end >= c.at && end <= c.end;
}

/* Reads the FDE at `at`; *next is the start of the following entry. False only at the end of the
 * table. For a CIE d->size is 0. */
static bool read_entry(const struct byte_reader *memory, uint64_t at, uint64_t limit,
                       struct description *d, uint64_t *next)
{
    struct cursor c;
    d->size = 0;
    cursor_start(&c, memory, at, limit);
    if (!take_length(&c))
        return false;
    *next = c.end;
    uint64_t id_at = c.at, id = cursor_take(&c, 4);
    if (id == 0 || id > id_at || !read_cie(memory, id_at - id, limit, d))
        return !c.bad;
    d->start = take_pointer(&c, d->encoding, 0);
    d->size = take_raw(&c, d->encoding);
    if (d->has_augmentation_size)
        d->second = cursor_uleb(&c); /* size of the augmentation data, which is skipped */
    else
        d->second = 0;
    if (c.bad || d->second > c.end - c.at)
        d->size = 0;
    d->second += c.at;
    d->second_end = c.end;
    return true;
}

/* Searches the table of .eh_frame_hdr, which is sorted, for the last entry that starts <= pc. */
static bool find_by_header(const struct byte_reader *memory, const struct unwind_tables *t,
                           uint64_t pc, uint64_t *fde)
{
    struct cursor c;
    if (t->header_size < 12)
        return false;
    cursor_start(&c, memory, t->header, t->header + t->header_size);
    if (cursor_take(&c, 1) != 1)
        return false;
    uint8_t pointer = (uint8_t)cursor_take(&c, 1), counts = (uint8_t)cursor_take(&c, 1);
    uint8_t table = (uint8_t)cursor_take(&c, 1);
    take_pointer(&c, pointer, t->header);
    uint64_t count = counts == ENCODING_OMIT ? 0 : take_pointer(&c, counts, t->header);
    if (c.bad || table != HEADER_TABLE_ENCODING || count == 0 || count > (c.end - c.at) / 8)
        return false;
    uint64_t low = 0, high = count, first = c.at;
    int32_t entry[2];
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (!byte_read(memory, first + 8 * middle, entry, sizeof entry))
            return false;
        if (t->header + (uint64_t)(int64_t)entry[0] <= pc)
            low = middle;
        else
            high = middle;
    }
    if (!byte_read(memory, first + 8 * low, entry, sizeof entry))
        return false;
    *fde = t->header + (uint64_t)(int64_t)entry[1];
    return true;
}

static bool describes(const struct description *d, uint64_t pc)
{
    return pc - d->start < d->size;
}

static bool find_description(const struct byte_reader *memory, const struct unwind_tables *t,
                             uint64_t pc, unsigned most, struct description *d)
{
    uint64_t at, next;
    if (find_by_header(memory, t, pc, &at))
        return read_entry(memory, at, UINT64_MAX, d, &next) && describes(d, pc);
    uint64_t end = t->frames + t->frames_size;
    at = t->frames;
    for (unsigned n = 0; n < most && end > t->frames; n++, at = next) {
        if (!read_entry(memory, at, end, d, &next))
            return false;
        if (describes(d, pc))
            return true;
    }
    return false;
}

bool eh_frame_function(const struct byte_reader *memory, const struct unwind_tables *tables,
                       uint64_t pc, uint64_t *start, uint64_t *end)
{
    struct description d;
    if (!find_description(memory, tables, pc, EH_FRAME_SEARCH_MAX, &d))
        return false;
    *start = d.start;
    *end = d.start + d.size;
    return true;
}

/* The stack of an expression. */
struct machine {
    uint64_t stack[EXPRESSION_STACK];
    unsigned depth;
    bool bad;
};

static void eh_frame_push(struct machine *m, uint64_t value)
{
    if (m->depth == EXPRESSION_STACK)
        m->bad = true;
    else
        m->stack[m->depth++] = value;
}

static uint64_t pop(struct machine *m)
{
    if (m->depth == 0) {
        m->bad = true;
        return 0;
    }
    return m->stack[--m->depth];
}

static void push_register(struct machine *m, const struct unwind_frame *f, uint64_t number,
                          int64_t offset)
{
    if (number >= UNWIND_REGISTERS || !(f->known >> number & 1))
        m->bad = true;
    else
        eh_frame_push(m, f->r[number] + (uint64_t)offset);
}

static void binary(struct machine *m, uint64_t op)
{
    uint64_t b = pop(m), a = pop(m);
    switch (op) {
    case 0x1a:
        eh_frame_push(m, a & b);
        break;
    case 0x1c:
        eh_frame_push(m, a - b);
        break;
    case 0x1e:
        eh_frame_push(m, a * b);
        break;
    case 0x21:
        eh_frame_push(m, a | b);
        break;
    case 0x22:
        eh_frame_push(m, a + b);
        break;
    case 0x24:
        eh_frame_push(m, b < 64 ? a << b : 0);
        break;
    case 0x25:
        eh_frame_push(m, b < 64 ? a >> b : 0);
        break;
    case 0x27:
        eh_frame_push(m, a ^ b);
        break;
    case 0x29:
        eh_frame_push(m, a == b);
        break;
    case 0x2a:
        eh_frame_push(m, (int64_t)a >= (int64_t)b);
        break;
    case 0x2b:
        eh_frame_push(m, (int64_t)a > (int64_t)b);
        break;
    case 0x2c:
        eh_frame_push(m, (int64_t)a <= (int64_t)b);
        break;
    case 0x2d:
        eh_frame_push(m, (int64_t)a < (int64_t)b);
        break;
    case 0x2e:
        eh_frame_push(m, a != b);
        break;
    default:
        m->bad = true;
    }
}

/* The operations that compilers, linkers (.plt) and C libraries (signal return) use (DWARF 5
 * 2.5). */
static void operate(struct machine *m, struct cursor *c, const struct unwind_frame *f)
{
    uint64_t op = cursor_take(c, 1), value;
    if (op >= 0x30 && op <= 0x4f) {
        eh_frame_push(m, op - 0x30);
    } else if (op >= 0x70 && op <= 0x8f) {
        push_register(m, f, op - 0x70, cursor_sleb(c));
    } else if (op >= 0x08 && op <= 0x0f) {
        unsigned size = 1U << (op - 8) / 2;
        value = cursor_take(c, size);
        eh_frame_push(m, op & 1 ? (uint64_t)cursor_extend(value, 8 * size) : value);
    } else if (op == 0x03) {
        eh_frame_push(m, cursor_take(c, 8));
    } else if (op == 0x10) {
        eh_frame_push(m, cursor_uleb(c));
    } else if (op == 0x11) {
        eh_frame_push(m, (uint64_t)cursor_sleb(c));
    } else if (op == 0x06) {
        uint64_t at = pop(m);
        if (m->bad || !byte_read(c->memory, at, &value, sizeof value))
            m->bad = true;
        else
            eh_frame_push(m, value);
    } else if (op == 0x12) {
        value = pop(m);
        eh_frame_push(m, value);
        eh_frame_push(m, value);
    } else if (op == 0x13) {
        pop(m);
    } else if (op == 0x23) {
        eh_frame_push(m, pop(m) + cursor_uleb(c));
    } else if (op == 0x92) {
        value = cursor_uleb(c);
        push_register(m, f, value, cursor_sleb(c));
    } else if (op != 0x96) {
        binary(m, op);
    }
}

/* Branches (DW_OP_bra, DW_OP_skip) are not supported, so an expression cannot loop. */
static bool evaluate(const struct byte_reader *memory, const struct unwind_frame *f,
                     const struct rule *block, const uint64_t *first, uint64_t *out)
{
    struct cursor c;
    struct machine m = {.depth = 0};
    cursor_start(&c, memory, (uint64_t)block->value, (uint64_t)block->value + block->size);
    if (first != NULL)
        eh_frame_push(&m, *first);
    for (unsigned n = 0; n < FUEL && c.at < c.end && !c.bad && !m.bad; n++)
        operate(&m, &c, f);
    *out = pop(&m);
    return !c.bad && !m.bad && c.at == c.end;
}

struct program {
    const struct description *d;
    struct row row, initial;
    struct row saved[ROWS_MAX];
    unsigned saved_count;
    uint64_t location, pc;
};

static void set_rule(struct program *p, uint64_t number, enum rule_kind kind, int64_t value,
                     uint64_t size)
{
    if (number < UNWIND_REGISTERS)
        p->row.rules[number] = (struct rule){(uint8_t)kind, (uint32_t)size, value};
}

static void take_block(struct cursor *c, struct rule *to, enum rule_kind kind)
{
    uint64_t size = cursor_uleb(c);
    if (c->bad || size > c->end - c->at) {
        c->bad = true;
        return;
    }
    *to = (struct rule){(uint8_t)kind, (uint32_t)size, (int64_t)c->at};
    c->at += size;
}

static void set_block(struct program *p, struct cursor *c, enum rule_kind kind)
{
    struct rule rule = {0};
    uint64_t number = cursor_uleb(c);
    take_block(c, &rule, kind);
    set_rule(p, number, kind, rule.value, rule.size);
}

static int64_t scaled(const struct program *p, uint64_t value)
{
    return (int64_t)(value * (uint64_t)p->d->data_align);
}

static void set_cfa(struct program *p, uint64_t number, int64_t offset)
{
    p->row.cfa = (struct rule){RULE_VAL_OFFSET, (uint32_t)number, offset};
}

static void remember(struct program *p, struct cursor *c)
{
    if (p->saved_count == ROWS_MAX)
        c->bad = true;
    else
        p->saved[p->saved_count++] = p->row;
}

static void recall(struct program *p, struct cursor *c)
{
    if (p->saved_count == 0)
        c->bad = true;
    else
        p->row = p->saved[--p->saved_count];
}

static void restore_rule(struct program *p, uint64_t number)
{
    if (number < UNWIND_REGISTERS)
        p->row.rules[number] = p->initial.rules[number];
}

/* The DW_CFA_* whose high two bits are 0. */
static void extended(struct program *p, struct cursor *c, uint64_t op)
{
    uint64_t number;
    switch (op) {
    case 0x00:
        break;
    case 0x01:
        p->location = take_pointer(c, p->d->encoding, 0);
        break;
    case 0x02:
        p->location += cursor_take(c, 1) * p->d->code_align;
        break;
    case 0x03:
        p->location += cursor_take(c, 2) * p->d->code_align;
        break;
    case 0x04:
        p->location += cursor_take(c, 4) * p->d->code_align;
        break;
    case 0x05:
        number = cursor_uleb(c);
        set_rule(p, number, RULE_OFFSET, scaled(p, cursor_uleb(c)), 0);
        break;
    case 0x06:
        restore_rule(p, cursor_uleb(c));
        break;
    case 0x07:
        set_rule(p, cursor_uleb(c), RULE_UNDEFINED, 0, 0);
        break;
    case 0x08:
        set_rule(p, cursor_uleb(c), RULE_SAME, 0, 0);
        break;
    case 0x09:
        number = cursor_uleb(c);
        set_rule(p, number, RULE_REGISTER, (int64_t)cursor_uleb(c), 0);
        break;
    case 0x0a:
        remember(p, c);
        break;
    case 0x0b:
        recall(p, c);
        break;
    case 0x0c:
        number = cursor_uleb(c);
        set_cfa(p, number, (int64_t)cursor_uleb(c));
        break;
    case 0x0d:
        set_cfa(p, cursor_uleb(c), p->row.cfa.value);
        break;
    case 0x0e:
        set_cfa(p, p->row.cfa.size, (int64_t)cursor_uleb(c));
        break;
    case 0x0f:
        take_block(c, &p->row.cfa, RULE_VAL_EXPRESSION);
        break;
    case 0x10:
        set_block(p, c, RULE_EXPRESSION);
        break;
    case 0x11:
        number = cursor_uleb(c);
        set_rule(p, number, RULE_OFFSET, scaled(p, (uint64_t)cursor_sleb(c)), 0);
        break;
    case 0x12:
        number = cursor_uleb(c);
        set_cfa(p, number, scaled(p, (uint64_t)cursor_sleb(c)));
        break;
    case 0x13:
        set_cfa(p, p->row.cfa.size, scaled(p, (uint64_t)cursor_sleb(c)));
        break;
    case 0x14:
        number = cursor_uleb(c);
        set_rule(p, number, RULE_VAL_OFFSET, scaled(p, cursor_uleb(c)), 0);
        break;
    case 0x15:
        number = cursor_uleb(c);
        set_rule(p, number, RULE_VAL_OFFSET, scaled(p, (uint64_t)cursor_sleb(c)), 0);
        break;
    case 0x16:
        set_block(p, c, RULE_VAL_EXPRESSION);
        break;
    case 0x2e:
        cursor_uleb(c);
        break; /* GNU_args_size */
    default:
        c->bad = true;
    }
}

/* Runs a program up to the row that is valid at pc. */
static bool eh_frame_run(struct program *p, const struct byte_reader *memory, uint64_t at,
                         uint64_t end)
{
    struct cursor c;
    cursor_start(&c, memory, at, end);
    for (unsigned n = 0; n < FUEL && c.at < c.end; n++) {
        uint64_t op = cursor_take(&c, 1), low = op & 63;
        switch (op >> 6) {
        case 1:
            p->location += low * p->d->code_align;
            break;
        case 2:
            set_rule(p, low, RULE_OFFSET, scaled(p, cursor_uleb(&c)), 0);
            break;
        case 3:
            restore_rule(p, low);
            break;
        default:
            extended(p, &c, low);
        }
        if (c.bad)
            return false;
        if (p->location > p->pc) /* an advance changes no rule */
            return true;
    }
    return c.at >= c.end;
}

static bool apply_rule(const struct byte_reader *memory, const struct unwind_frame *f,
                       const struct rule *rule, uint64_t cfa, uint64_t *out)
{
    uint64_t at;
    switch (rule->kind) {
    case RULE_OFFSET:
        return byte_read(memory, cfa + (uint64_t)rule->value, out, sizeof *out);
    case RULE_VAL_OFFSET:
        *out = cfa + (uint64_t)rule->value;
        return true;
    case RULE_REGISTER:
        if ((uint64_t)rule->value >= UNWIND_REGISTERS || !(f->known >> rule->value & 1))
            return false;
        *out = f->r[rule->value];
        return true;
    case RULE_EXPRESSION:
        return evaluate(memory, f, rule, &cfa, &at) && byte_read(memory, at, out, sizeof *out);
    case RULE_VAL_EXPRESSION:
        return evaluate(memory, f, rule, &cfa, out);
    default:
        return false;
    }
}

static bool find_cfa(const struct byte_reader *memory, const struct unwind_frame *f,
                     const struct rule *rule, uint64_t *out)
{
    if (rule->kind == RULE_VAL_EXPRESSION)
        return evaluate(memory, f, rule, NULL, out);
    if (rule->kind != RULE_VAL_OFFSET || rule->size >= UNWIND_REGISTERS ||
        !(f->known >> rule->size & 1))
        return false;
    *out = f->r[rule->size] + (uint64_t)rule->value;
    return true;
}

/* Computes the caller's registers: those with a rule, and callee-saved ones without. */
static bool apply_row(const struct byte_reader *memory, const struct row *row, bool signal,
                      struct unwind_frame *f)
{
    static const uint32_t kept = 1 << UNWIND_RBX | 1 << UNWIND_RBP | 0xf000;
    struct unwind_frame up = {.exact = signal};
    uint64_t cfa;
    if (!find_cfa(memory, f, &row->cfa, &cfa))
        return false;
    for (unsigned i = 0; i < UNWIND_REGISTERS; i++) {
        const struct rule *rule = &row->rules[i];
        if (rule->kind == RULE_SAME ? kept & f->known & 1U << i
                                    : apply_rule(memory, f, rule, cfa, &up.r[i])) {
            up.known |= 1U << i;
            if (rule->kind == RULE_SAME)
                up.r[i] = f->r[i];
        }
    }
    if (row->rules[UNWIND_RSP].kind == RULE_SAME) {
        up.r[UNWIND_RSP] = cfa;
        up.known |= 1U << UNWIND_RSP;
    }
    uint32_t needed = 1U << UNWIND_RIP | 1U << UNWIND_RSP;
    if ((up.known & needed) != needed || up.r[UNWIND_RIP] == 0)
        return false;
    *f = up;
    return true;
}

bool eh_frame_step(const struct byte_reader *memory, const struct unwind_tables *tables,
                   struct unwind_frame *frame)
{
    struct description d;
    struct program p = {.d = &d};
    p.pc = frame->r[UNWIND_RIP] - !frame->exact;
    if (!find_description(memory, tables, p.pc, ENTRIES_MAX, &d))
        return false;
    p.location = d.start;
    if (!eh_frame_run(&p, memory, d.first, d.first_end))
        return false;
    p.initial = p.row;
    return eh_frame_run(&p, memory, d.second, d.second_end) &&
           apply_row(memory, &p.row, d.signal, frame);
}
