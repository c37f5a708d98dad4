/* SPDX-License-Identifier: MIT */
/*
 * Moves all page tables to other frames while they are in use, for the back ends that reach only
 * frames of their own. Each table is copied, its parent's entry is changed to point to the copy,
 * and the old frame is freed; the level-4 table comes last, with CR3. No translation changes at any
 * moment.
 */
#include "base/panic.h"
#include "mm/pt/backend.h"
#include "mm/pt/entry.h"

/* Called for each table below the level-4 table, parents first. */
typedef enum err (*table_function)(void *context, pt_table_t parent, unsigned index, int level,
                                   virt_t v);

INIT_CODE static void move_put(pt_table_t table)
{
    if (paging->access->put_unlinked != NULL)
        paging->access->put_unlinked(table);
}

INIT_CODE static bool is_window(pte_t e)
{
    return (e.v & PTE_ADDRESS) == pt_root().v;
}

INIT_CODE static enum err move_each_table(int level, virt_t at, table_function function,
                                          void *context)
{
    pt_table_t table = paging->access->table(&kernel_space, level, at, (pte_t){0});
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        pte_t e = pt_load(table, i);
        if (!pt_present(e) || pt_is_leaf(e, level) || (level == 4 && is_window(e)))
            continue;
        virt_t v = virt(at.v + i * pt_span(level));
        if (level == 4 && i >= PT_ENTRIES / 2)
            v.v |= ~ADDRESS_BITS;
        enum err err = function(context, table, i, level - 1, v);
        if (err == E_OK && level > 2)
            err = move_each_table(level - 1, v, function, context);
        if (err != E_OK)
            return err;
    }
    return E_OK;
}

INIT_CODE static enum err count_table(void *context, pt_table_t parent, unsigned index, int level,
                                      virt_t v)
{
    (void)parent;
    (void)index;
    (void)level;
    (void)v;
    ++*(uint64_t *)context;
    return E_OK;
}

INIT_CODE uint64_t pt_count_tables(void)
{
    uint64_t count = 1;
    must(move_each_table(4, virt(0), count_table, &count));
    return count;
}

struct move {
    const struct pt_access *to;
    void (*old)(phys_t frame);
};

/* Makes the copy, not linked yet. */
INIT_CODE static enum err copy_table(const struct move *move, pt_table_t table, phys_t *out)
{
    phys_t frame;
    if (!move->to->alloc(&frame))
        return E_NOMEM;
    pt_table_t copy = paging->access->unlinked(frame);
    for (unsigned i = 0; i < PT_ENTRIES; i++)
        pt_store(copy, i, pt_load(table, i));
    move_put(copy);
    *out = frame;
    return E_OK;
}

INIT_CODE static enum err move_table(void *context, pt_table_t parent, unsigned index, int level,
                                     virt_t v)
{
    const struct move *move = context;
    pte_t link = pt_load(parent, index);
    phys_t frame;
    enum err e = copy_table(move, paging->access->table(&kernel_space, level, v, link), &frame);
    if (e != E_OK)
        return e;
    pt_store(parent, index, (pte_t){frame.v | PTE_P | PTE_W});
    paging->access->relinked(level, v);
    move->old(phys(link.v & PTE_ADDRESS));
    return E_OK;
}

INIT_CODE enum err pt_move_tables(const struct pt_access *to, void (*old)(phys_t frame))
{
    struct move move = {to, old};
    enum err e = move_each_table(4, virt(0), move_table, &move);
    if (e != E_OK)
        return e;
    phys_t root = pt_root(), frame;
    e = copy_table(&move, paging->access->table(&kernel_space, 4, virt(0), (pte_t){0}), &frame);
    if (e != E_OK)
        return e;
    pt_table_t copy = paging->access->unlinked(frame);
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        pte_t self = pt_load(copy, i);
        if (pt_present(self) && is_window(self))
            pt_store(copy, i, (pte_t){(self.v & ~PTE_ADDRESS) | frame.v});
    }
    move_put(copy);
    pt_set_root(frame);
    old(root);
    return E_OK;
}
