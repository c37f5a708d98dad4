# SPDX-License-Identifier: MIT
"""Shared by the tests of the explorer: starts `ouro explore`, asks its page's server, counts failures."""
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

failures = 0


def check(right, what):
    """Counts a failure unless `right`."""
    global failures
    if not right:
        failures += 1
        print(f'FAIL: {what}', flush=True)
    return right


def equal(got, wanted, what):
    return check(got == wanted, f'{what}: {got!r} instead of {wanted!r}')


def finish():
    print(f'{failures} failed' if failures else 'passed')
    sys.exit(1 if failures else 0)


class Machine:
    """`ouro explore ARGUMENTS`, or another server that prints `open http://...` when it answers."""

    def __init__(self, *arguments, command=None):
        self.temp = tempfile.mkdtemp(prefix='ouro-explorer-')
        environment = dict(os.environ, TMPDIR=self.temp)
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command or [os.environ['OURO'], 'explore', *arguments], stdout=subprocess.PIPE,
                                        stderr=self.errors, stdin=subprocess.DEVNULL, env=environment,
                                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        readable, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline().decode() if readable else ''
        if not line.startswith('open http://localhost:'):
            self.process.kill()
            self.errors.seek(0)
            sys.exit(f'FAIL: no address came from {arguments}: {line!r}\n{self.errors.read().decode(errors="replace")[-2000:]}')
        self.url = line.split()[1]
        self.port = int(self.url.rsplit(':', 1)[1])
        self.connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=15)

    def ask(self, method, path, headers=None, body=None):
        """Status, headers and bytes of one request on a connection of its own."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=15)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def json(self, method, path):
        """By a connection that stays; a new one where the server has ended it."""
        for last in (False, True):
            try:
                self.connection.request(method, path, headers={'X-Explorer': '1'} if method == 'POST' else {})
                answer = self.connection.getresponse()
                content = answer.read()
                break
            except (ConnectionError, http.client.HTTPException):
                self.connection.close()
                if last:
                    raise
        equal(answer.status, 200, f'{method} {path}')
        return json.loads(content)

    def get(self, path):
        return self.json('GET', path)

    def post(self, path):
        return self.json('POST', path)

    def walk(self, address):
        return self.get(f'/api/walk?address={address:#x}')

    def end(self, wanted=-signal.SIGINT):
        """Ctrl-C: the status, and nothing is left behind."""
        self.connection.close()
        self.process.send_signal(signal.SIGINT)
        equal(self.process.wait(20), wanted, 'status after Ctrl-C')
        for _ in range(50):
            if not os.listdir(self.temp):
                break
            time.sleep(0.1)
        equal(os.listdir(self.temp), [], 'files left behind')
        os.rmdir(self.temp)


def on_linux():
    """The same program on this computer; an `ouro explore` before has compiled it."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    return Machine(command=[f'{os.environ["BUILD"]}/demo/explorer', str(port), f'{os.environ["SOURCE"]}/example/explorer/page'])
