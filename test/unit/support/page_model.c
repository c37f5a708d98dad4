/* SPDX-License-Identifier: MIT */
#include "page_model.h"

#include "unit.h"

#include "paging_world.h"

#include <stdlib.h>
#include <string.h>

#define PAGES MODEL_PAGES
#define BASE  MODEL_BASE
#define DATA  WORLD_DATA

struct page {
    bool there;
    uint64_t frame;
    prot_t prot;
};
static struct page models[MODEL_SPACES][PAGES];
static struct address_space *space; /* under test */
static struct page *model;          /* its expected mappings */

void model_clear(void)
{
    memset(models, 0, sizeof models);
}

void model_work_on(unsigned n, struct address_space *of)
{
    space = of;
    model = models[n];
}

static virt_t page_at(unsigned i)
{
    return virt(BASE + (uint64_t)i * PAGE_SIZE);
}

/* True if the simulated MMU agrees with the model. */
static bool page_agrees(unsigned i)
{
    for (int access = SIM_READ; access <= SIM_EXECUTE; access++) {
        struct sim_result r = sim_access(page_at(i).v, (enum sim_access)access);
        const struct page *p = &model[i];
        bool readable = p->there && (p->prot.bits & 7);
        bool allowed = readable;
        if (access == SIM_WRITE)
            allowed = readable && prot_can_write(p->prot) && !(p->prot.bits & PROT_BIT_COPY);
        if (access == SIM_EXECUTE)
            allowed = readable && prot_can_execute(p->prot);
        if (r.fault == allowed || (allowed && r.physical != p->frame << 12))
            return false;
    }
    return true;
}

bool model_agrees(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        if (!page_agrees(i))
            return false;
    return true;
}

static prot_t random_prot(void)
{
    switch (rand() % 5) {
    case 0:
        return prot_ro();
    case 1:
        return prot_rw();
    case 2:
        return prot_rx();
    case 3:
        return prot_copy_on_write(prot_rw());
    default:
        return prot_none();
    }
}

static void model_map(unsigned first, unsigned count, uint64_t frame, prot_t prot)
{
    for (unsigned i = 0; i < count; i++)
        model[first + i] = (struct page){true, frame + i, prot};
}

static unsigned released;

static void count_released(void *context, pte_t leaf, uint64_t size)
{
    (void)context;
    (void)leaf;
    released += (unsigned)(size >> PAGE_SHIFT);
}

static struct virt_range pages(unsigned first, unsigned count)
{
    return (struct virt_range){page_at(first), page_at(first + count)};
}

static void step_map(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (model[i].there)
            return;
    uint64_t frame =
        (DATA >> 12) + (uint64_t)(rand() % 2 ? first : first + 7); /* congruent or not */
    prot_t prot = random_prot();
    assert_int_equal(
        paging_map(space, page_at(first), phys(frame << 12), (uint64_t)count << 12, prot), E_OK);
    model_map(first, count, frame, prot);
}

static void step_unmap(unsigned first, unsigned count)
{
    unsigned expected = 0;
    for (unsigned i = first; i < first + count; i++)
        expected += model[i].there;
    released = 0;
    paging_unmap(space, pages(first, count), count_released, NULL);
    assert_int_equal(released, expected);
    memset(&model[first], 0, count * sizeof *model);
}

static void step_protect(unsigned first, unsigned count)
{
    prot_t prot = random_prot();
    prot.bits &= (uint8_t)~PROT_BIT_COPY;
    assert_int_equal(paging_protect(space, pages(first, count), prot), E_OK);
    for (unsigned i = first; i < first + count; i++)
        model[i].prot.bits = (uint8_t)(prot.bits | (model[i].prot.bits & PROT_BIT_COPY));
}

void model_step(void)
{
    unsigned first = (unsigned)rand() % PAGES;
    unsigned most = rand() % 4 ? 16 : PAGES;
    unsigned count = 1 + (unsigned)rand() % most;
    if (rand() % 4 == 0) { /* whole large pages */
        first &= ~511u;
        count = 512;
    }
    if (count > PAGES - first)
        count = PAGES - first;
    switch (rand() % 4) {
    case 0:
        step_map(first, count);
        break;
    case 3: /* the tables change, the translations do not */
        if (!paging_promote(space, page_at(first)))
            assert_int_equal(paging_split_at(space, page_at(first)), E_OK);
        break;
    case 1:
        step_unmap(first, count);
        break;
    default:
        step_protect(first, count);
    }
}

void model_unmap_all(void)
{
    step_unmap(0, PAGES);
}

struct virt_range model_range(void)
{
    return pages(0, PAGES);
}
