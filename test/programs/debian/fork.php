<?php
// pcntl: children, pipes to them, signals, time-outs, exec; and processes of proc_open().
function said(string $what): void { echo $what, "\n"; }

$child = pcntl_fork();
if ($child == 0)
    exit(7);
pcntl_waitpid($child, $status);
said("ended " . (pcntl_wifexited($status) ? "itself with " . pcntl_wexitstatus($status) : "otherwise"));

$pairs = [];
for ($i = 0; $i < 8; $i++) {
    $pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    if (pcntl_fork() == 0) {
        fclose($pair[0]);
        $sum = 0;
        while (($line = fgets($pair[1])) !== false && $line != "end\n")
            $sum += (int)$line;
        fwrite($pair[1], "$i sums to $sum\n");
        exit($i);
    }
    fclose($pair[1]);
    $pairs[] = $pair[0];
}
foreach ($pairs as $i => $stream) {
    for ($n = 1; $n <= 100; $n++)
        fwrite($stream, $n * $i . "\n");
    fwrite($stream, "end\n");
}
foreach ($pairs as $stream)
    echo fgets($stream);
$sum = 0;
while (pcntl_wait($status) > 0)
    $sum += pcntl_wexitstatus($status);
said("statuses sum to $sum");

pcntl_async_signals(true);
$got = [];
foreach ([SIGUSR1, SIGCHLD, SIGALRM] as $signal)
    pcntl_signal($signal, function (int $number) use (&$got) { $got[] = $number; });
$parent = getmypid();
$child = pcntl_fork();
if ($child == 0) {
    proc_close(proc_open(["/bin/busybox", "kill", "-USR1", (string)$parent], [], $pipes));
    for (;;)
        sleep(1);
}
while (!in_array(SIGUSR1, $got))
    usleep(1000);
proc_close(proc_open(["/bin/busybox", "kill", "-TERM", (string)$child], [], $pipes));
while (pcntl_waitpid($child, $status) < 0)
    ;
said("signal " . pcntl_wtermsig($status) . ", and its end was told: " . (in_array(SIGCHLD, $got) ? "yes" : "no"));
pcntl_alarm(1);
while (!in_array(SIGALRM, $got))
    usleep(1000);
said("the alarm came");

pcntl_sigprocmask(SIG_BLOCK, [SIGUSR1]);
$child = pcntl_fork();
if ($child == 0) {
    pcntl_exec("/bin/busybox", ["sh", "-c", 'echo "executed with $WORD"; kill -USR1 $PPID'], ["WORD" => "a word"]);
    exit(1);
}
pcntl_sigwaitinfo([SIGUSR1], $info);
said("from the child: " . ($info["pid"] == $child ? "yes" : "no"));
pcntl_waitpid($child, $status);

$process = proc_open(["/bin/busybox", "tr", "a-z", "A-Z"], [["pipe", "r"], ["pipe", "w"]], $pipes);
fwrite($pipes[0], "through a pipe\n");
fclose($pipes[0]);
echo stream_get_contents($pipes[1]);
said("status " . proc_close($process));
said(trim(shell_exec('echo "a shell says $((6 * 7))"')));
