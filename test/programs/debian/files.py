import os, stat, tempfile, pathlib, shutil, io, mmap, select
d = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
f = d / "file"
f.write_text("line\n" * 1000)
print(f.stat().st_size, stat.filemode(f.stat().st_mode), sorted(n for n in os.listdir("/etc") if n in ("group", "hosts", "passwd")))
os.symlink("file", d / "link")
os.link(f, d / "hard")
print(os.readlink(d / "link"), f.stat().st_nlink, (d / "link").resolve() == f)
with open(f, "r+b") as h:
    m = mmap.mmap(h.fileno(), 0)
    m[:4] = b"LINE"
    m.flush()
print(f.read_text()[:9].split())
os.truncate(f, 10)
print(f.read_bytes(), sorted(p.name for p in d.iterdir()))
r, w = os.pipe()
print(select.select([r], [w], [], 0)[1] == [w])
os.write(w, b"x")
print(select.select([r], [], [], 0)[0] == [r], os.read(r, 5))
for path in ("/nowhere", "/etc", str(f / "x")):
    try:
        open(path)
    except OSError as e:
        print(type(e).__name__, e.errno)
shutil.rmtree(d)
print(d.exists(), os.cpu_count() >= 1, os.getpid() > 0, os.isatty(0))
