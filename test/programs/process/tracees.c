/* SPDX-License-Identifier: MIT */
/* ptrace(2): events, groups, and what tracer, tracee and parent hear of each other. */
#include "tracing.h"

static void *thread(void *unused)
{
    (void)unused;
    usleep(1000);
    return NULL;
}

static void forks(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    waitpid(pid, NULL, 0);
    pid = vfork();
    if (pid == 0)
        _exit(4);
    waitpid(pid, NULL, 0);
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    char *argv[] = {(char[]){"exec"}, (char[]){"tracees"}, NULL};
    execv("/proc/self/exe", argv);
    _exit(9);
}

/* Follows all that the child starts; one line for each kind of news, those of other threads than `first` are marked. */
static void follow(pid_t first, int seized)
{
    int status, news[16] = {0}, ends[256] = {0}, stopped = 0;
    unsigned long message;
    pid_t got;
    while ((got = waitpid(-1, &status, WALL_)) > 0) {
        int event = status >> 16 & 255;
        if (!WIFSTOPPED(status)) {
            ends[WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)]++;
            continue;
        }
        if (event == 0 || event == 128) {
            stopped += got != first && (event == 128 || WSTOPSIG(status) == SIGSTOP);
        } else {
            news[event]++;
            pt(GETEVENTMSG, got, 0, D(&message));
            if (event == 6)
                ends[message >> 8 & 255]++;
            else if (message <= 1)
                printf("message %lu of event %d\n", message, event);
        }
        int signal = event == 0 ? WSTOPSIG(status) : 0;
        pt(CONT, got, 0, signal == SIGSTOP || signal == SIGTRAP ? 0 : (unsigned long)signal);
    }
    printf("%s: fork %d vfork %d clone %d exec %d vfork's end %d exit %d; began stopped: %d\n",
           seized ? "seized" : "attached", news[1], news[2], news[3], news[4], news[5], news[6],
           stopped);
    for (int i = 0; i < 256; i++)
        if (ends[i] != 0)
            printf("%d ended with %d\n", ends[i], i);
}

static void test_events(void)
{
    pid_t pid = traced_child(forks);
    result("options", pt(SETOPTIONS, pid, 0, 0x7e));
    pt(CONT, pid, 0, 0);
    follow(pid, 0);
    int pipes[2];
    result("pipe", pipe(pipes));
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        char c;
        while (read(pipes[0], &c, 1) != 1)
            ;
        forks();
    }
    result("bad options", pt(SEIZE, pid, 0, 0x40000000));
    result("seize", pt(SEIZE, pid, 0, 0x7e));
    result("twice", pt(SEIZE, pid, 0, 0));
    result("not stopped", pt(CONT, pid, 0, 0));
    result("go", write(pipes[1], "x", 1));
    follow(pid, 1);
    close(pipes[0]);
    close(pipes[1]);
    pid = traced_child(forks);
    pt(CONT, pid, 0, 0);
    int status;
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD)
        pt(CONT, pid, 0, 0);
    show("exec without the option", pid, pid, status);
    pt(DETACH, pid, 0, 0);
    wait_for("detached", pid);
}

static void sleeps(void)
{
    for (;;)
        pause();
}

static char state_of(pid_t pid, int *tracer)
{
    char path[64], line[128], state = '?';
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "State: %c", &state) != 1)
            sscanf(line, "TracerPid: %d", tracer);
    if (f != NULL)
        fclose(f);
    return state;
}

static void wait_state(pid_t pid, char wanted)
{
    int tracer;
    for (int i = 0; i < 5000 && state_of(pid, &tracer) != wanted; i++)
        usleep(1000);
}

static void test_seize(void)
{
    fflush(stdout);
    int tracer = -1;
    pid_t pid = fork();
    if (pid == 0)
        sleeps();
    wait_state(pid, 'S');
    result("interrupt, not traced", pt(INTERRUPT, pid, 0, 0));
    result("seize", pt(SEIZE, pid, 0, 0));
    result("nothing", waitpid(pid, NULL, WNOHANG | WALL_));
    printf("%c\n", state_of(pid, &tracer));
    printf("traced by me: %d\n", tracer == getpid());
    result("interrupt", pt(INTERRUPT, pid, 0, 0));
    wait_for("interrupted", pid);
    show_info("its info", pid);
    printf("%c\n", state_of(pid, &tracer));
    result("listen", pt(LISTEN, pid, 0, 0));
    result("listening", pt(CONT, pid, 0, 0));
    result("nothing", waitpid(pid, NULL, WNOHANG | WALL_));
    result("interrupt", pt(INTERRUPT, pid, 0, 0));
    wait_for("again", pid);
    pt(CONT, pid, 0, 0);
    result("stop", kill(pid, SIGSTOP));
    wait_for("signal", pid);
    result("listen in a signal's stop", pt(LISTEN, pid, 0, 0));
    pt(CONT, pid, 0, SIGSTOP);
    wait_for("group stop", pid);
    result("listen", pt(LISTEN, pid, 0, 0));
    result("continue", kill(pid, SIGCONT));
    wait_for("continued", pid);
    pt(CONT, pid, 0, 0);
    wait_for("its signal", pid);
    result("detach with a signal", pt(DETACH, pid, 0, SIGKILL));
    wait_for("dead", pid);
}

/* A process that is not the tracer's child: its parent hears of the end after the tracer. */
static void test_other(void)
{
    int status = 0, pipes[2];
    siginfo_t info = {0};
    result("pipe", pipe(pipes));
    fflush(stdout);
    pid_t victim = fork();
    if (victim == 0)
        sleeps();
    wait_state(victim, 'S');
    pid_t tracer = fork();
    if (tracer == 0) {
        result("attach", pt(ATTACH, victim, 0, 0));
        wait_for("attached", victim);
        show_info("its info", victim);
        result("goes on", pt(CONT, victim, 0, 0));
        kill(victim, SIGTERM);
        wait_for("signal", victim);
        pt(CONT, victim, 0, SIGTERM);
        struct timespec nap = {0, 50000000};
        nanosleep(&nap, NULL);
        char c;
        result("parent has looked", read(pipes[0], &c, 1));
        wait_for("the tracer's news", victim);
        result("twice", waitpid(victim, NULL, WALL_));
        fflush(stdout);
        _exit(0);
    }
    wait_state(victim, 'Z');
    result("no news yet", waitpid(victim, &status, WNOHANG));
    result("looked", write(pipes[1], "x", 1));
    result("the parent's news", waitid(P_PID, (id_t)victim, &info, WEXITED));
    printf("code %d status %d\n", info.si_code, info.si_status);
    waitpid(tracer, &status, 0);
    show("tracer", tracer, tracer, status);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_death_of_tracer(void)
{
    for (int kill_too = 0; kill_too < 2; kill_too++) {
        int status = 0;
        fflush(stdout);
        pid_t victim = fork();
        if (victim == 0) {
            signal(SIGUSR1, on_signal);
            pause();
            _exit(5);
        }
        wait_state(victim, 'S');
        pid_t tracer = fork();
        if (tracer == 0) {
            pt(SEIZE, victim, 0, kill_too ? 1 << 20 : 0);
            pt(INTERRUPT, victim, 0, 0);
            waitpid(victim, &status, WALL_);
            _exit(0);
        }
        waitpid(tracer, NULL, 0);
        int by = -1;
        if (!kill_too) {
            printf("%c\n", state_of(victim, &by) == 't' ? 't' : 'S');
            printf("tracer %d\n", by);
        }
        kill(victim, SIGUSR1);
        waitpid(victim, &status, 0);
        show(kill_too ? "dies with its tracer" : "outlives its tracer", victim, victim, status);
    }
}

static volatile sig_atomic_t child_code, child_status;
static void on_child(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    child_code = info->si_code;
    child_status = info->si_status;
}

static void test_errors(void)
{
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    result("nobody", pt(ATTACH, 1 << 22, 0, 0));
    result("itself", pt(ATTACH, getpid(), 0, 0));
    result("not traced", pt(CONT, getppid(), 0, 0));
    sigaction(SIGCHLD, &action, NULL);
    pid_t pid = traced_child(sleeps);
    printf("SIGCHLD: code %d, status %d\n", child_code, child_status);
    signal(SIGCHLD, SIG_DFL);
    result("listen, not seized", pt(LISTEN, pid, 0, 0));
    result("interrupt, not seized", pt(INTERRUPT, pid, 0, 0));
    struct user_regs_struct regs = registers(pid);
    regs.cs = 0x10;
    result("bad segment", pt(SETREGS, pid, 0, D(&regs)));
    result("registers to nowhere", pt(GETREGS, pid, 0, 16));
    result("registers from nowhere", pt(SETREGS, pid, 0, 16));
    pt(CONT, pid, 0, 0);
    result("running", pt(GETREGS, pid, 0, D(&regs)));
    result("kill", kill(pid, SIGKILL));
    wait_for("dead", pid);
    result("ended", pt(GETREGS, pid, 0, D(&regs)));
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        result("traced", pt(TRACEME, 0, 0, 0));
        result("twice", pt(TRACEME, 0, 0, 0));
        fflush(stdout);
        _exit(0);
    }
    wait_for("never stopped", pid);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[0], "exec") == 0)
        return 11;
    test_events();
    test_seize();
    test_other();
    test_death_of_tracer();
    test_errors();
    return 0;
}
