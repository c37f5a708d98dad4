# A master and four workers: the configuration is read again, then the program is replaced while it serves.
cd /tmp
sleep() { busybox sleep "$1"; }
conf() {
    echo "user root; worker_processes 4; pid /tmp/pid; error_log /tmp/log;
events { worker_connections 64; }
http { access_log off;
client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
server { listen unix:/tmp/s; location / { return 200 '$1'; } } }" > nginx.conf
}
get() { curl -s --unix-socket /tmp/s http://nginx/; }
children() {
    count=0
    for each in /proc/[0-9]*; do
        read -r _ _ _ parent _ 2> /dev/null < "$each/stat" && [ "$parent" = "$1" ] && count=$((count + 1))
    done
    echo $count
}
gone() { while kill -0 "$1" 2> /dev/null; do sleep 0.05; done; }
conf one
/usr/sbin/nginx -e /tmp/log -c /tmp/nginx.conf
read -r master < pid
echo "$(get), $(children "$master") workers"
conf two
/usr/sbin/nginx -e /tmp/log -c /tmp/nginx.conf -s reload
until [ "$(get)" = two ]; do sleep 0.05; done
until [ "$(children "$master")" = 4 ]; do sleep 0.05; done
read -r now < pid
[ "$now" = "$master" ] && echo 'two, by the same master'
kill -USR2 "$master"
until [ -s pid.oldbin ] && [ -s pid ]; do sleep 0.05; done
read -r new < pid
until [ "$(children "$new")" = 4 ]; do sleep 0.05; done
kill -WINCH "$master"
until [ "$(children "$master")" = 1 ]; do sleep 0.05; done
echo "$(get), by another program of 4 workers"
kill -QUIT "$master"
gone "$master"
for n in 1 2 3 4 5 6 7 8; do [ "$(get)" = two ] || echo "not answered"; done
echo "$(get), and the first master is gone"
/usr/sbin/nginx -e /tmp/log -c /tmp/nginx.conf -s quit
gone "$new"
get || echo 'nothing serves'
