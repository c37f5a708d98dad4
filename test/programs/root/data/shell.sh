# A shell's own means: pipelines, subshells, substitutions, background jobs, traps. Only builtins.
echo a b c | { read x y z; echo "$z $y $x"; }
(echo in a subshell; x=2; exit 3)
echo "status $? x $x"
y=$(echo one; (echo two; exit 4))
echo "$y, $?"
i=0
while [ $i -lt 20 ]; do
    i=$((i + 1))
    echo $i
done | while read n; do echo $((n * n)); done | { sum=0; while read n; do sum=$((sum + n)); done; echo "sum $sum"; }
(exit 5) &
wait $!
echo "background $?"
trap 'echo trapped' USR1
(kill -USR1 $$)
echo after the signal
for n in 1 2 3; do
    (for m in 1 2 3; do (echo $n$m); done)
done
f() { (echo nested; return 7); }
f
echo "function $?"
(trap 'echo end of the subshell' EXIT; exit 2)
echo "trap $?"
read line << 'END'
a here document
END
echo "$line"
