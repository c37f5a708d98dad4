#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Ctrl-Z on a terminal stops the tool, whose shell gets the terminal, and `fg` goes on with the machine; a Ctrl-Z that the
# program takes in raw mode is the program's.
import os
import pty
import select
import sys
import time

RUN = os.environ["OURO"] + " run --medium direct --machine microvm --timeout %d " % (100 * int(os.environ.get("SLOW", 1)))


def main():
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PS1"] = "ready> "
        os.environ["TERM"] = "dumb"
        os.execvp("bash", ["bash", "--norc", "--noediting", "-i"])
    seen = b""

    def wait_for(text):
        nonlocal seen
        end = time.monotonic() + 60
        while text not in seen:
            if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
                print(f"FAIL: {text} was not seen after", seen[-500:])
                os.write(terminal, b"\x03\x03\x03")
                sys.exit(1)
            seen += os.read(terminal, 4096)
        seen = seen[seen.index(text) + len(text):]

    def type_text(text):
        os.write(terminal, text)

    wait_for(b"ready> ")
    type_text(RUN.encode() + b"cat; echo status=$?\n")
    wait_for(b"$?\r\n")
    type_text(b"first\n")
    wait_for(b"first\r\nfirst\r\n")
    type_text(b"\x1a")
    wait_for(b"Stopped")
    wait_for(b"ready> ")
    type_text(b"echo the shell $((40 + 2))\n")
    wait_for(b"the shell 42\r\n")
    wait_for(b"ready> ")
    type_text(b"fg\n")
    wait_for(b"cat")
    time.sleep(0.5)
    type_text(b"second\n")
    wait_for(b"second\r\nsecond\r\n")
    type_text(b"\x04")
    wait_for(b"ready> ")
    type_text(RUN.encode() + b"sh -c 'stty raw -echo; echo raw; dd bs=1 count=1 2>/dev/null | od -An -tx1; stty sane'\n")
    wait_for(b"\nraw")
    type_text(b"\x1a")
    wait_for(b"1a")
    wait_for(b"ready> ")
    type_text(b"exit\n")
    os.waitpid(pid, 0)


main()
