# SPDX-License-Identifier: MIT
# src/base: err, fmt and str come from the ouro_native library.
ouro_host_test(base/fmt)
ouro_host_test(base/str)
ouro_host_test(base/base)
