# SPDX-License-Identifier: MIT
"""The explorer over HTTP: what its page asks for, compared with what must be true; hostile clients; five back ends; Linux."""
import http.client
import os
import pty
import signal
import socket
import subprocess
import sys
import tempfile
import time

from machine import Machine, check, equal, finish, on_linux

PAGE = 4096
BACK_ENDS = ['recursive', 'physmap', 'offset', 'identity', 'temporary']


def leaf(walk):
    return walk['levels'][-1]


def words(walk):
    return leaf(walk)['words'].split()


def check_files(m):
    for path, kind, part in [('/', 'text/html', b'<main>'), ('/style.css', 'text/css', b':root'),
                             ('/main.js', 'text/javascript', b'import'), ('/icon.svg', 'image/svg+xml', b'<svg')]:
        status, headers, content = m.ask('GET', path)
        equal((status, headers['Content-Type'].split(';')[0]), (200, kind), path)
        check(part in content and len(content) == int(headers['Content-Length']), f'{path}: its content')
        check("default-src 'self'" in headers['Content-Security-Policy'], f'{path}: no policy')
        status, headers, content = m.ask('HEAD', path)
        equal((status, content), (200, b''), f'HEAD {path}')
    for method, path, headers, wanted in [
            ('GET', '/none', {}, 404), ('GET', '/../etc/passwd', {}, 404), ('GET', '/api/none', {}, 404),
            ('POST', '/api/scratch?do=map', {}, 403), ('POST', '/api/walk', {'X-Explorer': '1'}, 405),
            ('POST', '/', {'X-Explorer': '1'}, 405), ('PUT', '/', {}, 405),
            ('GET', '/', {'Transfer-Encoding': 'chunked'}, 501), ('GET', '/', {'Content-Length': '2000'}, 413),
            ('GET', '/', {'X-Long': 'x' * 9000}, 431)]:
        try:
            status = m.ask(method, path, headers)[0]
        except (ConnectionError, http.client.HTTPException):
            status = 431 if wanted == 431 else 0  # the rest of what was sent met a closed connection
        equal(status, wanted, f'{method} {path} {str(headers)[:40]}')
    equal(m.get('/api/scratch?do=map')['mapped'], False, 'GET does what only POST may')


def check_areas(m):
    machine, areas = m.get('/api/machine'), m.get('/api/areas')
    equal((machine['ouro'], machine['pid'], machine['pagetables']), (True, 1, 'recursive'), 'the machine')
    names = {area['name']: area for area in areas}
    for name, rights in [('/explorer', None), ('[stack]', 'rw-p'), ('[vdso]', 'r-xp'), ('kernel code', 'r-x'), ('kernel heap', 'rw-')]:
        check(name in names and rights in (None, names[name]['rights']), f'no area {name} {rights}')
    windows = [area for area in areas if area['kind'] == 'window']
    equal(sorted(int(area['start'], 16) for area in windows),
          sorted(int(machine[key], 16) for key in ('window', 'kernel_window')), 'the windows')
    inside = [area for area in areas if int(area['start'], 16) <= int(machine['code'], 16) < int(area['end'], 16)]
    equal([area['rights'] for area in inside], ['r-xp'], 'the area of its own code')
    check('refused' in m.walk(0x800000000000), 'a walk of an address that is not canonical')
    for bad in ['start=0x1&count=1', 'start=0&count=0', 'start=0&count=16385', 'start=0x7fffffffe000&count=9',
                'start=0xfffffffffffff000&count=2', 'start=&count=', '']:
        check('refused' in m.get(f'/api/pages?{bad}'), f'pages {bad}')


def check_walk(m, address):
    """Each level leads to the next, and each entry is where the window shows it."""
    walk = m.walk(address)
    window = int(m.get('/api/machine')['window'], 16)
    entry_at = address
    places = {}
    for level in (1, 2, 3, 4):
        entry_at = window | ((entry_at & 0xffffffffffff) >> 12 << 3)
        places[level] = entry_at
    for row in walk['levels']:
        equal(row['index'], address >> (12 + 9 * (row['level'] - 1)) & 511, 'an index')
        equal(int(row['at'], 16), places[row['level']], 'the place of an entry')
        present = int(row['present'][row['index'] // 4], 16) >> row['index'] % 4 & 1
        equal(present, int(row['entry'], 16) & 1, 'the map of the table')
    for upper, lower in zip(walk['levels'], walk['levels'][1:]):
        equal(int(lower['table'], 16), int(upper['entry'], 16) & 0xffffffffff000, 'the next table')
    return walk


def check_scratch(m):
    state = m.get('/api/scratch')
    start, page = int(state['start'], 16), 2
    at = start + page * PAGE

    def act(what):
        return m.post(f'/api/scratch?do={what}&page={page}')['said']

    walk = check_walk(m, at)
    equal((walk['physical'], words(walk)), (None, ['empty']), 'before it is mapped')
    check('MAPERR' in act('touch'), 'touching what is not mapped')
    check('16 pages' in act('map'), 'map')
    equal(m.walk(at)['physical'], None, 'mapped and not touched')
    before = m.get('/api/counters')
    act('touch')
    walk = check_walk(m, at)
    zero = walk['physical']
    check({'present', 'accessed', 'copy-on-write', 'NX'} <= set(words(walk)), f'touched: {words(walk)}')
    equal((walk['rights'], walk['leaf_level'], walk['page_size']), ('r--', 1, PAGE), 'touched')
    act('dirty')
    walk = check_walk(m, at)
    check({'present', 'writable', 'accessed', 'dirty', 'NX'} <= set(words(walk)) and 'copy-on-write' not in words(walk), f'dirty: {words(walk)}')
    check(walk['rights'] == 'rw-' and walk['physical'] not in (None, zero), 'dirty: not a frame of its own')
    sv39 = walk['sv39']
    equal((sv39['canonical'], [row['flags'] for row in sv39['levels']]), (True, ['-------V', '-------V', 'DA---WRV']), 'Sv39')
    equal(int(sv39['levels'][-1]['entry'], 16) >> 10 << 12, int(walk['physical'], 16), "Sv39's frame")
    act('protect')
    equal((m.walk(at)['rights'], m.walk(at)['physical']), ('r--', walk['physical']), 'protected')
    check('ACCERR' in act('dirty'), 'writing what is protected')
    act('open')
    equal(m.walk(at)['rights'], 'rw-', 'unprotected')
    after = m.get('/api/counters')
    for kind, least in [('zero', 1), ('copied', 1)]:
        check(after['faults'][kind] - before['faults'][kind] >= least, f'faults: {kind}')
    check(after['flushes']['page'] > before['flushes']['page'], 'mprotect flushed nothing')
    check_looks(m, start)
    act('unmap')
    equal(m.walk(at)['physical'], None, 'unmapped')
    check('MAPERR' in act('dirty'), 'writing what is unmapped')


def check_looks(m, start):
    """Accessed and dirty since the last look, page by page."""
    def look():
        digits = m.post(f'/api/pages?start={start:#x}&count=16')
        check(digits['cleared'], 'a look clears nothing')
        return [int(digit, 16) for digit in digits['pages'][::2]]

    look()
    equal([bits & 6 for bits in look()], [0] * 16, 'a second look')
    m.post('/api/scratch?do=touch&page=3')
    m.post('/api/scratch?do=dirty&page=5')
    m.post('/api/scratch?do=touch&page=2')
    equal([(page, bits & 6) for page, bits in enumerate(look()) if bits & 6], [(2, 2), (3, 2), (5, 6)], 'touched since the last look')


def check_crash(m):
    m.post('/api/crash')
    deadline = time.monotonic() + 15
    while (state := m.get('/api/crash'))['running'] and time.monotonic() < deadline:
        time.sleep(0.05)
    equal((state['running'], state['ended']), (False, 'Segmentation fault'), 'the child')
    for part in ['==== CRASH: stack overflow', 'guard below the stack', 'hint    descend called itself']:
        check(part in state['report'], f'the report lacks {part!r}')
    return state


def check_hostile(m):
    """Clients that stop in the middle leave others served."""
    def quick(what):
        start = time.monotonic()
        equal(m.ask('GET', '/api/counters')[0], 200, f'beside {what}')
        check(time.monotonic() - start < 3, f'slow beside {what}')

    halves = []
    for i in range(100):
        s = socket.create_connection(('127.0.0.1', m.port), timeout=10)
        s.sendall([b'', b'G', b'GET / HTTP/1.1\r\n', b'GET / HTTP/1.1\r\nHost: x\r\nX: '][i % 4])
        halves.append(s)
        time.sleep(0.01)  # QEMU listens with a backlog of 1
        if i % 20 == 19:
            quick(f'{i} half requests')
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(('127.0.0.1', m.port))
    deaf.sendall(b'GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n' * 200)
    quick('a client that reads nothing')
    noise = socket.create_connection(('127.0.0.1', m.port))
    noise.sendall(os.urandom(5000) + b'\r\n\r\n')
    quick('noise')
    for s in halves + [deaf, noise]:
        s.close()
    connection = http.client.HTTPConnection('127.0.0.1', m.port, timeout=10)
    for _ in range(200):  # one connection
        connection.request('GET', '/api/scratch')
        equal(connection.getresponse().read()[:9], b'{"said":"', 'by a connection that stays')
    connection.close()
    piped = socket.create_connection(('127.0.0.1', m.port))
    piped.sendall(b'GET /api/scratch HTTP/1.1\r\nHost: x\r\n\r\n' * 9 + b'GET /api/scratch HTTP/1.0\r\n\r\n')
    got = b''
    while part := piped.recv(65536):
        got += part
    equal(got.count(b'HTTP/1.1 200 OK'), 10, 'requests sent at once')
    piped.close()
    def many():
        for _ in range(100):
            equal(m.ask('GET', '/api/scratch')[0], 200, 'one of many connections')
            time.sleep(0.003)

    many()
    before = m.get('/api/counters')['memory']['free']
    many()
    after = m.get('/api/counters')['memory']['free']
    check(before - after < 1024, f'memory is lost: {before - after} KiB')


def check_swap():
    """Pages on the swap device, and the hands of Clock, which move when memory is short."""
    m = Machine('--swap', '64M')
    m.post('/api/scratch?do=map')
    m.post('/api/scratch?do=dirty&page=3')
    start = m.get('/api/scratch')['start']

    def on_disk():
        digits = m.get(f'/api/pages?start={start}&count=16')['pages']
        return [page for page in range(16) if int(digits[2 * page + 1], 16) & 8]

    equal(on_disk(), [], 'before anything was paged out')
    m.post('/api/scratch?do=out&page=3')
    equal(on_disk(), [3], 'paged out')
    walk = m.walk(int(start, 16) + 3 * PAGE)
    check(walk['physical'] is None and words(walk)[0] == 'swapped' and words(walk)[-1] == 'slot', f'a swapped entry: {words(walk)}')
    swap = m.get('/api/counters')['swap']
    check(swap['out'] >= 1 and swap['evicted'] is not None, f'the counters: {swap}')
    m.post('/api/scratch?do=touch&page=3')
    equal((on_disk(), m.get('/api/counters')['swap']['in'] >= swap['in'] + 1), ([], True), 'it came back')
    m.end()
    m = Machine('--swap', '64M', '-m', '8M')
    places = []
    for _ in range(3):
        check('more than were free' in m.post('/api/scratch?do=press')['said'], 'memory was not used up')
        places.append(m.get('/api/counters')['swap'])
    check(places[2]['evicted'] > places[0]['evicted'] > 0, f'nothing is evicted: {places}')
    check(all(place['front'] > 0 and place['back'] > 0 for place in places), f'the hands are nowhere: {places}')
    check(len({(place['front'], place['back']) for place in places}) > 1, f'the hands do not move: {places}')
    m.end()


def check_back_end(name):
    m = Machine('--pagetables', name)
    machine = m.get('/api/machine')
    equal(machine['pagetables'], name, 'the back end')
    m.post('/api/scratch?do=map')
    m.post('/api/scratch?do=dirty')
    walk = check_walk(m, int(m.get('/api/scratch')['start'], 16))
    check({'writable', 'accessed', 'dirty'} <= set(words(walk)), f'{name}: {words(walk)}')
    equal([way['name'] for way in walk['reach'] if way['active']], [name], 'the active one')
    equal(walk['slot_r'] is None, name != 'recursive', f'{name}: slot R')
    for way in walk['reach']:
        reached = [table['reached'] for table in way['tables']]
        # offset's places are physmap's, and physmap maps the frames of tables too.
        same = way['name'] == name or {way['name'], name} == {'physmap', 'offset'}
        equal(reached, [same and way['name'] != 'temporary'] * 4, f'{way["name"]} under {name}')
    m.end()


def check_linux():
    """The same program on Linux."""
    m = on_linux()
    equal(m.get('/api/machine')['ouro'], False, 'Linux')
    check('not Ouro' in m.walk(0x401000)['refused'], 'Linux: a walk')
    check('not Ouro' in m.get('/api/pages?start=0x401000&count=1')['refused'], 'Linux: pages')
    check(any(area['name'] == '[stack]' for area in m.get('/api/areas')), 'Linux: areas')
    check(m.get('/api/counters')['memory']['total'] > 0, 'Linux: memory')
    m.post('/api/scratch?do=map')
    check('was written' in m.post('/api/scratch?do=dirty')['said'], 'Linux: scratch')
    check('MAPERR' not in m.post('/api/scratch?do=protect')['said'] and 'ACCERR' in m.post('/api/scratch?do=dirty')['said'], 'Linux: protect')
    m.post('/api/crash')
    while (state := m.get('/api/crash'))['running']:
        time.sleep(0.05)
    equal((state['ended'], state['report']), ('Segmentation fault', ''), 'Linux: the child')
    m.end()


def check_tool():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        s.listen()
        taken = s.getsockname()[1]
        for arguments, part in [(['--port', str(taken)], 'is taken'), (['hello'], 'a program of its own'), (['--port', '80:80'], 'IPv4 address')]:
            done = subprocess.run([os.environ['OURO'], 'explore', *arguments], capture_output=True, text=True, timeout=30)
            check(done.returncode == 125 and part in done.stderr and done.stdout == '', f'explore {arguments}: {done.returncode} {done.stderr}')


def check_desktop():
    """On a desktop's terminal the page is opened; Ctrl-C typed there ends it."""
    folder = tempfile.mkdtemp(prefix='ouro-explorer-')
    opened = f'{folder}/opened'
    with open(f'{folder}/xdg-open', 'w') as script:
        script.write(f'#!/bin/sh\necho "$1" >{opened}.new; mv {opened}.new {opened}\n')
    os.chmod(f'{folder}/xdg-open', 0o755)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(PATH=f'{folder}:{os.environ["PATH"]}', DISPLAY=':9')
        os.execv(os.environ['OURO'], ['ouro', 'explore'])
    deadline = time.monotonic() + 40
    while not os.path.exists(opened) and time.monotonic() < deadline:
        time.sleep(0.1)
    url = open(opened).read().strip() if os.path.exists(opened) else None
    text = os.read(terminal, 65536).decode()
    check(url is not None and f'open {url}' in text, f'opened {url!r}: {text!r}')
    os.write(terminal, b'\x03')
    status = os.waitpid(pid, 0)[1]
    check(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, f'Ctrl-C on the terminal: {status}')
    for name in os.listdir(folder):
        os.unlink(f'{folder}/{name}')
    os.rmdir(folder)


def main():
    m = Machine()
    check_files(m)
    check_areas(m)
    check_walk(m, int(m.get('/api/machine')['code'], 16))
    check_walk(m, 0xffffffff80123000)
    check_scratch(m)
    first, second = check_crash(m), check_crash(m)
    check(second['runs'] == first['runs'] + 1 and first['report'] != second['report'], 'a second child')
    check_hostile(m)
    m.end()
    for name in BACK_ENDS:
        check_back_end(name)
    check_swap()
    check_linux()
    check_tool()
    check_desktop()
    finish()


if __name__ == '__main__':
    sys.exit(main())
