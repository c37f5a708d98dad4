# Job control without a terminal, process substitution and what else only bash has.
set -m
sleep 100 & first=$!
kill -STOP %1
while jobs > /tmp/jobs; ! grep -q Stopped /tmp/jobs; do sleep 0.05; done
cat /tmp/jobs
bg %1
jobs %1
kill %1
wait $first
echo "killed $?"
sh -c 'sleep 0.1; exit 4' &
fg %+
echo "fg $?"
sleep 50 | sleep 60 & last=$!
kill -INT %%
wait $last
echo "pipeline $?"
trap 'echo a child has ended' CHLD
sleep 0.05 &
wait
trap - CHLD
sh -c 'kill -TSTP $$; echo went on'
echo "stopped $?"
fg
echo "fg $?"
set +m
set -o pipefail
false | true; echo "pipefail $? ${PIPESTATUS[*]}"
diff <(echo a; echo b) <(echo a; echo c)
tee >(tr a-z A-Z > /tmp/upper) <<< 'process substitution' > /dev/null
while [ ! -s /tmp/upper ]; do sleep 0.01; done
cat /tmp/upper
coproc { read l; echo "got $l"; read l; }
echo word >&"${COPROC[1]}"
read -r answer <&"${COPROC[0]}"
echo "$answer"
echo end >&"${COPROC[1]}"
wait
for n in {1..5}; do (sleep 0.0$n; echo $n > /tmp/n$n) & done
wait -n; echo "one $?"
wait
cat /tmp/n?
timeout 0.2 sleep 10; echo "timeout $?"
echo {1..6} | xargs -n1 -P3 sh -c 'echo $1' _ | sort
find /etc -name 'pass*' -exec sh -c 'echo "found $1"' _ {} \;
exec 3< <(seq 3); while read -u3 k; do echo -n "$k "; done; echo
mapfile -t lines < <(seq 5 | tac); echo "${lines[*]}"
