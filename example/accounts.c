/* SPDX-License-Identifier: MIT */
/*
 * A list of accounts with a bug that tests may miss: an account is closed, and the list still leads to it. glibc's free() leaves a
 * link and a random number in the block, and the number is taken for the owner's name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account {
    int number;
    char *owner;
    struct account *next;
};

static struct account *open_account(int number, const char *owner, struct account *next)
{
    struct account *a = malloc(sizeof *a);
    if (a == NULL)
        abort();
    *a = (struct account){number, strdup(owner), next};
    return a;
}

static void close_account(struct account *a)
{
    free(a->owner);
    free(a);
}

static void print_account(const struct account *a)
{
    printf("%4d  %s\n", a->number, a->owner);
}

int main(void)
{
    static const char *const owners[] = {"Ada", "Grace", "Barbara", "Radia"};
    struct account *list = NULL;
    for (int i = 0; i < 4; i++)
        list = open_account(i + 1, owners[i], list);
    close_account(list->next);
    for (const struct account *a = list; a != NULL; a = a->next)
        print_account(a);
    return 0;
}
