/* SPDX-License-Identifier: MIT */
#include "linux/task/program.h"

#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/vm/areas.h"

struct program program_none = {.users = 1, .space = &first_space, .dumpable = true};

static uint32_t programs = 1; /* existing programs */

struct program *program_new(void)
{
    struct program *program = heap_alloc_zero(sizeof *program);
    if (program == NULL)
        return NULL;
    programs++;
    program->users = 1;
    program->dumpable = true;
    program->space = &first_space;
    return program;
}

void program_put(struct program *program)
{
    if (--program->users > 0)
        return;
    virt_t at = virt(0);
    while (areas_remove_owner(program->space, &program->areas, &at))
        thread_give_way();
    programs--; /* not before: exec() in a program that is alone clears the space */
    exec_image_close(&program->file);
    exec_image_close(&program->interpreter);
    if (program != &program_none)
        heap_free(program);
}

bool program_is_alone(const struct program *program)
{
    return programs == 1 && program->users == 1;
}
