/* SPDX-License-Identifier: MIT */
#define LOG_TAG "screen"
#include "dev/screen/screen.h"

#include "base/log.h"
#include "base/str.h"
#include "cpu/lock.h"
#include "dev/screen/surface.h"
#include "dev/screen/vt.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"

#define FRAME_NS      (15 * (NS_PER_SECOND / 1000))
#define HISTORY_LINES 1000u
#define HISTORY_SHARE 16 /* the scrollback takes at most 1/16 of the free memory */

static struct spin_lock screen_spin;
static struct vt vt GUARDED_BY(class_screen);
static bool changed; /* output since the last redraw began: the drawer's condition */
static bool drawer_runs;

static struct surface surface;
static vt_cell *shown; /* rows * columns cells as on the display; a row is drawn under the lock */
static struct wait_queue work = WAIT_QUEUE_INIT(work);

/* The row of the view, with the cursor in it. */
static const vt_cell *row_with_cursor(unsigned row) REQUIRES(class_screen)
{
    static vt_cell copy[VT_COLUMNS_MAX];
    const vt_cell *cells = vt_row(&vt, row);
    unsigned at_row, at_column;
    if (!vt_cursor_shown(&vt, &at_row, &at_column) || at_row != row)
        return cells;
    memcpy(copy, cells, vt.columns * sizeof *cells);
    uint32_t cell = copy[at_column];
    uint32_t front = cell >> VT_FOREGROUND_SHIFT & 15, back = cell >> VT_BACKGROUND_SHIFT & 15;
    copy[at_column] = (cell & 0xffff) | (front & 7) << VT_BACKGROUND_SHIFT |
                      (front == back ? back ^ 7 : back) << VT_FOREGROUND_SHIFT;
    return copy;
}

/* Redraws one row, from the first to the last cell that differs. */
static void draw_row(unsigned row) REQUIRES(class_screen)
{
    const vt_cell *wanted = row_with_cursor(row);
    vt_cell *now = shown + (size_t)row * vt.columns;
    unsigned from = 0, to = vt.columns;
    while (from < to && wanted[from] == now[from])
        from++;
    while (to > from && wanted[to - 1] == now[to - 1])
        to--;
    if (from == to)
        return;
    memcpy(now + from, wanted + from, (to - from) * sizeof *now);
    surface.draw(row, from, to, now);
}

static void draw_all(void)
{
    for (unsigned row = 0; row < surface.rows; row++) {
        uint64_t flags = spin_lock_irq(&screen_spin, &class_screen);
        draw_row(row);
        spin_unlock_irq(&screen_spin, &class_screen, flags);
    }
}

static void drawer(void *unused)
{
    (void)unused;
    static struct wait_queue unwoken = WAIT_QUEUE_INIT(unwoken);
    for (;;) {
        if (WAIT_EVENT(&work, changed, NO_DEADLINE) != E_OK)
            continue;
        changed = false;
        draw_all();
        (void)!WAIT_EVENT(&unwoken, false, time_now_ns() + FRAME_NS); /* E_TIMEDOUT */
    }
}

static void touch(void)
{
    changed = true;
    if (drawer_runs)
        wait_queue_wake(&work);
}

static void screen_write(const void *bytes, size_t size)
{
    uint64_t flags = spin_lock_irq(&screen_spin, &class_screen);
    vt_look_back(&vt, -(int)vt.view);
    vt_write(&vt, bytes, size);
    touch();
    spin_unlock_irq(&screen_spin, &class_screen, flags);
}

static void reply(void *context, const char *bytes, size_t size)
{
    (void)context;
    console_type(bytes, size);
}

void screen_look_back(int lines)
{
    uint64_t flags = spin_lock_irq(&screen_spin, &class_screen);
    vt_look_back(&vt, lines);
    touch();
    spin_unlock_irq(&screen_spin, &class_screen, flags);
}

bool screen_application_cursor(void)
{
    uint64_t flags = spin_lock_irq(&screen_spin, &class_screen);
    bool application = vt.application_cursor;
    spin_unlock_irq(&screen_spin, &class_screen, flags);
    return application;
}

bool screen_size(uint16_t *columns, uint16_t *rows)
{
    if (shown == NULL)
        return false;
    *columns = surface.columns;
    *rows = surface.rows;
    return true;
}

/* Makes the terminal, with up to HISTORY_LINES of scrollback, or fewer if memory is short. */
INIT_CODE static bool screen_make_terminal(uint32_t *history_lines)
{
    size_t line = surface.columns * sizeof(vt_cell);
    struct memory_totals memory;
    memory_totals(&memory);
    uint64_t spare = memory.free / HISTORY_SHARE / line;
    for (uint32_t history = spare < HISTORY_LINES ? (uint32_t)spare : HISTORY_LINES;;
         history /= 2) {
        uint32_t lines = surface.rows + history;
        vt_cell *cells = heap_alloc(lines * line);
        if (cells != NULL) {
            uint64_t flags = spin_lock_irq(&screen_spin, &class_screen);
            vt_init(&vt, cells, lines, surface.columns, surface.rows);
            vt.reply = reply;
            spin_unlock_irq(&screen_spin, &class_screen, flags);
            *history_lines = history;
            return true;
        }
        if (history == 0)
            return false;
    }
}

INIT_CODE const struct console_device *screen_init(const struct boot_framebuffer *framebuffer)
{
    static const struct console_device device = {screen_write, draw_all};
    bool graphics = framebuffer->base.v != 0 && !framebuffer->text;
    bool opened = graphics ? framebuffer_open(framebuffer, &surface)
                           : (framebuffer->text || ega_text_present()) &&
                                 ega_text_open(framebuffer, &surface);
    if (!opened) {
        if (graphics)
            log_warn("the framebuffer is of a kind that cannot be used: %ux%u, %u bits a pixel",
                     framebuffer->width, framebuffer->height, framebuffer->bits_per_pixel);
        return NULL;
    }
    size_t bytes = (size_t)surface.columns * surface.rows * sizeof *shown;
    uint32_t history;
    shown = heap_alloc_zero(bytes);
    if (shown != NULL && screen_make_terminal(&history)) {
        log_info("%ux%u characters, %u lines of history, framebuffer=%ux%u base=0x%llx",
                 surface.columns, surface.rows, history, graphics ? framebuffer->width : 0,
                 graphics ? framebuffer->height : 0, (unsigned long long)framebuffer->base.v);
        return &device;
    }
    heap_free(shown);
    shown = NULL;
    log_warn("too little memory for the screen's %zu bytes", bytes);
    return NULL;
}

void screen_start(void)
{
    struct thread *thread;
    kernel_lock_assert();
    if (shown == NULL)
        return;
    if (thread_create("screen", drawer, NULL, &thread) != E_OK) {
        log_warn("no memory for the thread that draws: the screen shows only how it ends");
        return;
    }
    drawer_runs = true;
    touch();
}
