/* SPDX-License-Identifier: MIT */
/* The transport of folders against a device, honest and lying; and the client over it, down to a folder in memory. */
#include "unit.h"

#include "dev/virtio/mmio.h"
#include "dev/virtio/p9.h"
#include "fs/p9/client.h"
#include "p9_native.h"
#include "virtio_mmio_model.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum lie {
    SHARE_HONEST,
    DEAF,        /* answers later or never */
    OTHER_HEAD,  /* finishes a message that it does not have */
    TWICE,       /* finishes it twice */
    TOO_MUCH,    /* says that it wrote more than there is room for */
    TOO_LITTLE,  /* says that it wrote less */
    NEEDS_RESET, /* fails */
};

static struct mmio_model device_model;
static struct virtio_mmio mmio;
static struct virtio_p9 p9;
static _Alignas(4096) uint8_t memory[VIRTIO_P9_MEMORY];
static const struct model_memory shared = {(uint8_t *)1, 1, UINT64_MAX - 1}; /* all of it */
static enum lie lie;
static unsigned most_parts;

static void answer(const struct model_chain *chain)
{
    static uint8_t request[1 << 20], reply[1 << 20];
    size_t size = 0, room = 0, at = 0;
    for (unsigned i = 0; i < chain->count; i++) {
        const struct model_segment *s = &chain->segment[i];
        if (!s->writable)
            memcpy(request + size, s->bytes, s->size);
        *(s->writable ? &room : &size) += s->size;
    }
    size_t written = p9_model_answer(&model, request, size, reply, room);
    for (unsigned i = 0; i < chain->count && at < written; i++) {
        const struct model_segment *s = &chain->segment[i];
        size_t part = written - at < s->size ? written - at : s->size;
        if (!s->writable)
            continue;
        memcpy(s->bytes, reply + at, part);
        at += part;
    }
    uint32_t told = (uint32_t)(lie == TOO_MUCH     ? room + 1
                               : lie == TOO_LITTLE ? written - 1
                                                   : written);
    if (model_return(&device_model.queue[0], lie == OTHER_HEAD ? chain->head ^ 1 : chain->head,
                     told))
        device_model.interrupt |= 1;
    if (lie == TWICE)
        (void)model_return(&device_model.queue[0], chain->head, told);
    if (chain->count > most_parts)
        most_parts = chain->count;
}

static void serve(uint32_t queue)
{
    struct model_chain chain;
    assert_int_equal(queue, 0);
    if (lie == NEEDS_RESET)
        device_model.status |= 64;
    else if (lie != DEAF)
        while (model_take(&device_model.queue[0], &chain))
            answer(&chain);
}

static enum err open_with(const char *tag, uint32_t most, enum model_lie bus_lie)
{
    enum virtio_device_id id;
    memset(&device_model, 0, sizeof device_model);
    lie = SHARE_HONEST;
    most_parts = 0;
    volatile void *registers = mmio_model_open(&device_model, &shared);
    device_model.id = VIRTIO_9P;
    device_model.queues = 1;
    device_model.most = most;
    device_model.offered = VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | 1;
    device_model.config[0] = (uint8_t)strlen(tag);
    memcpy(device_model.config + 2, tag, strlen(tag));
    device_model.on_notify = serve;
    assert_int_equal(virtio_mmio_open(&mmio, registers, 0x100 + MODEL_CONFIG, &id), E_OK);
    device_model.lie = bus_lie;
    return virtio_p9_open(&p9, &mmio.device, memory, phys((uintptr_t)memory));
}

/* The device works while it is notified. */
static enum err device_exchange(struct p9_channel *channel, struct p9_exchange *x)
{
    struct virtio_buffer parts[P9_PARTS_MAX];
    struct virtio_done done;
    (void)channel;
    for (unsigned i = 0; i < x->readable + x->writable; i++)
        parts[i] = (struct virtio_buffer){phys((uintptr_t)x->parts[i].at), x->parts[i].size};
    enum err e = virtio_p9_send(&p9, parts, x->readable, x->writable, x);
    if (e != E_OK)
        return e;
    if (!virtio_p9_take(&p9, &done))
        return E_IO;
    assert_ptr_equal(done.token, x);
    x->written = done.written;
    return E_OK;
}

static void begin_over_device(uint32_t most)
{
    static struct p9_channel channel;
    struct p9_qid qid;
    assert_int_equal(open_with("share0", most, HONEST), E_OK);
    assert_string_equal(p9.tag, "share0");
    p9_model_begin(&model);
    channel = (struct p9_channel){
        .name = p9.tag, .parts = p9.ring.options.size, .exchange = device_exchange};
    assert_int_equal(p9_attach(&channel, &client, &root, &qid), E_OK);
}

static void end_over_device(void)
{
    p9_detach(client);
    p9_model_end(&model);
}

static void test_a_file_there_and_back(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20], got[1 << 20];
    static const uint32_t sizes[] = {8, 16, 128, 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t done;
        begin_over_device(sizes[i]);
        for (size_t n = 0; n < sizeof bytes; n++)
            bytes[n] = (uint8_t)(n * 7 >> 5);
        p9_model_make(&model, "file", S_IFREG | 0600, NULL, 0);
        uint32_t fid = opened("file", O_RDWR);
        const struct p9_data out = {.bytes = bytes, .size = sizeof bytes};
        const struct p9_data in = {.bytes = got, .size = sizeof got};
        memset(got, 0, sizeof got);
        assert_int_equal(p9_write(client, fid, 0, &out, &done), E_OK);
        assert_int_equal(p9_read(client, fid, 0, &in, &done), E_OK);
        assert_memory_equal(bytes, got, sizeof bytes);
        assert_true(most_parts <= (sizes[i] < VIRTIO_P9_RING ? sizes[i] : VIRTIO_P9_RING));
        assert_int_equal(p9.ring.pending, 0);
        assert_null(virtio_p9_failure(&p9));
        end_over_device();
    }
}

static void test_several_messages_under_way(void **state)
{
    (void)state;
    static _Alignas(4096) uint8_t request[64][16], reply[64][32];
    struct virtio_done done;
    unsigned sent = 0, token[64] = {0};
    assert_int_equal(open_with("share0", 128, HONEST), E_OK);
    lie = DEAF;
    enum err e = E_OK;
    for (; e == E_OK && sent < 64; sent++) {
        const struct virtio_buffer parts[] = {{phys((uintptr_t)request[sent]), 8},
                                              {phys((uintptr_t)request[sent] + 8), 8},
                                              {phys((uintptr_t)reply[sent]), 32}};
        e = virtio_p9_send(&p9, parts, 2, 1, &token[sent]);
    }
    assert_int_equal(e, E_AGAIN);
    assert_int_equal(--sent, 128 / 3);
    assert_false(virtio_p9_take(&p9, &done));
    /* In another order. */
    struct model_chain chain[64];
    for (unsigned i = 0; i < sent; i++)
        assert_true(model_take(&device_model.queue[0], &chain[i]));
    for (unsigned i = sent; i-- > 0;)
        assert_true(model_return(&device_model.queue[0], chain[i].head, i % 32));
    for (unsigned i = sent; i-- > 0;) {
        assert_true(virtio_p9_take(&p9, &done));
        assert_ptr_equal(done.token, &token[i]);
        assert_int_equal(done.written, i % 32);
    }
    assert_false(virtio_p9_take(&p9, &done));
}

static void test_devices_that_do_not_start(void **state)
{
    (void)state;
    static const enum model_lie lies[] = {LIE_NO_RESET,    LIE_LEGACY,     LIE_REFUSES_FEATURES,
                                          LIE_NEEDS_RESET, LIE_QUEUE_BUSY, LIE_CONFIG_CHANGES};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        assert_int_not_equal(open_with("share0", 128, lies[i]), E_OK);
    assert_int_equal(open_with("share0", 4, HONEST), E_NOTSUP); /* too small a queue */
    assert_int_equal(open_with("share0", 0, HONEST), E_NODEV);
    assert_int_equal(open_with("", 128, HONEST), E_NOTSUP);
    assert_int_equal(open_with("a b", 128, HONEST), E_NOTSUP);
    assert_int_equal(open_with("\x80", 128, HONEST), E_NOTSUP);
    assert_int_equal(device_model.status & 4, 0); /* it was stopped */
    assert_int_equal(open_with("share0", 128, LIE_CONFIG_ONCE), E_OK);
    static char longest[MODEL_CONFIG];
    memset(longest, 't', MODEL_CONFIG - 2);
    assert_int_equal(open_with(longest, 128, HONEST), E_OK);
    assert_string_equal(p9.tag, longest);
    device_model.config[0] = MODEL_CONFIG - 1; /* past its configuration */
    assert_int_equal(virtio_p9_open(&p9, &mmio.device, memory, phys((uintptr_t)memory)), E_RANGE);
    device_model.config[1] = 1;
    assert_int_equal(virtio_p9_open(&p9, &mmio.device, memory, phys((uintptr_t)memory)), E_NOTSUP);
}

static void test_lies(void **state)
{
    (void)state;
    static const enum lie lies[] = {DEAF, OTHER_HEAD, TWICE, TOO_MUCH, TOO_LITTLE, NEEDS_RESET};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct p9_attributes a;
        struct virtio_done done;
        begin_over_device(128);
        lie = lies[i];
        assert_int_equal(p9_getattr(client, root, &a), E_IO);
        assert_false(virtio_p9_take(&p9, &done));
        bool ring = lie == OTHER_HEAD || lie == TWICE || lie == TOO_MUCH;
        assert_int_equal(p9.ring.broken != NULL, ring);
        assert_int_equal(virtio_p9_failure(&p9) != NULL, ring || lie == NEEDS_RESET);
        assert_int_equal(p9_getattr(client, root, &a), E_IO);
        end_over_device();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_there_and_back),
        cmocka_unit_test(test_several_messages_under_way),
        cmocka_unit_test(test_devices_that_do_not_start),
        cmocka_unit_test(test_lies),
    };
    return RUN_TESTS(tests);
}
