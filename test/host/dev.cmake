# SPDX-License-Identifier: MIT
# The pure parts of src/dev.
ouro_host_test(vt src/dev/vt.c src/dev/vt_escape.c)
ouro_host_test(keymap src/dev/keymap.c src/dev/keymap_layouts.c)

ouro_fuzzer(vt src/dev/vt.c src/dev/vt_escape.c)
