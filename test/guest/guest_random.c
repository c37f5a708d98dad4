/* SPDX-License-Identifier: MIT */
/* Random operations on the page tables against a byte-map model, compared through real accesses. */
#include "guest.h"

#define PAGES  1280 /* two and a half tables, from the middle of one */
#define FIRST  384
#define FRAMES 8
#define STEPS  600

static struct {
    uint8_t frame; /* 1 + index; 0: not mapped */
    uint8_t prot;
} model[PAGES];

static phys_t frames[FRAMES];

static virt_t address(unsigned page)
{
    return GUEST_ARENA_PAGE(FIRST + page);
}

static struct virt_range pages(unsigned first, unsigned count)
{
    return (struct virt_range){address(first), address(first + count)};
}

static const prot_t prots[] = {
    {0},
    {PROT_BIT_READ},
    {PROT_BIT_READ | PROT_BIT_WRITE},
    {PROT_BIT_READ | PROT_BIT_EXECUTE},
};

static void check_page(unsigned page)
{
    virt_t v = address(page);
    uint64_t value = 0;
    if (model[page].frame == 0 || model[page].prot == 0) {
        CHECK_PAGE_FAULT(guest_read(v, NULL), v, 0);
        CHECK_PAGE_FAULT(guest_write(v, 1), v, PF_WRITE);
        return;
    }
    CHECK_NO_FAULT(guest_read(v, &value));
    CHECK_EQUAL(value, model[page].frame);
    if (model[page].prot & PROT_BIT_WRITE)
        CHECK_NO_FAULT(guest_write(v, value));
    else
        CHECK_PAGE_FAULT(guest_write(v, 0), v, PF_PRESENT | PF_WRITE);
}

static void map_some(unsigned first, unsigned count, prot_t prot)
{
    for (unsigned i = first; i < first + count; i++) {
        if (model[i].frame != 0)
            continue;
        unsigned f = (unsigned)(guest_random() % FRAMES);
        CHECK_EQUAL(paging_map(running_space, address(i), frames[f], PAGE_SIZE, prot), E_OK);
        model[i].frame = (uint8_t)(f + 1);
        model[i].prot = prot.bits;
    }
}

static void replace_some(unsigned first, unsigned count, prot_t prot)
{
    for (unsigned i = first; i < first + count; i++) {
        if (model[i].frame == 0)
            continue;
        unsigned f = (unsigned)(guest_random() % FRAMES);
        paging_replace(running_space, address(i), frames[f], prot);
        model[i].frame = (uint8_t)(f + 1);
        model[i].prot = prot.bits;
    }
}

static void step(void)
{
    unsigned first = (unsigned)(guest_random() % PAGES);
    unsigned most = guest_random() % 8 == 0 ? PAGES : 12;
    unsigned count = 1 + (unsigned)(guest_random() % most);
    prot_t prot = prots[guest_random() % ARRAY_LENGTH(prots)];
    if (count > PAGES - first)
        count = PAGES - first;
    switch (guest_random() % 4) {
    case 0:
        map_some(first, count, prot);
        break;
    case 1:
        paging_unmap(running_space, pages(first, count), NULL, NULL);
        memset(&model[first], 0, count * sizeof model[0]);
        break;
    case 2:
        CHECK_EQUAL(paging_protect(running_space, pages(first, count), prot), E_OK);
        for (unsigned i = first; i < first + count; i++)
            model[i].prot = prot.bits;
        break;
    default:
        replace_some(first, count < 20 ? count : 20, prot);
    }
    check_page(first);
    check_page(first + count - 1);
    for (unsigned i = 0; i < 8; i++)
        check_page((unsigned)(guest_random() % PAGES));
}

GUEST_TEST(test_random_page_operations)
{
    memset(model, 0, sizeof model);
    guest_random_seed(4096);
    for (unsigned i = 0; i < FRAMES; i++)
        frames[i] = guest_frame(i + 1);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    for (unsigned i = 0; i < PAGES; i++)
        check_page(i);
    paging_unmap(running_space, pages(0, PAGES), NULL, NULL);
    for (unsigned i = 0; i < FRAMES; i++) {
        CHECK_EQUAL(guest_frame_word(frames[i]), i + 1);
        frames_put(&machine_frames, frames[i]);
    }
}
