/* SPDX-License-Identifier: MIT */
#include "fault_machine.h"

#include "base/panic.h"
#include "cpu/trap.h"
#include "cpu/trap_frame.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/init/memory.h"
#include "mm/phys/frames.h"
#include "mm/vm/areas.h"
#include "mm/vm/fault.h"

#include "paging_world.h"
#include "sim_mmu.h"
#include "unit.h"

#include <string.h>

static struct stub_file program, data;
static const uint8_t data_bytes[0x800];

/* --- memory --- */

/* A walk over physical memory that is not the walker's. */
static bool translate(uint64_t v, uint64_t *physical)
{
    uint64_t table = sim_root();
    for (int level = 4; level >= 1; level--) {
        int shift = 12 + 9 * (level - 1);
        uint64_t e = sim_physical_read(table + (v >> shift & 511) * 8);
        table = e & UINT64_C(0x000ffffffffff000);
        if (!(e & 1))
            return false;
        if (level == 1 || e & 0x80) {
            uint64_t within = (UINT64_C(1) << shift) - 1;
            *physical = (table & ~within) | (v & within);
            return true;
        }
    }
    return false;
}

/* Through these the back end reaches page tables, by the simulated MMU. */
static bool shows_tables(uint64_t v)
{
    return (v >= LAYOUT_WINDOWS_START && v < LAYOUT_WINDOWS_END) ||
           align_down(v, PAGE_SIZE) == LAYOUT_SCRATCH;
}

void *machine_pointer(virt_t v)
{
    uint64_t physical;
    if (!shows_tables(v.v) && translate(v.v, &physical))
        return sim_physical(physical);
    if (!shows_tables(v.v) && translate(v.v - 1, &physical)) /* the end of what is mapped */
        return (char *)sim_physical(physical) + 1;
    return (void *)(uintptr_t)v.v;
}

static struct address_space *space_of(uint64_t v)
{
    return v < LAYOUT_PROGRAM_END ? running_space : &kernel_space;
}

void machine_map(uint64_t page, prot_t prot)
{
    phys_t frame;
    must(frames_alloc(&machine_frames, 0, &frame));
    memset(sim_physical(frame.v), 0, PAGE_SIZE);
    must(paging_map(space_of(page), virt(page), frame, PAGE_SIZE, prot));
}

static void release(void *context, pte_t leaf, uint64_t size)
{
    (void)context;
    frames_put(&machine_frames, pt_leaf_frame(leaf, size));
}

void machine_unmap(uint64_t page)
{
    paging_unmap(space_of(page), virt_range(page, page + PAGE_SIZE), release, NULL);
}

void machine_store(uint64_t at, uint64_t word)
{
    uint64_t physical;
    assert_true(translate(at, &physical));
    sim_physical_write(physical, word);
}

struct areas_policy areas_policy(void)
{
    return (struct areas_policy){.stack = MACHINE_STACK_LIMIT, .all = UINT64_MAX};
}

void memory_totals(struct memory_totals *out)
{
    *out = (struct memory_totals){
        .total = machine_frames.total_frames << PAGE_SHIFT,
        .free = machine_frames.free_frames << PAGE_SHIFT,
    };
}

/* --- the program --- */

static void add_area(struct area a)
{
    if (a.source != NULL)
        a.source->ops->get(a.source);
    if (a.file_end == 0)
        a.file_end = UINT64_MAX;
    must(areas_add(running_space, &a));
}

static struct virt_range pages(uint64_t start, uint64_t count)
{
    return virt_range(start, start + count * PAGE_SIZE);
}

static void add_image(uint64_t offset, prot_t prot, uint64_t file_end)
{
    add_area((struct area){.range = pages(MACHINE_PROGRAM + offset, 1),
                           .kind = AREA_FILE,
                           .flags = AREA_IMAGE,
                           .prot = prot,
                           .source = &program.source,
                           .offset = offset,
                           .file_end = file_end});
}

static void add_anonymous(struct virt_range range, uint32_t flags, prot_t prot)
{
    add_area((struct area){.range = range, .kind = AREA_ANONYMOUS, .flags = flags, .prot = prot});
}

static void add_areas(void)
{
    add_image(0, prot_rx(), 0);
    add_image(0x1000, prot_ro(), 0);
    add_image(0x2000, prot_rw(), MACHINE_PROGRAM + PROGRAM_FILE_END);
    add_anonymous(pages(MACHINE_PROGRAM + 0x3000, 1), AREA_IMAGE, prot_rw());
    add_anonymous(pages(MACHINE_HEAP, 16), AREA_HEAP, prot_rw());
    add_area((struct area){.range = pages(MACHINE_FILE, 2),
                           .kind = AREA_FILE,
                           .prot = prot_ro(),
                           .source = &data.source});
    add_anonymous(pages(MACHINE_MEMORY, 4), 0, prot_rw());
    add_anonymous(pages(MACHINE_KEPT, 4), 0, prot_none());
    add_anonymous(pages(MACHINE_GUARD, 1), 0, prot_none());
    add_anonymous(pages(MACHINE_WORKER_STACK, 8), 0, prot_rw());
    add_anonymous(pages(MACHINE_LARGE, 512), 0, prot_ro());
    add_anonymous(virt_range(MACHINE_STACK, MACHINE_STACK_TOP), AREA_STACK | AREA_GROWS_DOWN,
                  prot_rw());
}

static void map_program(void)
{
    machine_map(MACHINE_PROGRAM, prot_rx());
    memcpy(machine_pointer(virt(MACHINE_PROGRAM)), program_file, PAGE_SIZE);
    machine_map(MACHINE_PROGRAM + 0x2000, prot_rw());
    memcpy(machine_pointer(virt(MACHINE_PROGRAM + 0x2000)), program_file + 0x2000,
           PROGRAM_FILE_END - 0x2000);
    machine_map(MACHINE_HEAP, prot_rw());
    machine_map(MACHINE_MEMORY, prot_rw());
    machine_map(MACHINE_MEMORY + PAGE_SIZE, prot_copy_on_write(prot_rw()));
    machine_map(MACHINE_MEMORY + 2 * PAGE_SIZE, prot_rw());
    machine_map(MACHINE_KEPT, prot_none());
    machine_map(MACHINE_WORKER_TOP - PAGE_SIZE, prot_rw());
    machine_map(MACHINE_STACK_TOP - PAGE_SIZE, prot_rw());
    must(paging_map(running_space, virt(MACHINE_LARGE), phys(WORLD_DATA), LARGE_SIZE, prot_ro()));
}

static void add_thread(const char *name, uint64_t rip, uint64_t rsp)
{
    struct thread *t = &stub_threads[stub_thread_count++];
    *t = (struct thread){.id = stub_thread_count, .fs_base = MACHINE_HEAP + 0x100};
    strcpy(t->name, name);
    must(kstack_alloc(&t->kstack));
    t->linux_thread = rip != 0 ? t : NULL;
    const struct trap_frame frame = {.rip = rip, .rsp = rsp, .rax = 202, .rflags = 0x246};
    for (uint64_t v = t->kstack.start.v; v < t->kstack.end.v; v += PAGE_SIZE)
        memset(machine_pointer(virt(v)), 0, PAGE_SIZE);
    memcpy(machine_pointer(virt(t->kstack.end.v - sizeof frame)), &frame, sizeof frame);
}

static void remember(const struct thread *thread, enum history_kind kind, struct virt_range range,
                     uint64_t ago_ns)
{
    *history_next() = (struct history_event){
        .range = range,
        .time_ns = MACHINE_NOW - ago_ns,
        .thread = thread->id,
        .kind = (uint8_t)kind,
        .prot = kind == HISTORY_MAP ? prot_rw() : prot_none(),
    };
}

void machine_munmap(struct thread *thread, struct virt_range range)
{
    must(areas_remove(running_space, range));
    remember(thread, HISTORY_UNMAP, range, 3200000);
}

void machine_start(void)
{
    world_start(PAGING_RECURSIVE);
    program_make();
    program = (struct stub_file){.source = {.ops = &stub_file_ops},
                                 .bytes = program_file,
                                 .size = sizeof program_file,
                                 .path = "/bin/program"};
    data = (struct stub_file){.source = {.ops = &stub_file_ops},
                              .bytes = data_bytes,
                              .size = sizeof data_bytes,
                              .path = "/lib/data"};
    history_clear();
    stub_thread_count = 0;
    add_areas();
    map_program();
    add_thread("main", MACHINE_PROGRAM + PROGRAM_MAIN + 0x10, MACHINE_STACK_TOP - 0x100);
    add_thread("worker", MACHINE_PROGRAM + PROGRAM_HELPER, MACHINE_WORKER_TOP - 0x40);
    /* The stack of a kernel thread has no frame at its top, but data that may look like one. */
    add_thread("flusher", 0, MACHINE_WORKER_TOP - 0x80);
    stub_current = machine_main;
    machine_map(LAYOUT_HEAP_START, prot_rw());
    remember(machine_main, HISTORY_MAP, pages(MACHINE_MEMORY, 4), 2000000000);
    stub_output_clear();
}

/* A pt_release: the frames of WORLD_DATA have no references. */
static void keep_frame(void *context, pte_t leaf, uint64_t size)
{
    (void)context, (void)leaf, (void)size;
}

void machine_end(void)
{
    paging_unmap(running_space, pages(MACHINE_LARGE, 512), keep_frame, NULL);
    areas_clear(running_space);
    assert_int_equal(program.references + data.references, 0);
    for (unsigned i = 0; i < stub_thread_count; i++)
        kstack_free(stub_threads[i].kstack);
}

/* --- facts --- */

static void gather_past(struct fault_facts *f)
{
    const struct history_event *e = NULL;
    for (unsigned i = 0; i < 2 && (e = history_find(f->address, e)) != NULL; i++)
        f->past[i] = (struct fault_past){.there = true,
                                         .kind = e->kind,
                                         .prot = e->prot,
                                         .range = e->range,
                                         .ago_ns = MACHINE_NOW - e->time_ns,
                                         .thread = e->thread};
}

void machine_gather(struct fault_facts *f)
{
    f->here = f->below = f->above = (struct fault_neighbour){0};
    f->stack = (struct fault_stack){0};
    f->past[0] = f->past[1] = (struct fault_past){0};
    paging_walk(running_space, f->address, &f->walk);
    f->walked = fault_is_canonical(f->address.v);
    report_find_stack(f);
    if (f->walked)
        report_find_areas(f);
    gather_past(f);
    report_place(f->registers[X86_RIP], f->at, sizeof f->at);
    report_place(f->address.v, f->target, sizeof f->target);
}

static void set_registers(struct fault_facts *f, const struct thread *t)
{
    const struct trap_frame *p = (const struct trap_frame *)ptr_of(t->kstack.end) - 1;
    for (unsigned i = 0; i < X86_REGISTERS; i++)
        f->registers[i] = 0x1111 * (i + 1);
    f->registers[X86_RIP] = p->rip;
    f->registers[X86_RSP] = p->rsp;
    f->rflags = p->rflags;
    f->fs_base = t->fs_base;
}

struct fault_facts machine_fault(uint64_t address, enum fault_access access)
{
    struct fault_facts f = {
        .signal = "SIGSEGV",
        .signal_number = 11,
        .code = 1,
        .version = "1.2.3",
        .build_id = STUB_BUILD_ID,
        .who = stub_current->name,
        .thread = stub_current->id,
        .time_ns = MACHINE_NOW,
        .vector = VECTOR_PAGE_FAULT,
        .exception = "page fault",
        .has_address = true,
        .access = access,
        .address = virt(address),
        .cr3 = sim_root(),
        .phys_end = UINT64_C(1) << 40,
        .window = virt_range(paging_program_window, paging_program_window + (UINT64_C(512) << 30)),
    };
    set_registers(&f, stub_current);
    machine_gather(&f);
    f.error = (f.walk.leaf_level != 0 ? PF_PRESENT : 0) | (access == ACCESS_WRITE     ? PF_WRITE
                                                           : access == ACCESS_EXECUTE ? PF_EXECUTE
                                                                                      : 0);
    return f;
}
