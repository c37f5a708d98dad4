# SPDX-License-Identifier: MIT
# src/base: err, fmt and str come from the ouro_native library.
ouro_host_test(base/fmt)
ouro_host_test(base/str)
ouro_host_test(base/base)
ouro_host_test(base/gap_tree test/unit/support/gap_tree_model.c src/base/gap_tree.c)

ouro_fuzzer(base/gap_tree test/unit/support/gap_tree_model.c src/base/gap_tree.c)
