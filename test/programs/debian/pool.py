import multiprocessing
import os


def square(x):
    return x * x


if __name__ == "__main__":
    with multiprocessing.Pool(4) as pool:
        print(pool.map(square, range(20)))
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, b"from the child")
        os._exit(5)
    print(os.read(reader, 100), os.wait()[1])
