# SPDX-License-Identifier: MIT
# The pure parts of src/dev.
ouro_host_test(dev/screen/vt src/dev/screen/vt.c src/dev/screen/vt_escape.c)
ouro_host_test(dev/screen/keymap src/dev/screen/keymap.c src/dev/screen/keymap_layouts.c)

ouro_host_test(dev/screen/framebuffer src/dev/screen/framebuffer.c src/dev/screen/font.c)
target_sources(test_framebuffer PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/font.c)
# cli faults in user mode: a header of the same name only counts.
ouro_host_test(dev/screen/screen src/dev/screen/screen.c src/dev/screen/vt.c src/dev/screen/vt_escape.c SHADOW linux)

ouro_fuzzer(dev/screen/vt src/dev/screen/vt.c src/dev/screen/vt_escape.c)

# The ports are the test's.
ouro_host_test(dev/pc/acpi_power src/dev/pc/acpi_power.c SHADOW ports)

# The ring and the buses of virtio devices, against a model of the device. Registers in memory are the model's.
ouro_host_test(dev/virtio/virtio_ring src/dev/virtio/ring.c test/unit/support/virtio_model.c)
ouro_host_test(dev/virtio/virtio_mmio src/dev/virtio/mmio.c src/dev/virtio/ring.c src/dev/virtio/virtio.c
    src/parse/cmdline.c test/unit/support/virtio_mmio_model.c test/unit/support/virtio_model.c SHADOW virtio)
ouro_host_test(dev/virtio/virtio_console src/dev/virtio/console.c src/dev/virtio/mmio.c src/dev/virtio/ring.c
    src/dev/virtio/virtio.c src/kern/block_ring.c src/parse/cmdline.c test/unit/support/virtio_mmio_model.c
    test/unit/support/virtio_model.c SHADOW virtio)
ouro_host_test(dev/virtio/virtio_random src/dev/virtio/random.c src/dev/virtio/mmio.c src/dev/virtio/ring.c
    src/dev/virtio/virtio.c src/parse/cmdline.c test/unit/support/virtio_mmio_model.c test/unit/support/virtio_model.c
    SHADOW virtio)
ouro_host_test(dev/virtio/virtio_p9 src/dev/virtio/p9.c src/dev/virtio/mmio.c src/dev/virtio/ring.c src/dev/virtio/virtio.c
    src/parse/cmdline.c src/fs/p9/client.c src/fs/p9/protocol.c src/fs/p9/session.c test/unit/support/p9_model.c
    test/unit/support/p9_model_files.c test/unit/support/p9_model_tree.c test/unit/support/p9_native.c
    test/unit/support/virtio_mmio_model.c test/unit/support/virtio_model.c SHADOW virtio)
ouro_host_test(dev/virtio/virtio_pci src/dev/virtio/pci.c src/dev/virtio/ring.c src/dev/virtio/virtio.c
    src/dev/pci/pci.c test/unit/support/pci_model.c SHADOW virtio)

ouro_host_test(dev/pci/pci src/dev/pci/pci.c test/unit/support/pci_model.c)
ouro_fuzzer(dev/pci/pci src/dev/pci/pci.c src/dev/virtio/pci.c test/unit/support/pci_model.c)

ouro_fuzzer(dev/virtio/virtio_ring src/dev/virtio/ring.c)

# Network cards: the driver against a model of the card.
ouro_host_test(dev/nic/virtio_net src/dev/nic/virtio_net.c src/dev/virtio/mmio.c src/dev/virtio/ring.c
    src/dev/virtio/virtio.c src/kern/net_buffer.c src/mm/phys/shrinker.c src/parse/cmdline.c
    test/unit/support/virtio_mmio_model.c test/unit/support/virtio_model.c SHADOW virtio)
ouro_fuzzer(dev/nic/virtio_net src/dev/nic/virtio_net.c src/dev/virtio/ring.c src/dev/virtio/virtio.c)
ouro_host_test(dev/nic/e1000 src/dev/nic/e1000.c src/kern/net_buffer.c src/mm/phys/shrinker.c SHADOW virtio)
ouro_fuzzer(dev/nic/e1000 src/dev/nic/e1000.c SHADOW virtio)

# Disks: the driver below the queue of kern/block.c, against a model of the disk.
ouro_host_test(dev/block/virtio_blk src/dev/block/virtio_blk.c src/dev/virtio/mmio.c src/dev/virtio/ring.c
    src/dev/virtio/virtio.c test/unit/support/block_native.c src/kern/block.c src/kern/block_io.c src/parse/cmdline.c
    test/unit/support/virtio_mmio_model.c test/unit/support/virtio_model.c SHADOW linux virtio)
ouro_fuzzer(dev/block/virtio_blk src/dev/block/virtio_blk.c src/dev/virtio/ring.c src/dev/virtio/virtio.c src/kern/block.c
    test/unit/support/block_native.c SHADOW linux)
ouro_host_test(dev/block/ata src/dev/block/ata.c src/dev/block/ata_identity.c test/unit/support/block_native.c src/kern/block.c src/kern/block_io.c SHADOW linux ports)
ouro_host_test(dev/block/nvme src/dev/block/nvme.c test/unit/support/block_native.c src/kern/block.c src/kern/block_io.c SHADOW linux virtio)
ouro_host_test(dev/block/ahci src/dev/block/ahci.c src/dev/block/ata_identity.c test/unit/support/block_native.c src/kern/block.c src/kern/block_io.c SHADOW linux virtio)
