/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "linux/process/sys_process.h"
#include "linux/task/process.h"
#include "linux/task/rights.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

#include <stddef.h>

enum { /* linux/prctl.h */
    PR_SET_MM_START_CODE = 1,
    PR_SET_MM_END_CODE,
    PR_SET_MM_START_DATA,
    PR_SET_MM_END_DATA,
    PR_SET_MM_START_STACK,
    PR_SET_MM_START_BRK,
    PR_SET_MM_BRK,
    PR_SET_MM_ARG_START,
    PR_SET_MM_ARG_END,
    PR_SET_MM_ENV_START,
    PR_SET_MM_ENV_END,
    PR_SET_MM_AUXV,
    PR_SET_MM_EXE_FILE,
    PR_SET_MM_MAP,
    PR_SET_MM_MAP_SIZE,
};

struct map { /* struct prctl_mm_map */
    struct program_layout layout;
    uint64_t auxv;
    uint32_t auxv_size, exe_fd;
};

#define WORD(member) (offsetof(struct program_layout, member) / sizeof(uint64_t))

/* Of struct program_layout, by the number of the option. */
static const uint8_t words[] = {
    [PR_SET_MM_START_CODE] = WORD(code.start),
    [PR_SET_MM_END_CODE] = WORD(code.end),
    [PR_SET_MM_START_DATA] = WORD(data.start),
    [PR_SET_MM_END_DATA] = WORD(data.end),
    [PR_SET_MM_START_STACK] = WORD(stack),
    [PR_SET_MM_START_BRK] = WORD(brk_start),
    [PR_SET_MM_BRK] = WORD(brk),
    [PR_SET_MM_ARG_START] = WORD(arguments.start),
    [PR_SET_MM_ARG_END] = WORD(arguments.end),
    [PR_SET_MM_ENV_START] = WORD(environment.start),
    [PR_SET_MM_ENV_END] = WORD(environment.end),
};

static bool is_possible(const struct program_layout *layout)
{
    uint64_t data_max = process_current()->rlimits[RLIMIT_DATA].soft;
    const uint64_t *word = (const uint64_t *)layout;
    for (size_t i = 0; i < sizeof *layout / sizeof *word; i++)
        if (word[i] < LAYOUT_PROGRAM_START || word[i] >= LAYOUT_PROGRAM_END)
            return false;
    return layout->code.start.v < layout->code.end.v &&
           layout->data.start.v <= layout->data.end.v && layout->brk_start.v <= layout->brk.v &&
           layout->arguments.start.v <= layout->arguments.end.v &&
           layout->environment.start.v <= layout->environment.end.v &&
           (layout->brk.v - layout->brk_start.v) + virt_range_size(layout->data) <= data_max;
}

/* The last pair stays AT_NULL. */
static enum err replace_auxv(struct program *program, virt_t from, uint64_t size)
{
    uint64_t auxv[ARRAY_LENGTH(program->auxv)] = {0};
    if (size > sizeof auxv)
        return E_INVAL;
    enum err e = copy_in(auxv, from, size);
    if (e != E_OK)
        return e;
    auxv[ARRAY_LENGTH(auxv) - 2] = auxv[ARRAY_LENGTH(auxv) - 1] = 0;
    memcpy(program->auxv, auxv, sizeof auxv);
    program->auxv_words = ARRAY_LENGTH(auxv);
    return E_OK;
}

static bool is_mapped(const struct program *program, struct page_source *source)
{
    const struct area *area = areas_next(program->space, virt(0));
    for (; area != NULL; area = areas_after(program->space, area))
        if (area->kind == AREA_FILE && area->source == source)
            return true;
    return false;
}

/* What /proc/self/exe leads to. */
static enum err set_exe_file(struct program *program, uint64_t fd)
{
    struct exec_image image;
    struct file *file = file_table_find(file_table_current(), fd);
    if (file == NULL)
        return E_BADF;
    if (program->file.file != NULL && is_mapped(program, file_page_source(program->file.file)))
        return E_BUSY;
    enum err e = exec_image_open_at(&file->location, &image);
    if (e != E_OK)
        return e;
    exec_image_close(&program->file);
    program->file = image;
    fs_set_executable(&image.file->location);
    return E_OK;
}

static enum err set_map(struct program *program, const struct syscall *call)
{
    struct map map;
    if (call->arg[1] == PR_SET_MM_MAP_SIZE) {
        const uint32_t size = sizeof map;
        return copy_out(virt(call->arg[2]), &size, sizeof size);
    }
    if (call->arg[3] != sizeof map)
        return E_INVAL;
    enum err e = copy_in(&map, virt(call->arg[2]), sizeof map);
    if (e != E_OK)
        return e;
    if (!is_possible(&map.layout) || (map.auxv_size != 0 && map.auxv == 0))
        return E_INVAL;
    if (map.exe_fd != UINT32_MAX) {
        if (!capable(CAP_SYS_ADMIN))
            return E_PERM;
        e = set_exe_file(program, map.exe_fd);
    }
    if (e == E_OK && map.auxv_size != 0)
        e = replace_auxv(program, virt(map.auxv), map.auxv_size);
    if (e == E_OK)
        program->layout = map.layout;
    return e;
}

static enum err set_word(struct program *program, uint64_t option, uint64_t value)
{
    if (value < LAYOUT_PROGRAM_START || value >= LAYOUT_PROGRAM_END || option == 0 ||
        option >= ARRAY_LENGTH(words))
        return E_INVAL;
    struct program_layout layout = program->layout;
    ((uint64_t *)&layout)[words[option]] = value;
    if (!is_possible(&layout))
        return E_INVAL;
    bool on_stack = option == PR_SET_MM_START_STACK || option >= PR_SET_MM_ARG_START;
    if (on_stack && areas_next(program->space, virt(value)) == NULL)
        return E_FAULT;
    program->layout = layout;
    return E_OK;
}

enum err prctl_set_mm(const struct syscall *call)
{
    struct program *program = process_current()->program;
    uint64_t option = call->arg[1];
    bool sized =
        option == PR_SET_MM_AUXV || option == PR_SET_MM_MAP || option == PR_SET_MM_MAP_SIZE;
    if (call->arg[4] != 0 || (call->arg[3] != 0 && !sized))
        return E_INVAL;
    if (option == PR_SET_MM_MAP || option == PR_SET_MM_MAP_SIZE)
        return set_map(program, call);
    if (!capable(CAP_SYS_RESOURCE))
        return E_PERM;
    if (option == PR_SET_MM_EXE_FILE)
        return set_exe_file(program, call->arg[2]);
    if (option == PR_SET_MM_AUXV)
        return replace_auxv(program, virt(call->arg[2]), call->arg[3]);
    return set_word(program, option, call->arg[2]);
}
