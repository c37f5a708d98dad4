import threading, queue, time, concurrent.futures
q, out = queue.Queue(), []
def work():
    while (item := q.get()) is not None:
        out.append(item * item)
threads = [threading.Thread(target=work, name=f"worker-{i}") for i in range(8)]
for t in threads:
    t.start()
for i in range(500):
    q.put(i)
for t in threads:
    q.put(None)
for t in threads:
    t.join()
print(len(out), sum(out), threading.active_count())
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(list(pool.map(lambda x: x ** 3, range(10))))
e = threading.Event()
threading.Timer(0.05, e.set).start()
print(e.wait(5), e.wait(0))
lock, count = threading.Lock(), 0
def add():
    global count
    for _ in range(2000):
        with lock:
            count += 1
threads = [threading.Thread(target=add) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(count)
