/* SPDX-License-Identifier: MIT */
/* POSIX message queues: names, attributes, rights, priorities, waiting and time-outs, mq_notify(3), poll(2), limits. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "asleep.h"
#include "children.h"
#include "result.h"

#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRY(call) result(#call, call)
#define NAME      "/ouro-test"

static mqd_t q;

/* The calls themselves: the libraries check arguments, too. */
static long open_queue(const char *name, int flags, mode_t mode, const struct mq_attr *attr)
{
    return syscall(SYS_mq_open, name, flags, mode, attr);
}

static long send_until(mqd_t to, const char *text, unsigned priority, const struct timespec *until)
{
    return syscall(SYS_mq_timedsend, to, text, strlen(text) + 1, priority, until);
}

static struct timespec in_ms(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void receive(const char *what, size_t size, const struct timespec *until)
{
    char text[200];
    unsigned priority = 99;
    long n = syscall(SYS_mq_timedreceive, q, text, size, &priority, until);
    if (n < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld bytes '%s' priority %u\n", what, n, text, priority);
}

static void attributes(const char *what, mqd_t of)
{
    struct mq_attr a;
    memset(&a, 0x55, sizeof a);
    long r = syscall(SYS_mq_getsetattr, of, NULL, &a);
    printf("%s: %ld, flags %lx most %ld size %ld now %ld\n", what, r, a.mq_flags, a.mq_maxmsg,
           a.mq_msgsize, a.mq_curmsgs);
}

static void events(const char *what)
{
    struct pollfd p = {q, POLLIN | POLLOUT, 0};
    int n = poll(&p, 1, 0);
    printf("%s: poll %d events %#x\n", what, n, p.revents);
}

static void state(void)
{
    char text[100] = "";
    struct stat s;
    lseek(q, 0, SEEK_SET);
    ssize_t n = read(q, text, sizeof text - 1);
    fstat(q, &s);
    char *pid = strstr(text, "NOTIFY_PID");
    if (pid)
        *pid = 0;
    printf("%zd %s| mode %o size %ld\n", n, text, s.st_mode, (long)s.st_size);
}

static void names(void)
{
    struct mq_attr a = {.mq_maxmsg = 3, .mq_msgsize = 100};
    static char longest[300];
    TRY(open_queue("ouro-test", O_RDWR, 0, NULL));
    umask(022);
    q = (mqd_t)open_queue("ouro-test", O_RDWR | O_CREAT, 0666, &a);
    printf("opened %d\n", q >= 0);
    TRY(fcntl(q, F_GETFD));
    TRY(open_queue("ouro-test", O_RDWR | O_CREAT | O_EXCL, 0666, &a));
    TRY(open_queue("ouro-test", 3, 0, NULL));
    TRY(open_queue("", O_RDWR | O_CREAT, 0666, &a));
    TRY(open_queue("a/b", O_RDWR | O_CREAT, 0666, &a));
    TRY(open_queue(".", O_RDWR, 0666, &a));
    memset(longest, 'x', 256);
    TRY(open_queue(longest, O_RDWR, 0666, &a));
    TRY(open_queue((void *)8, O_RDWR, 0666, &a));
    TRY(open_queue("y", O_RDWR | O_CREAT, 0666, (void *)8));
    a.mq_maxmsg = 0;
    TRY(open_queue("y", O_RDWR | O_CREAT, 0666, &a));
    a.mq_maxmsg = 3;
    a.mq_msgsize = -1;
    TRY(open_queue("y", O_RDWR | O_CREAT, 0666, &a));
    TRY(mq_unlink("/y"));
    attributes("made", q);
    mqd_t other = (mqd_t)open_queue("y", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL);
    attributes("by default", other);
    close(other);
    TRY(mq_unlink("/y"));
    attributes("no queue", 1);
    attributes("closed", 99);
    state();
}

static void priorities(void)
{
    TRY(send_until(q, "low", 1, NULL));
    TRY(send_until(q, "high", 9, NULL));
    TRY(send_until(q, "high, later", 9, NULL));
    attributes("three", q);
    events("full");
    state();
    struct timespec past = {1, 0}, wrong = {0, -1}, soon = in_ms(30);
    TRY(send_until(q, "late", 1, &past));
    TRY(send_until(q, "late", 1, &soon));
    TRY(send_until(q, "wrong", 1, &wrong));
    TRY(send_until(q, "wrong", 32768, NULL));
    TRY(send_until(1, "wrong", 1, NULL));
    TRY(syscall(SYS_mq_timedsend, q, "x", 101, 1, NULL));
    TRY(syscall(SYS_mq_timedsend, q, (void *)8, 10, 1, NULL));
    receive("too small a buffer", 99, NULL);
    receive("first", 100, NULL);
    receive("second", 100, &past);
    events("one");
    receive("third", 100, NULL);
    events("empty");
    soon = in_ms(30);
    receive("nothing", 100, &soon);
    receive("wrong time", 100, &wrong);
    struct mq_attr a = {.mq_flags = O_NONBLOCK}, old;
    TRY(syscall(SYS_mq_getsetattr, q, &a, &old));
    receive("not waiting", 100, NULL);
    a.mq_flags = O_NONBLOCK | O_APPEND;
    TRY(syscall(SYS_mq_getsetattr, q, &a, NULL));
    attributes("not blocking", q);
    a.mq_flags = 0;
    syscall(SYS_mq_getsetattr, q, &a, NULL);
    TRY(send_until(q, "", 32767, NULL));
    receive("the highest", 100, NULL);
}

static volatile int got;

static void *receives(void *unused)
{
    char text[100];
    goes_to_sleep();
    got = (int)syscall(SYS_mq_timedreceive, q, text, sizeof text, NULL, NULL);
    return unused;
}

static void *sends(void *unused)
{
    goes_to_sleep();
    got = (int)send_until(q, "waited", 1, NULL);
    return unused;
}

static void waits(void)
{
    pthread_t t;
    got = -2;
    pthread_create(&t, NULL, receives, NULL);
    wait_until_asleep();
    printf("got %d\n", got);
    send_until(q, "for it", 0, NULL);
    pthread_join(t, NULL);
    printf("got %d\n", got);
    for (int i = 0; i < 3; i++)
        send_until(q, "fill", 5, NULL);
    got = -2;
    pthread_create(&t, NULL, sends, NULL);
    wait_until_asleep();
    printf("sent %d\n", got);
    receive("room", 100, NULL);
    pthread_join(t, NULL);
    printf("sent %d\n", got);
    for (int i = 0; i < 3; i++)
        receive("rest", 100, NULL);
}

static void next_signal(const char *what)
{
    sigset_t set;
    siginfo_t info;
    struct timespec none = {0, 0};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    int n = sigtimedwait(&set, &info, &none);
    if (n < 0)
        printf("%s: no signal\n", what);
    else
        printf("%s: signal %d code %d value %d from %s\n", what, n, info.si_code,
               info.si_value.sival_int, info.si_pid == getpid() ? "itself" : "another");
}

static long ask(int how, int signal, int value)
{
    struct sigevent e = {
        .sigev_notify = how, .sigev_signo = signal, .sigev_value.sival_int = value};
    return syscall(SYS_mq_notify, q, &e);
}

static void second_asks(void)
{
    TRY(ask(SIGEV_SIGNAL, SIGUSR1, 8));
    TRY(syscall(SYS_mq_notify, q, NULL));
    send_until(q, "from a child", 1, NULL);
}

static void asks_and_ends(void)
{
    TRY(ask(SIGEV_SIGNAL, SIGUSR1, 8));
}

static void notification(void)
{
    sigset_t set;
    pthread_t t;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    TRY(ask(7, SIGUSR1, 1));
    TRY(ask(SIGEV_SIGNAL, 65, 1));
    TRY(ask(SIGEV_SIGNAL, SIGUSR1, 7));
    TRY(ask(SIGEV_SIGNAL, SIGUSR1, 7));
    state();
    child(second_asks);
    next_signal("a message");
    send_until(q, "second", 1, NULL);
    next_signal("not empty");
    receive("one", 100, NULL);
    receive("two", 100, NULL);
    TRY(ask(SIGEV_SIGNAL, SIGUSR1, 7));
    pthread_create(&t, NULL, receives, NULL);
    wait_until_asleep();
    send_until(q, "for the receiver", 1, NULL);
    pthread_join(t, NULL);
    next_signal("received by a thread that waited");
    TRY(syscall(SYS_mq_notify, q, NULL));
    send_until(q, "x", 1, NULL);
    next_signal("given up");
    receive("x", 100, NULL);
    TRY(ask(SIGEV_NONE, 0, 0));
    TRY(ask(SIGEV_SIGNAL, SIGUSR1, 7));
    TRY(syscall(SYS_mq_notify, q, NULL));
    child(asks_and_ends);
    TRY(ask(SIGEV_SIGNAL, SIGUSR1, 9));
    TRY(syscall(SYS_mq_notify, q, NULL));
    TRY(syscall(SYS_mq_notify, 1, NULL));
}

static int heard[2];

static void hears(union sigval value)
{
    (void)!write(heard[1], &value.sival_int, sizeof(value.sival_int));
}

/* SIGEV_THREAD: the library waits on a netlink socket, in a thread of its own. */
static void by_thread(void)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 41, .sigev_notify_function = hears};
    int value = 0;
    (void)!pipe(heard);
    result("a thread is told", mq_notify(q, &event));
    result("only one is", mq_notify(q, &event));
    send_until(q, "for the thread", 1, NULL);
    printf("told: %zd", read(heard[0], &value, sizeof(value)));
    printf(" value %d\n", value);
    receive("its message", 100, NULL);
    event.sigev_value.sival_int = 42;
    result("again", mq_notify(q, &event));
    result("not any more", mq_notify(q, NULL));
    send_until(q, "for nobody", 1, NULL);
    receive("its message", 100, NULL);

    /* What libraries leave to the kernel. */
    static char cookie[32] = "cookie";
    struct {
        void *value;
        int signal, how, padding[12];
    } raw = {cookie, heard[0], SIGEV_THREAD, {0}};
    result("a pipe for a socket", syscall(SYS_mq_notify, q, &raw));
    raw.signal = 999;
    result("no descriptor", syscall(SYS_mq_notify, q, &raw));
    raw.signal = socket(AF_NETLINK, SOCK_RAW, 0);
    raw.value = (void *)1;
    result("no cookie", syscall(SYS_mq_notify, q, &raw));
    raw.value = cookie;
    result("a netlink socket", syscall(SYS_mq_notify, q, &raw));
    result("given up", syscall(SYS_mq_notify, q, NULL));
    char got_cookie[40] = "";
    printf("cookie: %zd", recv(raw.signal, got_cookie, sizeof(got_cookie), 0));
    printf(" %s, the last byte %d\n", got_cookie, got_cookie[31]);
    result("once more", syscall(SYS_mq_notify, q, &raw));
    close(raw.signal); /* the queue holds the socket */
    send_until(q, "to a closed socket", 1, NULL);
    receive("its message", 100, NULL);
}

static void as_user(void)
{
    struct mq_attr a = {.mq_maxmsg = 11, .mq_msgsize = 100};
    become_user();
    TRY(open_queue("ouro-test", O_RDWR, 0, NULL));
    TRY(open_queue("ouro-test", O_RDONLY, 0, NULL) >= 0);
    TRY(mq_unlink(NAME));
    TRY(open_queue("mine", O_RDWR | O_CREAT, 0600, &a));
    a.mq_maxmsg = 10;
    a.mq_msgsize = 8193;
    TRY(open_queue("mine", O_RDWR | O_CREAT, 0600, &a));
    a.mq_msgsize = 8192;
    int made = 0;
    char name[20];
    for (; made < 20; made++) {
        snprintf(name, sizeof name, "mine%d", made);
        if (open_queue(name, O_RDWR | O_CREAT, 0600, &a) < 0)
            break;
    }
    printf("made %d: %s\n", made, strerror(errno));
    struct rlimit less = {100000, 819200};
    setrlimit(RLIMIT_MSGQUEUE, &less);
    for (int i = 0; i < made; i++) {
        snprintf(name, sizeof name, "/mine%d", i);
        mq_unlink(name);
    }
}

static void ways(void)
{
    mqd_t reads = (mqd_t)open_queue("ouro-test", O_RDONLY, 0, NULL);
    mqd_t writes = (mqd_t)open_queue("ouro-test", O_WRONLY, 0, NULL);
    TRY(send_until(reads, "x", 1, NULL));
    TRY(send_until(writes, "x", 1, NULL));
    TRY(syscall(SYS_mq_timedreceive, writes, NULL, 100, NULL, NULL));
    TRY(syscall(SYS_mq_timedreceive, reads, (void *)8, 100, NULL, NULL));
    attributes("the message is lost", q);
    char c;
    TRY(read(writes, &c, 1));
    TRY(write(writes, "x", 1));
    close(reads);
    close(writes);
    TRY(mq_unlink(NAME));
    TRY(mq_unlink(NAME));
    TRY(send_until(q, "without a name", 2, NULL));
    receive("works", 100, NULL);
    close(q);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    names();
    priorities();
    waits();
    notification();
    by_thread();
    child(as_user);
    ways();
    return 0;
}
