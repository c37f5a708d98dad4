# SPDX-License-Identifier: MIT
# The pure parts of src/dev.
ouro_host_test(dev/screen/vt src/dev/screen/vt.c src/dev/screen/vt_escape.c)
ouro_host_test(dev/screen/keymap src/dev/screen/keymap.c src/dev/screen/keymap_layouts.c)

ouro_host_test(dev/screen/framebuffer src/dev/screen/framebuffer.c)
target_sources(test_framebuffer PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/font.c)
# cli faults in user mode: a header of the same name only counts.
ouro_host_test(dev/screen/screen src/dev/screen/screen.c src/dev/screen/vt.c src/dev/screen/vt_escape.c SHADOW linux)

ouro_fuzzer(dev/screen/vt src/dev/screen/vt.c src/dev/screen/vt_escape.c)
