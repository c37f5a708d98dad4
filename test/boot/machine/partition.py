#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the first sector of the partition with an ext4 file system in a disk image with a GPT."""
import struct
import sys

with open(sys.argv[1], "rb") as disk:
    disk.seek(512 + 72)
    table, count, size = struct.unpack("<QII", disk.read(16))
    for i in range(count):
        disk.seek(table * 512 + i * size + 32)
        first = struct.unpack("<Q", disk.read(8))[0]
        disk.seek(first * 512 + 1024 + 56)
        if first and disk.read(2) == b"\x53\xef":
            print(first)
