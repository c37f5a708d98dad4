/* SPDX-License-Identifier: MIT */
#include "machine/overwrite.h"
#include "base/compiler.h"
#include "host/fail.h"

#include <sys/stat.h>

static bool is_same(const char *a, const char *b)
{
    struct stat of_a, of_b;
    return a && b && stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && S_ISREG(of_a.st_mode) &&
           of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

void overwrite_check(const struct request *r)
{
    const char *const written[] = {r->output,  r->report, r->core,
                                   r->profile, r->sbom,   r->machine.network.dump};
    const char *const read[] = {r->program, r->oci, r->image, r->kernel, r->config};
    for (size_t i = 0; i < ARRAY_LENGTH(written); i++)
        for (size_t j = 0; j < ARRAY_LENGTH(read); j++)
            if (is_same(written[i], read[j]))
                fail(STATUS_FAILED, "%s would be overwritten: it is what the machine is made of",
                     read[j]);
}
