/* SPDX-License-Identifier: MIT */
#include "mm/vm/usercopy.h"

#include "cpu/features.h"
#include "cpu/usercopy.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"

#define XSAVE_HEADER      512 /* offset: XSTATE_BV, XCOMP_BV, zeros (SDM 1 13.4.2) */
#define XSAVE_HEADER_SIZE 64

bool user_range_ok(virt_t start, uint64_t size)
{
    if (start.v > LAYOUT_PROGRAM_END || size > LAYOUT_PROGRAM_END - start.v)
        return false;
    return paging_reserved_range.end.v <= start.v ||
           paging_reserved_range.start.v >= start.v + size;
}

enum err copy_in(void *to, virt_t from, size_t size)
{
    if (!user_range_ok(from, size))
        return E_FAULT;
    return usercopy_copy(to, ptr_of(from), size) == 0 ? E_OK : E_FAULT;
}

enum err copy_out(virt_t to, const void *from, size_t size)
{
    if (!user_range_ok(to, size))
        return E_FAULT;
    return usercopy_copy(ptr_of(to), from, size) == 0 ? E_OK : E_FAULT;
}

enum err put_out(virt_t to, uint64_t word)
{
    if (!user_range_ok(to, sizeof word))
        return E_FAULT;
    return usercopy_word(ptr_of(to), word) == 0 ? E_OK : E_FAULT;
}

enum err clear_out(virt_t to, size_t size)
{
    if (!user_range_ok(to, size))
        return E_FAULT;
    return usercopy_clear(ptr_of(to), size) == 0 ? E_OK : E_FAULT;
}

enum err fpu_out(virt_t to, size_t size)
{
    if (!user_range_ok(to, size))
        return E_FAULT;
    if (!cpu_features.xsave)
        return usercopy_fxsave(ptr_of(to)) == 0 ? E_OK : E_FAULT;
    /* XSAVE leaves the header bits of components that were not requested as they are. */
    enum err e = clear_out(virt(to.v + XSAVE_HEADER), XSAVE_HEADER_SIZE);
    if (e == E_OK && usercopy_xsave(ptr_of(to), cpu_features.xcr0) != 0)
        e = E_FAULT;
    return e;
}

enum err fpu_in(virt_t from, size_t size)
{
    if (!user_range_ok(from, size))
        return E_FAULT;
    return usercopy_xrstor(ptr_of(from), cpu_features.xcr0) == 0 ? E_OK : E_FAULT;
}

enum err copy_in_string(char *to, virt_t from, size_t size, size_t *length)
{
    if (!user_range_ok(from, 0))
        return E_FAULT;
    uint64_t room = LAYOUT_PROGRAM_END - from.v; /* a string that runs past the end faults */
    uint64_t n = usercopy_string(to, ptr_of(from), size < room ? size : room);
    if (n == UINT64_MAX)
        return E_FAULT;
    if (n == size)
        return E_NAMETOOLONG;
    if (n == room)
        return E_FAULT;
    *length = n;
    return E_OK;
}
