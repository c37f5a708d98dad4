#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hold.py TOOL CPU SECONDS: stops the thread of QEMU that executes a CPU, which is named "CPU N/TCG", for so long, as a busy host does. TOOL: the
pid of the command that has started QEMU."""

import ctypes
import os
import sys
import time

SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2


def trace(request, thread):
    if libc.ptrace(request, thread, None, None) != 0:
        sys.exit(f"ptrace {request:#x}: {os.strerror(ctypes.get_errno())}")


def find(parent, name):
    for task in os.scandir(f"/proc/{parent}/task"):
        with open(f"{task.path}/children") as children:
            for child in children.read().split():
                for thread in os.scandir(f"/proc/{child}/task"):
                    with open(f"{thread.path}/comm") as comm:
                        if comm.read().strip() == name:
                            return int(thread.name)
    return None


tool, cpu, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
thread = None
for _ in range(300):
    thread = find(tool, f"CPU {cpu}/TCG")
    if thread:
        break
    time.sleep(0.1)
if not thread:
    sys.exit(f"no thread CPU {cpu}/TCG")
trace(SEIZE, thread)
trace(INTERRUPT, thread)
os.waitpid(thread, WALL)
print("held", flush=True)
time.sleep(seconds)
trace(DETACH, thread)
