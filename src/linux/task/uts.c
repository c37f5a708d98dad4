/* SPDX-License-Identifier: MIT */
#include "linux/task/uts.h"

#include "base/str.h"
#include "mm/heap/heap.h"

struct uts_namespace uts_first;

void uts_init(void)
{
    namespace_init(&uts_first.base, CLONE_NEWUTS, NAMESPACE_UTS_INO, NULL);
    str_copy(uts_first.host, "ouro", sizeof uts_first.host);
    str_copy(uts_first.domain, "(none)", sizeof uts_first.domain);
}

static void uts_end(struct namespace *ns)
{
    heap_free(ns);
}

enum err uts_copy(const struct uts_namespace *from, struct uts_namespace **out)
{
    struct uts_namespace *made = heap_alloc(sizeof *made);
    if (made == NULL)
        return E_NOMEM;
    *made = *from;
    namespace_init(&made->base, CLONE_NEWUTS, 0, uts_end);
    *out = made;
    return E_OK;
}
