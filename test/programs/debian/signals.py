import signal, time, os
seen = []
signal.signal(signal.SIGALRM, lambda n, f: seen.append(n))
signal.setitimer(signal.ITIMER_REAL, 0.05)
start = time.monotonic()
while not seen and time.monotonic() - start < 5:
    time.sleep(0.01)
print(seen == [signal.SIGALRM])
signal.signal(signal.SIGUSR1, lambda n, f: print("usr1"))
os.kill(os.getpid(), signal.SIGUSR1)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigpending() == {signal.SIGUSR2}, signal.sigwait([signal.SIGUSR2]) == signal.SIGUSR2)
os.kill(os.getpid(), signal.SIGTERM)
