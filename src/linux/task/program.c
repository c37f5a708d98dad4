/* SPDX-License-Identifier: MIT */
#include "linux/task/program.h"

#include "base/str.h"
#include "kern/space.h"
#include "kern/swap.h"
#include "kern/thread.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/vm/areas.h"

#define FORK_RESERVE 256 /* frames */

struct program program_none = {.users = 1, .space = &first_space, .dumpable = true};

struct program *program_new(struct address_space *space)
{
    struct program *program = heap_alloc_zero(sizeof *program);
    if (program == NULL)
        return NULL;
    program->users = 1;
    program->dumpable = true;
    program->space = space;
    space->programs++;
    return program;
}

COLD struct program *program_new_space(void)
{
    struct address_space *space;
    if (space_new(&space) != E_OK)
        return NULL;
    struct program *program = program_new(space);
    if (program == NULL)
        space_end(space);
    return program;
}

/* The areas go while the space runs: by its last thread, or by another that visits it. */
void program_put(struct program *program)
{
    struct address_space *space = program->space, *before;
    virt_t at = virt(0);
    kernel_lock_assert();
    if (--program->users > 0)
        return;
    before = thread_use_space(space);
    while (areas_remove_owner(space, &program->areas, &at, space->programs == 1))
        thread_give_way();
    exec_image_close(&program->file);
    exec_image_close(&program->interpreter);
    if (program != &program_none)
        heap_free(program);
    (void)thread_use_space(before);
    if (--space->programs == 0 && space != &first_space)
        space_end(space);
}

/* After a fork there are frames for the first pages that parent and child write: without them one of the two would be
 * killed instead of the fork being refused. */
static bool fork_is_backed(void)
{
    const struct frames *f = &machine_frames;
    uint64_t reserve = f->total_frames / 64 < FORK_RESERVE ? f->total_frames / 64 : FORK_RESERVE;
    while (f->free_frames < reserve && shrinkers_run())
        thread_give_way();
    return f->free_frames >= reserve || (swap_may_help() && swap_make_room());
}

COLD static enum err copy_areas(struct program *to)
{
    virt_t at = virt(0);
    bool more = true;
    enum err e = E_OK;
    kernel_lock_assert();
    while (e == E_OK && more) {
        if (!fork_is_backed())
            return E_NOMEM;
        e = areas_fork(to->space, &to->areas, &at, &more);
        thread_give_way();
    }
    return e;
}

COLD enum err program_fork(struct program **out)
{
    const struct program *from = process_current()->program;
    struct program *to = program_new_space();
    if (to == NULL)
        return E_NOMEM;
    to->layout = from->layout;
    to->image = from->image;
    to->dumpable = from->dumpable;
    memcpy(to->auxv, from->auxv, sizeof to->auxv);
    to->auxv_words = from->auxv_words;
    exec_image_copy(&from->file, &to->file);
    exec_image_copy(&from->interpreter, &to->interpreter);
    areas_set_mmap_base(to->space, from->space->mmap_base);
    enum err e = copy_areas(to);
    if (e == E_OK)
        *out = to;
    else
        program_put(to);
    return e;
}
