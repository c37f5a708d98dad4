/* SPDX-License-Identifier: MIT */
/* libdwfl finds the debug file, libdw the line and the inlined functions. */
#include "report/source.h"
#include "host/text.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#define INLINED_MAX 16

struct source_module {
    Dwfl_Module *module;
};

static char *debug_path; /* NULL: libdwfl's defaults, such as /usr/lib/debug */

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    /* By build id only: the standard function may also query servers on the network. */
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &debug_path,
};

struct source_module *source_open(const char *file, uint64_t bias)
{
    Dwfl *dwfl = dwfl_begin(&callbacks);
    Dwfl_Module *module = NULL;
    if (dwfl) {
        dwfl_report_begin(dwfl);
        module = dwfl_report_elf(dwfl, file, file, -1, bias, true);
        dwfl_report_end(dwfl, NULL, NULL);
    }
    if (!module) {
        dwfl_end(dwfl);
        return NULL;
    }
    struct source_module *result = memory(sizeof(*result));
    result->module = module;
    return result;
}

/* clang writes no .debug_aranges; then libdwfl returns the nearest unit that has them, so all units are
 * searched. */
static Dwarf_Die *find_unit(Dwfl_Module *module, uint64_t address, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(module, address, bias);
    if (unit && dwarf_haspc(unit, address - *bias) > 0)
        return unit;
    unit = NULL;
    while ((unit = dwfl_module_nextcu(module, unit, bias)))
        if (dwarf_haspc(unit, address - *bias) > 0)
            return unit;
    return NULL;
}

static char *absolute_path(Dwarf_Die *unit, const char *path)
{
    Dwarf_Attribute attribute;
    const char *folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    return path[0] == '/' || !folder ? string_copy(path) : string_format("%s/%s", folder, path);
}

static void add_line(struct source_lines *out, Dwarf_Die *unit, const char *path, int line,
                     int column)
{
    out->line = memory_resize(out->line, (out->count + 1) * sizeof(*out->line));
    out->line[out->count++] =
        (struct source_line){string_copy(""), absolute_path(unit, path), line, column};
}

static void name_last(struct source_lines *out, Dwarf_Die *function)
{
    Dwarf_Attribute attribute;
    const char *name = dwarf_formstring(dwarf_attr_integrate(function, DW_AT_name, &attribute));
    if (name) {
        free(out->line[out->count - 1].function);
        out->line[out->count - 1].function = string_copy(name);
    }
}

static Dwarf_Word number_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;
    return dwarf_formudata(dwarf_attr(die, name, &attribute), &value) == 0 ? value : 0;
}

/* Adds the line at which the function was inlined; false if the DWARF lacks it. */
static bool add_call(struct source_lines *out, Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Files *files;
    size_t count;
    Dwarf_Word file = number_of(inlined, DW_AT_call_file),
               line = number_of(inlined, DW_AT_call_line);
    const char *path = dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count
                           ? dwarf_filesrc(files, file, NULL, NULL)
                           : NULL;
    if (!path || line == 0 || line > INT32_MAX || out->count == INLINED_MAX)
        return false;
    add_line(out, unit, path, (int)line, (int)(number_of(inlined, DW_AT_call_column) & 0xffff));
    return true;
}

/* Adds functions from the innermost outwards, up to the first that was not inlined. */
static void add_functions(struct source_lines *out, Dwarf_Die *unit, uint64_t pc)
{
    Dwarf_Die *innermost, *scopes;
    int count = dwarf_getscopes(unit, pc, &innermost);
    if (count <= 0)
        return;
    /* dwarf_getscopes() continues at the definition of an inlined function, not at its call. */
    count = dwarf_getscopes_die(&innermost[0], &scopes);
    for (int i = 0; i < count; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
            continue;
        name_last(out, &scopes[i]);
        if (tag == DW_TAG_subprogram || !add_call(out, unit, &scopes[i]))
            break;
    }
    if (count > 0)
        free(scopes);
    free(innermost);
}

void source_find(struct source_module *module, uint64_t address, struct source_lines *out)
{
    Dwarf_Addr bias;
    int number, column = 0;
    *out = (struct source_lines){0};
    Dwarf_Die *unit = find_unit(module->module, address, &bias);
    Dwarf_Line *line = unit ? dwarf_getsrc_die(unit, address - bias) : NULL;
    const char *path = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
    if (!path || dwarf_lineno(line, &number) != 0 || number <= 0)
        return;
    dwarf_linecol(line, &column);
    add_line(out, unit, path, number, column);
    add_functions(out, unit, address - bias);
}

const char *source_symbol(struct source_module *module, uint64_t address, uint64_t *offset)
{
    GElf_Sym symbol;
    return dwfl_module_addrinfo(module->module, address, offset, &symbol, NULL, NULL, NULL);
}

bool source_word(struct source_module *module, const char *symbol, uint64_t *out)
{
    int count = dwfl_module_getsymtab(module->module);
    for (int i = 0; i < count; i++) {
        GElf_Sym found;
        GElf_Addr address, bias;
        Elf *elf;
        GElf_Word section;
        const char *name =
            dwfl_module_getsym_info(module->module, i, &found, &address, &section, &elf, &bias);
        if (!name || strcmp(name, symbol) != 0 || !elf)
            continue;
        GElf_Shdr header;
        Elf_Scn *scn = elf_getscn(elf, found.st_shndx);
        Elf_Data *data = scn && gelf_getshdr(scn, &header) ? elf_getdata(scn, NULL) : NULL;
        if (!data || !data->d_buf || found.st_value < header.sh_addr ||
            data->d_size < sizeof(*out) ||
            found.st_value - header.sh_addr > data->d_size - sizeof(*out))
            return false;
        memcpy(out, (const char *)data->d_buf + (found.st_value - header.sh_addr), sizeof(*out));
        return true;
    }
    return false;
}
