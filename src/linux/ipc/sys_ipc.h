/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory, semaphores and message queues (svipc(7)), POSIX message queues (mq_overview(7)), and
 * process_vm_readv(2), process_madvise(2). Calls
 * and commands are O(1) in the number of objects; a semaphore operation is O(its operations + the waiters that it
 * wakes or that need more than there is), msgrcv(2) of a type O(messages before it).
 */
#pragma once

#include "fs/vfs/text.h"
#include "linux/abi/call.h"

enum err sys_shmget(struct syscall *call);
enum err sys_shmat(struct syscall *call);
enum err sys_shmdt(struct syscall *call);
enum err sys_shmctl(struct syscall *call);
enum err sys_semget(struct syscall *call);
enum err sys_semop(struct syscall *call);
enum err sys_semtimedop(struct syscall *call);
enum err sys_semctl(struct syscall *call);
enum err sys_msgget(struct syscall *call);
enum err sys_msgsnd(struct syscall *call);
enum err sys_msgrcv(struct syscall *call);
enum err sys_msgctl(struct syscall *call);
enum err sys_process_vm_readv(struct syscall *call);
enum err sys_process_vm_writev(struct syscall *call);
enum err sys_process_madvise(struct syscall *call);
enum err sys_mq_open(struct syscall *call);
enum err sys_mq_unlink(struct syscall *call);
enum err sys_mq_timedsend(struct syscall *call);
enum err sys_mq_timedreceive(struct syscall *call);
enum err sys_mq_notify(struct syscall *call);
enum err sys_mq_getsetattr(struct syscall *call);

/* The context of ipc_show_table() for the files of /proc/sysvipc. */
extern struct ipc_table ipc_shm_table, ipc_sem_table, ipc_msg_table;
/* /proc/sys/kernel and /proc/sys/fs/mqueue. */
extern uint64_t shm_max, shm_all, shm_most, msg_max, msg_queue_max, msg_most;
extern uint64_t mq_queues_max, mq_msg_max, mq_size_max, mq_msg_default, mq_size_default;
/* The four numbers of /proc/sys/kernel/sem: most in a set, in all sets, operations of a call, sets. */
extern uint64_t sem_limits[4];
extern uint64_t msg_next_id, sem_next_id, shm_next_id;
