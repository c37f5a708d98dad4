#!/bin/sh
# SPDX-License-Identifier: MIT
# size.sh KERNEL: the stripped kernel keeps within its budget of bytes. A larger one needs a reason, which the commit that
# raises the budget states. `ouro bench size` shows where the bytes are.
set -u
budget=902900
size=$(stat -c %s "$1") || exit 1
echo "size.sh: $size of $budget bytes"
[ "$size" -le "$budget" ]
