# SPDX-License-Identifier: MIT
"""cuts.py BEFORE LOG OUT SEED: the disk OUT as a power cut leaves it. BEFORE is the disk as it was, LOG the log of QEMU's blklogwrites (the
format of Linux's dm-log-writes). The cut comes after a random number of writes: those before the last flush are there, of those since
then each sector of 512 bytes in a random part of the writes. Prints the cut's place. SEED -1: all is there."""
import random
import struct
import sys

MAGIC, VERSION = 0x6A736677736872, 1
FLUSH, FUA, DISCARD = 1, 2, 4
SECTOR = 512


def entries(log):
    """Of the log: sector, bytes of data or None, flags."""
    magic, version, count, size = struct.unpack_from("<QQQI", log)
    assert magic == MAGIC and version == VERSION, "not a log of writes"
    at = size
    for _ in range(count):
        sector, sectors, flags, _ = struct.unpack_from("<QQQQ", log, at)
        at += size
        data = None
        if sectors and not flags & DISCARD:
            data = log[at : at + sectors * size]
            at += sectors * size
        yield sector * size, data, sectors * size, flags


def main():
    before, log, out, seed = sys.argv[1:5]
    with open(log, "rb") as file:
        events = list(entries(file.read()))
    with open(before, "rb") as file:
        disk = bytearray(file.read())
    chance = random.Random(int(seed))
    end = len(events) if seed == "-1" else chance.randrange(len(events) + 1)
    flushes = [i for i in range(end) if events[i][3] & FLUSH]
    durable = end if seed == "-1" else (flushes[-1] + 1 if flushes else 0)
    keep = chance.choice([0.0, 0.5, 0.9, 1.0])
    torn = chance.random() < 0.5
    for number, (at, data, size, flags) in enumerate(events[:end]):
        there = number < durable or flags & FUA
        if data is None:
            if flags & DISCARD and there:
                disk[at : at + size] = bytes(size)
            continue
        if there or (not torn and chance.random() < keep):
            disk[at : at + size] = data
        elif torn:
            for piece in range(0, size, 2 * SECTOR):  # a superblock is whole
                if chance.random() < keep:
                    disk[at + piece : at + piece + 2 * SECTOR] = data[piece : piece + 2 * SECTOR]
    with open(out, "wb") as file:
        file.write(disk)
    print(f"after {end} of {len(events)} events, {end - durable} of them not flushed, {keep:.0%} kept{', torn' if torn else ''}")


main()
