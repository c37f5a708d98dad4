/* SPDX-License-Identifier: MIT */
#include "mm/phys/shrinker.h"

#include "mm/phys/reserve.h"

struct reserve swap_reserve;

static struct shrinker *first_shrinker;

void shrinker_register(struct shrinker *shrinker)
{
    shrinker->next = first_shrinker;
    first_shrinker = shrinker;
}

uint64_t shrinkers_spare(void)
{
    uint64_t frames = 0;
    for (const struct shrinker *s = first_shrinker; s != NULL; s = s->next)
        if (s->spare != NULL)
            frames += s->spare();
    return frames;
}

bool shrinkers_run(void)
{
    bool freed = false;
    for (struct shrinker *s = first_shrinker; s != NULL; s = s->next)
        freed = s->shrink() || freed;
    return freed;
}
