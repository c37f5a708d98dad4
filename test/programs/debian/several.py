import multiprocessing as mp, os, signal, subprocess, sys
from multiprocessing import shared_memory


def square(n):
    return n * n


def put(queue, n):
    queue.put((n, os.getppid() != 0))


def add(name, lock, times):
    memory = shared_memory.SharedMemory(name)
    for _ in range(times):
        with lock:
            memory.buf[0] = memory.buf[0] + 1
    memory.close()


def main():
    for method in 'fork', 'spawn', 'forkserver':
        context = mp.get_context(method)
        with context.Pool(3) as pool:
            print(method, sum(pool.map(square, range(100))), pool.apply_async(square, (7,)).get())
    mp.set_start_method('fork')
    queue = mp.Queue()
    processes = [mp.Process(target=put, args=(queue, n)) for n in range(5)]
    for p in processes:
        p.start()
    print(sorted(queue.get() for _ in processes))
    for p in processes:
        p.join()
    print([p.exitcode for p in processes])
    memory = shared_memory.SharedMemory(create=True, size=4096)
    lock = mp.Lock()
    processes = [mp.Process(target=add, args=(memory.name, lock, 30)) for _ in range(4)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    print('counted', memory.buf[0])
    memory.close()
    memory.unlink()
    with mp.Manager() as manager:
        d = manager.dict()
        p = mp.Process(target=d.update, args=({'a': 1},))
        p.start()
        p.join()
        print(dict(d))
    p = mp.Process(target=signal.pause)
    p.start()
    p.terminate()
    p.join()
    print('terminated', p.exitcode)
    subprocess._USE_POSIX_SPAWN = subprocess._USE_VFORK = False
    for preexec in None, os.setsid:
        out = subprocess.run(['/bin/cat'], input=b'through cat', stdout=subprocess.PIPE, preexec_fn=preexec)
        print(out.stdout, out.returncode)
    print(subprocess.run('exit 3', shell=True).returncode)
    sys.stdout.flush()
    if os.fork() == 0:
        os._exit(5)
    print(os.waitstatus_to_exitcode(os.wait()[1]))


if __name__ == '__main__':
    main()
