#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""apart.py [--net] COMMAND...: runs the command where it may mount what it likes without a change to this computer: in mount
and IPC namespaces of its own (--net: and a network namespace), as root, or as root of a user namespace. It works in a
chroot, too, of which unshare(1) cannot make the mounts private, because / is no mount there.

Exit status 77: there is no such place here, and standard error has the reason."""
import ctypes
import os
import signal
import sys

libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWIPC, NEWUSER, NEWNET = 0x20000, 0x8000000, 0x10000000, 0x40000000
MS_REC_PRIVATE = 0x4000 | 0x40000


def must(what, result):
    if result != 0:
        print(f"{what}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        sys.exit(77)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def main(words):
    flags = NEWNS | NEWIPC
    if words[:1] == ["--net"]:
        flags, words = NEWNS | NEWNET, words[1:]
    if os.getuid() != 0:
        ids = (os.getuid(), os.getgid())
        must("no user namespaces here", libc.unshare(flags | NEWUSER))
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"0 {ids[0]} 1")
        write("/proc/self/gid_map", f"0 {ids[1]} 1")
    else:
        must("no mount namespaces here", libc.unshare(flags))
    if libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None) != 0:
        # A chroot: the namespace's own root is reached by entering the namespace, once more.
        root, here = os.open("/", os.O_RDONLY), os.getcwd()
        namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        must("this chroot cannot be left for a moment", libc.setns(namespace, NEWNS))
        result = libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None)
        os.fchdir(root)
        os.chroot(".")
        os.chdir(here)
        must("the mounts of this chroot cannot be made private", result)
    # Python ignores these.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execvp(words[0], words)


main(sys.argv[1:])
