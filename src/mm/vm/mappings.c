/* SPDX-License-Identifier: MIT */
/* The mappings of a page source, in all spaces: struct page_source has the ring of their areas. */
#include "mm/vm/areas_table.h"

#include "base/panic.h"

#define CUT_STEP 2 /* between the numbers of two truncations of a source */

void mapping_begin(struct area_node *node)
{
    struct page_source *source = node->area.source;
    list_init(&node->mapping);
    if (source->mappings != NULL)
        list_add_tail(source->mappings, &node->mapping);
    source->mappings = &node->mapping;
    node->cut = source->cuts - CUT_STEP;
}

static void leave_ring(struct area_node *node)
{
    struct page_source *source = node->area.source;
    if (source->mappings == &node->mapping)
        source->mappings = list_empty(&node->mapping) ? NULL : node->mapping.next;
    list_remove(&node->mapping);
}

void mapping_grew(struct area *a)
{
    struct area_node *node = CONTAINER_OF(a, struct area_node, area);
    leave_ring(node);
    mapping_begin(node);
}

void mapping_end(struct area *a)
{
    leave_ring(CONTAINER_OF(a, struct area_node, area));
    area_source_put(a);
}

COLD bool mapping_is_linked(const struct area *a, const struct address_space *space)
{
    const struct area_node *node = CONTAINER_OF(a, struct area_node, area);
    const struct list *link = &node->mapping, *first = a->source->mappings;
    return node->space == space && link->next->prev == link && first != NULL &&
           (!list_empty(link) || first == link);
}

/* The area after one in the ring of a source (NULL: the first); NULL at the end. */
static struct area_node *mapping_after(const struct page_source *source,
                                       const struct area_node *node)
{
    struct list *next = node != NULL ? node->mapping.next : source->mappings;
    if (next == NULL || (node != NULL && next == source->mappings))
        return NULL;
    return CONTAINER_OF(next, struct area_node, mapping);
}

/* The range in which the area maps pages [first, end) of its source. */
static struct virt_range shown(const struct area *a, uint64_t first, uint64_t end)
{
    uint64_t start = a->offset >> PAGE_SHIFT;
    uint64_t after = start + (virt_range_size(a->range) >> PAGE_SHIFT);
    if (end <= start || first >= after)
        return (struct virt_range){a->range.start, a->range.start};
    uint64_t low = first > start ? first - start : 0;
    uint64_t high = (end < after ? end : after) - start;
    return virt_range(a->range.start.v + (low << PAGE_SHIFT),
                      a->range.start.v + (high << PAGE_SHIFT));
}

/* Drops the leaf at `page` if it maps a page of a file. Returns the bytes from `page` to the end of
 * its entry, which may be an empty one of a higher level. */
static uint64_t forget_leaf(struct address_space *space, const struct area *a, virt_t page)
{
    struct pt_walk walk;
    paging_walk(space, page, &walk);
    uint64_t span = pt_span(walk.last_level);
    if (walk.last_level == 1 && pt_leaf_is_borrowed(walk.entry[1]))
        areas_unmap(space, a, virt_range(page.v, page.v + PAGE_SIZE));
    return span - (page.v & (span - 1));
}

/* Drops the mappings of the source's pages in a part of the area; with `copies` private copies too.
 * Pages after the file's part of the area always stay. */
static void forget_part(struct address_space *space, const struct area *a, struct virt_range part,
                        bool copies)
{
    if (copies && a->file_end < part.end.v)
        part.end = virt(align_up(a->file_end, PAGE_SIZE));
    if (part.end.v <= part.start.v)
        return;
    struct address_space *before = running_space;
    paging_run(space);
    if (copies || a->flags & AREA_SHARED)
        areas_unmap(space, a, part);
    else
        for (virt_t page = part.start; page.v < part.end.v;)
            page.v += forget_leaf(space, a, page);
    paging_run(before);
}

void areas_forget_pages(const struct page_source *source, uint64_t first, uint64_t end)
{
    for (struct area_node *node = mapping_after(source, NULL); node != NULL;
         node = mapping_after(source, node)) {
        struct virt_range part = shown(&node->area, first, end);
        forget_part(node->space, &node->area, part, false);
        if (virt_range_size(part) != 0) /* a new page is mapped later, and is clean then */
            node->area.flags &= ~(uint32_t)AREA_CLEAN;
    }
}

/* Each area that is done gets the number of the truncation, and the ring begins after it. One that is
 * made meanwhile, also from a part of another, has an older number and is first. */
COLD bool areas_truncate(struct page_source *source, uint64_t first, struct areas_place *place)
{
    if (place->cut == 0)
        place->cut = source->cuts += CUT_STEP;
    for (unsigned steps = 0; steps < AREAS_PIECE_STEPS; steps++) {
        struct area_node *node = mapping_after(source, NULL);
        if (node == NULL || node->cut == place->cut)
            return false;
        struct virt_range part = shown(&node->area, first, UINT64_MAX);
        if (node->cut == place->cut + 1 && part.start.v < place->at.v)
            part.start = place->at;
        if (part.end.v > part.start.v) {
            struct address_space *before = running_space;
            paging_run(node->space);
            part = areas_piece(node->space, part);
            forget_part(node->space, &node->area, part, true);
            paging_run(before);
            node->area.flags &= ~(uint32_t)AREA_CLEAN;
            node->cut = place->cut + 1;
            place->at = part.end;
            return true;
        }
        node->cut = place->cut;
        source->mappings = node->mapping.next;
    }
    return true;
}

void areas_pages_written(const struct page_source *source, uint64_t first, uint64_t end)
{
    for (struct area_node *node = mapping_after(source, NULL); node != NULL;
         node = mapping_after(source, node)) {
        struct virt_range part = shown(&node->area, first, end);
        if (virt_range_size(part) == 0)
            continue;
        struct address_space *before = running_space;
        paging_run(node->space);
        paging_mark(node->space, part, PTE_D);
        paging_run(before);
    }
}

COLD void areas_pages_clean(const struct page_source *source, uint64_t first, uint64_t end)
{
    for (struct area_node *node = mapping_after(source, NULL); node != NULL;
         node = mapping_after(source, node)) {
        struct virt_range part = shown(&node->area, first, end);
        if (virt_range_size(part) == 0 || !(node->area.flags & AREA_SHARED))
            continue;
        struct address_space *before = running_space;
        paging_run(node->space);
        must(paging_protect(node->space, part,
                            prot_copy_on_write(node->area.prot))); /* no large leaf */
        paging_run(before);
    }
}

bool areas_may_store(const struct page_source *source)
{
    for (const struct area_node *node = mapping_after(source, NULL); node != NULL;
         node = mapping_after(source, node))
        if (node->area.flags & AREA_SHARED && !(node->area.flags & AREA_READ_ONLY))
            return true;
    return false;
}
