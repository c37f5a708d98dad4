/* SPDX-License-Identifier: MIT */
/* dev/screen/screen.c over an array of cells as the card, and a heap of limited size. */
#include "unit.h"

#include "dev/screen/screen.h"
#include "dev/screen/surface.h"
#include "kern/wait.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 80
#define ROWS    25

static vt_cell card[ROWS][COLUMNS];
static unsigned cells_drawn, blocks;
static size_t heap_room, largest, used;
static uint8_t arena[1 << 20] ALIGNED(16); /* a screen is never freed */
static uint64_t free_memory;
int native_irq_depth;

static void draw(unsigned row, unsigned from, unsigned to, const vt_cell *cells)
{
    memcpy(&card[row][from], &cells[from], (to - from) * sizeof *cells);
    cells_drawn += to - from;
}

bool framebuffer_open(const struct boot_framebuffer *boot, struct surface *out)
{
    *out = (struct surface){.columns = COLUMNS, .rows = ROWS, .draw = draw};
    return boot->width == 640;
}

bool ega_text_open(const struct boot_framebuffer *boot, struct surface *out)
{
    (void)boot, (void)out;
    return false;
}

bool ega_text_present(void)
{
    return false;
}

void *heap_alloc(size_t size)
{
    if (size > heap_room)
        return NULL;
    blocks++;
    heap_room -= size;
    if (size > largest)
        largest = size;
    void *block = arena + used;
    used += size;
    return used <= sizeof arena ? block : NULL;
}

void *heap_alloc_zero(size_t size)
{
    void *block = heap_alloc(size);
    return block != NULL ? memset(block, 0, size) : NULL;
}

void heap_free(void *block)
{
    blocks -= block != NULL;
}

void memory_totals(struct memory_totals *out)
{
    *out = (struct memory_totals){.free = free_memory};
}

enum err thread_create(const char *name, void (*function)(void *), void *argument,
                       struct thread **out)
{
    (void)name, (void)function, (void)argument, (void)out;
    return E_NOMEM;
}

enum err wait_queue_sleep(struct wait_queue *queue, uint64_t deadline_ns, unsigned how)
{
    (void)queue, (void)deadline_ns, (void)how;
    abort();
}

void wait_queue_wake(struct wait_queue *queue)
{
    (void)queue;
}

uint64_t time_now_ns(void)
{
    return 0;
}

void console_type(const void *bytes, size_t size)
{
    (void)bytes, (void)size;
}

static const struct console_device *open_screen(uint32_t width)
{
    struct boot_framebuffer f = {.base = phys(0xfd000000), .width = width, .height = 400};
    blocks = 0;
    largest = used = 0;
    return screen_init(&f);
}

static void test_no_memory_no_screen(void **state)
{
    (void)state;
    const size_t picture = COLUMNS * ROWS * sizeof(vt_cell);
    uint16_t columns, rows;
    free_memory = 1 << 30;
    for (size_t room = 0; room < 2 * picture; room += 400) {
        heap_room = room;
        assert_null(open_screen(640));
        assert_int_equal(blocks, 0);
        assert_false(screen_size(&columns, &rows));
    }
    heap_room = SIZE_MAX;
    assert_null(open_screen(641));
    assert_int_equal(blocks, 0);
    heap_room = 2 * picture; /* no room for history */
    assert_non_null(open_screen(640));
    assert_true(screen_size(&columns, &rows));
    assert_int_equal(columns, COLUMNS);
    assert_int_equal(rows, ROWS);
}

/* The history takes only a small part of free memory. */
static void test_history_is_modest(void **state)
{
    (void)state;
    heap_room = SIZE_MAX;
    free_memory = 1 << 20;
    assert_non_null(open_screen(640));
    assert_true(largest <= COLUMNS * ROWS * sizeof(vt_cell) + (1 << 20) / 16);
    free_memory = 1 << 30;
    heap_room = SIZE_MAX;
    assert_non_null(open_screen(640));
    assert_int_equal(largest, COLUMNS * (ROWS + 1000) * sizeof(vt_cell));
}

static void test_only_what_changed(void **state)
{
    (void)state;
    heap_room = SIZE_MAX;
    const struct console_device *screen = open_screen(640);
    screen->write("\033[?25lfirst\r\n", 13);
    screen->flush();
    assert_int_equal(card[0][0] & 0xffff, 'f');
    cells_drawn = 0;
    screen->flush();
    assert_int_equal(cells_drawn, 0);
    screen->write("\033[1;3HX", 7);
    screen->flush();
    assert_int_equal(cells_drawn, 1);
    assert_int_equal(card[0][2] & 0xffff, 'X');
    /* A thousand lines between two flushes draw one picture. */
    cells_drawn = 0;
    for (int i = 0; i < 1000; i++)
        screen->write("some line\r\n", 11);
    screen->flush();
    assert_in_range(cells_drawn, 1, COLUMNS * ROWS);
    screen_look_back(1000);
    screen->flush();
    screen->write("X", 1); /* output returns the view to the end */
    screen->flush();
    assert_int_equal(card[ROWS - 1][0] & 0xffff, 'X');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory_no_screen),
        cmocka_unit_test(test_history_is_modest),
        cmocka_unit_test(test_only_what_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
