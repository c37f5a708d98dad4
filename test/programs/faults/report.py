#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a fault report by field, checks that its lines agree with each other, with the JSON line and with the symbols
of the program, and prints its facts.

  report.py PROGRAM STATUS < REPORT              prints the facts; status 1 with complaints when lines disagree
  report.py --mutate PROGRAM STATUS < REPORT     a test of the test: falsifies each field of each line in turn; status 1
                                                 when a falsified field changes nothing but is not declared VARIABLE,
                                                 or is declared and never occurs

Each line has one pattern here; a line without one is an error. So the words of the report stand here once, and the
golden files hold facts. A field is taken from the facts only where compilers, C libraries or machines differ: a
symbol's name stays, the offset into code does not.
"""
import bisect
import json
import os
import re
import signal
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
X = r'0x[0-9a-f]+'
H = r'[0-9a-f]+'
RANGE = r'\[(?P<start>0x[0-9a-f]+), (?P<end>0x[0-9a-f]+)\)'
REGISTERS = 'rip rsp rbp rax rbx rcx rdx rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split()
FLAGS = {0: 'CF', 2: 'PF', 4: 'AF', 6: 'ZF', 7: 'SF', 8: 'TF', 9: 'IF', 10: 'DF', 11: 'OF', 14: 'NT', 16: 'RF', 18: 'AC'}
P, W, U, A, D, LARGE, NX = 1, 2, 4, 0x20, 0x40, 0x80, 1 << 63

# Fields that nothing else in a report repeats, so that a falsified one passes: label of the line, the falsified part.
VARIABLE = [
    ('insn', r'.*; (?P<v>[^;=\[]*(\[[^\]]*\])?[^=]*)$'),             # the tool's disassembly (test/boot/tool/report.sh)
    ('stack', r'.{10}\+[0-9a-f]{2} (?P<v>[0-9a-f]{16})$'),            # a word of the stack that is no address of a symbol
    ('calls', r'.{10}[a-z_0-9]+\((?P<v>.*)$'),                        # arguments and results of the last system calls
    ('memory', r'.{10}(?P<v>.*)$'),                                   # sizes, within their bounds
    ('usage', r'.{10}(?P<v>.*)$'),
    ('machine', r'.*\bcr0 (?P<v>[0-9a-f]+)'),                         # bits beside those that Ouro sets
    ('machine', r'.*\bcr4 (?P<v>[0-9a-f]+)'),
    ('machine', r'.*\befer (?P<v>[0-9a-f]+)'),
    ('machine', r'.{10}cpu "(?P<v>[^"]*)"'),
    ('walk', r'.*= (?P<v>[0-9a-f]{16}) '),                            # the frame of a table
    ('where', r'.{10}(above|below) \[(?P<v>0x[0-9a-f]+)'),            # the far end of a neighbour
    ('where', r'.{10}(above|below) \[.*, (?P<v>0x[0-9a-f]+)\)'),
    ('where', r'.{10}\[(?P<v>0x[0-9a-f]+, 0x[0-9a-f]+)\)'),
    ('history', r'.* (?P<v>[0-9]+\.[0-9]{6}) s before'),
    ('history', r'.* at \S+\+(?P<v>0x[0-9a-f]+) \['),               # the report has no rip for it, only the function's size
    ('history', r'.* from \S+\+(?P<v>0x[0-9a-f]+) \['),
    ('history', r'.*\[(?P<v>0x[0-9a-f]+, 0x[0-9a-f]+)\)'),
    ('{', r'.*"threads":\[(?P<v>\{"thread.*\})\],"trace"'),             # the states of other threads at that moment
    ('{', r'.*"time_ns":(?P<v>[0-9]+)'),                              # its last three digits
]


class Symbols:
    """The program's names by address."""

    def __init__(self, program):
        self.at, self.base = [], os.path.basename(program)
        listing = subprocess.run(['nm', '-n', program], capture_output=True, text=True, check=True).stdout
        pairs = [line.split() for line in listing.splitlines()]
        self.names = {}
        for words in pairs:
            if len(words) == 3:
                self.names.setdefault(words[2], set()).add(int(words[0], 16))
        sections = subprocess.run(['readelf', '-SW', program], capture_output=True, text=True, check=True).stdout
        for name, address in re.findall(r'\] (\.\S+) +\S+ +([0-9a-f]{16})', sections):
            self.names.setdefault(name, set()).add(int(address, 16))
        headers = subprocess.run(['readelf', '-lW', program], capture_output=True, text=True, check=True).stdout
        self.code = [(int(a, 16) & -4096, (int(a, 16) + int(n, 16) + 4095) & -4096) for a, n in
                     re.findall(r'LOAD +0x\S+ (0x\S+) 0x\S+ 0x\S+ (0x\S+) R E ', headers)]
        self.sorted = sorted(a for all_of in self.names.values() for a in all_of)

    def agrees(self, place, value):
        """True if "main+0x5a [faults]" is this value. Places in the kernel and in other files cannot be checked here."""
        found = re.fullmatch(r'(\S+)\+(0x[0-9a-f]+) \[(.*)\]', place)
        if not found:
            return place in ('', 'no code is known there') or re.fullmatch(r'\[\S+\]\+0x[0-9a-f]+', place) is not None
        name, offset, module = found.groups()
        if module != self.base:
            return module == 'kernel' and value >> 47 != 0
        return any(a + int(offset, 16) == value for a in self.names.get(name, ()))

    def known(self, place):
        """A place whose address the report lacks."""
        name, offset, module = re.fullmatch(r'(\S+)\+(0x[0-9a-f]+) \[(.*)\]', place).groups()
        if module != self.base:
            return False
        for a in self.names.get(name, ()):
            after = bisect.bisect_right(self.sorted, a)
            if after == len(self.sorted) or a + int(offset, 16) <= self.sorted[after]:
                return True
        return False


def name_of(place):
    """main+0x5a [faults] -> main: the offset is the compiler's."""
    return re.sub(r'\+0x[0-9a-f]+ \[.*\]$', '', place)


def of_the_tool(line):
    """Lines that the tool adds to the kernel's report: boot.report is their test."""
    return re.match(r'  said    |            what\(\):|          called from |  hint    .* has no line numbers: ', line)


class Report:
    def __init__(self, lines, status, symbols, program):
        self.symbols, self.program, self.status = symbols, program, status
        self.errors, self.facts, self.label = [], [], ''
        self.regs, self.traces, self.calls, self.levels, self.extra = {}, [], [], {}, {}
        self.json, self.before, self.next_word, self.after = None, [], 0, []
        self.head, self.tail, self.parts = {}, None, []
        text = []
        for line in lines:
            if line.startswith('{"ouro_report"'):
                self.expect(self.json is None, 'a second JSON line')
                try:
                    self.json = json.loads(line)
                except ValueError:
                    self.errors.append('the JSON line does not parse')
            elif re.match(r'\[ *[0-9.]+\] boot: ', line):
                pass
            else:
                text.append(line)
        self.fact('status', status)
        if self.json is None:
            if lines and any(line.startswith('=') for line in lines):
                self.errors.append('no JSON line')
            for line in text:
                self.fact('line', line)
            return
        for line in text:
            self.line(line)
        self.whole()

    def expect(self, right, words):
        if not right:
            self.errors.append(words)

    def fact(self, name, *values):
        self.facts.append(' '.join([name] + [str(v) for v in values if v != '']))

    # --- one line ---

    def line(self, line):
        if line.startswith('===='):
            return self.headline(line)
        if not self.head:
            self.fact('log', re.sub(r'^\[ *[0-9.]+\]', '[T]', re.sub(X, 'X', re.sub(r' \(\S+: \S+: [0-9]+\)$', '', line))))
            return None
        if of_the_tool(line):
            return None
        found = re.match(r'  (reason|what|who|where|stack|why|walk|insn|history|heap|regs|thread|trace|calls|memory|usage'
                         r'|machine|hint) +', line)
        if found:
            first, self.label = True, found.group(1)
            if self.label == 'stack' and line[10] == '+':
                self.label = 'words'
            self.expect(len(found.group(0)) == 10, 'the column of ' + line)
        elif line.startswith(' ' * 10) and self.label:
            first = False
        else:
            return self.errors.append('no line of a report: ' + line)
        if re.match(r'          [ >] +[0-9]+ \|', line):  # the tool's excerpts of the source
            return None
        body = line[10:]
        if body.startswith('error code '):
            self.label = 'why'
        if self.label in ('what', 'trace'):
            body = re.sub(r'([])]) at [^ ]+:[0-9]+.*', r'\1', body)
        part = 'cpu' if body.startswith('cpu "') else self.label
        if not self.parts or self.parts[-1] != part:
            self.parts.append(part)
        if not getattr(self, 'on_' + self.label)(body, first):
            self.errors.append('the line is not understood: ' + line)
        return None

    def headline(self, line):
        found = re.fullmatch(r'==== CRASH: (.*?)(?: \((SIG[A-Z]+), (code -?[0-9]+|[A-Z_]+)\))? ==== ouro (\S+) build ([0-9a-f]{12})', line)
        if found and not self.head:
            self.head = dict(zip(('class', 'signal', 'code', 'version', 'build'), found.groups()))
        else:
            self.expect(self.tail is None, 'a third headline')
            self.tail = line

    def on_what(self, body, first):
        if not first:
            found = re.fullmatch(r'called or jumped to from (\S+\+0x[0-9a-f]+ \[.*\])', body)
            if found:
                self.extra['from'] = found.group(1)
                self.fact('from', name_of(found.group(1)))
            return found
        self.what = body
        found = re.fullmatch(r'(?P<deed>.*?) by (?:(?P<at>\S+\+0x[0-9a-f]+ \[[^]]*\]) \(rip (?P<rip1>0x[0-9a-f]+)\)|rip (?P<rip2>0x[0-9a-f]+))', body)
        if not found:
            self.fact('deed', body)
            return self.head['class'] == 'deadlock' and body == \
                'every thread has slept for 1 s, and nothing is left that could wake one'
        j, deed = self.json, found['deed']
        self.expect((found['at'] or '') == j['at'], 'what: place')
        self.expect(int(found['rip1'] or found['rip2'], 16) == int(j['registers']['rip'], 16), 'what: rip')
        touched = re.fullmatch(r'(READ|WRITE|EXECUTE)(?: of (\d+) bytes?)? at (0x[0-9a-f]+)(?: \((.*)\))?', deed)
        if touched:
            access, size, address, target = touched.groups()
            self.expect(j.get('access') == access.lower(), 'what: access')
            self.expect(j.get('address') == address, 'what: address')
            self.expect(self.symbols.agrees(target or '', int(address, 16)), 'what: the name of the address')
            self.target = target
            self.fact('access', access.lower(), size or '')
        else:
            self.expect('access' not in j or 'address' in j and j['address'] not in deed, 'what: no access')
            self.fact('deed', re.sub(X, 'X', deed))
        self.fact('at', name_of(j['at']) or 'nowhere')
        return found

    target = None
    what = ''

    def on_who(self, body, first):
        j = self.json
        found = re.fullmatch(r'thread (\d+) "(.*)"(?: of process \d+)? on CPU (\d+), (\d+)\.(\d{6}) s after boot|nobody runs, (\d+)\.(\d{6}) s after boot', body)
        if found and found.group(1):
            self.expect((int(found[1]), found[2], int(found[3])) == (j['thread'], j['name'], j['cpu']), 'who')
            self.expect(int(found[4] + found[5]) == j['time_ns'] // 1000, 'who: time')
            self.fact('thread', found[1], found[2])
        elif found:
            self.expect(int(found[6] + found[7]) == j['time_ns'] // 1000, 'who: time')
            self.fact('thread', 'none')
        return found

    def address(self):
        return int(self.json.get('address', '0'), 16)

    def area(self, body):
        """An area's words: range, rights, what it is and the rest."""
        found = re.fullmatch(RANGE + r' (?P<rights>[r-][w-][x-]) (?P<kind>.*?)(?P<place>, segment \d+(, \S+\+0x[0-9a-f]+)?)?, (?P<rest>(at|ends|starts) .*)', body)
        if not found:
            return None
        start, end = int(found['start'], 16), int(found['end'], 16)
        self.expect(start < end and start % 4096 == 0 and end % 4096 in (0, 4095), 'where: range')
        image = [m['path'] for m in self.json['modules']][0]
        kinds = [r'image of ' + re.escape(image), r'image \(bss\) of ' + re.escape(self.symbols.base), 'stack', 'heap',
                 r'file mapping of (\[vvar\]|/tmp/file|\[vdso\])', 'anonymous memory', 'guard below the stack( of thread \\d+ "[a-z]+")?',
                 'kernel code', 'kernel stack of traps', 'the page tables, as programs may read them',
                 r'image of \[vdso\]', 'kernel [a-z -]+', 'physical memory.*']
        self.expect(any(re.fullmatch(k, found['kind']) for k in kinds), 'where: kind ' + found['kind'])
        return start, end, found['rights'], found['kind'].replace(image, 'PROGRAM').replace('of ' + self.symbols.base, 'of PROGRAM'), found['place'] or '', found['rest']

    def on_where(self, body, first):
        at = self.address()
        if body in ('nowhere: bits 63 to 47 of an address must be equal', 'in no area', 'in no area: the first 64 KiB are never mapped'):
            self.expect(('nowhere' in body) == ((at >> 47) not in (0, (1 << 17) - 1)), 'where: canonical')
            self.expect(('64 KiB' in body) == (at < 65536), 'where: low')
            self.fact('area', 'none')
            return first
        kind = re.match(r'(above|below) ', body) if not first else None
        area = self.area(body[6:] if kind else body)
        if not area:
            return False
        start, end, rights, words, place, rest = area
        if kind:
            far = re.fullmatch(r'(starts|ends) (0x[0-9a-f]+)(?: \((\d+) ([MG])iB\))? (above|below)', rest)
            want = start - at if kind[1] == 'above' else at - end
            self.expect(far and far[5] == kind[1] and (far[1] == 'starts') == (kind[1] == 'above') and int(far[2], 16) == want, 'where: distance')
            if far:
                self.expect((want >= 1 << 20) == (far[3] is not None) and (not far[3] or int(far[3]) == want >> (20 if far[4] == 'M' else 30)
                            and (far[4] == 'G') == (want >= 1 << 30)), 'where: distance in words')
            self.fact(kind[1], rights, words)
            return True
        offset = re.fullmatch(r'at \+(0x[0-9a-f]+)', rest)
        self.expect(offset and int(offset[1], 16) == at - start and start <= at < end + (end % 4096 == 4095), 'where: offset')
        self.here = (start, words)
        self.rights = rights
        inside = re.fullmatch(r', segment (\d+)(?:, (\S+)\+(0x[0-9a-f]+))?', place) if place else None
        if inside and inside[2]:
            self.expect(any(a + int(inside[3], 16) == at for a in self.symbols.names.get(inside[2], ())), 'where: section')
        self.fact('area', rights, words, ('segment ' + inside[1] + ' ' + (inside[2] or '')) if inside else '')
        return True

    here = None
    rights = ''

    def on_stack(self, body, first):
        rsp = int(self.json['registers']['rsp'], 16)
        over = re.fullmatch(r'overflow by (\d+) bytes(?:; the guard below the stack is (\d+) KiB|, past any guard)', body)
        if not first and over:
            self.expect(int(over[1]) == self.stack[0] - min(rsp, self.address()) or int(over[1]) == self.stack[0] - self.address()
                        or int(over[1]) == self.stack[0] - rsp, 'stack: overflow')
            self.fact('overflow', 'guard ' + over[2] + ' KiB' if over[2] else 'past any guard')
            return True
        none = re.fullmatch(r'rsp (0x[0-9a-f]+) is in no stack', body)
        if none:
            self.expect(int(none[1], 16) == rsp, 'stack: rsp')
            self.fact('stack', 'none')
            return True
        found = re.fullmatch(r"(?P<owner>the main thread's, as it has grown|thread \d+ \"[a-z]+\"'s, in (?:a mapping|the heap)): " + RANGE +
                             r' (?P<size>\d+) KiB, (?:(?P<used>\d+) bytes used \((?P<part>\d+)%\)|rsp (?P<rsp>0x[0-9a-f]+) is (?P<below>\d+) bytes below it)', body)
        if not found:
            return False
        start, end = int(found['start'], 16), int(found['end'], 16)
        self.stack = (start, end)
        self.expect(end - start == int(found['size']) * 1024, 'stack: size')
        if found['used']:
            self.expect(int(found['used']) == end - rsp and int(found['part']) == (end - rsp) * 100 // (end - start), 'stack: used')
        else:
            self.expect(int(found['rsp'], 16) == rsp and int(found['below']) == start - rsp, 'stack: below')
        self.fact('stack', found['owner'], 'in it' if found['used'] else 'below it')
        return first

    stack = (0, 0)

    def on_why(self, body, first):
        j = self.json
        found = re.fullmatch(r'error code (0x[0-9a-f]+) = (.*)', body)
        if found:
            e = int(found[1], 16)
            self.expect(not first and e == j.get('error'), 'why: error code')
            if j.get('vector') == 14:
                words = ('protection' if e & 1 else 'not present') + ', ' + ('instruction fetch' if e & 16 else 'write' if e & 2 else 'read')
                words += (', reserved bit' if e & 8 else '') + (', user mode' if e & 4 else '') + '; rights of ring 0'
            else:
                words = 'selector %#x in the %s' % (e & 0xfff8, ('GDT', 'IDT', 'LDT', 'IDT')[e >> 1 & 3])
            self.expect(found[2] == words, 'why: error code in words')
            self.fact('error', found[1])
            return True
        level = re.fullmatch(r'level (\d) entry: (not present|W=0|NX=1)(; the area allows it|; the area does not allow it)?', body)
        if level:
            self.denies = (int(level[1]), level[2])
            self.fact('denies', 'level', level[1], level[2] + (level[3] or ''))
            need = {'read': 0, 'write': 1, 'execute': 2}[j['access']]
            self.area_says = (level[3], need)
            return first
        value = re.search(X, body)
        plain = re.sub(X, 'X', body)
        aligned = re.fullmatch(r'the instruction wants its operand aligned to 16 bytes; X is (\d+) past that', plain)
        r = {n: int(v, 16) for n, v in j['registers'].items()}
        if aligned:
            self.expect(int(value[0], 16) == self.address() and self.address() % 16 == int(aligned[1]), 'why: alignment')
            plain = plain.replace(aligned[1] + ' past', 'N past')
        elif plain.startswith('ring 0 may do this, but the CPU refuses'):
            numbers = [int(v, 16) for v in re.findall(X, body)]
            self.expect(numbers == [r['rcx'], r['rdx'], r['rax']], 'why: registers')
        elif plain.startswith('the word that `ret`'):
            self.popped = int(value[0], 16)
            self.fact('popped', value[0] if self.popped >> 47 else 'X')
        elif plain.startswith('`int'):
            self.expect(int(value[0], 16) == j['error'] >> 3, 'why: the vector')
            self.fact('int', value[0])
        elif plain.startswith('GS base belongs'):
            self.fact('gs', value[0])
        self.expect(plain in WHY, 'why: ' + plain)
        self.fact('why', WHY.get(plain, plain))
        return first

    denies = None
    area_says = None
    popped = None

    def on_walk(self, body, first):
        at = self.address()
        if first:
            found = re.fullmatch(r'of (0x[0-9a-f]+) from cr3 (0x[0-9a-f]+)', body)
            self.expect(found and found[1] == self.json.get('address') and found[2] == self.json['registers']['cr3'], 'walk: head')
            return found
        found = re.fullmatch(r'L(\d)\[(0x[0-9a-f]{3})\] = ([0-9a-f]{16}) (.*?)(  <== denies)?', body)
        if found:
            level, e = int(found[1]), int(found[3], 16)
            self.expect(not self.levels and level in (4, 5) or self.levels and level == min(self.levels) - 1, 'walk: levels')
            self.expect(int(found[2], 16) == at >> (12 + 9 * (level - 1)) & 511, 'walk: index')
            if e & P:
                words = 'r' + ('w' if e & W else '-') + ('-' if e & NX else 'x') + (' user' if e & U else '') + (' accessed' if e & A else '')
                leaf = level == 1 or e & LARGE and level <= 3
                words += (' dirty' if leaf and e & D else '') + (' large' if leaf and level > 1 else '')
                said = found[4].replace(' copy-on-write', '')
                self.expect(said == words, 'walk: words of L%d' % level)
                if said != found[4]:
                    self.expect(level == 1 and not e & W, 'walk: copy-on-write')
            else:
                self.expect(found[4] == 'not present', 'walk: words of L%d' % level)
                # an entry that is not present is 0, or has the kernel's own data in bits that the CPU ignores
                self.expect(e & P == 0, 'walk: present')
                self.fact('entry', 'zero' if e == 0 else 'noted')
            self.levels[level] = e
            if found[5]:
                self.expect(self.marked is None, 'walk: two deny')
                self.marked = level
            # which pages of the kernel were touched depends on where its code is
            self.fact('L%d' % level, found[4].replace(' accessed', '') if at >> 47 and level == 1 else found[4])
            return True
        found = re.fullmatch(r'effective (r[w-][x-]), physical (0x[0-9a-f]+)', body)
        if found:
            entries = self.levels.values()
            rights = 'r' + ('w' if all(e & W for e in entries) else '-') + ('-' if any(e & NX for e in entries) else 'x')
            leaf = min(self.levels)
            size = 1 << (12 + 9 * (leaf - 1))
            frame = self.levels[leaf] & ((1 << 52) - 1) & ~(size - 1)
            self.expect(found[1] == rights, 'walk: effective')
            self.expect(int(found[2], 16) == frame | at & (size - 1), 'walk: physical')
            self.fact('effective', found[1])
        return found

    marked = None

    def on_insn(self, body, first):
        if body == 'no code can be read at rip':
            self.fact('insn', 'none')
            return first and 'insn' not in self.json
        found = re.match(r'((?:[0-9a-f]{2} ?)+)( \(no instruction\)|(?=;)|$)', body)
        if not found:
            return False
        code = found[1].replace(' ', '')
        if 'insn' in self.json:
            self.expect(code == self.json['insn'], 'insn: bytes')
        operand = r'; (reads|writes|computes) (fs:|gs:)?\[([^]]*)\] = (0x[0-9a-f]+)((?:, r[a-z0-9]+ = 0x[0-9a-f]+)*)'
        operands = re.findall(operand, body)
        rest = re.sub(operand, '', body[found.end():])  # the disassembly
        self.expect(re.fullmatch('(; [^;=]+)?', rest), 'insn: operands')
        r = {n: int(v, 16) for n, v in self.json['registers'].items()}
        r['rip'] += len(code) // 2
        for deed, segment, terms, value, values in operands:
            total = {'': 0, 'fs:': r['fs'], 'gs:': r.get('gs', 0)}[segment]
            for sign, term in re.findall(r'(^|[+-])([^+-]+)', terms):
                scale = re.fullmatch(r'(\d)\*(.*)', term)
                number = int(term, 16) if term.startswith('0x') else r.get(scale[2] if scale else term, -1) * (int(scale[1]) if scale else 1)
                total += -number if sign == '-' else number
            self.expect(total % (1 << 64) == int(value, 16), 'insn: address')
            for name, number in re.findall(r'(r[a-z0-9]+) = (0x[0-9a-f]+)', values):
                self.expect(r.get(name) == int(number, 16), 'insn: register')
            self.fact('operand', deed)
        self.operands = operands
        return first

    operands = ()

    def on_history(self, body, first):
        found = re.fullmatch(r'(?P<deed>mapped|unmapped|given other permissions)(?P<rights> [r-][w-][x-])? (?P<ago>\d+\.\d{6}) s before, ' + RANGE +
                             r', by thread (?P<thread>\d+) by (?P<call>[a-z_0-9]+|the kernel) at (?P<at>\S+\+0x[0-9a-f]+ \[.*?\]|\?)(?: from (?P<from>\S+\+0x[0-9a-f]+ \[.*\]))?', body)
        if not found:
            return False
        start, end = int(found['start'], 16), int(found['end'], 16)
        self.expect(start <= self.address() < end and start % 4096 == end % 4096 == 0, 'history: range')
        self.expect(int(found['ago'].replace('.', '')) <= self.json['time_ns'] // 1000, 'history: time')
        for place in (found['at'], found['from']):
            self.expect(place in (None, '?') or self.symbols.known(place), 'history: place')
        self.past = self.past if self.past is not None else start
        self.fact('history', found['deed'] + (found['rights'] or ''), 'by thread', found['thread'], found['call'], name_of(found['at']),
                  'from ' + name_of(found['from']) if found['from'] else '')
        return True

    past = None

    def on_heap(self, body, first):
        found = re.fullmatch(r'(r[a-z0-9]+|the address) is at \+(0x[0-9a-f]+) in a freed block of (\d+) bytes, (0x[0-9a-f]+)', body)
        if found:
            value = self.json['registers'].get(found[1], self.json.get('address'))
            self.expect(int(found[4], 16) + int(found[2], 16) == int(value, 16) and int(found[2], 16) < int(found[3]), 'heap: block')
            self.fact('freed', int(found[3]))
        return found

    # --- values ---

    def describes(self, words, value):
        """True if the words after a value describe it. They may be missing only if nothing is known of it."""
        if words == '':
            return value >= 65536 and value < 2 ** 64 - 65536 or None
        if re.fullmatch(r'-?\d+', words):
            return int(words) % (1 << 64) == value
        found = re.fullmatch(r'(.*) \+(0x[0-9a-f]+)', words)
        if found:
            start = value - int(found[2], 16)
            if found[1] == 'stack':
                return start == self.stack[0] or start % 4096 == 0
            return found[1] in ('anonymous memory', 'heap', 'guard', 'guard below the stack', 'file mapping of [vvar]', 'file mapping of /tmp/file', 'kernel stacks',
                                'the page tables, as programs may read them') and start % 4096 == 0
        if words.startswith('"'):
            text = value.to_bytes(8, 'little').rstrip(b'\0').decode('latin-1')
            return words == '"' + text + '"'
        if words == 'not canonical':
            return value >> 47 not in (0, (1 << 17) - 1)
        if words == 'a marker':
            return value & 0xffffffff in (0xdeadbeef, 0xcafebabe, 0xbaadf00d)
        found = re.fullmatch(r'every byte 0x([0-9a-f]{2}): a fill pattern', words)
        if found:
            return value == int(found[1] * 8, 16)
        return self.symbols.agrees(words, value) and words != 'no code is known there'

    def value(self, name, number, words):
        self.expect(self.describes(words, int(number, 16)), '%s: "%s" is not %s' % (name, words, number))

    def on_regs(self, body, first):
        found = re.fullmatch(r'(r[a-z0-9]{1,2}) {1,2}([0-9a-f]{16})(?:  (.*))?', body)
        if found:
            self.expect(len(self.regs) < 17 and found[1] == REGISTERS[len(self.regs)], 'regs: order')
            self.regs[found[1]] = found[2]
            self.expect(self.json['registers'].get(found[1]) == '%#x' % int(found[2], 16), 'regs: ' + found[1])
            self.value(found[1], found[2], found[3] or '')
            return first == (found[1] == 'rip')
        found = re.fullmatch(r'rflags ([0-9a-f]{8})((?: [A-Z]F|IF| NT| AC)*), fs ([0-9a-f]+), gs ([0-9a-f]+)', body)
        if found:
            r = self.json['registers']
            flags = int(found[1], 16)
            self.expect((flags, int(found[3], 16), int(found[4], 16)) == tuple(int(r[n], 16) for n in ('rflags', 'fs', 'gs')), 'regs: rflags, fs, gs')
            self.expect(found[2].split() == [FLAGS[b] for b in sorted(FLAGS) if flags >> b & 1], 'regs: flags')
            self.expect(len(self.regs) == 17, 'regs: some are missing')
            self.regs['rflags'] = found[1]
        return found

    def on_words(self, body, first):
        found = re.fullmatch(r'\+([0-9a-f]{2}) (?:([0-9a-f]{16})(?:  (.*))?|nothing is mapped there)', body)
        if found:
            self.expect(int(found[1], 16) == self.next_word and self.next_word < 128, 'stack: order')
            self.next_word += 8
            if found[2]:
                self.value('stack +' + found[1], found[2], found[3] or '')
            else:
                self.fact('words', 'not mapped')
        return found

    # --- threads and traces ---

    def on_thread(self, body, first):
        found = re.fullmatch(r'(\d+) "(.*?)" (of process 1, .*)', body)
        if found:
            mine = [t for t in self.json['threads'] if t['thread'] == int(found[1])]
            self.expect(all((t['name'], t['does']) == (found[2], found[3]) for t in mine), 'thread: JSON')
            self.expect(mine or self.json['thread'] == int(found[1]), 'thread: which')
            asleep = re.search(r'in [a-z_0-9]+\((0x[0-9a-f]+).*\) = \? at (\S+\+0x[0-9a-f]+ \[.*\])$', found[3])
            self.expect(not asleep or self.symbols.agrees(asleep[2], int(asleep[1], 16)), 'thread: what it waits for')
            self.fact('of', found[1], found[2], re.sub(r'\(.*\) = .*', '', found[3]))
        return found and first

    def on_trace(self, body, first):
        if first:
            self.traces.append([])
            self.number = 0
        found = re.fullmatch(r'#(\d+)(\?)? 0x([0-9a-f]{16}) (.*)', body)
        trace = self.traces[-1]
        if found:
            if self.repeat:
                period, times = self.repeat
                self.number += period * (times - 1)
                self.repeat = None
            self.expect(int(found[1]) == self.number, 'trace: number')
            self.number += 1
            place, rip = found[4], int(found[3], 16)
            trace.append([rip, found[2] or '', 1, '' if place == 'no code is known there' else place])
            self.expect(self.symbols.agrees(place, rip if first else rip - 1), 'trace: place')
            return True
        found = re.fullmatch(r'\.\.\. (that frame|those frames) repeated (\d+) times', body)
        if found:
            if found[1] == 'that frame':
                period = 1
            else:
                period = self.period(trace)
            trace[-period][2] = int(found[2])
            self.circle = (trace[-period][3], int(found[2]), period)
            self.repeat = (period, int(found[2]))
            return True
        found = re.fullmatch(r'\(truncated: (\d+) frames more(, and those that were not walked)?\)', body)
        if found:
            self.fact('truncated')
        return found

    repeat = None

    circle = None

    def period(self, trace):
        """The number of frames that repeat: only the JSON line marks the first."""
        known = [n for n, frame in enumerate(self.json['trace'][:len(trace)]) if frame['count'] > 1]
        return len(trace) - known[-1]

    def on_calls(self, body, first):
        found = re.fullmatch(r'([a-z_0-9]+)\((.*)\)( = .+)?', body)
        if found:
            self.calls.append(found[1])
        return found

    def on_memory(self, body, first):
        found = re.fullmatch(r'(\d+) KiB of (\d+) KiB free, largest run (\d+) KiB, kernel heap (\d+) KiB, (\d+) areas of the program with (\d+) KiB', body)
        if found:
            free, total, run = int(found[1]), int(found[2]), int(found[3])
            self.expect(run <= free <= total and run & (run - 1) == 0 and free % 4 == 0, 'memory')
        return found and first

    def on_usage(self, body, first):
        return re.fullmatch(r'\d+ KiB .*|.* \d+ KiB.*', body)

    def on_machine(self, body, first):
        r, j = self.json['registers'], self.json
        found = re.fullmatch(r'cr0 ([0-9a-f]+) cr2 ([0-9a-f]+) cr3 ([0-9a-f]+) cr4 ([0-9a-f]+) efer ([0-9a-f]+)', body)
        if found:
            cr0, cr2, cr3, cr4, efer = (int(v, 16) for v in found.groups())
            self.expect(cr0 & 0x80010001 == 0x80010001 and cr4 & 0x20 and efer & 0x500 == 0x500, 'machine: modes')
            self.expect(cr3 == int(r['cr3'], 16), 'machine: cr3')
            if j.get('vector') == 14 and not self.facts[1].startswith('log '):  # the kernel's own access faulted later
                self.expect(cr2 == self.address(), 'machine: cr2')
            return first
        if re.fullmatch(r'cpu ".*", loaded by (PVH|GRUB \S+|Multiboot.*|GRUB), (UEFI|BIOS or no) firmware', body):
            return not first
        return False

    def on_hint(self, body, first):
        found = re.fullmatch(r'register (r[a-z0-9]+) was NULL: (whoever set it returned nothing|field at \+(0x[0-9a-f]+) of a NULL structure pointer|'
                             r'(0x[0-9a-f]+) bytes before a NULL pointer)', body)
        circle = re.fullmatch(r'(\S+) (and others called each other|called itself) (\d+) times: look for what should end that, or give it a larger stack', body)
        text = re.fullmatch(r'the address is text, "(.*)": a string was written over a pointer', body)
        if found:
            offset = int(found[3], 16) if found[3] else -int(found[4], 16) if found[4] else 0
            self.expect(self.json['registers'].get(found[1]) == '0x0' and offset % 2 ** 64 == self.address(), 'hint: register')
            # The compiler chooses the register, but the operand must be computed from it.
            self.expect(any(found[1] in o[2] for o in self.operands), 'hint: operand')
            self.fact('null', 'register', offset)
        elif circle:
            place, times, period = self.circle
            self.expect((name_of(place), times, period > 1) == (circle[1], int(circle[3]), 'others' in circle[2]), 'hint: recursion')
            self.fact('recursion', circle[1], circle[2])
        elif text:
            value = self.popped if self.popped is not None else self.address()
            self.expect(text[1] == value.to_bytes(8, 'little').rstrip(b'\0').decode('latin-1'), 'hint: text')
            self.fact('text', text[1])
        else:
            self.expect(body in HINTS, 'hint: not one of src/diag/hint.c')
        return first

    # --- the report as a whole ---

    def whole(self):
        j, h = self.json, self.head
        self.expect(h, 'no headline')
        if not h:
            return
        self.expect((h['class'], h['signal'], h['version'], h['build']) == (j['class'], j.get('signal'), j['version'], j['build']), 'headline: JSON')
        self.expect(h['code'] is None or h['code'] == j.get('code_name', 'code %d' % j['code']), 'headline: code')
        self.expect('reason' not in j or j['reason'] == re.sub(' by .*', '', self.what), 'JSON: reason')
        deed = re.sub(r' \(rip (0x[0-9a-f]+)\)$', r' rip \1', self.what)
        self.expect(self.tail == '==== CRASH: %s; %s; %souro %s build %s' % (h['class'], deed, h['signal'] + '; ' if h['signal'] else '',
                                                                        h['version'], h['build']), 'the headline at the end')
        if self.denies:
            self.expect(self.marked == self.denies[0], 'walk: the entry that denies')
        if self.marked:
            e = self.levels[self.marked]
            denied = 'not present' if not e & P else {'write': 'W=0', 'execute': 'NX=1'}.get(j['access'])
            self.expect(denied == 'not present' or e & (NX | W) != W, 'walk: the entry that denies denies nothing')
            self.expect(self.denies is None or self.denies[1] == denied, 'why: the entry')
        if self.area_says and self.here:
            allowed = self.rights[self.area_says[1]] != '-'
            self.expect(self.area_says[0] == ('; the area allows it' if allowed else '; the area does not allow it'), 'why: the area')
        if self.traces:
            mine = [[f['rip'], '?' if f['how'] == '?' else '', f['count'], f['at']] for f in j['trace']]
            said = [['%#x' % t[0]] + t[1:] for t in self.traces[-1]]
            self.expect(mine == said, 'trace: JSON')
        if h['class'] != 'deadlock':
            self.expect(len(self.regs) == 18, 'no registers')
            rsp = int(j['registers']['rsp'], 16)
            self.expect(self.next_word == 128 or rsp + self.next_word >= self.stack[1] or 'words not mapped' in self.facts, 'stack: words are missing')
        if 'from' in self.extra:
            self.expect(self.extra['from'] in [f['at'] for f in j['trace'][1:2]], 'what: called from')
        self.modules()
        self.expect([f['how'] for f in j['trace'][:1]] in ([], ['0']) and all(f['how'] in 'cr?' for f in j['trace'][1:]), 'JSON: how')
        self.expect(all(set(t) == {'thread', 'name', 'does', 'registers'} and set(t['registers']) == set(REGISTERS) | {'rflags', 'fs'}
                        for t in j['threads']), 'JSON: threads')
        self.expect(set(j['registers']) == set(REGISTERS) | {'rflags', 'fs', 'gs', 'cr3'}, 'JSON: registers')
        number = getattr(signal, j.get('signal', ''), 0)
        self.expect(j.get('signal_number', 0) == number and (j['ouro_report'], j['kind']) == (1, 'crash'), 'JSON: kind')
        wanted = {'ouro_report', 'kind', 'class', 'version', 'build', 'thread', 'name', 'cpu', 'time_ns', 'at', 'registers', 'threads', 'trace', 'modules'}
        allowed = wanted | {'signal', 'signal_number', 'code', 'code_name', 'vector', 'error', 'address', 'access', 'insn', 'reason'}
        self.expect(wanted <= set(j) <= allowed, 'JSON: names')
        self.fact('fields', *sorted(set(j) - wanted))
        self.declare()

    def modules(self):
        m = self.json['modules']
        self.expect(len(m) == 2 and all(set(x) == {'start', 'end', 'bias', 'path'} for x in m), 'JSON: modules')
        at = [tuple(int(x[n], 16) for n in ('start', 'end', 'bias')) for x in m]
        self.expect(at[0][2] == 0 and [at[0][:2]] == self.symbols.code, "JSON: the program's code")
        self.expect(os.path.realpath(self.program).endswith(m[0]['path']), "JSON: the program's path")
        self.expect(m[1]['path'] == '[vdso]' and at[1][0] == at[1][2] and at[1][1] - at[1][0] == 4096, 'JSON: the vDSO')

    def declare(self):
        j, at = self.json, self.address()
        facts = [('class', self.head['class'])]
        if 'signal' in j:
            facts.append(('signal', '%s %s' % (j['signal'], j['code'])))
        if 'address' in j:
            facts.append(('address', self.address_fact(at)))
        for name, value in facts:
            self.fact(name, value)
        self.fact('parts', *self.parts)
        for trace in self.traces:
            names = []
            for n, (_, sure, count, place) in enumerate(trace):
                how = j['trace'][n]['how'] if trace is self.traces[-1] and n else ''
                names.append((name_of(place) or '-') + (' by ' + how if how in ('r', '?') else sure) + (' again and again' if count > 1 else '') + ',')
                if name_of(place) == 'main':
                    break  # below is the C library
            self.fact('trace', ' '.join(names).rstrip(','))
        for name in self.calls:
            self.fact('call', name)

    def address_fact(self, at):
        if self.target and not self.target.startswith('.'):
            return self.target if '[kernel]' not in self.target else '%#x' % at
        if self.target:
            return name_of(self.target)
        if self.here:
            start, words = self.here
            if words in ('stack',) or 'guard' in words or self.head['class'] == 'out of memory' or self.stack[0] <= at < self.stack[1]:
                return words
            if 'kernel' in words or 'page tables' in words:
                return '%#x' % at
            return '%s+%#x' % (words, at - start)
        if self.past is not None:
            return 'history+%#x' % (at - self.past)
        if self.head['class'] == 'stack overflow':
            return 'below the stack'
        return '%#x' % at


WHY = {
    'the CPU takes only addresses whose bits 63 to 47 are equal': 'non-canonical',
    'the word that `ret` took as its target is X': 'target of ret',
    'ring 0 may do this, but a program on Linux may not': 'privileged',
    'ring 0 may do this, but the CPU refuses the register or its value: rcx X, rdx:rax X:X': 'refused',
    '`int X`: on Linux programs may raise 3 and 4 only': 'software interrupt',
    'GS base belongs to the kernel, and was X at the next trap': 'GS base',
    "interrupts are off, and for seconds no timer's was taken": 'interrupts off',
    'the instruction wants its operand aligned to 16 bytes; X is N past that': 'alignment',
    'the file ends before this page': 'end of file',
    'the area allows it, but no free page is left': 'no free page',
}


def source_strings():
    with open(os.path.join(here, '../../../src/diag/hint.c'), encoding='utf-8') as f:
        return re.findall(r'"((?:[^"\\\n]|\\.)*)"', f.read())


HINTS = [s.split('  hint    ')[-1] for s in source_strings() if len(s) > 20]


def check(lines, status, symbols, program):
    try:
        return Report(lines, status, symbols, program)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as e:
        failed = Report([], status, symbols, program)
        failed.errors.append('no report: %r' % e)
        return failed


def falsified(line):
    """The line with each word or number falsified in turn."""
    if line.startswith('{'):
        yield line[:-1], 'the last character', (len(line) - 1, len(line))
    for token in re.finditer(r'[A-Za-z0-9_]+|[-<=?*]+', line):
        word = token.group(0)
        last = word[-1]
        if last.isdigit() or re.fullmatch(r'(0x)?[0-9a-f]{4,}', word):
            other = word[:-1] + ('1' if last != '1' else '2')
        elif last.isalpha() or last == '_':
            other = word[:-1] + ('x' if last != 'x' else 'y')
        else:
            other = word[:-1] + ('+' if last != '+' else '-')
        yield line[:token.start()] + other + line[token.end():], word, token.span()


def mutate(lines, status, symbols, program):
    sound = check(lines, status, symbols, program)
    if sound.errors:
        sys.exit('the report itself is not sound: ' + '; '.join(sound.errors))
    label, tried, passed, bad, used = '', 0, 0, [], set()
    for n, line in enumerate(lines):
        if of_the_tool(line):
            continue
        found = re.match(r'  ([a-z]+)', line)
        label = found.group(1) if found else line[0] if line[0] != ' ' else label
        for other, word, span in falsified(line):
            tried += 1
            report = check(lines[:n] + [other] + lines[n + 1:], status, symbols, program)
            if report.errors or report.facts != sound.facts:
                continue
            passed += 1
            for k, (where, pattern) in enumerate(VARIABLE):
                m = re.match(pattern, line)
                if where == label and m and m.start('v') <= span[0] and span[1] <= m.end('v'):
                    used.add(k)
                    break
            else:
                bad.append('%s: "%s" was falsified and nothing failed' % (line[:120], word))
        gone = check(lines[:n] + lines[n + 1:], status, symbols, program)
        if gone.errors == [] and gone.facts == sound.facts and label != 'usage':
            bad.append('removed, and nothing failed: ' + line[:120])
        if lines[n].strip() and check(lines[:n] + ['not a line of a report'] + lines[n + 1:], status, symbols, program).errors == []:
            bad.append('replaced by nonsense, and nothing failed: ' + line[:120])
    print('%d fields falsified, %d of them in fields that are declared variable, %d not seen' % (tried, passed - len(bad), len(bad)))
    for line in bad:
        print('FAIL ' + line)
    return 1 if bad else 0


def main():
    arguments = sys.argv[1:]
    mutating = arguments[0] == '--mutate'
    program, status = arguments[mutating:]
    lines = [line.rstrip('\r\n') for line in sys.stdin.buffer.read().decode('utf-8', 'replace').splitlines()]
    symbols = Symbols(program)
    if mutating:
        return mutate(lines, status, symbols, program)
    report = check(lines, status, symbols, program)
    print('\n'.join(report.facts))
    for words in report.errors:
        print('ERROR ' + words, file=sys.stderr)
    return 1 if report.errors else 0


if __name__ == '__main__':
    sys.exit(main())
