/* SPDX-License-Identifier: MIT */
#include "linux/exec/stack.h"

#include "base/panic.h"
#include "base/str.h"

#define PLATFORM "x86_64"
#define END_MARK sizeof(uint64_t)

static MUST_CHECK enum err add_string(const char *s, uint64_t *total)
{
    size_t length = strnlen(s, STACK_STRING_MAX);
    if (length == STACK_STRING_MAX)
        return E_2BIG;
    *total += length + 1;
    return E_OK;
}

static MUST_CHECK enum err add_strings(const char *const *list, uint64_t limit, uint64_t *total,
                                       uint64_t *count)
{
    for (; *list != NULL; list++, ++*count) {
        enum err e = add_string(*list, total);
        if (e != E_OK)
            return e;
        if (*total > limit)
            return E_2BIG;
    }
    return E_OK;
}

/* Sizes of the parts of the image, each counted from the top. */
struct measure {
    uint64_t strings; /* bytes down to the lowest string */
    uint64_t fixed;   /* bytes down to the random bytes */
    uint64_t total;   /* bytes down to rsp */
    uint64_t argc, envc;
};

static MUST_CHECK enum err stack_measure(const struct stack_plan *plan, uint64_t limit,
                                         struct measure *out)
{
    struct measure m = {.strings = END_MARK};
    enum err e = add_string(plan->execfn, &m.strings);
    if (e == E_OK)
        e = add_strings(plan->envp, limit, &m.strings, &m.envc);
    if (e == E_OK)
        e = add_strings(plan->argv, limit, &m.strings, &m.argc);
    if (e != E_OK)
        return e;
    m.fixed = align_up(m.strings, 16) + plan->gap + sizeof PLATFORM + sizeof plan->random;
    uint64_t words = 1 + (m.argc + 1) + (m.envc + 1) + 2 * (plan->auxv_count + 1);
    m.total = align_up(m.fixed + words * sizeof(uint64_t), 16);
    if (m.strings + (m.argc + m.envc) * sizeof(uint64_t) > limit)
        return E_2BIG;
    *out = m;
    return E_OK;
}

enum err stack_size(const struct stack_plan *plan, uint64_t limit, uint64_t *out)
{
    struct measure m;
    enum err e = stack_measure(plan, limit, &m);
    if (e == E_OK)
        *out = m.total;
    return e;
}

struct builder {
    uint8_t *image;
    uint64_t base;   /* address of image[0] */
    uint64_t words;  /* offset of the next pointer in the image */
    uint64_t string; /* offset of the next string in the image */
};

static void put_word(struct builder *b, uint64_t value)
{
    memcpy(b->image + b->words, &value, sizeof value);
    b->words += sizeof value;
}

static uint64_t stack_put_bytes(struct builder *b, const void *bytes, size_t size)
{
    uint64_t address = b->base + b->string;
    memcpy(b->image + b->string, bytes, size);
    b->string += size;
    return address;
}

static struct virt_range put_strings(struct builder *b, const char *const *list)
{
    uint64_t start = b->base + b->string;
    for (; *list != NULL; list++)
        put_word(b, stack_put_bytes(b, *list, strlen(*list) + 1));
    put_word(b, 0);
    return virt_range(start, b->base + b->string);
}

static void set_auxv(struct stack_plan *plan, uint64_t type, uint64_t value)
{
    for (size_t i = 0; i < plan->auxv_count; i++) {
        if (plan->auxv[i].type == type)
            plan->auxv[i].value = value;
    }
}

void stack_build(struct stack_plan *plan, uint8_t *image, uint64_t size, struct stack_layout *out)
{
    struct measure m;
    must(stack_measure(plan, UINT64_MAX / 2, &m));
    assert(m.total == size && plan->auxv_count < STACK_AUXV_MAX);
    memset(image, 0, size);
    struct builder b = {.image = image, .base = plan->top - size};

    b.string = size - m.fixed;
    set_auxv(plan, AT_RANDOM, stack_put_bytes(&b, plan->random, sizeof plan->random));
    set_auxv(plan, AT_PLATFORM, stack_put_bytes(&b, PLATFORM, sizeof PLATFORM));

    b.string = size - m.strings;
    out->rsp = b.base;
    put_word(&b, m.argc);
    out->arguments = put_strings(&b, plan->argv);
    out->environment = put_strings(&b, plan->envp);
    set_auxv(plan, AT_EXECFN, stack_put_bytes(&b, plan->execfn, strlen(plan->execfn) + 1));
    out->auxv = b.base + b.words;
    for (size_t i = 0; i < plan->auxv_count; i++) {
        put_word(&b, plan->auxv[i].type);
        put_word(&b, plan->auxv[i].value);
    }
}
