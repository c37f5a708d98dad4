#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""recipes.py: the recipes of docs/recipes.md, each as it is typed there, with traffic from this computer.

    recipes.py --names     lists them
    recipes.py NAME...     runs some

The lines of a recipe run in bash, in a folder where `./ouro` is a stand-in that puts `--sysroot` before the other
arguments: the packages are unpacked by servers.sh and not installed. All of it has a network namespace of its own, whose
only interface is the loopback, so ports are those of the page, and no packet leaves. Status 77: something is missing.

Environment: OURO (the tool), PACKAGES (the folder of unpacked packages: build/packages), VERBOSE=1.
"""
import concurrent.futures
import ctypes
import fcntl
import glob
import http.client
import http.server
import os
import re
import signal
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PAGE = TOP + "/docs/recipes.md"
FOLDER = os.environ.get("PACKAGES", TOP + "/build/packages")
ROOT = FOLDER + "/servers"
START = 300  # seconds until a server must answer: a hang detector
HOST = "127.0.0.1"
CHECKS = {}
SERVING = []  # servers of this computer


class Bad(Exception):
    pass


def skip(reason):
    print("skip: " + reason)
    sys.exit(77)


def expect(what, found, wanted):
    if found != wanted:
        raise Bad("%s: found %.300r, expected %.300r" % (what, found, wanted))


def recipes():
    """Name -> the lines of its bash block."""
    with open(PAGE) as page:
        found = re.findall(r"^## (\S+)\n(?:(?!## |```).*\n)*```bash\n((?:(?!```).*\n)*)```$", page.read(), re.M)
    return dict(found)


def check(name):
    def add(function):
        CHECKS[name] = function
        return function
    return add


# Programs of the packages on this computer, by their own loader and libraries.

def command(path, *arguments):
    libraries = ROOT + "/usr/lib/x86_64-linux-gnu"
    return [ROOT + "/lib64/ld-linux-x86-64.so.2", "--library-path", libraries, ROOT + path, *arguments]


def output(path, *arguments, **options):
    done = subprocess.run(command(path, *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True, **options)
    if done.returncode != 0:
        raise Bad("%s ended with %d: %.500s" % (path, done.returncode, done.stdout))
    return done.stdout


# The folder in which recipes are typed.

def stand_in(path, text):
    with open(path, "w") as file:
        file.write("#!/bin/bash\n" + text)
    os.chmod(path, 0o755)


def make_folder(folder):
    os.symlink(TOP + "/example", folder + "/example")
    # A pattern of --with is the sysroot's, as it would be this computer's.
    stand_in(folder + "/ouro", r'''set -eu
words=() verb=$1 name='' expanded=()
shift
for word; do
    case $word in
    --with=*[*]*)
        name=${word#--with=}
        expanded=("$ROOT"$name)
        for name in "${expanded[@]}"; do words+=("--with=${name#"$ROOT"}"); done ;;
    *) words+=("$word") ;;
    esac
done
exec "$OURO" "$verb" --sysroot "$ROOT" "${words[@]}"
''')
    os.mkdir(folder + "/bin")
    java = glob.glob(ROOT + "/usr/lib/jvm/java-*-openjdk-amd64")[0][len(ROOT):]
    settings = glob.glob(ROOT + "/etc/java-*-openjdk")[0]
    compiler = ":".join(glob.glob(ROOT + "/usr/share/java/*.jar"))
    os.mkdir(folder + "/java") # whose settings are not links into this computer's /etc
    for name in os.listdir(ROOT + java):
        os.symlink(settings if name == "conf" else ROOT + java + "/" + name, folder + "/java/" + name)
    stand_in(folder + "/bin/javac", 'exec "$ROOT/lib64/ld-linux-x86-64.so.2" --library-path '
             '"$ROOT/usr/lib/x86_64-linux-gnu:$ROOT%s/lib" "$ROOT%s/bin/java" -Djava.home="%s" -cp "%s" '
             'org.eclipse.jdt.internal.compiler.batch.Main -17 -proc:none "$@"\n' % (java, java, folder + "/java", compiler))


class Machine:
    """The recipe's processes."""

    def __init__(self, name, folder):
        environment = dict(os.environ, ROOT=ROOT, OURO=OURO, HOME=folder, GOCACHE=FOLDER + "/go-cache", GO111MODULE="off",
                           PATH=folder + "/bin:" + os.environ["PATH"])
        self.name = name
        self.log = tempfile.TemporaryFile(dir=folder)
        # noglob: the patterns are expanded by the stand-in.
        php = glob.glob(ROOT + "/usr/sbin/php-fpm8.?")
        java = glob.glob(ROOT + "/etc/java-*-openjdk")
        lines = recipes()[name]  # the page has Debian 12's
        for found, names in (php, "php-fpm8.2"), (java, "java-17-openjdk"):
            lines = lines.replace(names, os.path.basename(found[0]) if found else names)
        self.process = subprocess.Popen(["bash", "-euf", "-c", lines], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.process.stdout.close()
        self.process.wait()

    def words(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def ended(self):
        """The standard output of a client."""
        out = self.process.stdout.read().decode(errors="replace")
        if self.process.wait() != 0:
            raise Bad("ended with %d: %s" % (self.process.returncode, out))
        return out

    def ready(self, ask):
        """Waits until ask() does not fail; its answer. A forwarded port takes connections before the server does."""
        end = time.monotonic() + START
        while True:
            try:
                return ask()
            except (OSError, http.client.HTTPException, ssl.SSLError) as error:
                if self.process.poll() is not None:
                    raise Bad("the machine ended with %d" % self.process.returncode) from error
                if time.monotonic() > end:
                    raise Bad("no answer after %d s: %r" % (START, error)) from error
                time.sleep(0.2)


# HTTP.

def get(path="/", port=8080, method="GET", headers=()):
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    connection.request(method, path, headers=dict(headers))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def many(function, times=60, at_once=16):
    """The answers of calls, of which some are made at once."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(function, range(times)))


def kept(port, times=30):
    """One connection, many requests: their bodies."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    for index in range(times):
        connection.request("GET", "/kept/%d" % index)
        expect("a kept connection", connection.getresponse().read(), b"/kept/%d\n" % index)
    connection.close()


def paths_are_answered(machine):
    machine.ready(lambda: get("/first", 8080))
    kept(8080)
    bodies = many(lambda index: get("/many/%d" % index)[1])
    expect("the answers", bodies, [b"/many/%d\n" % index for index in range(60)])


for each in "python-asyncio", "node", "go", "java":
    CHECKS[each] = paths_are_answered


def site(machine, page, server):
    """A static page: whole, in part, its head, and one that is not there."""
    with open(ROOT + page, "rb") as file:
        content = file.read()
    answer, body = machine.ready(get)
    expect("the page", body, content)
    expect("the server", answer.getheader("Server").split("/")[0], server)
    answer, body = get(headers={"Range": "bytes=10-19"})
    expect("a range", (answer.status, body), (206, content[10:20]))
    answer, body = get(method="HEAD")
    expect("the head", (answer.getheader("Content-Length"), body), (str(len(content)), b""))
    expect("no such page", get("/none")[0].status, 404)
    answers = many(lambda _: get())
    expect("the pages", [body for _, body in answers], [content] * len(answers))
    return [answer for answer, _ in answers]


@check("nginx")
def nginx(machine):
    site(machine, "/var/www/html/index.nginx-debian.html", "nginx")


@check("nginx-workers")
def nginx_workers(machine):
    answers = site(machine, "/var/www/html/index.nginx-debian.html", "nginx")
    workers = {answer.getheader("X-Worker") for answer in answers}
    if len(workers) != 4:
        raise Bad("four workers, and %d of them answered" % len(workers))


@check("php-fpm")
def php_fpm(machine):
    def first():
        answer, body = get("/first")
        if answer.status == 502:  # nginx is there before PHP
            raise OSError("no PHP yet")
        return body
    expect("the first", machine.ready(first), b"/first\n")
    answers = many(lambda index: get("/many?n=%d" % index))
    expect("the answers", [body for _, body in answers], [b"/many?n=%d\n" % index for index in range(60)])
    if len({answer.getheader("X-Worker") for answer, _ in answers}) < 2:
        raise Bad("one process of PHP answered all")
    connection = http.client.HTTPConnection(HOST, 8080, timeout=30)
    for index in range(20):
        numbers = "&".join("n%d=%d" % (n, n * index) for n in range(50))
        connection.request("POST", "/", numbers, {"Content-Type": "application/x-www-form-urlencoded"})
        expect("a sum", connection.getresponse().read(), b"%d\n" % (index * 49 * 50 // 2))


@check("lighttpd")
def lighttpd(machine):
    answers = site(machine, "/var/www/html/index.lighttpd.html", "lighttpd")
    expect("the type", answers[0].getheader("Content-Type").split(";")[0], "text/html")


@check("python-http")
def python_http(machine):
    answer, body = machine.ready(lambda: get("/mime.types"))
    with open(ROOT + "/etc/mime.types", "rb") as file:
        expect("the file", body, file.read())
    expect("the list", (get("/")[0].status, b"mime.types" in get("/")[1]), (200, True))
    expect("no such file", get("/none")[0].status, 404)
    expect("many", {len(body) for _, body in many(lambda _: get("/mime.types"), 24, 8)}, {len(body)})


class Paths(http.server.BaseHTTPRequestHandler):
    """A server of this computer: each answer is the path that was asked for, and for whom."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = (self.path + " " + self.headers.get("X-Forwarded-For", "-") + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def finish(self):
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.unwrap()

    def log_message(self, *_):
        pass


def serve(server):
    SERVING.append(server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def stop_serving():
    while SERVING:
        server = SERVING.pop()
        server.shutdown()
        server.server_close()


def web_server(port, certificate=None):
    server = http.server.ThreadingHTTPServer((HOST, port), Paths)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    return serve(server)


@check("haproxy")
def haproxy(machine):
    expect("before there is a server", machine.ready(get)[0].status, 503)
    web_server(8081)
    answers = many(lambda index: get("/many/%d" % index))
    expect("the answers", [body for _, body in answers], [b"/many/%d 10.0.2.2\n" % index for index in range(60)])
    expect("who served", {answer.getheader("X-Served-By") for answer, _ in answers}, {"haproxy"})


# Redis and memcached.

def redis_cli(*words):
    return output("/usr/bin/redis-cli", "-h", HOST, *words)


@check("redis")
def redis(machine):
    def ping():
        try:
            expect("ping", redis_cli("ping"), "PONG\n")
        except Bad as bad:
            raise OSError(str(bad)) from bad
    machine.ready(ping)
    expect("set", redis_cli("set", "key", "a value"), "OK\n")
    expect("get", redis_cli("get", "key"), "a value\n")
    value = "x" * 1000000
    expect("set of 1 MB", output("/usr/bin/redis-cli", "-h", HOST, "-x", "set", "large", input=value), "OK\n")
    expect("get of 1 MB", redis_cli("get", "large"), value + "\n")
    expect("Lua", redis_cli("eval", "return redis.call('incrby', KEYS[1], 41) + 1", "1", "count"), "42\n")
    for words, tests in ((("-n", "400"), 20), (("-n", "4000", "-P", "16"), 20)):
        table = output("/usr/bin/redis-benchmark", "-h", HOST, "-q", "--csv", *words)
        rates = re.findall(r'^"([^"]+)","([0-9.]+)"', table, re.M)
        if len(rates) < tests or any(float(rate) <= 0 for _, rate in rates):
            raise Bad("redis-benchmark %s: %s" % (words, table))
    end = time.monotonic() + 20
    while not re.search("^connected_clients:1$", redis_cli("info", "clients"), re.M):
        if time.monotonic() > end:
            raise Bad("clients are left: " + redis_cli("client", "list"))
        time.sleep(0.2)


class Line:
    """A connection whose answers are lines."""

    def __init__(self, port):
        self.socket = socket.create_connection((HOST, port), timeout=30)
        self.file = self.socket.makefile("rwb")

    def ask(self, words):
        self.file.write(words + b"\r\n")
        self.file.flush()
        line = self.file.readline()
        if not line:
            raise OSError("the connection ended")
        return line.rstrip(b"\r\n")

    def close(self):
        self.file.close()
        self.socket.close()


@check("memcached")
def memcached(machine):
    machine.ready(lambda: Line(11211).ask(b"version"))

    def client(index):
        line = Line(11211)
        for round_ in range(20):
            value = b"%d-%d-" % (index, round_) * 100
            expect("set", line.ask(b"set key%d 0 0 %d\r\n%s" % (index, len(value), value)), b"STORED")
            expect("get", line.ask(b"get key%d" % index), b"VALUE key%d 0 %d" % (index, len(value)))
            expect("the value", (line.file.readline(), line.file.readline()), (value + b"\r\n", b"END\r\n"))
        expect("a number", (line.ask(b"set n%d 0 0 1\r\n9" % index), line.ask(b"incr n%d 33" % index)), (b"STORED", b"42"))
        line.close()
    many(client, 40, 40)
    line = Line(11211)
    statistics = [line.ask(b"stats")]
    while statistics[-1] != b"END":
        statistics.append(line.file.readline().rstrip(b"\r\n"))
    expect("the threads", b"STAT threads 4" in statistics, True)
    expect("the requests", b"STAT cmd_get 800" in statistics, True)


# TLS.

def make_certificates(folder):
    def openssl(*words):
        done = subprocess.run(["openssl", *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            skip("openssl makes no certificate: %s" % done.stdout.decode())
    with open(folder + "/names", "w") as file:
        file.write("subjectAltName=DNS:host.ouro,DNS:localhost\nauthorityKeyIdentifier=keyid\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=the test's authority",
            "-addext", "keyUsage=critical,keyCertSign")  # Python 3.13 asks for it
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=host.ouro")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650", "-extfile", "names",
            "-out", "server.crt")
    with open(folder + "/server.pem", "w") as pem:
        for part in "server.key", "server.crt":
            with open(folder + "/" + part) as file:
                pem.write(file.read())


@check("openssl-server")
def openssl_server(machine):
    context = ssl.create_default_context(cafile=FILES + "/ca.pem")

    def ask():
        with socket.create_connection((HOST, 4433), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secret:
                secret.sendall(b"GET / HTTP/1.0\r\n\r\n")
                page = b""
                while more := secret.recv(65536):
                    page += more
                return secret.version(), page
    version, page = machine.ready(ask)
    expect("the protocol", version, "TLSv1.3")
    expect("the page", (page.startswith(b"HTTP/1.0 200 ok"), b"s_server -www -cert /server.pem" in page), (True, True))
    for _ in range(3):
        ask()


@check("curl")
def curl(machine):
    expect("the answer", machine.ended(), "/path -\n")


@check("openssl-client")
def openssl_client(machine):
    head, _, body = machine.ended().partition("\r\n\r\n")
    expect("the answer", (head.split("\r\n")[0], body), ("HTTP/1.1 200 OK", "/path -\n"))


@check("wget")
def wget(machine):
    expect("the answer", machine.ended(), "/path -\n")


@check("ping")
def ping_host(machine):
    out = machine.ended()
    expect("the answers", len(re.findall(r"^64 bytes from 10\.0\.2\.2: icmp_seq=[123] ttl=\d+ time=", out, re.M)), 3)
    expect("the sum", "3 packets transmitted, 3 received, 0% packet loss" in out, True)


# A name server: www.ouro.test has addresses, and long.ouro.test has a text that UDP does not hold.

LONG = [bytes([97 + index]) * 200 for index in range(10)]


def dns_answer(query, most):
    """The answer to a query of one question."""
    end = query.index(b"\0", 12) + 5
    name = query[13:end - 5]
    kind = struct.unpack(">H", query[end - 4:end - 2])[0]
    records = {(b"www\4ouro\4test", 1): [socket.inet_aton("192.0.2.7")],
               (b"www\4ouro\4test", 28): [socket.inet_pton(socket.AF_INET6, "2001:db8::7")],
               (b"long\4ouro\4test", 16): [bytes([len(text)]) + text for text in LONG]}.get((name, kind), [])
    known = name in (b"www\4ouro\4test", b"long\4ouro\4test")
    head = struct.pack(">HHHHHH", *struct.unpack(">H", query[:2]), 0x8580 if known else 0x8583, 1, len(records), 0, 0)
    body = query[12:end] + b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for data in records)
    if len(head + body) > most:  # TC
        head = query[:2] + struct.pack(">HHHHH", 0x8780, 1, 0, 0, 0)
        body = query[12:end]
    return head + body


class DnsDatagram(socketserver.BaseRequestHandler):
    def handle(self):
        query, from_socket = self.request
        from_socket.sendto(dns_answer(query, 512), self.client_address)


class DnsStream(socketserver.StreamRequestHandler):
    def handle(self):
        while len(size := self.rfile.read(2)) == 2:
            answer = dns_answer(self.rfile.read(struct.unpack(">H", size)[0]), 65535)
            self.wfile.write(struct.pack(">H", len(answer)) + answer)


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def name_server(port):
    serve(socketserver.UDPServer((HOST, port), DnsDatagram))
    serve(Threads((HOST, port), DnsStream))


@check("dig")
def dig(machine):
    text = " ".join('"%s"' % text.decode() for text in LONG).replace('" "', '"\n"')
    expect("the answers", machine.ended(), "192.0.2.7\n2001:db8::7\n" + text + "\n")


@check("getaddrinfo")
def getaddrinfo(machine):
    lines = [line.split() for line in machine.ended().splitlines()]
    expect("the addresses", {(line[0], line[1]) for line in lines},
           {("192.0.2.7", kind) for kind in ("STREAM", "DGRAM", "RAW")})


# The namespace.

def interface_up(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", name, 0x1 | 0x40))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def own_namespace(names):
    """Runs this script again, in a namespace."""
    apart = [os.path.dirname(os.path.realpath(__file__)) + "/../programs/apart.py", "--net"]
    tried = subprocess.run([*apart, "true"], stderr=subprocess.PIPE, text=True)
    if tried.returncode != 0:
        skip(tried.stderr.strip())
    os.execv(apart[0], [*apart, sys.executable, os.path.realpath(__file__), "--inside", *names])


def mount_resolver(folder):
    with open(folder + "/resolv.conf", "w") as file:
        file.write("nameserver 127.0.0.1\n")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount((folder + "/resolv.conf").encode(), os.path.realpath("/etc/resolv.conf").encode(), None, 0x1000, None) != 0:  # MS_BIND
        skip("this computer's resolv.conf cannot be another one")


SERVERS = {"curl": lambda: web_server(8443, FILES + "/server.pem"), "openssl-client": lambda: web_server(8443, FILES + "/server.pem"),
           "wget": lambda: web_server(8081), "dig": lambda: name_server(5353), "getaddrinfo": lambda: name_server(53)}


def run(name):
    """True if the recipe does what it should."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="recipe-") as folder:
        global FILES
        FILES = folder
        make_folder(folder)
        if "openssl" in name or name == "curl":
            make_certificates(folder)
        if name == "getaddrinfo":
            mount_resolver(folder)
        SERVERS.get(name, lambda: None)()
        with Machine(name, folder) as machine:
            try:
                CHECKS[name](machine)
                print("ok   %s (%.1f s)" % (name, time.monotonic() - began), flush=True)
                return True
            except (Bad, OSError, http.client.HTTPException, subprocess.TimeoutExpired) as bad:
                print("FAIL %s: %s\n%s" % (name, bad, machine.words()[-2000:]), flush=True)
                return False
            finally:
                stop_serving()
                if os.environ.get("VERBOSE"):
                    print(machine.words())


def main(words):
    if words == ["--names"]:
        print("\n".join(recipes()))
        return 0
    global OURO
    OURO = os.path.abspath(os.environ.get("OURO", TOP + "/ouro"))
    inside = words[:1] == ["--inside"]
    names = words[1:] if inside else words
    if set(recipes()) != set(CHECKS):
        print("recipes without a check, or checks without a recipe: %s" % sorted(set(recipes()) ^ set(CHECKS)))
        return 1
    if not names or set(names) - set(CHECKS):
        print(__doc__)
        return 1
    if not inside:
        if "go" in names and subprocess.run(["which", "go"], stdout=subprocess.DEVNULL).returncode != 0:
            skip("no go here")
        done = subprocess.run([TOP + "/test/packages/servers.sh", ROOT], stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
        if done.returncode == 77:
            skip(done.stdout.strip().splitlines()[-1].removeprefix("skip: "))
        if done.returncode != 0:
            print(done.stdout)
            return 1
        own_namespace(names)
    interface_up(b"lo")
    return 0 if all([run(name) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
