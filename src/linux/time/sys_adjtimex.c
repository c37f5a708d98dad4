/* SPDX-License-Identifier: MIT */
/*
 * adjtimex(2), clock_adjtime(2). The clock steps (ADJ_SETOFFSET, and at once what adjtime(3) would spread over time); its
 * rate is the TSC's, so that frequency, tick and the offset of the phase-locked loop are kept and shown, and
 * change nothing.
 */
#include "kern/time.h"
#include "linux/abi/clock_watch.h"
#include "linux/abi/clocks.h"
#include "linux/abi/time.h"
#include "linux/task/process.h"
#include "linux/time/sys_time.h"
#include "mm/vm/usercopy.h"

struct timex { /* linux/timex.h */
    uint32_t modes, pad_modes;
    int64_t offset, frequency, max_error, error;
    int32_t status, pad_status;
    int64_t constant, precision, tolerance;
    int64_t seconds, microseconds;
    int64_t tick;
    int64_t pps_frequency, jitter;
    int32_t shift, pad_shift;
    int64_t stability, jitters, calibrations, errors, exceeded;
    int32_t tai, zero[11];
};

_Static_assert(sizeof(struct timex) == 208, "linux/timex.h");

enum {
    ADJ_OFFSET = 0x1,
    ADJ_FREQUENCY = 0x2,
    ADJ_MAXERROR = 0x4,
    ADJ_ESTERROR = 0x8,
    ADJ_STATUS = 0x10,
    ADJ_TIMECONST = 0x20,
    ADJ_TAI = 0x80,
    ADJ_SETOFFSET = 0x100,
    ADJ_MICRO = 0x1000,
    ADJ_NANO = 0x2000, /* with ADJ_ADJTIME: ADJ_OFFSET_READONLY */
    ADJ_TICK = 0x4000,
    ADJ_ADJTIME = 0x8000,

    STA_PLL = 0x1,
    STA_UNSYNC = 0x40,
    STA_CLOCKERR = 0x1000,
    STA_NANO = 0x2000,
    STA_READ_ONLY = 0xff00,
    TIME_ERROR = 5,
};

#define ERROR_MAX     16000000 /* microseconds */
#define FREQUENCY_MAX (500 << 16)
#define CONSTANT_MAX  10
#define TAI_MAX       100000
#define TICK_USUAL    10000

static struct timex state = {.status = STA_UNSYNC,
                             .max_error = ERROR_MAX,
                             .error = ERROR_MAX,
                             .constant = 2,
                             .precision = 1,
                             .tolerance = FREQUENCY_MAX,
                             .tick = TICK_USUAL};

static int64_t adjtimex_clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* As Linux's timekeeping_validate_timex. */
static enum err adjtimex_check(const struct timex *t)
{
    bool nano = t->modes & ADJ_NANO;
    if (t->modes & ADJ_ADJTIME) {
        if (!(t->modes & ADJ_OFFSET))
            return E_INVAL;
        if (!nano && !capable(CAP_SYS_TIME))
            return E_PERM;
    } else {
        if (t->modes != 0 && !capable(CAP_SYS_TIME))
            return E_PERM;
        if ((t->modes & ADJ_TICK) &&
            (t->tick < TICK_USUAL * 9 / 10 || t->tick > TICK_USUAL * 11 / 10))
            return E_INVAL;
    }
    if (t->modes & ADJ_SETOFFSET) {
        if (!capable(CAP_SYS_TIME))
            return E_PERM;
        if (t->microseconds < 0 || t->microseconds >= (nano ? 1000000000 : 1000000))
            return E_INVAL;
    }
    const int64_t frequency_most = INT64_MAX / 65536000;
    if ((t->modes & ADJ_FREQUENCY) &&
        (t->frequency > frequency_most || t->frequency < -frequency_most))
        return E_INVAL;
    return E_OK;
}

/* E_INVAL: the time would be before 1970, or past what the clock can show. */
static enum err adjtimex_step(int64_t seconds, int64_t ns)
{
    __int128 to = (__int128)time_realtime_ns() + (__int128)seconds * (int64_t)NS_PER_SECOND + ns;
    if (to < 0 || to > INT64_MAX)
        return E_INVAL;
    return clock_set_realtime_ns((uint64_t)to);
}

/* As Linux's process_adjtimex_modes. */
static void adjtimex_keep(const struct timex *t)
{
    if (t->modes & ADJ_STATUS)
        state.status = (state.status & STA_READ_ONLY) | (t->status & ~STA_READ_ONLY);
    if (t->modes & ADJ_NANO)
        state.status |= STA_NANO;
    if (t->modes & ADJ_MICRO)
        state.status &= ~STA_NANO;
    if (t->modes & ADJ_FREQUENCY)
        state.frequency = adjtimex_clamp(t->frequency, -FREQUENCY_MAX, FREQUENCY_MAX);
    if (t->modes & ADJ_MAXERROR)
        state.max_error = adjtimex_clamp(t->max_error, 0, ERROR_MAX);
    if (t->modes & ADJ_ESTERROR)
        state.error = adjtimex_clamp(t->error, 0, ERROR_MAX);
    if (t->modes & ADJ_TIMECONST)
        state.constant = adjtimex_clamp(adjtimex_clamp(t->constant, 0, CONSTANT_MAX) +
                                            (state.status & STA_NANO ? 0 : 4),
                                        0, CONSTANT_MAX);
    if ((t->modes & ADJ_TAI) && t->constant >= 0 && t->constant <= TAI_MAX)
        state.tai = (int32_t)t->constant;
    if ((t->modes & ADJ_OFFSET) && (state.status & STA_PLL))
        state.offset = t->offset;
    if (t->modes & ADJ_TICK)
        state.tick = t->tick;
}

static enum err adjust(struct syscall *call, uint64_t address)
{
    struct timex t;
    enum err e = copy_in(&t, virt(address), sizeof t);
    if (e == E_OK)
        e = adjtimex_check(&t);
    if (e == E_OK && (t.modes & ADJ_SETOFFSET))
        e = adjtimex_step(t.seconds, t.microseconds * (t.modes & ADJ_NANO ? 1 : 1000));
    if (e != E_OK)
        return e;
    uint32_t modes = t.modes;
    if (modes & ADJ_ADJTIME) {
        if (!(modes & ADJ_NANO) &&
            adjtimex_step(t.offset / 1000000, t.offset % 1000000 * 1000) != E_OK)
            return E_INVAL;
    } else {
        adjtimex_keep(&t);
    }
    t = state;
    t.modes = modes;
    if (modes & ADJ_ADJTIME)
        t.offset = 0; /* nothing is left to be spread */
    uint64_t now = time_realtime_ns();
    t.seconds = (int64_t)(now / NS_PER_SECOND);
    t.microseconds = (int64_t)(now % NS_PER_SECOND / (state.status & STA_NANO ? 1 : 1000));
    call->result = state.status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : 0;
    return copy_out(virt(address), &t, sizeof t);
}

enum err sys_adjtimex(struct syscall *call)
{
    return adjust(call, call->arg[0]);
}

enum err sys_clock_adjtime(struct syscall *call)
{
    struct timex t;
    int id = (int)call->arg[0];
    enum err e = copy_in(&t, virt(call->arg[1]), sizeof t);
    bool of_cpu = id < 0 && (id & 7) != 3; /* of a thread or process, be it there or not */
    if (e == E_OK && !of_cpu && clock_kind(id) == CLOCK_KIND_NONE)
        e = E_INVAL;
    if (e == E_OK && id != CLOCK_REALTIME)
        e = E_NOTSUP;
    return e == E_OK ? adjust(call, call->arg[1]) : e;
}
