/* SPDX-License-Identifier: MIT */
/* Objects of System V IPC, POSIX message queues and descriptors of processes: crowds and what is done beside them
 * (growth.c). Member i of System V has the key i + 1. */
#pragma once

#include "operations.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static long objects;

static bool add_object(long i)
{
    key_t key = (key_t)i + 1;
    objects = i + 1;
    return shmget(key, PAGE, IPC_CREAT | 0600) >= 0 && semget(key, 1, IPC_CREAT | 0600) >= 0 &&
           msgget(key, IPC_CREAT | 0600) >= 0;
}

static void end_objects(void)
{
    for (key_t key = 1; key <= objects; key++) {
        shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
        semctl(semget(key, 0, 0), 0, IPC_RMID);
        msgctl(msgget(key, 0), IPC_RMID, NULL);
    }
    objects = 0;
}

static bool do_shm_attach(long n, long rounds)
{
    for (long i = 0; i < rounds; i++) {
        volatile char *at = shmat(shmget((key_t)pick(n) + 1, 0, 0), NULL, 0);
        if (at == (void *)-1)
            return false;
        *at = 1;
        shmdt((void *)at);
    }
    return true;
}

static bool do_sem_op(long n, long rounds)
{
    struct sembuf up = {0, 1, SEM_UNDO}, down = {0, -1, SEM_UNDO};
    for (long i = 0; i < rounds; i++) {
        int id = semget((key_t)pick(n) + 1, 0, 0);
        if (semop(id, &up, 1) != 0 || semop(id, &down, 1) != 0)
            return false;
    }
    return true;
}

static bool do_msg_turn(long n, long rounds)
{
    struct {
        long type;
        char text[8];
    } message = {1, "message"};
    for (long i = 0; i < rounds; i++) {
        int id = msgget((key_t)pick(n) + 1, 0);
        if (msgsnd(id, &message, sizeof message.text, 0) != 0 ||
            msgrcv(id, &message, sizeof message.text, 0, 0) != sizeof message.text)
            return false;
    }
    return true;
}

static const char *queue_name(long i)
{
    static char name[32];
    snprintf(name, sizeof name, "/growth%ld", i);
    return name;
}

static bool add_queue(long i)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    objects = i + 1;
    return keep_fd(mq_open(queue_name(i), O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes));
}

static void end_queues(void)
{
    end_fds();
    while (objects > 0)
        mq_unlink(queue_name(--objects));
}

static bool do_queue_turn(long n, long rounds)
{
    char text[8];
    for (long i = 0; i < rounds; i++) {
        mqd_t queue = mq_open(queue_name(pick(n)), O_RDWR);
        bool good = queue >= 0 && mq_send(queue, "message", 8, 0) == 0 &&
                    mq_receive(queue, text, sizeof text, NULL) == 8;
        mq_close(queue);
        if (!good)
            return false;
    }
    return true;
}

static bool add_pidfd(long i)
{
    (void)i;
    return keep_fd((int)syscall(SYS_pidfd_open, getpid(), 0));
}

/* Another one, which is asked whether the process has ended, and by which it gets a signal that does nothing. */
static bool do_pidfd_use(long n, long rounds)
{
    (void)n;
    for (long i = 0; i < rounds; i++) {
        struct pollfd end = {(int)syscall(SYS_pidfd_open, getpid(), 0), POLLIN, 0};
        bool good = end.fd >= 0 && poll(&end, 1, 0) == 0 &&
                    syscall(SYS_pidfd_send_signal, end.fd, SIGURG, NULL, 0) == 0;
        close(end.fd);
        if (!good)
            return false;
    }
    return true;
}
