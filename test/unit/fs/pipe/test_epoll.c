/* SPDX-License-Identifier: MIT */
/* Wait queues with entries of their own, and epoll above them: which wake-ups count as events, and
 * which files are polled for them. */
#include "unit.h"
#include "fs_native.h"
#include "native.h"

#include "fs/pipe/epoll.h"
#include "fs/pipe/eventfd.h"
#include "fs/pipe/pipe.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/anon_file.h"
#include "fs/vfs/text.h"
#include "fs/vfs/vfs.h"
#include "kern/wait.h"

static size_t live_before;
static struct filesystem root;
static struct file *r, *w, *ep;

static int setup(void **state)
{
    (void)state;
    live_before = native_heap_live();
    native_other_thread = NULL;
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    vfs_init(&root);
    assert_int_equal(pipe_create(O_NONBLOCK, &r, &w), E_OK);
    assert_int_equal(epoll_open(&ep), E_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    file_put(ep);
    file_put(r);
    file_put(w);
    vfs_end();
    assert_int_equal(native_heap_live(), live_before);
    assert_int_equal(native_irq_depth, 0);
    return 0;
}

static char bytes[70000];

static uint64_t put(struct file *f, size_t size)
{
    struct io io = io_kernel(bytes, size);
    uint64_t offset = 0, done = 0;
    return file_write(f, &io, &offset, &done) == E_OK ? done : 0;
}

static uint64_t get(struct file *f, size_t size)
{
    struct io io = io_kernel(bytes, size);
    uint64_t offset = 0, done = 0;
    return file_read(f, &io, &offset, &done) == E_OK ? done : 0;
}

static enum err control(struct file *epoll, enum epoll_op op, int fd, struct file *file,
                        uint32_t events)
{
    struct epoll_event event = {events, (uint64_t)fd};
    return epoll_control(epoll, op, fd, file, &event);
}

struct taken {
    size_t count, room;
    uint32_t events;
    uint64_t data[16];
};

static bool keep(void *context, const struct epoll_event *event)
{
    struct taken *taken = context;
    if (taken->count == taken->room)
        return false;
    taken->data[taken->count++] = event->data;
    taken->events = event->events;
    return true;
}

static struct taken take_from(struct file *epoll, size_t max, size_t room)
{
    struct taken taken = {.room = room};
    size_t count = epoll_take(epoll, max, keep, &taken);
    assert_int_equal(count, taken.count);
    return taken;
}

static size_t take(void)
{
    return take_from(ep, 16, 16).count;
}

/* ---- queues ---- */

struct probe {
    struct wait_entry entry;
    unsigned calls;
    bool takes, leaves;
};

static bool on_wake(struct wait_entry *entry)
{
    struct probe *probe = CONTAINER_OF(entry, struct probe, entry);
    probe->calls++;
    if (probe->leaves)
        list_remove(&entry->link);
    return probe->takes;
}

static void test_one_takes_the_event(void **state)
{
    (void)state;
    struct wait_queue queue;
    struct probe p[5] = {
        {.takes = true}, {.leaves = true}, {.takes = false}, {.takes = true}, {.takes = true}};
    wait_queue_init(&queue);
    for (int i = 0; i < 5; i++) {
        wait_entry_init(&p[i].entry, on_wake);
        wait_queue_join(&queue, &p[i].entry, i >= 2);
    }
    wait_queue_wake(&queue);
    for (int i = 0; i < 5; i++)
        assert_int_equal(p[i].calls, i < 4);
    wait_queue_wake_one(&queue); /* not those of `all` */
    assert_int_equal(p[0].calls, 1);
    assert_int_equal(p[2].calls, 2);
    assert_int_equal(p[3].calls, 2);
    assert_int_equal(p[4].calls, 0);
    wait_queue_wake_all(&queue);
    assert_int_equal(p[0].calls, 2);
    assert_int_equal(p[1].calls, 1); /* it has left */
    assert_int_equal(p[4].calls, 1);
    for (int i = 0; i < 5; i++)
        wait_queue_leave(&p[i].entry);
    wait_queue_wake_all(&queue);
    assert_int_equal(p[4].calls, 1);
}

/* ---- events ---- */

static void test_level_lasts(void **state)
{
    (void)state;
    assert_int_equal(control(ep, EPOLL_ADD, 3, r, POLL_IN), E_OK);
    assert_int_equal(take(), 0);
    put(w, 10);
    assert_int_equal(take(), 1);
    get(r, 4);
    assert_int_equal(take(), 1);
    get(r, 6);
    assert_int_equal(take(), 0);
    put(w, 1);
    assert_int_equal(take(), 1);
}

static void test_edge_is_a_write_and_no_read(void **state)
{
    (void)state;
    assert_int_equal(control(ep, EPOLL_ADD, 3, r, POLL_IN | EPOLL_EDGE), E_OK);
    put(w, 10);
    assert_int_equal(take(), 1);
    assert_int_equal(take(), 0);
    get(r, 4);
    assert_int_equal(take(), 0);
    put(w, 1);
    assert_int_equal(take(), 1);
    assert_int_equal(control(ep, EPOLL_MODIFY, 3, r, POLL_IN | EPOLL_EDGE), E_OK);
    assert_int_equal(take(), 1);
    file_put(w);
    struct taken taken = take_from(ep, 16, 16);
    assert_int_equal(taken.count, 1);
    assert_int_equal(taken.events, POLL_IN | POLL_HUP);
    assert_int_equal(take(), 0);
    w = NULL;
}

static void test_write_end_has_an_edge_when_it_was_full(void **state)
{
    (void)state;
    assert_int_equal(control(ep, EPOLL_ADD, 4, w, POLL_OUT | EPOLL_EDGE), E_OK);
    assert_int_equal(take(), 1);
    put(w, 2000);
    get(r, 1000);
    assert_int_equal(take(), 0);
    while (put(w, sizeof(bytes)) > 0)
        ;
    assert_int_equal(take(), 0);
    get(r, 100);
    assert_int_equal(take(), 0); /* less than PIPE_BUF is free: not writable */
    get(r, 8000);
    assert_int_equal(take(), 1);
    get(r, 8000);
    assert_int_equal(take(), 0);
}

static void test_one_shot_waits_to_be_armed(void **state)
{
    (void)state;
    assert_int_equal(control(ep, EPOLL_ADD, 3, r, POLL_IN | EPOLL_ONESHOT), E_OK);
    put(w, 1);
    assert_int_equal(take(), 1);
    put(w, 1);
    assert_int_equal(take(), 0);
    assert_int_equal(control(ep, EPOLL_MODIFY, 3, r, POLL_IN | EPOLL_ONESHOT), E_OK);
    assert_int_equal(take(), 1);
}

static void test_change_of_events_changes_the_queues(void **state)
{
    (void)state;
    struct file *counter;
    assert_int_equal(eventfd_open(0, false, O_NONBLOCK, &counter), E_OK);
    assert_int_equal(control(ep, EPOLL_ADD, 5, counter, POLL_IN | EPOLL_EDGE), E_OK);
    assert_int_equal(control(ep, EPOLL_MODIFY, 5, counter, POLL_OUT | EPOLL_EDGE), E_OK);
    assert_int_equal(take(), 1);
    uint64_t one = 1;
    struct io io = io_kernel(&one, sizeof(one));
    uint64_t offset = 0, done;
    assert_int_equal(file_write(counter, &io, &offset, &done), E_OK);
    assert_int_equal(take(), 0); /* the readers' event */
    get(counter, 8);
    assert_int_equal(take(), 1);
    file_put(counter);
    assert_int_equal(take(), 0);
}

static void test_nested_edges(void **state)
{
    (void)state;
    struct file *outer;
    assert_int_equal(epoll_open(&outer), E_OK);
    assert_int_equal(control(ep, EPOLL_ADD, 3, r, POLL_IN), E_OK);
    assert_int_equal(control(outer, EPOLL_ADD, 4, ep, POLL_IN | EPOLL_EDGE), E_OK);
    assert_int_equal(take_from(outer, 16, 16).count, 0);
    put(w, 1);
    assert_int_equal(take_from(outer, 16, 16).count, 1);
    assert_int_equal(take_from(outer, 16, 16).count, 0);
    put(w, 1);
    assert_int_equal(take_from(outer, 16, 16).count, 1);
    assert_int_equal(take(), 1);
    assert_int_equal(control(ep, EPOLL_ADD, 9, outer, POLL_IN), E_LOOP);
    file_put(outer);
}

static void test_refused_event_stays_first(void **state)
{
    (void)state;
    for (int fd = 3; fd < 7; fd++)
        assert_int_equal(control(ep, EPOLL_ADD, fd, r, POLL_IN), E_OK);
    put(w, 1);
    struct taken taken = take_from(ep, 16, 2);
    assert_int_equal(taken.count, 2);
    taken = take_from(ep, 3, 16);
    assert_int_equal(taken.count, 3);
    assert_int_equal(taken.data[0], 5);
    assert_int_equal(taken.data[1], 6);
    assert_int_equal(taken.data[2], 3);
}

/* ---- many ---- */

static void test_many_names_of_one_file(void **state)
{
    (void)state;
    enum {
        NAMES = 3000
    };
    for (int fd = 0; fd < NAMES; fd++)
        assert_int_equal(control(ep, EPOLL_ADD, fd, fd % 2 ? r : w, POLL_IN), E_OK);
    for (int fd = 0; fd < NAMES; fd++) {
        struct file *file = fd % 2 ? r : w, *other = fd % 2 ? w : r;
        assert_int_equal(control(ep, EPOLL_ADD, fd, file, POLL_IN), E_EXIST);
        assert_int_equal(control(ep, EPOLL_DELETE, fd, other, 0), E_NOENT);
    }
    for (int i = 0; i < NAMES; i += 3) {
        int fd = i * 7 % NAMES;
        assert_int_equal(control(ep, EPOLL_DELETE, fd, fd % 2 ? r : w, 0), E_OK);
        assert_int_equal(control(ep, EPOLL_DELETE, fd, fd % 2 ? r : w, 0), E_NOENT);
    }
    file_put(r); /* takes its items along */
    r = NULL;
    assert_int_equal(control(ep, EPOLL_MODIFY, 1, w, POLL_IN), E_NOENT);
    assert_int_equal(control(ep, EPOLL_MODIFY, 2, w, POLL_IN), E_OK);
}

static unsigned polls;

struct counted {
    struct wait_queue queue;
    bool ready;
};

static uint32_t counted_poll(struct file *file)
{
    polls++;
    return ((struct counted *)file->state)->ready ? POLL_READABLE : 0;
}

static struct wait_queue *counted_queue(struct file *file, bool write)
{
    return write ? NULL : &((struct counted *)file->state)->queue;
}

static const struct file_ops counted_ops = {.poll = counted_poll, .queue = counted_queue};

static void test_only_the_ready_are_polled(void **state)
{
    (void)state;
    enum {
        FILES = 2000
    };
    static struct counted counted[FILES];
    static struct file *files[FILES];
    for (int i = 0; i < FILES; i++) {
        wait_queue_init(&counted[i].queue);
        counted[i].ready = false;
        assert_int_equal(anon_file_open("anon", &counted_ops, &counted[i], 0, &files[i]), E_OK);
        assert_int_equal(control(ep, EPOLL_ADD, i, files[i], POLL_IN), E_OK);
    }
    polls = 0;
    assert_int_equal(take(), 0);
    assert_int_equal(polls, 0);
    counted[1234].ready = true;
    wait_queue_wake(&counted[1234].queue);
    struct taken taken = take_from(ep, 16, 16);
    assert_int_equal(taken.count, 1);
    assert_int_equal(taken.data[0], 1234);
    assert_int_equal(polls, 1);
    counted[1234].ready = false;
    assert_int_equal(file_poll(ep), 0);
    assert_int_equal(polls, 2);
    assert_int_equal(file_poll(ep), 0);
    assert_int_equal(polls, 2);
    for (int i = 0; i < FILES; i++)
        file_put(files[i]);
}

static struct file *gone; /* what the other thread closes next */

static bool close_one(void)
{
    native_other_thread = NULL;
    file_put(gone);
    return true;
}

/* Items that are described are removed meanwhile: the one that is next, the last. */
static void test_items_leave_while_they_are_described(void **state)
{
    (void)state;
    struct file *files[4];
    for (int closed = 0; closed < 4; closed++) {
        struct text text;
        size_t size;
        text_init(&text);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(eventfd_open(0, false, O_NONBLOCK, &files[i]), E_OK);
            assert_int_equal(control(ep, EPOLL_ADD, i, files[i], POLL_IN), E_OK);
        }
        gone = files[closed];
        native_other_thread = close_one; /* after the first */
        ep->ops->describe(ep, &text);
        assert_false(text.failed);
        const char *at = text_at(&text, 0, &size);
        int lines = 0;
        for (size_t i = 0; i < size; i++)
            lines += at[i] == '\n';
        assert_int_equal(lines, closed == 0 ? 4 : 3);
        text_free(&text);
        for (int i = 0; i < 4; i++)
            if (i != closed)
                file_put(files[i]);
    }
}

/* Below a watched epoll a file is refused that would wake by more paths than Linux allows; what was refused is not there. */
static void test_paths_are_limited(void **state)
{
    (void)state;
    enum {
        LEVELS = 4,
        WIDTH = 8
    };
    struct file *epolls[LEVELS][WIDTH], *below = ep;
    for (int level = 0; level < LEVELS; level++) {
        for (int i = 0; i < WIDTH; i++) {
            assert_int_equal(epoll_open(&epolls[level][i]), E_OK);
            for (int k = 0; k < (level == 0 ? 1 : WIDTH); k++) {
                below = level == 0 ? ep : epolls[level - 1][k];
                assert_int_equal(control(epolls[level][i], EPOLL_ADD, k, below, POLL_IN), E_OK);
            }
        }
    }
    assert_int_equal(control(ep, EPOLL_ADD, 3, r, POLL_IN), E_INVAL);
    assert_int_equal(control(ep, EPOLL_DELETE, 3, r, 0), E_NOENT);
    assert_int_equal(control(epolls[1][0], EPOLL_ADD, 3, r, POLL_IN),
                     E_OK); /* 64 paths through one more */
    assert_int_equal(control(epolls[1][1], EPOLL_ADD, 3, r, POLL_IN), E_INVAL);
    for (int level = 0; level < LEVELS; level++)
        for (int i = 0; i < WIDTH; i++)
            file_put(epolls[level][i]);
    assert_int_equal(control(ep, EPOLL_ADD, 3, r, POLL_IN), E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_takes_the_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level_lasts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edge_is_a_write_and_no_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_end_has_an_edge_when_it_was_full, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_one_shot_waits_to_be_armed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_change_of_events_changes_the_queues, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nested_edges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_event_stays_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_names_of_one_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_the_ready_are_polled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_items_leave_while_they_are_described, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paths_are_limited, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
