/* SPDX-License-Identifier: MIT */
/*
 * clock_table TOTAL FREE PAGES ACCESSES [TRACE POLICY]: prints the pages that each policy fetches for each trace in a machine with TOTAL
 * frames, of which FREE are free; or one of the numbers alone.
 */
#include "clock_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 7)
        return 2;
    struct model_machine machine = {(uint32_t)atoi(argv[1]), (uint32_t)atoi(argv[2])};
    uint32_t pages = (uint32_t)atoi(argv[3]);
    uint64_t accesses = strtoull(argv[4], NULL, 10);
    for (int trace = 0; trace < TRACES; trace++) {
        if (argc == 5)
            printf("%-8s", trace_names[trace]);
        for (int policy = 0; policy < POLICIES; policy++) {
            if (argc == 7 && (strcmp(argv[5], trace_names[trace]) != 0 ||
                              strcmp(argv[6], policy_names[policy]) != 0))
                continue;
            uint64_t n =
                model_faults((enum policy)policy, machine, (enum trace)trace, pages, accesses);
            printf(argc == 5 ? " %s %" PRIu64 : "%s%" PRIu64, argc == 5 ? policy_names[policy] : "",
                   n);
        }
        if (argc == 5)
            printf("\n");
    }
    printf(argc == 7 ? "\n" : "");
    return 0;
}
