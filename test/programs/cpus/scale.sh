#!/bin/sh
# SPDX-License-Identifier: MIT
# scale.sh PROGRAM: on Bochs, whose processors run in one exact virtual time, two threads compute 1.95 times as much as one.
set -u
exec "${OURO:-ouro}" run --emulator bochs --cpus 2 --timeout $((300 * ${SLOW:-1})) "$1" 3000000
