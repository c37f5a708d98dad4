/* SPDX-License-Identifier: MIT */
/*
 * Lists in the heap of Debian's libgc (Boehm, Demers, Weiser), which collects incrementally: it reads
 * which pages were written since the last collection. A written page that the kernel does not report
 * shows as a list that lost its end. For test/programs/gc.sh.
 */
#include <gc/gc.h>
#include <stdio.h>

#define LISTS  64
#define LENGTH 2000
#define ROUNDS 200

struct node {
    struct node *next;
    long value, rest[6];
};

static struct node *lists[LISTS];

static void push(int list, long value)
{
    struct node *node = GC_MALLOC(sizeof *node);
    node->value = value;
    node->next = lists[list];
    lists[list] = node;
}

/* Replaces the first nodes in each round, and a node in the middle of a list long after it was marked. */
static void change(int round)
{
    for (int i = 0; i < 20; i++) {
        struct node **first = &lists[(round * 7 + i) % LISTS];
        struct node *node = GC_MALLOC(sizeof *node), *middle = *first;
        for (int k = 0; k < (round * 13 + i) % LENGTH; k++)
            middle = middle->next;
        node->value = middle->value;
        node->next = middle->next;
        if (middle == *first)
            continue;
        for (struct node *before = *first;; before = before->next) {
            if (before->next != middle)
                continue;
            before->next = node;
            break;
        }
    }
}

static int bad_lists(void)
{
    int bad = 0;
    for (int i = 0; i < LISTS; i++) {
        long value = LENGTH - 1;
        const struct node *node = lists[i];
        for (; node != NULL && node->value == value; node = node->next)
            value--;
        bad += node != NULL || value != -1;
    }
    return bad;
}

int main(void)
{
    GC_INIT();
    GC_enable_incremental();
    for (int i = 0; i < LISTS; i++)
        for (long value = 0; value < LENGTH; value++)
            push(i, value);
    for (int round = 0; round < ROUNDS; round++) {
        change(round);
        for (int i = 0; i < 1000; i++)
            (void)GC_MALLOC(100);
    }
    printf("incremental: %d, collections: %s, bad lists: %d\n", GC_is_incremental_mode(),
           GC_get_gc_no() > 5 ? "some" : "FEW", bad_lists());
    return 0;
}
