#!/bin/sh
# SPDX-License-Identifier: MIT
# rows.sh PROGRAM [CPUS]: on Bochs, as scale.sh: what threads do in the kernel is not slower in total than by one thread, and page faults by two
# are 1.6 times as fast. Prints what the locks have cost.
set -u
cpus=${2:-2}
exec "${OURO:-ouro}" run --emulator bochs --cpus $((cpus + 1)) --stats --timeout $((500 * ${SLOW:-1})) "$1" 200 "$cpus" 0.95 1.6
