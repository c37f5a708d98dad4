/* SPDX-License-Identifier: MIT */
#include "clock_model.h"

#include <stdlib.h>

const char *const policy_names[POLICIES] = {"LRU", "FIFO", "random", "Clock"};

struct model_memory {
    enum policy policy;
    uint32_t pages, free, low, high, apart;
    uint32_t resident;
    bool *is_in, *used;
    uint64_t *stamp; /* LRU: of the last access; FIFO: of the fetch */
    uint64_t now, random;
    uint32_t *list, count; /* random: the resident pages */
    uint32_t *place;
    uint32_t front, back; /* pages */
    uint64_t passed_front, passed_back;
    uint32_t heap_count; /* LRU, FIFO: a queue of (page, stamp), stale entries are skipped */
};

struct stamped {
    uint32_t page;
    uint64_t stamp;
};

static struct stamped *queue;
static uint64_t queue_first, queue_end, queue_room;

static void queue_add(uint32_t page, uint64_t stamp)
{
    if (queue_end == queue_room) {
        queue_room = queue_room * 2 + 1024;
        queue = realloc(queue, queue_room * sizeof *queue);
    }
    queue[queue_end++] = (struct stamped){page, stamp};
}

/* The page whose stamp is the oldest. */
static uint32_t oldest(const struct model_memory *m)
{
    for (;;) {
        struct stamped s = queue[queue_first++];
        if (m->is_in[s.page] && m->stamp[s.page] == s.stamp)
            return s.page;
    }
}

/* The front hand goes until it is far enough, the back hand to the first page that is not used. */
static uint32_t clock_victim(struct model_memory *m)
{
    for (;;) {
        while (m->passed_front - m->passed_back < m->apart) {
            m->passed_front += m->is_in[m->front];
            m->used[m->front] = false;
            m->front = (m->front + 1) % m->pages;
        }
        uint32_t page = m->back;
        m->back = (m->back + 1) % m->pages;
        if (!m->is_in[page])
            continue;
        m->passed_back++;
        if (!m->used[page])
            return page;
    }
}

static uint32_t victim(struct model_memory *m)
{
    if (m->policy == POLICY_CLOCK)
        return clock_victim(m);
    if (m->policy != POLICY_RANDOM)
        return oldest(m);
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return m->list[(m->random >> 33) % m->count];
}

static void model_evict_page(struct model_memory *m)
{
    uint32_t page = victim(m), last = m->list[--m->count];
    m->list[m->place[page]] = last;
    m->place[last] = m->place[page];
    m->is_in[page] = false;
    m->free++;
}

/* True if the page had to be fetched. */
static bool model_access(struct model_memory *m, uint32_t page)
{
    bool fetched = !m->is_in[page];
    m->used[page] = true;
    if (m->policy == POLICY_LRU || (m->policy == POLICY_FIFO && fetched)) {
        m->stamp[page] = ++m->now;
        queue_add(page, m->now);
    }
    if (!fetched)
        return false;
    if (m->free <= m->low)
        while (m->free < m->high)
            model_evict_page(m);
    m->free--;
    m->is_in[page] = true;
    m->place[page] = m->count;
    m->list[m->count++] = page;
    return true;
}

uint64_t model_faults(enum policy policy, struct model_machine machine, enum trace trace,
                      uint32_t pages, uint64_t accesses)
{
    uint32_t part = machine.total / 64 < 64     ? 64
                    : machine.total / 64 > 1024 ? 1024
                                                : machine.total / 64;
    struct model_memory m = {
        .policy = policy, .pages = pages, .free = machine.free, .low = 2 * part, .high = 3 * part};
    uint32_t most = machine.free - m.low;
    m.apart = machine.total / 4 < most / 2 ? machine.total / 4 : most / 2;
    m.is_in = calloc(pages, sizeof *m.is_in);
    m.used = calloc(pages, sizeof *m.used);
    m.stamp = calloc(pages, sizeof *m.stamp);
    m.list = calloc(pages, sizeof *m.list);
    m.place = calloc(pages, sizeof *m.place);
    m.random = 1;
    queue_first = queue_end = 0;
    for (uint32_t i = 0; i < pages; i++)
        model_access(&m, i);
    uint64_t faults = 0;
    struct trace_state t = trace_begin(trace, pages);
    for (uint64_t n = 0; n < accesses; n++) {
        bool write;
        faults += model_access(&m, trace_next(&t, &write));
    }
    free(m.is_in);
    free(m.used);
    free(m.stamp);
    free(m.list);
    free(m.place);
    return faults;
}
