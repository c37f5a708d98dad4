# Pipelines, subshells, nesting, here-documents, traps: for any POSIX shell.
printf 'b\na\nc\n' | sort | (read x; echo "first $x"; cat) | wc -l
echo "$(echo "$(echo "$(echo deep) er") and $( (exit 3); echo $?)")"
x=$(cat << END
here $((6 * 7))
$(echo nested | tr a-z A-Z)
END
)
echo "$x"
(trap 'echo subshell ends' EXIT; echo in; exit 5); echo "status $?"
(trap 'echo term; exit 9' TERM; sh -c 'kill -TERM $PPID'; sleep 5); echo "status $?"
sleep 100 &
kill -TERM $!
wait $!
echo "killed $?"
(exit 7) &
wait $!
echo "waited $?"
sh -c 'sleep 0.1; exit 4' & a=$!
sh -c 'exit 6' & b=$!
wait $a; echo "one $?"
wait $b; echo "other $?"
true | false | true; echo "last $?"
yes | head -n 1
i=0
while [ $i -lt 20 ]; do (exit $i) || i=$((i + 1)); [ $i -gt 0 ] || i=1; done
echo "$i subshells"
trap 'echo interrupted' INT
sh -c 'kill -INT $PPID'
echo "$(trap)"
exec 5> /tmp/five
(echo one >&5; (echo two >&5)) & wait
cat /tmp/five
