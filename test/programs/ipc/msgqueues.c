/* SPDX-License-Identifier: MIT */
/* System V message queues: types, order, room, waiting, removal, rights; and the ids of IPC objects. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "asleep.h"
#include "children.h"
#include "result.h"

#include <grp.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call) result(#call, call)
#define KEY       0x6f75
#ifndef MSG_COPY /* musl */
#define MSG_COPY 040000
#endif

static volatile int arrived;

static int queue;

static int put(long type, const char *text)
{
    struct {
        long type;
        char text[9000];
    } m = {.type = type};
    strcpy(m.text, text);
    return msgsnd(queue, &m, strlen(text) + 1, IPC_NOWAIT);
}

static void take(const char *what, long type, size_t size, int flags)
{
    struct {
        long type;
        char text[200];
    } m = {.type = -1};
    ssize_t n = msgrcv(queue, &m, size, type, flags);
    if (n < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %zd bytes, type %ld, %.*s\n", what, n, m.type, (int)n, m.text);
}

static void queue_state(const char *what)
{
    struct msqid_ds ds;
    if (msgctl(queue, IPC_STAT, &ds) < 0) {
        printf("%s: %s\n", what, strerror(errno));
        return;
    }
    printf("%s: %lu messages, %lu bytes of %lu, mode %o, pids %s %s\n", what,
           (unsigned long)ds.msg_qnum, (unsigned long)ds.__msg_cbytes, (unsigned long)ds.msg_qbytes,
           ds.msg_perm.mode,
           ds.msg_lspid == getpid() ? "own"
           : ds.msg_lspid           ? "another"
                                    : "0",
           ds.msg_lrpid == getpid() ? "own"
           : ds.msg_lrpid           ? "another"
                                    : "0");
}

static void *receives(void *type)
{
    struct {
        long type;
        char text[20];
    } m;
    goes_to_sleep();
    ssize_t n = msgrcv(queue, &m, sizeof m.text, (long)(intptr_t)type, 0);
    if (n < 0)
        arrived = errno;
    else
        arrived += (int)m.type;
    return NULL;
}

static void *sends(void *unused)
{
    static struct {
        long type;
        char text[8000];
    } m = {.type = 77};
    goes_to_sleep();
    arrived = msgsnd(queue, &m, sizeof m.text, 0) == 0 ? 1 : errno;
    return unused;
}

static void msg_user(void)
{
    become_user();
    TRY(put(1, "no"));
    take("user", 0, 100, IPC_NOWAIT);
    struct msqid_ds ds;
    TRY(msgctl(queue, IPC_STAT, &ds));
    TRY(msgctl(queue, IPC_RMID, NULL));
}

static void blocking(void)
{
    pthread_t t;
    arrived = 0;
    pthread_create(&t, NULL, receives, (void *)5);
    wait_until_asleep();
    put(4, "four");
    nap(20);
    printf("arrived %d\n", arrived);
    put(5, "five");
    pthread_join(t, NULL);
    printf("arrived %d\n", arrived);
    pthread_create(&t, NULL, receives, (void *)-2);
    wait_until_asleep();
    put(2, "much longer than the receiver takes");
    pthread_join(t, NULL);
    printf("E2BIG %d\n", arrived == E2BIG);
    queue_state("kept");
}

static void full(void)
{
    pthread_t t;
    static char big[8192];
    memset(big, 'b', sizeof big - 1);
    while (put(9, big) == 0)
        ;
    printf("full: %s\n", strerror(errno));
    arrived = 0;
    pthread_create(&t, NULL, sends, NULL);
    wait_until_asleep();
    printf("arrived %d\n", arrived);
    take("one of them", 9, 1, MSG_NOERROR);
    pthread_join(t, NULL);
    printf("arrived %d\n", arrived);
    pthread_create(&t, NULL, sends, NULL);
    wait_until_asleep();
    TRY(msgctl(queue, IPC_RMID, NULL));
    pthread_join(t, NULL);
    printf("EIDRM %d\n", arrived == EIDRM);
    take("removed", 0, 1, 0);
}

static void messages(void)
{
    struct msqid_ds ds;
    struct msginfo info;
    TRY(msgget(KEY, 0));
    queue = msgget(KEY, IPC_CREAT | 0620);
    printf("id %d\n", queue);
    queue_state("new");
    TRY(put(0, "no"));
    TRY(put(-1, "no"));
    TRY(msgsnd(queue, (void *)8, 1, 0));
    TRY(msgsnd(queue, &ds, 8193, 0));
    TRY(msgsnd(-1, &ds, 1, 0));
    for (long i = 1; i <= 5; i++) {
        char text[20];
        snprintf(text, sizeof text, "message %ld", i);
        put(6 - i, text);
    }
    put(3, "another 3");
    queue_state("six");
    take("copy of the third", 2, 100, IPC_NOWAIT | MSG_COPY);
    take("copy of none", 20, 100, IPC_NOWAIT | MSG_COPY);
    take("copy, waiting", 2, 100, MSG_COPY);
    take("too small", 0, 3, IPC_NOWAIT);
    take("cut", 0, 3, IPC_NOWAIT | MSG_NOERROR);
    take("of type 3", 3, 100, 0);
    take("at most 4", -4, 100, 0);
    take("all but 3", 3, 100, MSG_EXCEPT);
    take("of type 99", 99, 100, IPC_NOWAIT);
    take("all but 3", 3, 100, MSG_EXCEPT | IPC_NOWAIT);
    take("all but 3", 3, 100, MSG_EXCEPT | IPC_NOWAIT);
    take("negative size", 0, (size_t)-1, IPC_NOWAIT);
    queue_state("one left");
    child(msg_user);
    TRY(msgctl(queue, IPC_STAT, &ds));
    ds.msg_qbytes = 12000;
    TRY(msgctl(queue, IPC_SET, &ds));
    queue_state("less room");
    TRY(msgctl(0, IPC_INFO, (void *)&info));
    printf("%d %d %d %d %d %d %d %d\n", info.msgpool, info.msgmap, info.msgmax, info.msgmnb,
           info.msgmni, info.msgssz, info.msgtql, info.msgseg);
    TRY(msgctl(0, MSG_INFO, (void *)&info));
    printf("%d queues, %d messages, %d bytes\n", info.msgpool, info.msgmap, info.msgtql);
    blocking();
    full();
}

/* Ids: in order, each slot in its turn. */
static void ids(void)
{
    int last = -1, ordered = 1, all[200];
    for (int i = 0; i < 200; i++) {
        all[i] = msgget(IPC_PRIVATE, 0600);
        ordered &= all[i] > last || all[i] % 32768 < last % 32768;
        last = all[i];
    }
    truth("200 queues", ordered && last != -1);
    for (int i = 0; i < 200; i++)
        msgctl(all[i], IPC_RMID, NULL);
    int one = msgget(IPC_PRIVATE, 0600);
    truth("another", one != last && one >= 0);
    msgctl(one, IPC_RMID, NULL);
    TRY(msgctl(last, IPC_RMID, NULL));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    messages();
    ids();
    return 0;
}
