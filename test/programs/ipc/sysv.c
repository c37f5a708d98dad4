/* SPDX-License-Identifier: MIT */
/*
 * System V IPC: shared memory (attaches over fork, exec and exit, addresses, removal while attached), semaphores (waiting,
 * SEM_UNDO, time-outs, removal), the rights of each, and /proc/sysvipc.
 */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "children.h"
#include "result.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRY(call) result(#call, call)
#define KEY       0x6f75
#define PAGE      4096

union semun {
    int val;
    void *buf;
    unsigned short *array;
};

static char *self;

/* ---- shared memory ---- */

static int shm;

static void attaches(const char *what)
{
    struct shmid_ds ds;
    long r = shmctl(shm, IPC_STAT, &ds);
    if (r < 0) {
        result(what, r);
        return;
    }
    printf("%s: %lu attaches, size %lu, mode %o, cpid %s lpid %s, times %s %s %s\n", what,
           (unsigned long)ds.shm_nattch, (unsigned long)ds.shm_segsz, ds.shm_perm.mode,
           ds.shm_cpid == getpid() ? "own" : "another",
           ds.shm_lpid == getpid() ? "own"
           : ds.shm_lpid           ? "another"
                                   : "none",
           ds.shm_atime ? "set" : "0", ds.shm_dtime ? "set" : "0", ds.shm_ctime ? "set" : "0");
}

static char *attached;

static void in_child(void)
{
    attaches("in a child");
    printf("reads %s\n", attached);
    strcpy(attached, "written by the child");
}

static void that_executes(void)
{
    char number[16];
    snprintf(number, sizeof number, "%d", shm);
    execl(self, self, number, NULL);
}

static void as_user(void)
{
    become_user();
    truth("user: attach to read and write", shmat(shm, NULL, 0) == (void *)-1 && errno == EACCES);
    truth("user: attach to read", shmat(shm, NULL, SHM_RDONLY) != (void *)-1);
    struct shmid_ds ds;
    TRY(shmctl(shm, IPC_STAT, &ds));
    TRY(shmctl(shm, IPC_SET, &ds));
    TRY(shmctl(shm, IPC_RMID, NULL));
    TRY(shmctl(shm, SHM_LOCK, NULL));
    result("shmget 0", shmget(KEY, 0, 0) == shm);
    TRY(shmget(KEY, 0, 0222));
    result("shmget 0444", shmget(KEY, 0, 0444) == shm);
}

static void addresses(void)
{
    char *p = shmat(shm, NULL, 0), *at = p + (64 << 20);
    struct shmid_ds ds;
    munmap(at, 1 << 20);
    truth("at an address", shmat(shm, at, 0) == at);
    truth("taken", shmat(shm, at, 0) == (void *)-1 && errno == EINVAL);
    truth("not aligned", shmat(shm, at + 100, 0) == (void *)-1 && errno == EINVAL);
    truth("rounded, taken", shmat(shm, at + 100, SHM_RND) == (void *)-1 && errno == EINVAL);
    truth("rounded", shmat(shm, at + 3 * PAGE + 5, SHM_RND) == at + 3 * PAGE);
    truth("remapped", shmat(shm, at + PAGE, SHM_REMAP) == at + PAGE);
    truth("remapped without address", shmat(shm, NULL, SHM_REMAP) == (void *)-1 && errno == EINVAL);
    truth("remapped at 0",
          shmat(shm, (void *)5, SHM_REMAP | SHM_RND) == (void *)-1 && errno == EINVAL);
    truth("above the end", shmat(shm, (void *)0x7ffffffff000, 0) == (void *)-1 && errno == ENOMEM);
    strcpy(p, "the same");
    printf("%s, %s, %s\n", at, at + PAGE, at + 3 * PAGE);
    TRY(shmdt(at + 1));
    TRY(shmdt(at + 2 * PAGE));
    TRY(shmdt(at));
    TRY(shmdt(at));
    shmctl(shm, IPC_STAT, &ds);
    printf("%lu attaches\n", (unsigned long)ds.shm_nattch);
    TRY(shmdt(at + PAGE));
    TRY(shmdt(at + 3 * PAGE));
    truth("with mprotect", mprotect(p, PAGE, PROT_READ) == 0);
    TRY(shmdt(p));
    attaches("in the end");
    p = shmat(shm, NULL, SHM_RDONLY);
    TRY(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    TRY(shmdt(p));
    p = shmat(shm, NULL, 0);
    munmap(p, PAGE);
    TRY(shmdt(p));
    attaches("after an unmapped first page");
}

static void named_in_maps(const char *p)
{
    char line[512], want[64], name[64];
    FILE *f = fopen("/proc/self/maps", "r");
    snprintf(want, sizeof want, "%lx-", (unsigned long)(uintptr_t)p);
    snprintf(name, sizeof name, " /SYSV%08x (deleted)\n", KEY);
    int found = 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, want, strlen(want)) == 0)
            found = strstr(line, name) && strstr(line, "rw-s");
    fclose(f);
    truth("in /proc/self/maps", found);
}

static void memory(void)
{
    struct shmid_ds ds;
    struct shminfo info;
    TRY(shmget(KEY, 100, 0600));
    shm = shmget(KEY, 10000, IPC_CREAT | 0640);
    printf("id %d\n", shm);
    TRY(shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0640));
    TRY(shmget(KEY, 10001, 0));
    result("smaller", shmget(KEY, 1, 0) == shm);
    TRY(shmget(IPC_PRIVATE, 0, 0600));
    TRY(shmget(IPC_PRIVATE, (size_t)1 << 62, 0600));
    attaches("new");
    attached = shmat(shm, NULL, 0);
    truth("zeros", attached[0] == 0 && attached[9999] == 0 && attached[12287] == 0);
    strcpy(attached, "written by the parent");
    attaches("attached");
    named_in_maps(attached);
    child(in_child);
    printf("reads %s\n", attached);
    attaches("after the child");
    child(that_executes);
    attaches("after one that executed a program");
    truth("attached twice", shmat(shm, NULL, 0) != (void *)-1);
    attaches("twice");
    addresses();
    shmctl(shm, IPC_STAT, &ds);
    ds.shm_perm.mode = 0644 | 07000;
    TRY(shmctl(shm, IPC_SET, &ds));
    child(as_user);
    TRY(shmctl(shm, SHM_LOCK, NULL));
    attaches("locked");
    TRY(shmctl(shm, SHM_UNLOCK, NULL));
    TRY(shmctl(shm, IPC_STAT, (void *)8));
    TRY(shmctl(shm, 99, &ds));
    TRY(shmctl(-1, IPC_STAT, &ds));
    TRY(shmctl(shm + 1, IPC_STAT, &ds));
    TRY(shmctl(0, IPC_INFO, (void *)&info));
    printf("most %lu, least %lu\n", info.shmmni, info.shmmin);
    struct shm_info used;
    TRY(shmctl(0, SHM_INFO, (void *)&used));
    printf("%d used, %lu pages\n", used.used_ids, used.shm_tot);
    result("SHM_STAT", shmctl(0, SHM_STAT, &ds) == shm);
    TRY(shmctl(shm, IPC_RMID, NULL));
    attaches("removed");
    truth("attach to a removed one", shmat(shm, NULL, 0) != (void *)-1);
    TRY(shmget(KEY, 100, 0));
    int other = shmget(KEY, 100, IPC_CREAT | 0600);
    printf("id %d\n", other);
    TRY(shmctl(other, IPC_RMID, NULL));
    truth("still there", strcmp(attached, "the same") == 0);
}

/* ---- semaphores ---- */

static int sem;

static int op(int number, int change, int flags)
{
    struct sembuf b = {(unsigned short)number, (short)change, (short)flags};
    return semop(sem, &b, 1);
}

static int timed(int number, int change, long ms)
{
    struct sembuf b = {(unsigned short)number, (short)change, 0};
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    return (int)syscall(SYS_semtimedop, sem, &b, 1, &t);
}

static int get(int number)
{
    return semctl(sem, number, GETVAL, (union semun){0});
}

static void values(const char *what)
{
    unsigned short v[4] = {0};
    long r = semctl(sem, 0, GETALL, (union semun){.array = v});
    printf("%s: %ld, %d %d %d %d\n", what, r, v[0], v[1], v[2], v[3]);
}

static void undoes(void)
{
    op(0, 3, SEM_UNDO);
    op(1, -1, SEM_UNDO);
    op(2, 5, 0);
    values("in the child");
}

static volatile int arrived;

static void *waits_more(void *number)
{
    int r = op((int)(intptr_t)number, -2, 0);
    arrived += r == 0 ? 1 : 100;
    return NULL;
}

static void *waits_zero(void *number)
{
    int r = op((int)(intptr_t)number, 0, 0);
    arrived += r == 0 ? 10 : 100;
    return NULL;
}

static void *waits_both(void *unused)
{
    struct sembuf b[2] = {{2, -1, 0}, {3, -1, 0}};
    int r = semop(sem, b, 2);
    arrived += r == 0 ? 1000 : 100;
    return unused;
}

static void *waits_removed(void *unused)
{
    int r = op(0, -30000, 0);
    printf("removed: %d, %s\n", r, strerror(errno));
    return unused;
}

static void waiters(int number, int more, int zero)
{
    for (int i = 0;
         i < 5000 && (semctl(sem, number, GETNCNT) != more || semctl(sem, number, GETZCNT) != zero);
         i++)
        nap(1);
    printf("waiters %d: %d for more, %d for zero\n", number, semctl(sem, number, GETNCNT),
           semctl(sem, number, GETZCNT));
}

static void semaphore_waits(void)
{
    pthread_t t[4];
    unsigned short set[4] = {0, 1, 0, 0};
    TRY(semctl(sem, 0, SETALL, (union semun){.array = set}));
    pthread_create(&t[0], NULL, waits_more, (void *)0);
    pthread_create(&t[1], NULL, waits_zero, (void *)1);
    pthread_create(&t[2], NULL, waits_both, NULL);
    waiters(0, 1, 0);
    waiters(1, 0, 1);
    waiters(2, 1, 0);
    op(0, 1, 0);
    nap(20);
    printf("arrived %d\n", arrived);
    op(0, 1, 0);
    pthread_join(t[0], NULL);
    op(1, -1, 0);
    pthread_join(t[1], NULL);
    op(2, 1, 0);
    waiters(3, 1, 0);
    op(3, 1, 0);
    pthread_join(t[2], NULL);
    printf("arrived %d\n", arrived);
    values("left");
    pthread_create(&t[0], NULL, waits_removed, NULL);
    waiters(0, 1, 0);
    int r = semctl(sem, 0, IPC_RMID);
    pthread_join(t[0], NULL);
    result("IPC_RMID", r);
    TRY(op(0, 1, 0));
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void sem_user(void)
{
    become_user();
    TRY(op(0, 0, IPC_NOWAIT));
    TRY(op(0, 1, IPC_NOWAIT));
    TRY(get(0));
    TRY(semctl(sem, 0, SETVAL, (union semun){.val = 1}));
    TRY(semctl(sem, 0, IPC_RMID));
}

static void semaphores(void)
{
    struct semid_ds ds;
    struct sembuf several[3] = {{0, 1, 0}, {1, -1, IPC_NOWAIT}, {0, 1, 0}};
    struct sembuf range[2] = {{0, 32767, 0}, {0, 1, 0}};
    sem = semget(KEY, 4, IPC_CREAT | 0604);
    printf("id %d\n", sem);
    TRY(semget(KEY, 5, 0));
    result("fewer", semget(KEY, 0, 0) == sem);
    TRY(semget(KEY + 1, 0, IPC_CREAT | 0600));
    TRY(semget(KEY, -1, 0));
    values("new");
    TRY(op(0, 5, 0));
    TRY(op(0, -6, IPC_NOWAIT));
    TRY(op(0, 0, IPC_NOWAIT));
    TRY(op(4, 1, 0));
    TRY(semop(sem, several, 3));
    values("nothing done");
    TRY(semop(sem, several, 0));
    TRY(semop(sem, several, 501));
    TRY(semop(sem, (void *)8, 1));
    TRY(semop(sem, range, 2));
    values("beyond the range");
    TRY(semctl(sem, 1, SETVAL, (union semun){.val = 32768}));
    TRY(semctl(sem, 1, SETVAL, (union semun){.val = -1}));
    TRY(semctl(sem, 4, SETVAL, (union semun){.val = 1}));
    TRY(semctl(sem, 1, SETVAL, (union semun){.val = 2}));
    truth("GETPID", semctl(sem, 0, GETPID) == getpid() && semctl(sem, 2, GETPID) == 0);
    child(undoes);
    values("after the child");
    TRY(timed(3, -1, 20));
    TRY(timed(3, 0, 20));
    TRY(timed(3, -1, -1));
    signal(SIGALRM, on_alarm);
    struct itimerspec soon = {.it_value = {0, 50000000}, .it_interval = {0, 50000000}};
    timer_t timer;
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    timer_settime(timer, 0, &soon, NULL);
    TRY(op(3, -1, 0));
    timer_delete(timer);
    child(sem_user);
    memset(&ds, 0, sizeof ds);
    TRY(semctl(sem, 0, IPC_STAT, (union semun){.buf = &ds}));
    printf("mode %o, %lu semaphores, times %s %s\n", ds.sem_perm.mode, (unsigned long)ds.sem_nsems,
           ds.sem_otime ? "set" : "0", ds.sem_ctime ? "set" : "0");
    struct seminfo info;
    TRY(semctl(0, 0, IPC_INFO, (union semun){.buf = (void *)&info}));
    printf("%d %d %d %d %d %d %d %d %d %d\n", info.semmap, info.semmni, info.semmns, info.semmnu,
           info.semmsl, info.semopm, info.semume, info.semusz, info.semvmx, info.semaem);
    TRY(semctl(0, 0, SEM_INFO, (union semun){.buf = (void *)&info}));
    printf("%d sets, %d semaphores\n", info.semusz, info.semaem);
    semaphore_waits();
}

/* Many operations by several processes: none is lost. */
static void counts(void)
{
    for (int i = 0; i < 500; i++) {
        op(0, -1, i % 7 ? SEM_UNDO : 0);
        op(1, 1, 0);
        op(0, 1, i % 7 ? SEM_UNDO : 0);
    }
}

static void contention(void)
{
    pid_t pids[4];
    int status, bad = 0;
    sem = semget(IPC_PRIVATE, 2, 0600);
    op(0, 1, 0);
    fflush(stdout);
    for (int i = 0; i < 4; i++)
        if ((pids[i] = fork()) == 0) {
            counts();
            _exit(0);
        }
    for (int i = 0; i < 4; i++)
        bad += waitpid(pids[i], &status, 0) != pids[i] || status != 0;
    printf("contention: %d %d, bad %d\n", get(0), get(1), bad);
    semctl(sem, 0, IPC_RMID);
}

static void show(const char *path)
{
    char text[2000];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    printf("%s: %zd bytes\n%.*s", path, n, n > 0 ? (int)(strchr(text, '\n') + 1 - text) : 0, text);
}

static void tables(void)
{
    show("/proc/sysvipc/shm");
    show("/proc/sysvipc/sem");
    show("/proc/sysvipc/msg");
    show("/proc/sys/kernel/sem");
    show("/proc/sys/kernel/msgmax");
    show("/proc/sys/kernel/msgmnb");
    show("/proc/sys/kernel/msgmni");
    show("/proc/sys/kernel/shmmni");
    show("/proc/sys/kernel/shmmax");
    show("/proc/sys/kernel/shmall");
}

/* /proc/sys/kernel/shm_next_id: sequence and slot of the next new object alone. */
static void next_ids(void)
{
    static const int wanted[] = {7 << 15 | 300, 7 << 15 | 300, 0x7fff << 15 | 9};
    int ids[4], usual = shmget(IPC_PRIVATE, 1, 0600),
                fd = open("/proc/sys/kernel/shm_next_id", O_RDWR);
    show("/proc/sys/kernel/shm_next_id");
    TRY(write(fd, "-2", 2));
    TRY(write(fd, "2147483648", 10));
    for (int i = 0; i < 3; i++) {
        char text[20];
        TRY(pwrite(fd, text, (size_t)sprintf(text, "%d", wanted[i]), 0));
        ids[i] = shmget(IPC_PRIVATE, 1, 0600);
        printf("%d: %d, slot %d\n", wanted[i], ids[i] >> 15, ids[i] & 0x7fff);
    }
    show("/proc/sys/kernel/shm_next_id");
    ids[3] = shmget(IPC_PRIVATE, 1, 0600);
    printf("the next is as usual: %d\n", ids[3] == usual + 1);
    for (int i = 0; i < 4; i++)
        shmctl(ids[i], IPC_RMID, NULL);
    shmctl(usual, IPC_RMID, NULL);
    close(fd);
}

int main(int argc, char **argv)
{
    self = argv[0];
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (argc > 1) {
        shm = atoi(argv[1]);
        attaches("executed");
        return 0;
    }
    memory();
    semaphores();
    contention();
    tables();
    next_ids();
    return 0;
}
