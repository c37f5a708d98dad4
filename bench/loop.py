# Calls, lists, dictionaries, strings, floating point; no modules but those of the interpreter's start.
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


numbers = sorted((i * 7919) % 100003 for i in range(50000))
table = {}
for number in numbers:
    table[number % 997] = table.get(number % 997, 0) + number**0.5
text = ",".join("%d:%s" % (i, i * 3) for i in range(10000))
print(fib(19), len(text), int(sum(table.values())))
print("loop.py ends")
