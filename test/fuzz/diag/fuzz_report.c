/* SPDX-License-Identifier: MIT */
/*
 * The whole report, of a machine made from the fuzzer's bytes: registers, page tables, areas, a
 * stack, a program file with symbols and unwind tables, and other threads, all possibly nonsense.
 * The report must read only memory that a walk finds mapped (all other memory is absent: an access
 * crashes), must end, and must terminate each line.
 *
 *   bytes    registers and shapes, then the memory of the program: PAGES pages at BASE, of which the
 *            first ones are mapped from the file
 */
#include "cpu/trap_frame.h"
#include "diag/parts.h"
#include "kern/log.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/init/memory.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"

#include "report_stubs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE  UINT64_C(0x10000000)
#define PAGES 4

static struct stub_file file = {.source = {.ops = &stub_file_ops}, .path = "/bin/program"};
static unsigned mapped; /* bit n: page n is mapped */
static struct area areas[3];
static struct trap_frame frames[2];

/* --- the machine --- */

struct frames machine_frames;
uint64_t paging_program_window;
struct address_space *running_spaces[CPUS_MAX];

void paging_run(struct address_space *space)
{
    running_space = space;
}

static void walk(const struct address_space *space, virt_t at, struct pt_walk *out)
{
    (void)space;
    uint64_t page = (at.v - BASE) >> PAGE_SHIFT;
    *out = (struct pt_walk){.address = at, .last_level = 1 + (int)(at.v >> 12 & 3)};
    for (int level = 1; level <= PT_LEVELS; level++)
        out->entry[level].v = (uint64_t)level << 12 | PTE_P;
    if (at.v < BASE || page >= PAGES || !(mapped >> page & 1)) {
        out->entry[out->last_level].v = 0;
        return;
    }
    out->last_level = out->leaf_level = 1;
    out->executable = mapped >> 8 >> page & 1;
    out->writable = !out->executable;
}

static const struct paging_ops ops = {.walk = walk};
const struct paging_ops *paging = &ops;

const struct area *areas_next(struct address_space *space, virt_t v)
{
    (void)space;
    for (unsigned i = 0; i < 3; i++)
        if (areas[i].range.end.v > v.v)
            return &areas[i];
    return NULL;
}

const struct area *areas_find(struct address_space *space, virt_t v)
{
    const struct area *a = areas_next(space, v);
    return a != NULL && a->range.start.v <= v.v ? a : NULL;
}

const struct area *areas_after(const struct address_space *space, const struct area *area)
{
    (void)space;
    return areas_next(running_space, area->range.end);
}

bool areas_gap_at(struct address_space *space, virt_t v, struct area *out)
{
    (void)space;
    (void)v;
    (void)out;
    return false;
}

uint64_t areas_count(const struct address_space *space)
{
    (void)space;
    return 3;
}

uint64_t areas_bytes(const struct address_space *space)
{
    (void)space;
    return PAGES * PAGE_SIZE;
}

bool kstack_holds(virt_t v)
{
    return v.v >= LAYOUT_KSTACK_START && v.v < LAYOUT_KSTACK_END;
}

bool kstack_guard_at(virt_t v, struct virt_range *stack)
{
    *stack = virt_range(align_down(v.v, 1 << 14), align_down(v.v, 1 << 14) + (1 << 14));
    return v.v >> 14 & 1;
}

void memory_totals(struct memory_totals *out)
{
    *out = (struct memory_totals){0};
}

int frames_largest(const struct frames *f)
{
    (void)f;
    return -1;
}

uint64_t heap_used(void)
{
    return 0;
}

static void take_line(void *context, const char *line)
{
    (void)context;
    report("%s", line);
}

/* --- from bytes to a machine --- */

struct head { /* of the input; small numbers stand for places in the program's memory */
    uint64_t registers[X86_REGISTERS];
    uint64_t address, error, top, rflags;
    uint16_t shape;
    uint8_t vector, mapped, executable, cuts[2];
};

static uint64_t place(uint64_t v)
{
    return v < PAGES * PAGE_SIZE ? BASE + v : v;
}

static void set_areas(const struct head *h)
{
    uint64_t first = 1 + h->cuts[0] % 2, second = first + 1;
    const uint64_t at[] = {0, first, second, PAGES};
    for (unsigned i = 0; i < 3; i++)
        areas[i] = (struct area){
            .range = virt_range(BASE + at[i] * PAGE_SIZE, BASE + at[i + 1] * PAGE_SIZE),
            .kind = i == 2 ? AREA_ANONYMOUS : AREA_FILE,
            .flags = h->shape >> (4 * i) & 15,
            .prot = i == 0   ? prot_rx()
                    : i == 1 ? prot_ro()
                             : prot_rw(),
            .source = i == 2 ? NULL : &file.source,
            .offset = at[i] * PAGE_SIZE,
            .file_end = BASE + PAGES * PAGE_SIZE,
        };
}

static void set_threads(const struct head *h)
{
    memset(frames, (int)h->cuts[1], sizeof frames);
    struct thread *self = &stub_threads[0], *other = &stub_threads[1];
    *self = (struct thread){.name = "self", .id = 1};
    *other = (struct thread){.name = "other", .id = 2};
    self->kstack = virt_range(virt_of(frames).v, virt_of(frames + 1).v);
    other->kstack = virt_range(virt_of(frames).v, virt_of(frames + 2).v);
    self->linux_thread = other->linux_thread = self;
    stub_current = self;
    stub_thread_count = 2;
    frames[1].rip = place(h->registers[3]);
    frames[1].rsp = frames[0].rsp = place(h->registers[5]);
}

static void set_facts(struct fault_facts *f, const struct head *h)
{
    *f = (struct fault_facts){.who = "self", .thread = 1, .version = "1.2.3"};
    f->vector = h->vector % 34 == 33 ? FAULT_NO_VECTOR : h->vector % 34;
    f->error = h->error;
    f->panic = h->shape & 0x1000;
    f->signal = f->panic ? NULL : "SIGSEGV";
    f->has_address = h->shape & 0x2000;
    f->cause = h->shape & 0x4000 ? (enum fault_cause)(h->shape % 5) : FAULT_BY_VECTOR;
    f->address = virt(place(h->address));
    f->rflags = h->rflags;
    for (unsigned i = 0; i < X86_REGISTERS; i++)
        f->registers[i] = place(h->registers[i]);
    f->top = h->top;
    for (unsigned i = 0; i < X86_INSN_MAX; i++)
        if (byte_read(&report_memory, f->registers[X86_RIP] + i, &f->bytes[i], 1))
            f->byte_count = (uint8_t)(i + 1);
        else
            break;
    f->has_insn = x86_decode(f->bytes, f->byte_count, &f->insn);
    f->walked = f->has_address && fault_is_canonical(f->address.v);
    walk(running_space, f->address, &f->walk);
}

static void make_report(struct fault_facts *f)
{
    report_find_stack(f);
    if (f->walked)
        report_find_areas(f);
    report_place(f->registers[X86_RIP], f->at, sizeof f->at);
    report_place(f->address.v, f->target, sizeof f->target);
    fault_report_write(f, take_line, NULL);
    fault_report_code(f, take_line, NULL);
    report_registers(f);
    report_thread_trace(&frames[1], running_space);
    report_trace(f, 5);
    report_recursion(f);
    report_stack_words(f);
    report_memory_totals();
    fault_report_hint(f, take_line, NULL);
    fault_report_headline(f, take_line, NULL);
    report_json(f);
    (void)report_came_from_halt(f->registers[X86_RIP], f->rflags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fault_facts f;
    struct head h;
    if (size < sizeof h)
        return 0;
    memcpy(&h, data, sizeof h);
    file.bytes = data + sizeof h;
    file.size = size - sizeof h;
    mapped = (h.mapped & 15u) | (h.executable & 15u) << 8;
    for (unsigned n = 0; n < PAGES; n++) {
        void *page = ptr_of(virt(BASE + n * PAGE_SIZE));
        uint64_t from = n * PAGE_SIZE;
        if (!(mapped >> n & 1))
            continue;
        if (mmap(page, PAGE_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != page)
            abort();
        if (from < file.size)
            memcpy(page, file.bytes + from,
                   file.size - from < PAGE_SIZE ? file.size - from : PAGE_SIZE);
    }
    set_areas(&h);
    set_threads(&h);
    set_facts(&f, &h);
    stub_output_clear();
    make_report(&f);
    munmap(ptr_of(virt(BASE)), PAGES * PAGE_SIZE);
    return 0;
}
