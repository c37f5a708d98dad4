#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""redis.py ouro|linux FOLDER OUT MEMORY TOOL KERNEL: runs units of redis' own tests against a redis-server in Ouro or on this computer.

Standard input has a line for each test: case, seconds, unit, with tabs between them. A unit runs once, whole, on a server of its own.
Standard output is as runner.c's. FOLDER and OUT are those of prepare.sh.

redis.py --cases < OUTPUT: prints the cases of the tests that pass in what the suite has written, a line each.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# Tests without the tag external:skip that an external server cannot pass.
SKIPPED = (
    "SRANDMEMBER with a dict containing long chain",  # reads the server's pid, and fails before it restores the configuration
    "Non-interactive non-TTY CLI: ASK redirect test",  # of a cluster
    "RESTORE fail with invalid payload size",  # sends RDB's version 12, which redis 7.0 refuses with another error
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as link:
            link.sendall(b"PING\r\n")
            return link.recv(100) == b"+PONG\r\n"
    except OSError:
        return False


@contextlib.contextmanager
def server(side, port, scratch):
    """A redis-server at this port of the computer, in Ouro or not; ended afterwards. Yields the process."""
    program, environment, options = "/usr/bin/redis-server", dict(os.environ), {}
    work = scratch / "work"  # at the same path for the server and the tests, some of which look at its files
    shutil.copytree(out / "conf", work)
    if side == "ouro":
        words = [tool, "run", "--medium", "direct", "--machine", "microvm", "--bare", "-m", memory, "--kernel", kernel, "--sysroot", root,
                 "--share", f"{work}:{work}", "-w", work, "-p", f"{port}:6379", program, "redis.conf", "--bind", "0.0.0.0"]
    else:
        words = [str(root) + program, "redis.conf", "--port", str(port), "--bind", "127.0.0.1"]
        environment["LD_LIBRARY_PATH"] = libraries
        options["cwd"] = work
        if os.geteuid() == 0:
            for path in (scratch, work):
                os.chown(path, 65534, 65534)
            options.update(user=65534, group=65534, extra_groups=[])
    with open(scratch / "log", "wb") as log:
        process = subprocess.Popen([*words, "--protected-mode", "no"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, **options)
    try:
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end and not answers(port):
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def results_of(said):
    """The verdict of each test in the suite's output, and what it says of those that fail. Tests of the same name have numbers."""
    found, unit, counts = {}, "", {}
    for each in re.split(r"^(?=\[|Testing )", re.sub(r"\x1b\[[0-9;]*m", "", said), flags=re.M):
        testing = re.match(r"Testing (\S+)$", each, re.M)
        result = re.match(r"\[(ok|err)\]: (.*?)( \(\d+ ms\)| in tests/\S+\.tcl)$", each, re.M)
        if testing:
            unit = testing[1]
        if each.startswith("[ready]"):
            counts = {}
        if result:
            name = unit + "/" + re.sub("[^A-Za-z0-9.,+-]+", "_", result[2]).strip("_")
            counts[name] = counts.get(name, 0) + 1
            if counts[name] > 1:
                name += f"_{counts[name]}"
            found[name] = ("0" if result[1] == "ok" else "1", each)
    return found


def run_unit(side, unit, seconds, scratch):
    """The results of its tests, the verdict of those that have none, and the output."""
    port = free_port()
    words = [tclsh, "tests/test_helper.tcl", "--host", "127.0.0.1", "--port", str(port), "--durable", "--timeout", str(seconds), "--single", unit]
    words += ["--baseport", str(20000 + 32 * (os.getpid() % 300))]  # of the suite's own processes; one port for each redis.py
    for name in SKIPPED:
        words += ["--skiptest", name]
    environment = dict(os.environ)
    if not shutil.which("tclsh"):
        environment.update(LD_LIBRARY_PATH=libraries, TCL_LIBRARY=str(root / "usr/share/tcltk/tcl8.6"))
    with server(side, port, scratch) as process:
        result = subprocess.run(words, cwd=folder / "tree", env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        ended = process.poll() is not None
    said = result.stdout.decode(errors="replace")
    log = (scratch / "log").read_text(errors="replace")
    verdict = "crash" if ended else "timeout" if "TIMEOUT" in said else "absent"
    return results_of(said), verdict, f"{said}\nthe server's last words:\n{log[-4000:]}"


if sys.argv[1:] == ["--cases"]:
    print(*(name for name, (verdict, _) in results_of(sys.stdin.read()).items() if verdict == "0"), sep="\n")
    sys.exit()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
side, folder, out, memory, tool, kernel = sys.argv[1], *map(pathlib.Path, sys.argv[2:4]), *sys.argv[4:]
root = out / "root"
libraries = str(root / "usr/lib/x86_64-linux-gnu")
tclsh = shutil.which("tclsh") or str(root / "usr/bin/tclsh8.6")
lines = [line.rstrip("\n").split("\t") for line in sys.stdin]
for unit in dict.fromkeys(line[2] for line in lines):
    cases = {case: int(seconds) for case, seconds, of in lines if of == unit}
    print(f"@start {next(iter(cases))}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ouro-score.") as scratch_name:
        results, missing, output = run_unit(side, unit, max(cases.values()), pathlib.Path(scratch_name))
    for case in cases:
        verdict, text = results.get(case, (missing, output))
        print(f"@start {case}")
        for each in text.splitlines() if verdict != "0" else ():
            print(f"| {each}")
        print(f"@end {case} {verdict} 0", flush=True)
print("@done", flush=True)
