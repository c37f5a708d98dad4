/* SPDX-License-Identifier: MIT */
#define LOG_TAG "random"
#include "dev/virtio/random_machine.h"

#include "base/log.h"
#include "base/str.h"
#include "dev/virtio/machine.h"
#include "dev/virtio/random.h"
#include "kern/deferred.h"
#include "kern/random.h"
#include "mm/heap/heap.h"

static struct virtio_found source;
static struct virtio_random asked;
static struct deferred random_work;
static void *random_page; /* NULL: nothing is awaited */

static void leave_source(bool failed)
{
    virtio_leave(&source, failed);
    if (!failed)
        kpage_free(random_page);
    random_page = NULL;
}

static void stir_device(struct deferred *work)
{
    uint8_t bytes[VIRTIO_RANDOM_BYTES];
    size_t size;
    (void)work;
    if (random_page == NULL)
        return;
    enum err e = virtio_random_take(&asked, bytes, &size);
    if (e == E_AGAIN)
        return;
    if (e == E_OK) {
        random_stir(bytes, size);
        memset(bytes, 0, sizeof bytes);
    }
    log_info("%zu bytes by virtio-rng", e == E_OK ? size : 0);
    leave_source(e != E_OK);
}

static void random_interrupt(void *unused)
{
    (void)unused;
    if (virtio_interrupt(&source) != 0)
        deferred_raise(&random_work);
}

INIT_CODE void random_source(const struct boot_info *boot, const struct options *options)
{
    static const struct pci_handlers handlers = {.interrupt = random_interrupt};
    enum err e = virtio_find(boot, options, VIRTIO_RNG, &handlers, &source);
    if (e == E_NODEV)
        return;
    deferred_init(&random_work, stir_device);
    random_page = e == E_OK ? kpage_alloc() : NULL;
    if (random_page != NULL)
        e = virtio_random_ask(&asked, source.device, random_page, kpage_phys(random_page));
    if (e != E_OK)
        log_warn("no random bytes by virtio-rng: error %d", e);
}
