#!/bin/sh
# SPDX-License-Identifier: MIT
# -c FILE.json: each key, the command line before it, and what is wrong with a file in one sentence.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

run() {
    "$OURO" run "$@" >out 2>errors </dev/null
    status=$?
}

says() {
    grep -qF -- "$2" "$1" || { bad "$3: no '$2'"; show out; show errors; }
}

# refuses SENTENCE JSON: the file is refused.
refuses() {
    printf '%s' "$2" >bad.json
    run -c bad.json
    [ "$status" -eq 125 ] || bad "status $status: $2"
    says errors "$1" "$2"
}

mkdir -p data root/etc shared
echo content >data/file
echo other >shared/one
printf 'root:x:0:0::/root:/bin/sh\nweb:x:33:34:w:/srv:/bin/sh\n' >root/etc/passwd
printf 'B=2\nC=3\n' >vars
cat >script <<'S'
#!/bin/busybox sh
echo "[$*] $A $B $C $HOST_ONE $(hostname) $(pwd) $(id -u)"
cat /data/file /mnt/one
free -m | sed -n 's/^Mem: *\([0-9]*\).*/\1/p'
cat /proc/cmdline
S
chmod +x script
cat >app.json <<'J'
{
    "program": "./script",
    "arguments": ["one", "two words", 3],
    "env": {"A": "1", "B": "from env", "HOST_ONE": null},
    "env_files": ["vars"],
    "files": ["data", "/bin/busybox"],
    "memory": "128M",
    "shares": ["shared:/mnt:ro"],
    "words": ["loglevel=3", "panic=5"],
    "workdir": "/etc",
    "user": "web",
    "hostname": "box",
    "root": "root",
    "machine": "microvm",
    "init": false,
    "timeout": 50.5
}
J
HOST_ONE=passed run -c app.json
[ $status -eq 0 ] || bad "status $status"
says out '[one two words 3] 1 2 3 passed box /etc 33' 'all keys'
says out content files
says out other shares
says out 'loglevel=3 panic=5' words
memory=$(sed -n 's/^\([0-9][0-9]*\)$/\1/p' out)
if [ "${memory:-0}" -le 90 ] || [ "$memory" -ge 129 ]; then bad "memory: ${memory:-none} MiB"; fi

# What is typed wins.
run -c app.json -e A=typed -m 64M --hostname typed -w /root --user 0 --append loglevel=2 ./script else
says out '[else] typed 2 3  typed /root 0' 'typed options'
memory=$(sed -n 's/^\([0-9][0-9]*\)$/\1/p' out)
[ "${memory:-0}" -lt 64 ] || bad "typed memory: $memory MiB"
grep -q 'panic=5' out && bad 'words of the file in spite of --append'

# A key of another command is ignored there.
"$OURO" image -c app.json -o app.iso 2>errors || { bad 'image -c'; show errors; }
"$OURO" check -c app.json >out 2>errors
says out /bin/busybox 'check -c'

refuses 'bad.json: unknown key "memori"; did you mean "memory"?' '{"memori": "1G"}'
refuses 'bad.json: unknown key "port"; did you mean "ports"?' '{"port": ["1:2"]}'
refuses 'bad.json: unknown key "with"; did you mean "files"?' '{"with": []}'
refuses 'bad.json: unknown key "zzzzzzzz"' '{"zzzzzzzz": 1}'
refuses 'bad.json: "ports" is not a list of texts' '{"ports": "80:80"}'
refuses 'bad.json: "arguments" is not a list of texts' '{"arguments": [["a"]]}'
refuses 'bad.json: "env" is not an object of texts' '{"env": ["A=1"]}'
refuses 'bad.json: "init" is not true or false' '{"init": "yes"}'
refuses 'bad.json: "memory" is not a text' '{"memory": null}'
refuses '--memory lots: not a size' '{"memory": "lots"}'
refuses 'bad.json:2: this is not JSON' "{\"memory\":
,}"
refuses 'this is not JSON' '{"memory": "1G"'
refuses 'this is not JSON' ''
refuses 'this is not JSON' '{"memory": "1G"} x'
refuses 'bad.json: this is not a JSON object' '[1]'
run -c none.json
says errors 'none.json' 'a file that is not there'
finish
