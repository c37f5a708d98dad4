# The background processes of redis under writes, and what they have written.
# The package redis-server, which starts a server where it is installed, is only a link to this program of redis-tools.
cd /tmp
ln -s /usr/bin/redis-check-rdb redis-server
start() {
    /tmp/redis-server --port 0 --unixsocket /tmp/redis --save '' --appendonly $1 --daemonize yes --loglevel warning > /dev/null
    until [ "$(redis-cli -s /tmp/redis ping 2>/dev/null)" = PONG ]; do sleep 0.05; done  # LOADING is an answer with status 0
}
call() { redis-cli -s /tmp/redis "$@"; }
finished() { while call info persistence | grep -q "$1:1"; do sleep 0.05; done; call info persistence | grep -a "$2" | tr -d '\r'; }
start yes
call eval 'for i = 1, 5000 do redis.call("set", "key:" .. i, string.rep(i, 20)) end return redis.call("dbsize")' 0
call bgsave
redis-benchmark -s /tmp/redis -t set -n 2000 -r 100 -q > /dev/null
finished rdb_bgsave_in_progress rdb_last_bgsave_status
call bgrewriteaof
redis-benchmark -s /tmp/redis -t incr -n 2000 -q > /dev/null
finished aof_rewrite_in_progress aof_last_bgrewrite_status
call get counter:__rand_int__
call shutdown nosave
wait
start yes
echo "from the log: $(call get key:4999) $(call get counter:__rand_int__)"
call save
call shutdown nosave
start no
echo "from the dump: $(call get key:77)"
call shutdown nosave
