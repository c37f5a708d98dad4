#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Suites that others wrote, run in Ouro and judged by what Linux says: docs/scoreboard.md.

  scoreboard.py [SUITE [CASE]]      all cases of all suites, of one suite, or one case
      --shard I/N    every N-th case from the I-th on
      --again        also the cases whose verdict of this kernel is there already
      --linux        on Debian's Linux instead, and write suites/SUITE.linux; with CASE: only run it
      --write        after a whole suite: write docs/scoreboard.json and docs/scoreboard.md
  scoreboard.py --sample SUITE      those cases that are run with every commit
  scoreboard.py --page              docs/scoreboard.md agrees with what it is made of; with --write, makes it
  scoreboard.py --self              the runner and this script, with cases of our own

suites/SUITE.sh says what a suite is (prepare.sh), suites/SUITE.linux which cases do not pass on Linux, and
suites/SUITE.blocked which of the others do not pass in Ouro: a line "CASE: REASON" each, or "CASE: sometimes: REASON".

Environment: OURO     the tool (default: build/host/tool/ouro-tool)
             KERNEL   another kernel than build/kernel/ouro.elf
             JOBS     machines at a time (default: the number of CPUs)
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("OURO_BUILD_DIR", TOP / "build"))
KERNEL = pathlib.Path(os.environ.get("KERNEL", BUILD / "kernel/ouro.elf"))
TOOL = os.environ.get("OURO", str(BUILD / "host/tool/ouro-tool"))
LINUX = BUILD / "bench/linux"
JOBS = int(os.environ.get("JOBS", os.cpu_count()))
SEED = 20261130
PATIENCE = 90  # seconds without a word, beyond the limit of a case, after which a machine hangs
BATCH = {"ouro": 60, "linux": 150, "here": 150}  # cases a boot


def stop(message, status=1):
    print(f"scoreboard: {message}", file=sys.stderr)
    sys.exit(status)


class Suite:
    def __init__(self, name):
        self.name = name
        text = (HERE / f"suites/{name}.sh").read_text()
        found = dict(re.findall(r'^([a-z]+)="?([^"\n]*)"?$', text, re.M))
        self.title = found["title"]
        self.start = found["start"]
        self.host = found.get("host")
        self.memory = found.get("memory", "512M")
        self.minimum = int(found["minimum"])
        self.sample = int(found.get("sample", "60"))
        self.batch = int(found.get("batch", "0"))
        self.slow = found.get("slow", "").split()
        self.boot = found.get("boot", "")
        self.native = found.get("native") == "1"
        self.skipped = found.get("skipped")  # the status by which a case says that it is not for such a computer
        self.also = found.get("also", "").split()
        self.among = found.get("among", "")
        self.folder = BUILD / "scoreboard" / name
        self.out = self.folder / "all"
        self.linux = {}
        self.linux_title = ""
        path = HERE / f"suites/{name}.linux"
        if path.exists():
            lines = path.read_text().splitlines()
            self.linux_title = lines[0].lstrip("# ")
            self.linux = dict(line.split(" ", 1) for line in lines if line and line[0] != "#")
        self.blocked = {}
        path = HERE / f"suites/{name}.blocked"
        for line in path.read_text().splitlines() if path.exists() else []:
            if line and line[0] != "#":
                case, _, reason = line.partition(": ")
                if not reason.strip():
                    stop(f"suites/{name}.blocked: {case} has no reason")
                self.blocked[case.rstrip(":")] = reason.strip()

    def script(self, *words):
        """What prepare.sh prints with these words."""
        result = subprocess.run([HERE / "prepare.sh", *words], stdout=subprocess.PIPE, text=True)
        if result.returncode == 77:
            print(f"skip: {result.stdout.strip()}")
            sys.exit(77)
        if result.returncode:
            stop(result.stdout.strip() or f"{self.name} cannot be prepared")
        return result.stdout

    def prepare(self, cases=()):
        """Builds the cases (none: all); sets self.cases, a dictionary of lines."""
        self.script(self.name, self.folder, *cases)
        self.out = self.folder / ("sample" if cases and (self.folder / "tree").exists() else "all")
        lines = (self.out / "cases").read_text().splitlines()
        self.cases = {line.split("\t")[0]: line for line in lines}
        self.version = (self.folder / "version").read_text().strip()
        self.root = self.out / "root"
        if not self.host:
            shutil.copy(runner(), self.root / "runner")

    def names(self):
        return self.script("--list", self.name, self.folder).split()


def runner():
    out = BUILD / "scoreboard/runner"
    source = HERE / "runner.c"
    if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = out.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-static", "-O1", "-s", "-Wall", "-Wextra", "-o", scratch, source], check=True)
        scratch.rename(out)
    return out


# Machines ---------------------------------------------------------------------------------------------------------

def ouro_command(suite, side, lines, scratch):
    words = [TOOL, "run", "--medium", "direct", "--machine", "microvm", "--bare", "-m", suite.memory, "--kernel", KERNEL,
             "--append", suite.boot, "--root", suite.root, suite.root / "runner", suite.start]
    return words, "".join(line + "\n" for line in lines)


MAKING_IMAGE = threading.Lock()


def linux_command(suite, side, lines, scratch):
    """The root as an initial RAM file system, and the cases as a second one behind it."""
    image = suite.out / "root.cpio"
    with MAKING_IMAGE:
        if not image.exists():
            part = image.with_suffix(".part")
            with open(part, "wb") as out:
                files = subprocess.run(["find", ".", "-print0"], cwd=suite.root, stdout=subprocess.PIPE, check=True).stdout
                subprocess.run(["cpio", "-o", "-0", "-H", "newc", "--quiet"], cwd=suite.root, input=files, stdout=out, check=True)
            part.rename(image)
    more = pathlib.Path(scratch)
    (more / "cases").write_text("".join(line + "\n" for line in lines))
    second = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=more, input=b"cases\n", stdout=subprocess.PIPE, check=True).stdout
    with open(more / "initrd", "wb") as out:
        out.write(image.read_bytes())
        out.write(second)
    return ["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "2G", "-nodefaults", "-no-reboot", "-display", "none",
            "-serial", "stdio", "-kernel", LINUX / "vmlinuz", "-initrd", more / "initrd", "-append",
            f"console=ttyS0 quiet loglevel=0 panic=-1 mitigations=off rdinit=/runner -- --linux {suite.start}"], ""


def here_command(suite, side, lines, scratch):
    return [HERE / "here.sh", suite.root, suite.start], "".join(line + "\n" for line in lines)


def host_command(suite, side, lines, scratch):
    """A script of this computer that starts machines, or with "linux" programs, and says what the runner would."""
    return [HERE / suite.host, side, suite.folder, suite.out, suite.memory, TOOL, KERNEL], "".join(line + "\n" for line in lines)


MACHINES = set()


def end_machines(*_):
    for process in list(MACHINES):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    os._exit(130)


def boot(suite, side, lines, told):
    """Boots one machine with these cases and calls told(name, verdict, milliseconds, output) for each that was
    started. The one that a machine's end met is "crash" or "hang", as is the last one if a check at the end fails."""
    with tempfile.TemporaryDirectory(prefix="ouro-score.") as scratch:
        command = host_command if suite.host else {"ouro": ouro_command, "linux": linux_command, "here": here_command}[side]
        words, text = command(suite, side, lines, scratch)
        errors = open(os.path.join(scratch, "errors"), "w+b")
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True)
        MACHINES.add(process)
        process.stdin.write(text.encode())
        process.stdin.close()
        found = queue.Queue()

        def read():
            for line in process.stdout:
                found.put(re.sub("[\0-\x08\n-\x1f]", "", line.decode(errors="replace")))  # what a case sends to the console, too
            found.put(None)

        threading.Thread(target=read, daemon=True).start()
        limits = {line.split("\t")[0]: int(line.split("\t")[1]) for line in lines}
        running, output, ending, done = None, [], "crash", False
        while True:
            try:
                line = found.get(timeout=PATIENCE + limits.get(running, 0))
            except queue.Empty:
                ending = "hang"
                break
            if line is None:
                break
            if line.startswith("@start "):
                running, output = line[7:], []
            elif line.startswith("@end ") and running:
                name, verdict, ms = line[5:].rsplit(" ", 2)
                told(name, verdict, int(ms), "\n".join(output).strip("\n"))
                running = None
            elif line == "@done":
                done = True
            else:
                output.append(line.removeprefix("| "))
        if process.poll() is None:
            try:
                process.wait(10 if ending == "crash" else 0)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        MACHINES.discard(process)
        errors.seek(0)
        said = errors.read().decode(errors="replace")
        if done and suite.boot and process.returncode:
            running = lines[-1].split("\t")[0]
        if running:
            told(running, ending, 0, "\n".join(output) + "\n" + said)
        elif not done:
            told(None, ending, 0, said)


def run_cases(suite, side, names, told, size=0):
    """Runs the cases, many a boot (size; 0: as many as are good); told(name, verdict, milliseconds, output) is called by one
    thread at a time."""
    lock = threading.Lock()
    waiting = list(names)
    size = len(waiting) if suite.host else suite.batch or size or max(1, min(BATCH[side], (len(waiting) + JOBS - 1) // JOBS))
    empty_boots = [0]

    def work():
        while True:
            with lock:
                batch = waiting[:size]
                del waiting[:size]
            if not batch:
                return
            while batch:
                got = []

                def one(name, verdict, ms, output):
                    with lock:
                        if name is None:
                            empty_boots[0] += 1
                            print(f"the machine ended without a case: {output[-1000:]}")
                        else:
                            got.append(name)
                            told(name, verdict, ms, output)

                boot(suite, side, [suite.cases[name] for name in batch], one)
                batch = [name for name in batch if name not in got]
                if empty_boots[0] > 5:
                    return

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for future in [pool.submit(work) for _ in range(JOBS)]:
            future.result()
    if empty_boots[0] > 5:
        stop("the machine does not boot")


def run_twice(suite, side, names, results, told):
    """Runs the cases that have no verdict; what fails and is not blocked is run once more, in Ouro alone in its machine:
    that verdict counts."""
    def one(name, verdict, ms, output):
        results.add(name, verdict, ms, output)
        told(name, verdict, output)

    run_cases(suite, side, [name for name in names if name not in results.cases], one)
    failed = [name for name in names if results.cases[name][0] != "0" and results.tries[name] < 2]
    run_cases(suite, side, [name for name in failed if side != "ouro" or name not in suite.blocked], one, 1 if side == "ouro" else 0)


# Verdicts ---------------------------------------------------------------------------------------------------------

class Results:
    """The verdicts of one kernel, kept in a file, so that a run that was stopped goes on."""

    def __init__(self, suite, side, again):
        self.path = suite.folder / f"{suite.out.name}.{side}"
        key = hashlib.sha256(KERNEL.read_bytes() if side == "ouro" else linux_release(suite, side).encode()).hexdigest() + " " + suite.version
        key += " " + hashlib.sha256("".join(suite.cases.values()).encode()).hexdigest()
        self.cases, self.tries = {}, {}
        lines = self.path.read_text().splitlines() if self.path.exists() and not again else []
        if lines and lines[0] == key:
            for verdict, ms, name in (line.split(" ", 2) for line in lines[1:]):
                self.note(name, verdict, int(ms))
        else:
            self.path.write_text(key + "\n")
        self.outputs = suite.folder / f"{suite.out.name}.{side}.outputs"
        self.outputs.mkdir(exist_ok=True)

    def note(self, name, verdict, ms):
        self.cases[name] = (verdict, ms)
        self.tries[name] = self.tries.get(name, 0) + 1

    def add(self, name, verdict, ms, output):
        self.note(name, verdict, ms)
        with open(self.path, "a") as out:
            out.write(f"{verdict} {ms} {name}\n")
        file = self.outputs / name.replace("/", "_")
        if verdict == "0":
            file.unlink(missing_ok=True)
        else:
            file.write_text(output + "\n")


def judge(suite, cases, whole):
    """Compares the verdicts with Linux's and with the list of blocked cases. Returns the errors."""
    errors = []
    counting = [name for name in cases if name not in suite.linux]
    for name in counting:
        verdict = cases[name][0]
        reason = suite.blocked.get(name)
        if verdict != "0" and reason is None:
            errors.append(f"{name}: {verdict}, and passes on Linux")
        if verdict == "0" and reason is not None and not reason.startswith("sometimes: "):
            errors.append(f"{name}: passes, but is blocked: {reason}")
    if whole:
        errors += [f"{name}: blocked, but is no case that passes on Linux" for name in suite.blocked if name not in counting]
        if len(counting) < suite.minimum:
            errors.append(f"{len(counting)} cases count; the committed minimum is {suite.minimum}")
    return errors


def passed_of(suite, cases):
    counting = [name for name in cases if name not in suite.linux]
    return sum(cases[name][0] == "0" and name not in suite.blocked for name in counting), len(counting)


def linux_release(suite, side="linux"):
    return os.uname().release if suite.host or side == "here" else os.readlink(LINUX / "vmlinuz").split("vmlinuz-")[1]


def run_linux(suite, case):
    """Linux's verdicts. A suite with native=1 runs on this computer's kernel first; in a machine run, and count, what fails there
    or failed in Ouro's last run, but not what says that it is not for such a computer."""
    if not suite.host:
        subprocess.run([TOP / "bench/linux.sh", LINUX], check=True)
    suite.prepare()
    if case:
        return run_one(suite, case, "linux")
    cases, release = {}, linux_release(suite)
    last = (suite.folder / "all.ouro").read_text().splitlines()[1:] if (suite.folder / "all.ouro").exists() else []
    failed = [name for name, verdict in {line.split(" ", 2)[2]: line.split(" ", 1)[0] for line in last}.items() if verdict != "0"]
    for side in ["here", "linux"] if suite.native else ["linux"]:
        results = Results(suite, side, options.again)
        names = [name for name in suite.cases if cases.get(name, "1") != "0" or (cases and name in failed)]
        names = [name for name in names if cases.get(name, "1") != suite.skipped]
        run_twice(suite, side, names, results, progress(suite, len(names)))
        cases.update((name, results.cases[name][0]) for name in names)
    if suite.native:
        release = f"{linux_release(suite, 'here')} in namespaces, and what fails there or in Ouro on {release}"
    libc = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libc6"], stdout=subprocess.PIPE, text=True).stdout
    other = {name: verdict for name, verdict in cases.items() if verdict != "0"}
    counts = f"{len(suite.cases) - len(other)} of {len(suite.cases)}"
    with open(HERE / f"suites/{suite.name}.linux", "w") as out:
        out.write(f"# {suite.version} with libc6 {libc} on Linux {release}: {counts} cases pass; the others:\n")
        for name in sorted(other):
            out.write(f"{name} {other[name]}\n")
    print(f"{suite.name}: Linux passes {counts}")
    return []


def progress(suite, total):
    count = [0]

    def told(name, verdict, output):
        count[0] += 1
        if verdict != "0" and name not in suite.linux:
            blocked = " (blocked)" if name in suite.blocked else ""
            print(f"[{count[0]}/{total}] {suite.name} {name}: {verdict}{blocked}", flush=True)
        elif count[0] % 200 == 0:
            print(f"[{count[0]}/{total}] {suite.name}", flush=True)
    return told


def shard_of(names, shard):
    """The I-th of N parts of the cases, for "I/N"; "": all of them."""
    if not shard:
        return names
    found = re.fullmatch("([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", shard)
    if not found or int(found[1]) > int(found[2]):
        stop(f"--shard I/N: I is a number from 1 to N, not {shard}", 125)
    return names[int(found[1]) - 1 :: int(found[2])]


def run_suite(suite, case):
    """All cases, a shard or one. Returns the errors."""
    suite.prepare()
    names = [name for name in suite.cases if name not in suite.linux]
    if case:
        return run_one(suite, case)
    names = shard_of(names, options.shard)
    results = Results(suite, "ouro", options.again)
    run_twice(suite, "ouro", names, results, progress(suite, len(names)))
    cases = {name: results.cases[name] for name in names}
    errors = judge(suite, cases, not options.shard)
    passed, total = passed_of(suite, cases)
    print(f"{suite.name}: {passed} of {total} that pass on Linux" + (f" ({100 * passed / total:.2f} %)" if total else ""))
    if options.write and not options.shard:
        write_entry(suite, passed, total)
    return errors


def run_one(suite, case, side="ouro"):
    """One case, with its output; it is judged, not remembered."""
    found = []
    if case not in suite.cases:
        stop(f"{suite.name} has no case {case}")
    run_cases(suite, side, [case], lambda name, verdict, ms, output: found.append((verdict, ms, output)))
    verdict, ms, output = found[0]
    print(f"{output}\n{suite.name} {case}: {verdict} after {ms} ms; Linux: {suite.linux.get(case, '0')}".lstrip("\n"))
    return [] if side == "linux" else judge(suite, {case: (verdict, ms)}, False)


def run_sample(suite):
    """Cases drawn by a fixed seed; only these are built."""
    names = [name for name in suite.names() if name not in suite.linux and name not in suite.blocked and name not in suite.slow]
    names = [name for name in names if name.startswith(tuple(suite.among.split()) or "")]
    drawn = sorted({*suite.also, *random.Random(SEED).sample(names, min(suite.sample, len(names)))})
    suite.prepare(drawn)
    names = [name for name in drawn if name in suite.cases]
    results = Results(suite, "ouro", True)
    run_twice(suite, "ouro", names, results, lambda name, verdict, output: verdict == "0" or print(f"{name}: {verdict}\n{output}"))
    errors = judge(suite, {name: results.cases[name] for name in names}, False)
    print(f"{suite.name}: {len(names) - len(errors)} of the {len(names)} cases of the sample")
    judged, found = (title.split(" with ")[0].rsplit("-", 1)[0] for title in (suite.linux_title, suite.version))
    if errors and judged != found:  # another Debian's sources
        print("\n".join(errors))
        print(f"skip: Linux's verdicts are those of {judged}, and this is {found}")
        sys.exit(77)
    if len(names) < len(drawn) // 2:
        errors.append(f"only {len(names)} of {len(drawn)} cases could be built")
    return errors


# The page -----------------------------------------------------------------------------------------------------------

SUITES = sorted(path.stem for path in (HERE / "suites").glob("*.sh"))
PAGE = TOP / "docs/scoreboard.md"
MARK = "<!-- all above is made by test/scoreboard/scoreboard.py --page --write -->"
NUMBERS = TOP / "docs/scoreboard.json"


def write_entry(suite, passed, total):
    numbers = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    before = numbers.get(suite.name, {}).get("first", round(100 * passed / total, 2))
    numbers[suite.name] = {"package": suite.version, "linux": suite.linux_title.split(": ")[0], "passed": passed, "failed": total - passed,
                           "skipped": len(suite.linux), "first": before}
    NUMBERS.write_text(json.dumps(numbers, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page())


def page():
    numbers = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    _, _, by_hand = PAGE.read_text().partition(MARK)
    text = ["# Scoreboard", "", "Test suites that others wrote, from Debian's packages, run in Ouro ([how](#how-it-works)).", "",
            "| suite | what | passed | of those that pass on Linux | share | not counted |", "|---|---|---|---|---|---|"]
    for name in SUITES:
        if name in numbers:
            n = numbers[name]
            total = n["passed"] + n["failed"]
            text.append(f"| {n['package']} | {Suite(name).title} | {n['passed']} | {total} | {100 * n['passed'] / total:.2f} % | {n['skipped']} |")
    for name in SUITES:
        suite = Suite(name)
        if name not in numbers:
            continue
        text += ["", f"## {name}", "", f"Verdicts of {numbers[name]['linux']}.", ""]
        if not suite.blocked:
            text.append("All cases that pass on Linux pass.")
            continue
        reasons = {}
        for case, reason in suite.blocked.items():
            reasons.setdefault(reason, []).append(case)
        text += ["| why | cases |", "|---|---|"]
        for reason, cases in sorted(reasons.items(), key=lambda item: -len(item[1])):
            text.append(f"| {reason} | {' '.join(f'`{case}`' for case in cases)} |")
    return "\n".join(text) + "\n\n" + MARK + by_hand


def check_page():
    if options.write:
        PAGE.write_text(page())
    if PAGE.read_text() != page():
        return [f"{PAGE.relative_to(TOP)} is not what --page --write makes"]
    numbers = json.loads(NUMBERS.read_text())
    return [f"{name}: docs/scoreboard.json has {numbers[name]['failed']} failed, suites/{name}.blocked {len(Suite(name).blocked)} cases"
            for name in SUITES if name in numbers and numbers[name]["failed"] != len(Suite(name).blocked)]


# Our own cases ------------------------------------------------------------------------------------------------------

OWN = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    puts(what);
    fflush(stdout);
    if (strcmp(what, "fail") == 0)
        return 3;
    if (strcmp(what, "signal") == 0)
        raise(SIGKILL);
    if (strcmp(what, "timeout") == 0)
        pause();
    if (strcmp(what, "orphan") == 0 && fork() == 0)
        for (;;)
            pause();
    if (strcmp(what, "flow") == 0) { /* bytes on the console, before what the runner says next */
        FILE *console = fopen("/dev/console", "w");
        return !console || fputs("\23\21no line", console) < 0 || fclose(console) != 0;
    }
    if (strcmp(what, "parent") == 0)
        return kill(getppid(), SIGALRM) != 0;
    if (strcmp(what, "kill") == 0)
        kill(0, SIGTERM);
    if (strcmp(what, "crash") == 0) /* programs run in ring 0 */
        __asm__ volatile("push $0; push $0; lidt (%rsp); int3");
    return 0;
}
"""


def check_self():
    """Each kind of verdict, with a machine that crashes in the middle of a batch, and a stand-in for one that hangs."""
    global PATIENCE, JOBS, TOOL
    PATIENCE, JOBS = 60, 1
    suite = object.__new__(Suite)
    with tempfile.TemporaryDirectory(prefix="ouro-score.") as folder:
        root = pathlib.Path(folder)
        (root / "tmp").mkdir()
        (root / "own.c").write_text(OWN)
        subprocess.run(["gcc", "-static", "-O1", "-o", root / "own", root / "own.c"], check=True)
        shutil.copy(runner(), root / "runner")
        suite.name, suite.root, suite.start, suite.memory, suite.folder = "self", root, "/tmp", "128M", root
        suite.batch, suite.host, suite.boot = 0, None, ""
        expected = {"pass": "0", "fail": "3", "signal": "signal-9", "timeout": "timeout", "orphan": "0", "flow": "0", "parent": "0", "crash": "crash",
                    "kill": "signal-15", "last": "0", "absent": "127", "hang": "hang", "end": "crash"}
        suite.cases = {name: f"{name}\t2\t{'/own' if name != 'absent' else '/nothing'}\t{name}" for name in expected}
        found, outputs = {}, {}

        def told(name, verdict, ms, output):
            found[name] = verdict
            outputs[name] = output
        run_cases(suite, "ouro", [name for name in expected if name not in ("hang", "end")], told)
        (root / "mute").write_text('#!/bin/sh\necho "@start hang"\nexec sleep 100\n')
        (root / "mute").chmod(0o755)
        PATIENCE, TOOL = 5, root / "mute"
        run_cases(suite, "ouro", ["hang"], told)
        (root / "mute").write_text('#!/bin/sh\ncat > /dev/null\necho "@start end"\necho "@end end 0 1"\necho @done\nexit 1\n')
        suite.boot = "check-at-end"
        run_cases(suite, "ouro", ["end"], told)
        suite.linux, suite.minimum = {"fail": "3", "flow": "0"}, 20
        suite.blocked = {"pass": "a reason", "signal": "a reason", "orphan": "sometimes: a reason", "gone": "a reason"}
        told_errors = judge(suite, {name: (verdict, 0) for name, verdict in found.items()}, True)
    errors = [f"{name}: {found.get(name)} instead of {verdict}" for name, verdict in expected.items() if found.get(name) != verdict]
    names = [str(number) for number in range(10)]
    if sorted(sum((shard_of(names, f"{index}/4") for index in range(1, 5)), [])) != names or shard_of(names, "1/1") != names:
        errors.append("the shards are not the whole")
    for wrong in ("0/4", "5/4", "1/0", "1", "a/b", "1/4/2"):
        if subprocess.run([__file__, "--shard", wrong, SUITES[0]], stderr=subprocess.DEVNULL).returncode != 125:
            errors.append(f"--shard {wrong} is taken")
    said = "[ready]: 1\nTesting unit/a\n[ok]: One - two (3 ms)\n[err]: Three in tests/unit/a.tcl\nwhy\n[\x1b[32mok\x1b[0m]: One - two (0 ms)\n"
    cases = subprocess.run([HERE / "redis.py", "--cases"], input=said, stdout=subprocess.PIPE, text=True).stdout.split()
    if cases != ["unit/a/One_-_two", "unit/a/One_-_two_2"]:
        errors.append(f"redis.py reads {cases}")
    if outputs.get("fail") != "fail":
        errors.append(f"the output of a case is {outputs.get('fail')!r}")
    wanted = ["absent: 127, and passes on Linux", "crash: crash, and passes on Linux", "end: crash, and passes on Linux", "hang: hang, and passes on Linux",
              "kill: signal-15, and passes on Linux", "pass: passes, but is blocked: a reason",
              "timeout: timeout, and passes on Linux", "gone: blocked, but is no case that passes on Linux",
              "11 cases count; the committed minimum is 20"]
    if sorted(told_errors) != sorted(wanted):
        errors.append(f"judged as {sorted(told_errors)}")
    return errors


for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, end_machines)
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for option in ("again", "linux", "page", "sample", "self", "write"):
    parser.add_argument("--" + option, action="store_true")
parser.add_argument("--shard")
parser.add_argument("suite", nargs="?")
parser.add_argument("case", nargs="?")
options = parser.parse_args()
if options.suite and options.suite not in SUITES:
    stop(f"the suites are: {' '.join(SUITES)}")
shard_of([], options.shard)
if options.self:
    mistakes = check_self()
elif options.page:
    mistakes = check_page()
else:
    mistakes = []
    for each in [Suite(options.suite)] if options.suite else [Suite(name) for name in SUITES if (HERE / f"suites/{name}.linux").exists()]:
        if options.linux:
            mistakes += run_linux(each, options.case)
        elif options.sample:
            mistakes += run_sample(each)
        else:
            mistakes += run_suite(each, options.case)
for mistake in mistakes:
    print(mistake)
sys.exit(1 if mistakes else 0)
