/* SPDX-License-Identifier: MIT */
#include "linux/task/rseq.h"

#include "kern/thread.h"
#include "linux/task/process.h"
#include "mm/layout.h"
#include "mm/vm/usercopy.h"

#define RSEQ_UNREGISTER        1
#define RSEQ_SIZE              32 /* size and alignment of the first version */
#define RSEQ_CS_OFFSET         8
#define RSEQ_CPU_UNINITIALIZED UINT32_MAX

struct rseq { /* linux/rseq.h; in the program's memory */
    uint32_t cpu_id_start, cpu_id;
    uint64_t sequence; /* address of a struct rseq_sequence, or 0 */
    uint32_t flags, node_id, mm_cid, padding;
};

struct rseq_sequence { /* struct rseq_cs */
    uint32_t version, flags;
    uint64_t start, length, abort;
};

_Static_assert(sizeof(struct rseq) == RSEQ_SIZE && sizeof(struct rseq_sequence) == 32, "rseq.h");

static enum err unregister(struct linux_thread *lt, const uint64_t *arg)
{
    struct rseq gone = {.cpu_id = RSEQ_CPU_UNINITIALIZED};
    if (lt->rseq == 0 || arg[0] != lt->rseq || (uint32_t)arg[1] != lt->rseq_size)
        return E_INVAL;
    if ((uint32_t)arg[3] != lt->rseq_signature)
        return E_PERM;
    enum err e = copy_out(virt(lt->rseq), &gone, sizeof gone);
    if (e == E_OK)
        lt->rseq = 0;
    return e;
}

enum err sys_rseq(struct syscall *call)
{
    struct linux_thread *lt = linux_current();
    uint64_t at = call->arg[0];
    uint32_t size = (uint32_t)call->arg[1], flags = (uint32_t)call->arg[2];
    struct rseq first = {.cpu_id_start = cpu_index(), .cpu_id = cpu_index()}; /* node 0 */
    if (flags == RSEQ_UNREGISTER)
        return unregister(lt, call->arg);
    if (flags != 0)
        return E_INVAL;
    if (lt->rseq != 0) {
        if (at != lt->rseq || size != lt->rseq_size)
            return E_INVAL;
        return (uint32_t)call->arg[3] == lt->rseq_signature ? E_BUSY : E_PERM;
    }
    if (size < RSEQ_SIZE || at % RSEQ_SIZE != 0)
        return E_INVAL;
    enum err e = copy_out(virt(at), &first, sizeof first);
    if (e != E_OK)
        return e;
    lt->rseq = at;
    lt->rseq_size = size;
    lt->rseq_signature = (uint32_t)call->arg[3];
    return SEVERAL_CPUS ? rseq_moved() : E_OK; /* it may have slept since */
}

static MUST_CHECK enum err check_sequence(const struct linux_thread *lt,
                                          const struct rseq_sequence *s)
{
    uint32_t signature;
    if (s->start >= LAYOUT_PROGRAM_END || s->abort >= LAYOUT_PROGRAM_END ||
        s->length >= LAYOUT_PROGRAM_END - s->start || s->version != 0)
        return E_INVAL;
    if (s->abort - s->start < s->length)
        return E_INVAL; /* the abort handler lies inside the sequence */
    enum err e = copy_in_waiting(&signature, virt(s->abort - sizeof signature), sizeof signature);
    if (e != E_OK)
        return e;
    return signature == lt->rseq_signature ? E_OK : E_INVAL;
}

enum err rseq_interrupt(struct trap_frame *frame)
{
    const struct linux_thread *lt = linux_current();
    uint64_t at, none = 0;
    struct rseq_sequence sequence;
    if (lt->rseq == 0)
        return E_OK;
    enum err e = copy_in_waiting(&at, virt(lt->rseq + RSEQ_CS_OFFSET), sizeof at);
    if (e != E_OK || at == 0)
        return e;
    e = copy_in_waiting(&sequence, virt(at), sizeof sequence);
    if (e == E_OK)
        e = check_sequence(lt, &sequence);
    if (e == E_OK)
        e = copy_out(virt(lt->rseq + RSEQ_CS_OFFSET), &none, sizeof none);
    if (e == E_OK && frame->rip - sequence.start < sequence.length) {
        frame->rip = sequence.abort;
        frame->vector = 0; /* no system call to restart */
    }
    return e;
}

enum err rseq_moved(void)
{
    const struct linux_thread *lt = linux_current();
    enum err e = E_OK;
    do {
        uint64_t cpu = cpu_index();
        percpu_clear_moved();
        lt->thread->cpu_told = (uint8_t)cpu;
        if (lt->rseq != 0)
            e = put_out(virt(lt->rseq), cpu << 32 | cpu);
    } while (e == E_OK && thread_has_moved()); /* while it slept for the page */
    return e;
}

void rseq_exec(void)
{
    linux_current()->rseq = 0;
}
