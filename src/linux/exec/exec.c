/* SPDX-License-Identifier: MIT */
/*
 * The steps of an exec, over one struct exec_job (run_job()):
 *
 *   open      the file; scripts are followed to their interpreter, and an ELF program to its ld.so
 *   place     image, interpreter, vDSO, stack and break get addresses, randomized as on Linux
 *   build     the initial stack, in kernel memory: strings, argv, envp, auxiliary vector
 *   replace   the old program's areas go, the new ones are mapped, the process is reset
 *
 * A failure before the old areas go is an error of execve(); a later one ends the process (too_late).
 */
#define LOG_TAG "exec"
#include "linux/exec/exec.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/str.h"
#include "cpu/cpus.h"
#include "cpu/features.h"
#include "cpu/irq.h"
#include "cpu/selectors.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/xattr.h"
#include "kern/random.h"
#include "kern/space.h"
#include "kern/thread.h"
#include "linux/abi/time.h"
#include "linux/exec/handover.h"
#include "linux/exec/script.h"
#include "linux/exec/stack.h"
#include "linux/memory/range.h"
#include "linux/memory/sys_mem.h"
#include "linux/task/rights.h"
#include "linux/task/image.h"
#include "linux/task/process.h"
#include "linux/task/rseq.h"
#include "linux/task/settings.h"
#include "linux/task/signal_frame.h"
#include "linux/task/timers.h"
#include "linux/task/trace.h"
#include "linux/time/vdso.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"
#include "mm/vm/history.h"
#include "mm/vm/usercopy.h"

#define TOO_LONG        "the arguments and the environment are too long"
#define SCRIPTS_MAX     5 /* depth of scripts with scripts as interpreters */
#define STACK_MIN       UINT64_C(0x20000)
#define STACK_MAX       UINT64_C(0x40000000)
#define STACK_ROOM      UINT64_C(0x8000000)
#define STACK_EXPAND    UINT64_C(0x20000) /* mapped below the first rsp */
#define STACK_GAP_MAX   8192
#define ARGUMENTS_MAX   UINT64_C(0x600000) /* 3/4 of the default stack, Linux's bound */
#define ARGUMENTS_MIN   UINT64_C(0x20000)
#define RANDOM_IMAGE    (UINT64_C(1) << 28) /* pages: Linux's entropy for each */
#define RANDOM_MAPPINGS (UINT64_C(1) << 28)
#define RANDOM_STACK    (UINT64_C(1) << 22)
#define RANDOM_HEAP     (UINT64_C(1) << 13)
#define CODE_PLACES     8
#define ELF_PHDR_SIZE   56
#define ALIGNMENT_MAX   (UINT64_C(1) << 30) /* of a position-independent program's first address */

static struct exec_options options;

void exec_configure(const struct exec_options *o)
{
    options = *o;
}

#define STACK_PIECE   (UINT64_C(64) << 10) /* bytes of the stack copied before exec gives way */
#define STRINGS_PIECE 65536                /* strings counted before exec gives way */

struct exec_job {
    const char *path; /* of the file to load; the last interpreter of scripts */
    const char *execfn;
    const char **argv; /* heap */
    const char *const *envp;
    char *lines[SCRIPTS_MAX]; /* heap: first lines of scripts; argv points into them */
    unsigned line_count;
    struct exec_image program, interpreter;
    struct stack_plan plan;
    uint64_t stack_bytes;
    uint8_t *stack_image;    /* heap */
    struct virt_range stack; /* up to its limit now */
    virt_t mappings_end;     /* mmap() goes downwards from here */
    virt_t vdso;
    struct credentials *credentials; /* of the new program; one reference */
    bool secure;                     /* AT_SECURE */
    bool dumpable;
    struct exec_refusal *why;
};

/* A program that is given rights is not placed by its caller. */
static bool has_fixed_addresses(const struct exec_job *job)
{
    return options.fixed_addresses || randomize_va_space == 0 ||
           (process_current()->personality & ADDR_NO_RANDOMIZE && !job->secure);
}

static uint64_t random_pages(const struct exec_job *job, uint64_t limit)
{
    return has_fixed_addresses(job) ? 0 : (random_u64() & (limit - 1)) << PAGE_SHIFT;
}

/* Where code of programs lies. QEMU's TCG keeps translated code by its virtual address: at a new one all that a program
 * runs is translated again, which takes ten times as long as the rest of an exec. There the addresses are CODE_PLACES of
 * this boot in turn, except of a program with other rights than its caller's. */
struct code_place {
    uint64_t image, mappings;
};

static struct code_place choose_code_place(const struct exec_job *job)
{
    static struct code_place places[CODE_PLACES] GUARDED_BY(kernel_lock);
    const struct code_place new = {random_pages(job, RANDOM_IMAGE),
                                   random_pages(job, RANDOM_MAPPINGS)};
    kernel_lock_assert();
    if (!cpu_features.tcg || job->secure || has_fixed_addresses(job))
        return new;
    struct code_place *known = &places[random_u64() % CODE_PLACES];
    if (known->mappings == 0)
        *known = new;
    return *known;
}

static size_t exec_count(const char *const *list)
{
    size_t n = 0;
    while (list[n] != NULL)
        if (++n % STRINGS_PIECE == 0)
            thread_give_way();
    return n;
}

static MUST_CHECK enum err no_memory(struct exec_job *job)
{
    return exec_refuse(job->why, E_NOMEM, job->path, "there is not enough memory for it");
}

/* Sets argv to first[0 .. first_count) followed by all of rest. */
static MUST_CHECK enum err replace_argv(struct exec_job *job, const char *const *first,
                                        size_t first_count, const char *const *rest)
{
    size_t rest_count = exec_count(rest);
    thread_give_way();
    const char **argv = heap_alloc((first_count + rest_count + 1) * sizeof *argv);
    if (argv == NULL)
        return no_memory(job);
    thread_give_way(); /* the list may have megabytes */
    memcpy(argv, first, first_count * sizeof *argv);
    memcpy(argv + first_count, rest, (rest_count + 1) * sizeof *argv);
    thread_give_way();
    heap_free(job->argv);
    job->argv = argv;
    return E_OK;
}

/* Turns "script a b" into "interpreter [argument] script a b". */
static MUST_CHECK enum err follow_script(struct exec_job *job, const uint8_t *head)
{
    char *interpreter, *argument;
    if (job->line_count == SCRIPTS_MAX)
        return exec_refuse(job->why, E_LOOP, job->path, "scripts name each other as interpreters");
    char *line = heap_alloc(EXEC_HEAD_SIZE);
    if (line == NULL)
        return no_memory(job);
    memcpy(line, head, EXEC_HEAD_SIZE);
    job->lines[job->line_count++] = line;
    if (!script_cut_line(line, &interpreter, &argument))
        return exec_refuse(job->why, E_NOEXEC, job->path, "its first line names no interpreter");
    const char *first[3] = {interpreter};
    size_t n = 1;
    if (argument != NULL)
        first[n++] = argument;
    first[n++] = job->path;
    enum err e = replace_argv(job, first, n, (const char *const *)job->argv + 1);
    if (e == E_OK)
        job->path = interpreter;
    return e;
}

/* Opens the program, following up to SCRIPTS_MAX scripts. */
static MUST_CHECK enum err open_program(struct exec_job *job)
{
    for (;;) {
        uint8_t head[EXEC_HEAD_SIZE];
        enum err e = exec_image_open(job->path, &job->program, job->why);
        if (e != E_OK)
            return e;
        e = exec_image_head(&job->program, head);
        if (e != E_OK)
            return exec_refuse(job->why, e, job->path, "it cannot be read");
        if (head[0] != '#' || head[1] != '!')
            return exec_image_parse(&job->program, job->path, job->why);
        exec_image_close(&job->program);
        e = follow_script(job, head);
        if (e != E_OK)
            return e;
    }
}

static MUST_CHECK enum err open_interpreter(struct exec_job *job)
{
    const char *name = job->program.elf->interpreter;
    char what[160];
    if (name[0] == '\0')
        return E_OK;
    struct exec_refusal *why = job->why;
    enum err e = exec_image_open(name, &job->interpreter, why);
    if (e == E_OK)
        e = exec_image_parse(&job->interpreter, name, why);
    if (e == E_NOENT) {
        fmt_snprintf(what, sizeof what, "it is dynamically linked and needs %s, which is not there",
                     name);
        return exec_refuse(why, e, job->path, what);
    }
    if (e == E_OK && job->interpreter.elf->interpreter[0] != '\0')
        return exec_refuse(why, E_NOEXEC, name, "an interpreter must not need another one");
    return e;
}

static bool may_read(const struct exec_image *image)
{
    return image->file == NULL || inode_permission(image->file->inode, MAY_READ) == E_OK;
}

/* What the caller must not read, it must not read from the program's memory either. */
static MUST_CHECK enum err identify(struct exec_job *job)
{
    const struct credentials *now = credentials_current();
    const struct inode *inode = job->program.file->inode;
    struct rights_exec exec = {
        .file = inode_rights(inode),
        .shared = fs_context_place_is_shared(process_current()->fs) ||
                  trace_forbids_rights(linux_current()),
    };
    const struct file_capabilities *file = file_capabilities(inode);
    if (mount_has(job->program.file->mount, MS_NOSUID)) {
        exec.file.mode &= ~(uint32_t)(S_ISUID | S_ISGID);
        file = NULL;
    }
    if (file) {
        exec.capable = true;
        exec.effective = file->magic & CAPABILITY_EFFECTIVE;
        exec.permitted = file->half[0].permitted | (uint64_t)file->half[1].permitted << 32;
        exec.inheritable = file->half[0].inheritable | (uint64_t)file->half[1].inheritable << 32;
    }
    job->credentials = credentials_copy(now);
    if (job->credentials == NULL)
        return no_memory(job);
    enum err e = rights_exec(job->credentials, &exec, &job->secure);
    if (e != E_OK)
        return exec_refuse(job->why, e, job->path, "it needs capabilities that are not allowed");
    job->dumpable = now->uid.effective == now->uid.real && now->gid.effective == now->gid.real &&
                    may_read(&job->program) && may_read(&job->interpreter);
    return E_OK;
}

static void add_auxv(struct stack_plan *plan, uint64_t type, uint64_t value)
{
    plan->auxv[plan->auxv_count++] = (struct auxv_entry){type, value};
}

/* The auxiliary vector, in Linux's order. */
static void fill_auxv(struct exec_job *job)
{
    struct stack_plan *plan = &job->plan;
    const struct elf64_image *elf = job->program.elf;
    uint64_t bias = job->program.bias;
    if (!SEVERAL_CPUS || !cpus_out_of_step) /* its clocks read the TSC */
        add_auxv(plan, AT_SYSINFO_EHDR, vdso_image(job->vdso).v);
    add_auxv(plan, AT_MINSIGSTKSZ, signal_frame_max());
    add_auxv(plan, AT_HWCAP, cpu_features.leaf1_edx);
    add_auxv(plan, AT_PAGESZ, PAGE_SIZE);
    add_auxv(plan, AT_CLKTCK, USER_HZ);
    add_auxv(plan, AT_PHDR, elf->phdr_address != 0 ? elf->phdr_address + bias : 0);
    add_auxv(plan, AT_PHENT, ELF_PHDR_SIZE);
    add_auxv(plan, AT_PHNUM, elf->phdr_count);
    add_auxv(plan, AT_BASE, job->interpreter.bias);
    add_auxv(plan, AT_FLAGS, 0);
    add_auxv(plan, AT_ENTRY, elf->entry + bias);
    add_auxv(plan, AT_UID, job->credentials->uid.real);
    add_auxv(plan, AT_EUID, job->credentials->uid.effective);
    add_auxv(plan, AT_GID, job->credentials->gid.real);
    add_auxv(plan, AT_EGID, job->credentials->gid.effective);
    add_auxv(plan, AT_SECURE, job->secure);
    add_auxv(plan, AT_RANDOM, 0);
    add_auxv(plan, AT_HWCAP2, 0);
    add_auxv(plan, AT_EXECFN, 0);
    add_auxv(plan, AT_PLATFORM, 0);
    add_auxv(plan, AT_OURO_PAGETABLES, options.pagetables.v);
}

static uint64_t clamp(uint64_t v, uint64_t least, uint64_t most)
{
    return v < least ? least : v > most ? most : v;
}

/* Places the vDSO as Linux does: above the stack if randomization left enough room there, else at
 * the top of the mappings. */
static virt_t place_vdso(struct exec_job *job, uint64_t *mappings_end)
{
    uint64_t size = vdso_size(), room = LAYOUT_PROGRAM_END - job->stack.end.v;
    if (room >= size)
        return virt(job->stack.end.v + random_u64() % ((room - size) / PAGE_SIZE + 1) * PAGE_SIZE);
    *mappings_end -= size;
    return virt(*mappings_end);
}

static uint64_t image_size(const struct exec_image *image)
{
    return image->elf != NULL ? image->elf->end - image->elf->start : 0;
}

/* Chooses all addresses: the stack at the top, below it the mappings, interpreter first; the
 * program at its own address or, if position-independent, at the PIE base. */
static MUST_CHECK enum err place(struct exec_job *job)
{
    uint64_t stack_limit = process_current()->rlimits[RLIMIT_STACK].soft;
    uint64_t top = LAYOUT_PROGRAM_END - random_pages(job, RANDOM_STACK);
    struct code_place code = choose_code_place(job);
    uint64_t size = align_down(clamp(stack_limit, STACK_MIN, STACK_MAX), PAGE_SIZE);
    const struct elf64_image *elf = job->program.elf, *interpreter = job->interpreter.elf;
    /* As in Linux, leave room for any place of the stack, and for a later raise of RLIMIT_STACK. */
    uint64_t below = LAYOUT_PROGRAM_END -
                     (has_fixed_addresses(job) ? 0 : RANDOM_STACK << PAGE_SHIFT) -
                     (size < STACK_ROOM ? STACK_ROOM : size) - AREA_STACK_GAP;

    job->stack = virt_range(top - size, top);
    below -= code.mappings;
    job->mappings_end = virt(below);
    job->vdso = place_vdso(job, &below);
    if (interpreter != NULL) {
        below -= image_size(&job->interpreter);
        job->interpreter.bias = interpreter->position_independent ? below - interpreter->start : 0;
    }
    if (elf->position_independent) {
        uint64_t alignment = elf->alignment < ALIGNMENT_MAX ? elf->alignment : ALIGNMENT_MAX;
        job->program.bias = align_down(LAYOUT_PIE_BASE + code.image - elf->start, alignment);
    }
    if (elf->end + job->program.bias > below)
        return no_memory(job);
    if (virt_range_overlaps(
            virt_range(elf->start + job->program.bias, elf->end + job->program.bias),
            paging_reserved_range))
        return exec_refuse(job->why, E_NOMEM, job->path,
                           "pagetables=identity has its tables where it was linked to run");
    return E_OK;
}

/* Before place(): it gives way, and what is free then may be taken meanwhile. */
static MUST_CHECK enum err measure_stack(struct exec_job *job)
{
    struct stack_plan *plan = &job->plan;
    uint64_t quarter = process_current()->rlimits[RLIMIT_STACK].soft / 4;
    plan->execfn = job->execfn;
    plan->argv = (const char *const *)job->argv;
    plan->envp = job->envp;
    enum err e = stack_measure(plan, clamp(quarter, ARGUMENTS_MIN, ARGUMENTS_MAX));
    return e == E_OK ? E_OK : exec_refuse(job->why, e, job->path, TOO_LONG);
}

static MUST_CHECK enum err build_stack(struct exec_job *job)
{
    struct stack_plan *plan = &job->plan;
    plan->top = job->stack.end.v;
    plan->gap = has_fixed_addresses(job) ? 0 : random_u64() % STACK_GAP_MAX & ~UINT64_C(15);
    random_fill(plan->random, sizeof plan->random);
    fill_auxv(job);
    job->stack_bytes = stack_size(plan);
    if (job->stack_bytes > virt_range_size(job->stack) / 2)
        return exec_refuse(job->why, E_2BIG, job->path, TOO_LONG);
    job->stack_image = heap_alloc(job->stack_bytes);
    return job->stack_image != NULL ? E_OK : no_memory(job);
}

static MUST_CHECK enum err map_stack(struct exec_job *job)
{
    uint64_t used = align_up(job->stack_bytes, PAGE_SIZE) + STACK_EXPAND;
    if (used > virt_range_size(job->stack))
        used = virt_range_size(job->stack);
    struct area stack = {
        .range = virt_range(job->stack.end.v - used, job->stack.end.v),
        .kind = AREA_ANONYMOUS,
        .owner = &process_current()->program->areas,
        .flags = AREA_STACK | AREA_GROWS_DOWN,
        .prot = job->program.elf->executable_stack ? mem_prot_from_linux(7) : prot_rw(),
        .file_end = UINT64_MAX,
    };
    return areas_add(space_current(), &stack);
}

static MUST_CHECK enum err map_all(struct exec_job *job, struct stack_layout *layout)
{
    enum err e = exec_image_map(&job->program, job->program.bias);
    if (e == E_OK && job->interpreter.file != NULL)
        e = exec_image_map(&job->interpreter, job->interpreter.bias);
    if (e == E_OK)
        e = map_stack(job);
    if (e == E_OK)
        e = vdso_map(job->vdso);
    if (e != E_OK)
        return e;
    thread_give_way();
    stack_build(&job->plan, job->stack_image, layout);
    for (uint64_t at = 0, size; at < job->stack_bytes && e == E_OK; at += size) {
        thread_give_way();
        size = job->stack_bytes - at < STACK_PIECE ? job->stack_bytes - at : STACK_PIECE;
        e = copy_out(virt(layout->rsp + at), job->stack_image + at, size);
    }
    return e;
}

/* Resets the attributes of the process that execve(2) does not preserve. */
static void reset_process(struct exec_job *job)
{
    struct linux_thread *lt = linux_current();
    exec_take_credentials(job->credentials, job->secure, job->dumpable);
    job->credentials = NULL;
    signal_exec();
    timers_exec(lt->process);
    rseq_exec();
    file_table_exec(file_table_current());
    lt->clear_tid = lt->robust_list = 0;
    thread_set_fs_base(0);
    thread_current()->fpu_at_once = cpu_features.tcg && job->interpreter.file != NULL;
    thread_own_fpu();
    cpu_fpu_reset(lt->fpu);
    cpu_fpu_load(lt->fpu);

    const char *name = strrchr(job->execfn, '/');
    name = name != NULL ? name + 1 : job->execfn;
    process_rename(thread_current(), name, strlen(name));
    fs_set_executable(&job->program.file->location);
    lt->process->has_run_exec = true;
    process_release_vfork(lt);
}

static void describe_process(struct exec_job *job, const struct stack_layout *layout)
{
    const struct stack_plan *plan = &job->plan;
    struct program *program = process_current()->program;
    program->layout.arguments = layout->arguments;
    program->layout.environment = layout->environment;
    program->layout.stack = virt(layout->rsp);
    program->image = virt(job->program.elf->start + job->program.bias);
    exec_image_describe(&job->program, &program->layout);
    memcpy(program->auxv, plan->auxv, plan->auxv_count * sizeof plan->auxv[0]);
    program->auxv_words = (uint32_t)(2 * (plan->auxv_count + 1));
}

/* A program that another process uses too, after vfork(), keeps its space; the new one gets its own. NULL: no memory. */
static struct program *program_for_exec(const struct program *old)
{
    return program_is_alone(old) ? program_new(old->space) : program_new_space();
}

/* Installs the new program in a space without areas, and returns the old one, to be dropped when the new one is mapped:
 * that gives way. NULL: no memory. */
static struct program *replace_memory(const struct exec_job *job, struct program **new)
{
    struct process *process = process_current();
    struct program *old = process->program;
    kernel_lock_assert();
    if ((*new)->space == old->space && old->users > 1) {
        /* Another thread has called vfork() before it ended. */
        program_put(*new);
        *new = program_new_space();
        if (*new == NULL)
            return NULL;
    }
    virt_t at = virt(0);
    while ((*new)->space == old->space &&
           areas_remove_owner(old->space, &old->areas, &at, old->space->programs == 2))
        thread_give_way(); /* no other thread of the program is left to see it */
    process->program = *new;
    (void)thread_use_space((*new)->space);
    if ((*new)->space == old->space)
        areas_clear(old->space);
    history_clear();
    areas_set_mmap_base((*new)->space, job->mappings_end);
    return old;
}

/* After process_be_only_thread(), a failure leaves no program to return to. */
static MUST_CHECK enum err replace_program(struct exec_job *job, struct exec_result *out)
{
    struct stack_layout layout;
    uint64_t heap = job->program.elf->end + job->program.bias +
                    (randomize_va_space > 1 ? random_pages(job, RANDOM_HEAP) : 0);
    if (heap > job->mappings_end.v)
        heap = job->program.elf->end + job->program.bias;

    struct program *program = program_for_exec(process_current()->program);
    if (program == NULL)
        return no_memory(job);
    struct fs_context *fs = NULL;
    enum err e = fs_context_own(process_current()->fs, true, false, &fs);
    if (e == E_OK)
        e = process_be_only_thread();
    if (e != E_OK) {
        if (fs != NULL)
            fs_context_put(fs);
        program_put(program);
        return e;
    }
    struct program *old = replace_memory(job, &program);
    job->why->too_late = true;
    process_take_context(fs);
    if (old == NULL)
        return no_memory(job);
    mem_exec_reset(virt(heap));
    reset_process(job);
    e = map_all(job, &layout);
    program_put(old);
    if (e != E_OK)
        return no_memory(job);
    job->why->too_late = false;
    describe_process(job, &layout);
    const struct exec_image *start =
        job->interpreter.file != NULL ? &job->interpreter : &job->program;
    out->entry = virt(start->elf->entry + start->bias);
    out->stack = virt(layout.rsp);

    program->file.file = job->program.file;
    program->interpreter.file = job->interpreter.file;
    job->program.file = job->interpreter.file = NULL;
    return E_OK;
}

static MUST_CHECK enum err run_job(struct exec_job *job, const char *const *argv,
                                   struct exec_result *out)
{
    static const char *const nothing[] = {"", NULL};
    /* Programs rely on argv[0]: as in Linux, an empty list becomes one empty string. */
    enum err e = replace_argv(job, NULL, 0, argv[0] != NULL ? argv : nothing);
    if (e == E_OK)
        e = open_program(job);
    if (e == E_OK)
        e = open_interpreter(job);
    if (e == E_OK)
        e = identify(job);
    if (e == E_OK)
        e = measure_stack(job);
    if (e == E_OK)
        e = place(job);
    if (e == E_OK)
        e = build_stack(job);
    return e == E_OK ? replace_program(job, out) : e;
}

enum err exec_program(const char *path, const char *const *argv, const char *const *envp,
                      struct exec_result *out, struct exec_refusal *why)
{
    *why = (struct exec_refusal){0};
    struct exec_job *job = heap_alloc_zero(sizeof *job);
    if (job == NULL)
        return exec_refuse(why, E_NOMEM, path, "there is not enough memory for it");
    job->path = job->execfn = path;
    job->envp = envp;
    job->why = why;
    enum err e = run_job(job, argv, out);

    exec_image_close(&job->program);
    exec_image_close(&job->interpreter);
    if (job->credentials != NULL)
        credentials_put(job->credentials);
    heap_free(job->stack_image);
    thread_give_way();
    heap_free(job->argv);
    thread_give_way();
    for (unsigned i = 0; i < job->line_count; i++)
        heap_free(job->lines[i]);
    heap_free(job);
    return e;
}

void exec_set_registers(struct trap_frame *frame, const struct exec_result *start)
{
    *frame = (struct trap_frame){
        .rip = start->entry.v,
        .cs = SELECTOR_CODE,
        .rflags = RFLAGS_IF | 2, /* bit 1 is always set (SDM 1 3.4.3) */
        .rsp = start->stack.v,
        .ss = SELECTOR_DATA,
    };
}
