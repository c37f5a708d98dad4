#!/bin/sh
# SPDX-License-Identifier: MIT
# rows.sh PROGRAM [CPUS]: on Bochs, as scale.sh: threads do more in the kernel in total than one, and wait for kernel_lock for less than a tenth of the time in
# the rows that share it. Prints what the locks have cost.
set -u
cpus=${2:-2}
exec "${OURO:-ouro}" run --emulator bochs --cpus $((cpus + 1)) --stats --timeout $((500 * ${SLOW:-1})) "$1" 200 "$cpus"
