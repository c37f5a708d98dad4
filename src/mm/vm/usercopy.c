/* SPDX-License-Identifier: MIT */
#include "mm/vm/usercopy.h"

#include "cpu/lock.h"
#include "cpu/features.h"
#include "cpu/usercopy.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"
#include "mm/vm/fault.h"

#define XSAVE_HEADER      512 /* offset: XSTATE_BV, XCOMP_BV, zeros (SDM 1 13.4.2) */
#define XSAVE_HEADER_SIZE 64

bool user_range_ok(virt_t start, uint64_t size)
{
    if (start.v > LAYOUT_PROGRAM_END || size > LAYOUT_PROGRAM_END - start.v)
        return false;
    return paging_reserved_range.end.v <= start.v ||
           paging_reserved_range.start.v >= start.v + size;
}

/* What a loop of cpu/usercopy.S has returned. */
static ALWAYS_INLINE enum err err_of_copy(int64_t result)
{
    return (enum err) - result;
}

enum err copy_in(void *to, virt_t from, size_t size)
{
    if (!user_range_ok(from, size))
        return E_FAULT;
    return err_of_copy(usercopy_copy(to, ptr_of(from), size));
}

enum err copy_out_now(virt_t to, const void *from, size_t size)
{
    if (!user_range_ok(to, size))
        return E_FAULT;
    return err_of_copy(usercopy_copy(ptr_of(to), from, size));
}

COLD enum err copy_wait(enum err e)
{
    struct address_space *space;
    virt_t v;
    uint64_t error;
    if (e != E_INTR || !copy_missing(&space, &v, &error))
        return e;
    kernel_lock_alone();
    if (!areas_space_exists(space))
        return E_OK;
    if (SEVERAL_CPUS) /* the copy may have missed a page only because kernel_lock was shared */
        return fault_resolve(space, v, error) == FAULT_RESOLVED ? E_OK : E_FAULT;
    return fault_fetch(space, v, error) == FAULT_RESOLVED ? E_OK : E_FAULT;
}

enum err copy_out(virt_t to, const void *from, size_t size)
{
    if (!user_range_ok(to, size))
        return E_FAULT;
    return err_of_copy(usercopy_copy_out(ptr_of(to), from, size));
}

COLD enum err copy_in_waiting(void *to, virt_t from, size_t size)
{
    enum err e;
    while ((e = copy_in(to, from, size)) != E_OK && (e = copy_wait(e)) == E_OK)
        ;
    return e;
}

enum err put_out(virt_t to, uint64_t word)
{
    if (!user_range_ok(to, sizeof word))
        return E_FAULT;
    return err_of_copy(usercopy_word(ptr_of(to), word));
}

enum err change_out(virt_t to, uint32_t old, uint32_t now)
{
    if (!SEVERAL_CPUS)
        return copy_out_now(to, &now, sizeof now);
    if (!user_range_ok(to, sizeof now))
        return E_FAULT;
    int64_t was = usercopy_change(ptr_of(to), old, now);
    return was < 0 ? err_of_copy(was) : (uint32_t)was == old ? E_OK : E_CHANGED;
}

enum err clear_out_now(virt_t to, size_t size)
{
    if (!user_range_ok(to, size))
        return E_FAULT;
    return err_of_copy(usercopy_clear(ptr_of(to), size));
}

enum err clear_out(virt_t to, size_t size)
{
    enum err e;
    while ((e = clear_out_now(to, size)) != E_OK && (e = copy_wait(e)) == E_OK)
        ;
    return e;
}

enum err fpu_out(virt_t to, size_t size)
{
    if (!user_range_ok(to, size))
        return E_FAULT;
    if (!cpu_features.xsave)
        return err_of_copy(usercopy_fxsave(ptr_of(to)));
    /* XSAVE leaves the header bits of components that were not requested as they are. */
    enum err e = clear_out_now(virt(to.v + XSAVE_HEADER), XSAVE_HEADER_SIZE);
    return e == E_OK ? err_of_copy(usercopy_xsave(ptr_of(to), cpu_features.xcr0)) : e;
}

enum err fpu_in(virt_t from, size_t size)
{
    if (!user_range_ok(from, size))
        return E_FAULT;
    return err_of_copy(usercopy_xrstor(ptr_of(from), cpu_features.xcr0));
}

enum err copy_in_string(char *to, virt_t from, size_t size, size_t *length)
{
    if (!user_range_ok(from, 0))
        return E_FAULT;
    uint64_t room = LAYOUT_PROGRAM_END - from.v; /* a string that runs past the end faults */
    int64_t n = usercopy_string(to, ptr_of(from), size < room ? size : room);
    if (n < 0)
        return err_of_copy(n);
    if ((uint64_t)n == size)
        return E_NAMETOOLONG;
    if ((uint64_t)n == room)
        return E_FAULT;
    *length = (uint64_t)n;
    return E_OK;
}
