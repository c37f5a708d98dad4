/* SPDX-License-Identifier: MIT */
/* Reads memory without faults; names addresses; finds their areas and stacks. */
#include "base/fmt.h"
#include "base/sections.h"
#include "base/str.h"
#include "diag/parts.h"
#include "kern/thread.h"
#include "mm/heap/kstack.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"
#include "parse/symbol_table.h"

#define LL(x) ((unsigned long long)(x))

static bool read_page(virt_t at, void *to, size_t size)
{
    struct pt_walk walk;
    if (paging == NULL || !fault_is_canonical(at.v))
        return false;
    paging_walk(running_space, at, &walk);
    if (walk.leaf_level != 0) {
        memcpy(to, ptr_of(at), size);
        return true;
    }
    if (walk.last_level == 1 && pt_swapped(walk.entry[1]))
        return false; /* on disk */
    const struct area *a = at.v < LAYOUT_PROGRAM_END ? areas_find(running_space, at) : NULL;
    if (a == NULL || a->source == NULL || a->prot.bits == 0 || at.v + size > a->file_end)
        return false;
    return a->source->ops->read(a->source, a->offset + (at.v - a->range.start.v), to, size) == E_OK;
}

static bool read_memory(void *context, uint64_t at, void *to, size_t size)
{
    uint8_t *bytes = to;
    (void)context;
    while (size > 0) {
        size_t run = PAGE_SIZE - (at & PAGE_MASK);
        run = run < size ? run : size;
        if (!read_page(virt(at), bytes, run))
            return false;
        at += run;
        bytes += run;
        size -= run;
    }
    return true;
}

const struct byte_reader report_memory = {read_memory, NULL};

bool report_read(uint64_t at, void *to, size_t size)
{
    return byte_read(&report_memory, at, to, size);
}

bool report_read_word(uint64_t at, uint64_t *out)
{
    return byte_read(&report_memory, at, out, sizeof *out);
}

static bool read_source(void *context, uint64_t at, void *to, size_t size)
{
    struct page_source *source = context;
    return source->ops->read(source, at, to, size) == E_OK;
}

/* The area with offset 0 of the file that is mapped at `at`, which gives the load bias; *holder is
 * the area that contains `at`. The zeroed end of a segment (.bss) has no file and counts to the
 * file of the area before it. */
static const struct area *first_of_file(virt_t at, const struct area **holder)
{
    const struct area *first = NULL, *last_file = NULL;
    for (const struct area *a = areas_next(running_space, virt(0));
         a != NULL && a->range.start.v <= at.v; a = areas_next(running_space, a->range.end)) {
        if (a->kind == AREA_FILE) {
            last_file = a;
            if (a->offset == 0)
                first = a;
        }
        *holder = a;
    }
    if (*holder == NULL || !virt_range_contains((*holder)->range, at))
        return NULL;
    bool bss = (*holder)->kind != AREA_FILE && (*holder)->flags & AREA_IMAGE;
    const struct area *file = bss ? last_file : (*holder)->kind == AREA_FILE ? *holder : NULL;
    return file != NULL && first != NULL && first->source == file->source ? first : NULL;
}

bool report_module_at(uint64_t at, struct report_module *m)
{
    const struct area *holder = NULL, *first = first_of_file(virt(at), &holder);
    struct elf_part part;
    char path[256];
    if (first == NULL)
        return false;
    m->range = holder->range;
    m->file = (struct byte_reader){read_source, first->source};
    if (!elf_part_at_offset(&m->file, 0, &part))
        return false;
    m->bias = first->range.start.v - (part.address - part.offset);
    first->source->ops->name(first->source, path, sizeof path);
    const char *slash = strrchr(path, '/');
    str_copy(m->name, slash != NULL ? slash + 1 : path, sizeof m->name);
    return true;
}

static bool kernel_place(uint64_t at, char *to, size_t size)
{
    char name[SYMBOL_NAME_SIZE];
    uint64_t base = virt_of(init_text_start).v, start;
    bool data = at >= virt_of(ro_after_init_start).v;
    if (at < base || at >= virt_of(data_end).v ||
        (!data && at >= virt_of(text_end).v)) /* no names for constants */
        return false;
    if (data)
        base = virt_of(ro_after_init_start).v;
    if (!symbol_table_find((const struct symbol_table *)kernel_symbols, data, at - base, &start,
                           name))
        return false;
    fmt_snprintf(to, size, "%s+0x%llx [kernel]", name, LL(at - base - start));
    return true;
}

bool report_place(uint64_t at, char *to, size_t size)
{
    static struct report_module m;
    struct elf_name name;
    to[0] = '\0';
    if (at >= LAYOUT_PROGRAM_END)
        return kernel_place(at, to, size);
    if (at < LAYOUT_PROGRAM_START || !report_module_at(at, &m))
        return false;
    if (elf_symbol_at(&m.file, at - m.bias, &name) || elf_section_at(&m.file, at - m.bias, &name))
        fmt_snprintf(to, size, "%s+0x%llx [%s]", name.text, LL(at - m.bias - name.start), m.name);
    else
        fmt_snprintf(to, size, "[%s]+0x%llx", m.name, LL(at - m.bias));
    return true;
}

static void describe_area(const struct area *a, struct fault_neighbour *out)
{
    static struct report_module m;
    if (a == NULL)
        return;
    out->there = true;
    out->range = a->range;
    out->prot = a->prot;
    out->kind = a->kind;
    out->flags = a->flags;
    if (a->source != NULL)
        a->source->ops->name(a->source, out->name, sizeof out->name);
    else if (a->flags & AREA_IMAGE && report_module_at(a->range.start.v, &m))
        str_copy(out->name, m.name, sizeof out->name);
}

/* Adds segment and section of the address. */
static void report_memory_add_place(struct fault_neighbour *n, uint64_t at)
{
    static struct report_module m;
    struct elf_name section;
    struct elf_part part;
    if (!report_module_at(at, &m) || !elf_part_at_address(&m.file, at - m.bias, &part))
        return;
    if (elf_section_at(&m.file, at - m.bias, &section))
        fmt_snprintf(n->place, sizeof n->place, "segment %u, %s+0x%llx", part.index, section.text,
                     LL(at - m.bias - section.start));
    else
        fmt_snprintf(n->place, sizeof n->place, "segment %u", part.index);
}

struct owner_search {
    struct virt_range range; /* of a stack, with its guard */
    const struct thread *found;
};

static void look_for_owner(struct thread *t, void *context)
{
    struct owner_search *s = context;
    virt_t rsp = virt(((const struct trap_frame *)ptr_of(t->kstack.end) - 1)->rsp);
    if (t != thread_current() && t->linux_thread != NULL && virt_range_contains(s->range, rsp))
        s->found = t;
}

/* An area without permissions directly below a thread's stack is its guard (C libraries). */
static void name_guard(const struct fault_facts *f, struct fault_neighbour *n)
{
    const struct area *stack = areas_find(running_space, n->range.end);
    if (!n->there || n->prot.bits != 0 || n->kind == AREA_GUARD || stack == NULL ||
        !prot_can_write(stack->prot))
        return;
    bool mine = f->stack.there && virt_range_contains(f->stack.range, stack->range.start);
    struct owner_search s = {{n->range.start, stack->range.end}, NULL};
    thread_visit(look_for_owner, &s);
    if (!mine && s.found == NULL)
        return;
    n->kind = AREA_GUARD;
    n->flags |= mine ? AREA_STACK : 0;
    fmt_snprintf(n->name, sizeof n->name, "%sof thread %u \"%s\"", mine ? "" : "below the stack ",
                 mine ? f->thread : s.found->id, mine ? f->who : s.found->name);
}

static void find_areas(struct fault_facts *f)
{
    const struct area *below = NULL, *above = NULL;
    virt_t v = f->address;
    if (v.v >= LAYOUT_PROGRAM_END) {
        f->here.there = report_kernel_area(v.v, &f->here);
        return;
    }
    struct area gap;
    if (areas_find(running_space, v) == NULL && areas_gap_at(running_space, v, &gap)) {
        describe_area(&gap, &f->here);
        report_memory_add_place(&f->here, v.v);
        return;
    }
    for (const struct area *a = areas_next(running_space, virt(0)); a != NULL;
         a = areas_next(running_space, a->range.end)) {
        if (virt_range_contains(a->range, v)) {
            describe_area(a, &f->here);
            report_memory_add_place(&f->here, v.v);
            return;
        }
        if (a->range.start.v > v.v) {
            above = a;
            break;
        }
        below = a;
    }
    describe_area(below, &f->below);
    describe_area(above, &f->above);
}

void report_find_areas(struct fault_facts *f)
{
    find_areas(f);
    name_guard(f, &f->here);
    name_guard(f, &f->above);
}

static prot_t rights_now(uint64_t at)
{
    struct pt_walk walk;
    paging_walk(running_space, virt(at), &walk);
    return walk.leaf_level == 0 ? prot_none()
           : walk.writable      ? prot_rw()
           : walk.executable    ? prot_rx()
                                : prot_ro();
}

static void look_for_kstack(struct thread *t, void *context)
{
    struct owner_search *s = context;
    if (t->kstack.start.v == s->range.start.v)
        s->found = t;
}

static void kernel_stack_owner(struct virt_range stack, char *to, size_t size)
{
    struct owner_search s = {.range = stack};
    thread_visit(look_for_kstack, &s);
    if (s.found != NULL)
        fmt_snprintf(to, size, "thread %u \"%s\"", s.found->id, s.found->name);
    else
        str_copy(to, "traps", size);
}

static bool kernel_stack_area(uint64_t at, struct fault_neighbour *out)
{
    struct virt_range stack;
    char words[40];
    if (!kstack_holds(virt(at)))
        return false;
    bool guard = kstack_guard_at(virt(at), &stack);
    kernel_stack_owner(stack, words, sizeof words);
    out->range = guard ? virt_range(stack.start.v - LAYOUT_KSTACK_SIZE, stack.start.v) : stack;
    out->kind = guard ? AREA_GUARD : 0;
    out->flags = guard ? AREA_STACK : 0;
    fmt_snprintf(out->name, sizeof out->name, guard ? "of %s in the kernel" : "kernel stack of %s",
                 words);
    return true;
}

bool report_kernel_area(uint64_t at, struct fault_neighbour *out)
{
    static const struct {
        uint64_t start, end;
        const char *name;
    } parts[] = {
        {LAYOUT_HEAP_START, LAYOUT_HEAP_END, "kernel heap"},
        {LAYOUT_KSTACK_START, LAYOUT_KSTACK_END, "kernel stacks"},
        {LAYOUT_DEVICE_START, LAYOUT_DEVICE_END, "device memory and root archive"},
        {LAYOUT_FRAMES_START, LAYOUT_FRAMES_END, "frame metadata"},
        {LAYOUT_FRAMES_END, LAYOUT_FRAMES_END + HUGE_SIZE, "kernel scratch pages"},
    };
    const struct virt_range image[] = {
        {virt_of(init_text_start), virt_of(init_text_end)},
        {virt_of(text_start), virt_of(text_end)},
        {virt_of(rodata_start), virt_of(rodata_end)},
        {virt_of(ro_after_init_start), virt_of(ro_after_init_end)},
        {virt_of(data_start), virt_of(data_end)},
    };
    static const char *const image_names[] = {"kernel boot code, given back", "kernel code",
                                              "kernel constants", "kernel data, sealed after boot",
                                              "kernel data"};
    *out = (struct fault_neighbour){.there = true, .prot = rights_now(at)};
    if (kernel_stack_area(at, out))
        return true;
    for (unsigned i = 0; i < ARRAY_LENGTH(image); i++) {
        if (virt_range_contains(image[i], virt(at))) {
            out->range = image[i];
            str_copy(out->name, image_names[i], sizeof out->name);
            return true;
        }
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (at >= parts[i].start && at < parts[i].end) {
            out->range = virt_range(parts[i].start, parts[i].end);
            str_copy(out->name, parts[i].name, sizeof out->name);
            return true;
        }
    }
    uint64_t window = paging_program_window;
    if (window != 0 && at - window < UINT64_C(512) << 30) {
        out->range = virt_range(window, window + (UINT64_C(512) << 30));
        str_copy(out->name, "the page tables, as programs may read them", sizeof out->name);
        return true;
    }
    return false;
}

bool report_is_return_address(uint64_t at)
{
    struct pt_walk walk;
    uint8_t b[7];
    if (at < LAYOUT_PROGRAM_START || !fault_is_canonical(at))
        return false;
    const struct area *a = at < LAYOUT_PROGRAM_END ? areas_find(running_space, virt(at)) : NULL;
    if (a == NULL) {
        if (at < LAYOUT_PROGRAM_END)
            return false;
        paging_walk(running_space, virt(at), &walk);
        if (walk.leaf_level == 0 || !walk.executable)
            return false;
    } else if (!prot_can_execute(a->prot)) {
        return false;
    }
    if (!byte_read(&report_memory, at - 7, b, sizeof b))
        return false;
    bool near = b[2] == 0xe8;
    bool by_register = b[5] == 0xff && (b[6] & 0xf8) == 0xd0;
    bool by_memory = (b[5] == 0xff && (b[6] & 0xf8) == 0x10) ||
                     (b[4] == 0xff && (b[5] & 0x38) == 0x10 && b[5] < 0x80) ||
                     (b[3] == 0xff && (b[4] & 0x38) == 0x10 && b[4] < 0x80) ||
                     (b[1] == 0xff && (b[2] & 0x38) == 0x10) ||
                     (b[0] == 0xff && (b[1] & 0x38) == 0x10);
    return near || by_register || by_memory;
}

static bool describe_text(uint64_t v, char *to, size_t size)
{
    char text[9];
    fault_report_text(v, text);
    if (text[0])
        fmt_snprintf(to, size, "\"%s\"", text);
    return text[0];
}

static bool describe_number(uint64_t v, char *to, size_t size)
{
    uint64_t byte = v & 0xff;
    if (v < LAYOUT_PROGRAM_START)
        fmt_snprintf(to, size, "%llu", LL(v));
    else if (v >= (uint64_t)-LAYOUT_PROGRAM_START)
        fmt_snprintf(to, size, "-%llu", LL(-v));
    else if (v == byte * UINT64_C(0x0101010101010101) && (byte < ' ' || byte > '~'))
        fmt_snprintf(to, size, "every byte 0x%02llx: a fill pattern", LL(byte));
    else if ((uint32_t)v == 0xdeadbeef || (uint32_t)v == 0xcafebabe || (uint32_t)v == 0xbaadf00d)
        fmt_snprintf(to, size, "a marker");
    else
        return false;
    return true;
}

void report_describe(uint64_t v, char *to, size_t size)
{
    struct fault_neighbour n = {0};
    to[0] = '\0';
    if (describe_number(v, to, size) || report_place(v, to, size))
        return;
    const struct area *a = v < LAYOUT_PROGRAM_END ? areas_find(running_space, virt(v)) : NULL;
    if (a != NULL)
        describe_area(a, &n);
    else if (v >= LAYOUT_PROGRAM_END && fault_is_canonical(v))
        n.there = report_kernel_area(v, &n);
    if (n.there)
        fmt_snprintf(to, size, "%s%s%s +0x%llx", fault_area_words(&n),
                     n.name[0] && n.kind != 0 ? " " : "", n.name, LL(v - n.range.start.v));
    else if (!describe_text(v, to, size) && !fault_is_canonical(v))
        fmt_snprintf(to, size, "not canonical");
}

/* --- stacks --- */

static void set_stack(struct fault_facts *f, struct virt_range range, uint64_t guard,
                      const char *owner)
{
    f->stack.there = true;
    f->stack.range = range;
    f->stack.guard = guard;
    fmt_snprintf(f->stack.owner, sizeof f->stack.owner, "%s", owner);
}

/* Size of the guard directly below a stack: the kernel's, or an area without permissions that a C
 * library made. 0: none. */
static uint64_t guard_below(const struct area *stack)
{
    struct area gap;
    if (stack->range.start.v == 0)
        return 0;
    if (stack->flags & AREA_GROWS_DOWN &&
        areas_gap_at(running_space, virt(stack->range.start.v - 1), &gap))
        return virt_range_size(gap.range);
    const struct area *a = areas_find(running_space, virt(stack->range.start.v - 1));
    return a != NULL && a->prot.bits == 0 ? virt_range_size(a->range) : 0;
}

/* The area that contains rsp, or the first stack above it, which rsp has left downwards. */
static void find_program_stack(struct fault_facts *f, uint64_t rsp)
{
    const struct area *a = areas_find(running_space, virt(rsp));
    if (a == NULL || a->prot.bits == 0) {
        for (a = areas_next(running_space, virt(rsp)); a != NULL;
             a = areas_next(running_space, a->range.end))
            if (a->flags & AREA_STACK && a->kind != AREA_GUARD)
                break;
        const struct area *next = areas_next(running_space, virt(rsp));
        if (next != NULL && next->prot.bits == 0) /* rsp is in the guard below the stack */
            next = areas_next(running_space, next->range.end);
        if (next != NULL && a != next && next->range.start.v - rsp < (UINT64_C(64) << 20) &&
            prot_can_write(next->prot))
            a = next;
    }
    if (a == NULL || !prot_can_write(a->prot))
        return;
    char owner[60];
    if (a->flags & AREA_STACK)
        fmt_snprintf(owner, sizeof owner, "the main thread's%s",
                     a->flags & AREA_GROWS_DOWN ? ", as it has grown" : "");
    else
        fmt_snprintf(owner, sizeof owner, "thread %u \"%s\"'s, in %s", f->thread, f->who,
                     a->flags & AREA_HEAP ? "the heap" : "a mapping");
    set_stack(f, a->range, guard_below(a), owner);
}

void report_find_stack(struct fault_facts *f)
{
    struct virt_range stack;
    char owner[60], words[40];
    uint64_t rsp = f->registers[X86_RSP];
    if (rsp < LAYOUT_PROGRAM_END) {
        find_program_stack(f, rsp);
    } else if (kstack_holds(virt(rsp - 1))) {
        /* The rsp of an empty stack is its end, which is the start of the next stack's guard. */
        (void)kstack_guard_at(virt(rsp - 1), &stack);
        kernel_stack_owner(stack, words, sizeof words);
        fmt_snprintf(owner, sizeof owner, "the kernel stack of %s", words);
        set_stack(f, stack, LAYOUT_KSTACK_SIZE, owner);
    } else if (rsp >= virt_of(boot_stack_start).v && rsp <= virt_of(boot_stack_end).v) {
        set_stack(f, (struct virt_range){virt_of(boot_stack_start), virt_of(boot_stack_end)}, 0,
                  "the boot stack");
    }
}
