/* SPDX-License-Identifier: MIT */
#include "linux/exec/stack.h"

#include "base/panic.h"
#include "base/str.h"

#define PLATFORM "x86_64"
#define END_MARK sizeof(uint64_t)

static MUST_CHECK enum err add_string(const char *s, uint64_t *total)
{
    stack_give_way();
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

enum err stack_measure(struct stack_plan *plan, uint64_t limit)
{
    plan->strings = END_MARK;
    plan->argc = plan->envc = 0;
    enum err e = add_string(plan->execfn, &plan->strings);
    if (e == E_OK)
        e = add_strings(plan->envp, limit, &plan->strings, &plan->envc);
    if (e == E_OK)
        e = add_strings(plan->argv, limit, &plan->strings, &plan->argc);
    if (e == E_OK && plan->strings + (plan->argc + plan->envc) * sizeof(uint64_t) > limit)
        e = E_2BIG;
    return e;
}

/* Bytes from the random bytes to the top. */
static uint64_t stack_fixed(const struct stack_plan *plan)
{
    return align_up(plan->strings, 16) + plan->gap + sizeof PLATFORM + sizeof plan->random;
}

uint64_t stack_size(const struct stack_plan *plan)
{
    uint64_t words = 1 + (plan->argc + 1) + (plan->envc + 1) + 2 * (plan->auxv_count + 1);
    return align_up(stack_fixed(plan) + words * sizeof(uint64_t), 16);
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
    for (; *list != NULL; list++) {
        stack_give_way();
        put_word(b, stack_put_bytes(b, *list, strlen(*list) + 1));
    }
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

void stack_build(struct stack_plan *plan, uint8_t *image, struct stack_layout *out)
{
    const uint64_t size = stack_size(plan);
    assert(plan->auxv_count < STACK_AUXV_MAX);
    struct builder b = {.image = image, .base = plan->top - size};

    b.string = size - stack_fixed(plan);
    set_auxv(plan, AT_RANDOM, stack_put_bytes(&b, plan->random, sizeof plan->random));
    set_auxv(plan, AT_PLATFORM, stack_put_bytes(&b, PLATFORM, sizeof PLATFORM));

    memset(image + b.string, 0, size - plan->strings - b.string); /* the gap */
    b.string = size - plan->strings;
    out->rsp = b.base;
    put_word(&b, plan->argc);
    out->arguments = put_strings(&b, plan->argv);
    out->environment = put_strings(&b, plan->envp);
    set_auxv(plan, AT_EXECFN, stack_put_bytes(&b, plan->execfn, strlen(plan->execfn) + 1));
    out->auxv = b.base + b.words;
    for (size_t i = 0; i < plan->auxv_count; i++) {
        put_word(&b, plan->auxv[i].type);
        put_word(&b, plan->auxv[i].value);
    }
    memset(image + b.words, 0, size - stack_fixed(plan) - b.words); /* AT_NULL */
    memset(image + b.string, 0, size - b.string);
}
