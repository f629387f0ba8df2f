# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The laboratory's servers, sourced by lab.sh: dnsmasq, nginx, sshd, mosquitto, redis, each with
# a configuration of its own under $work, in the foreground, in its own namespace.

# shellcheck disable=SC2154 # work is lab.sh's

LAB_PASSWORD="correct horse 42"

servers_start() {
    make_certificate
    start_dns
    start_web web www.lan.example
    start_web site1 www.site1.example
    start_web site2 www.site2.example
    start_web cloud upload.cloud.example
    start_web command cdn.command.example
    start_ssh
    start_queue
    start_store
    start clock python3 "$here/clock.py"
    start peer python3 "$here/bulk_udp.py" receive 51413
}

# One certificate for every name, trusted by the clients as it is.
make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=laboratory" \
        -addext "subjectAltName=DNS:*.lan.example,DNS:*.site1.example,DNS:*.site2.example,\
DNS:*.cloud.example,DNS:*.command.example" \
        -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
}

start_dns() {
    {
        echo "no-daemon"
        echo "no-resolv"
        echo "no-hosts"
        echo "port=53"
        echo "user=root"
        echo "local=/#/" # what is not here does not exist
        local name number
        while read -r name net number; do
            case $net in
                srv) echo "host-record=$name.lan.example,$SRV4.$number,$SRV6::$number" ;;
                lan) echo "host-record=$name.lan.example,$LAN4.$number,$LAN6::$number" ;;
            esac
        done <<<"$(printf '%s\n' "${HOSTS[@]}")"
        echo "host-record=www.lan.example,$SRV4.80,$SRV6::80"
        echo "host-record=upload.cloud.example,$OUT4.30,$OUT6::30"
        echo "host-record=hole.out.example,$OUT4.250,$OUT6::250"
        echo "host-record=gone.lan.example,$SRV4.99,$SRV6::99" # a name, and no such host
        for name in www img api static news shop mail m; do
            echo "host-record=$name.site1.example,$OUT4.10,$OUT6::10"
            echo "host-record=$name.site2.example,$OUT4.20,$OUT6::20"
        done
    } >"$work/dnsmasq.conf"
    start dns dnsmasq --conf-file="$work/dnsmasq.conf" --pid-file="$work/dnsmasq.pid"
}

# Pages of many sizes; /upload reads what it is sent before it answers.
start_web() { # host name
    local host=$1 name=$2 root="$work/$1" page
    mkdir -p "$root/pages" "$root/tmp"
    for page in $(seq 0 19); do
        head -c $((200 + page * page * page * 4)) /dev/urandom >"$root/pages/$page.bin"
    done
    cat >"$root/nginx.conf" <<END
user root;
worker_processes 1;
daemon off;
pid $root/nginx.pid;
error_log $root/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_timeout 20;
    client_max_body_size 64m;
    client_body_temp_path $root/tmp/body;
    proxy_temp_path $root/tmp/proxy;
    fastcgi_temp_path $root/tmp/fastcgi;
    uwsgi_temp_path $root/tmp/uwsgi;
    scgi_temp_path $root/tmp/scgi;
    server {
        listen 80;
        listen [::]:80;
        listen 443 ssl;
        listen [::]:443 ssl;
        server_name $name;
        ssl_certificate $work/certificate.pem;
        ssl_certificate_key $work/key.pem;
        root $root/pages;
        location /upload { proxy_pass http://127.0.0.1:8081; }
        location /beacon { return 204; }
    }
    server {
        listen 127.0.0.1:8081;
        location / { return 204; }
    }
}
END
    start "$host" nginx -e "$root/error.log" -p "$root" -c "$root/nginx.conf"
}

# Accounts exist in this namespace alone: ip netns exec lays these files over /etc's.
start_ssh() {
    local etc=/etc/netns/wf-files hash
    hash=$(openssl passwd -6 "$LAB_PASSWORD")
    {
        echo "root:x:0:0::/root:/bin/bash"
        echo "sshd:x:5000:65534::/run/sshd:/usr/sbin/nologin"
        echo "alice:x:5001:5001::/tmp:/bin/bash"
        echo "bob:x:5002:5002::/tmp:/bin/bash"
        echo "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin"
    } >"$etc/passwd"
    printf 'root:x:0:\nalice:x:5001:\nbob:x:5002:\nnogroup:x:65534:\n' >"$etc/group"
    printf 'root:*:19000::::::\nalice:%s:19000::::::\nbob:%s:19000::::::\n' "$hash" "$hash" \
        >"$etc/shadow"
    mkdir -p /run/sshd "$work/keys"
    ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
    ssh-keygen -q -t ed25519 -N '' -f "$work/client_key"
    cp "$work/client_key.pub" "$work/keys/alice"
    cat >"$work/sshd_config" <<END
HostKey $work/host_key
PidFile $work/sshd.pid
AuthorizedKeysFile $work/keys/%u
StrictModes no
UsePAM no
PrintLastLog no
PrintMotd no
LoginGraceTime 20
END
    start files /usr/sbin/sshd -D -e -f "$work/sshd_config"
}

start_queue() {
    printf 'listener 1883\nallow_anonymous true\npersistence false\nuser root\n' \
        >"$work/mosquitto.conf"
    start queue mosquitto -c "$work/mosquitto.conf"
}

start_store() {
    start store redis-server --bind "$SRV4.79" "$SRV6::79" --protected-mode no --save "" \
        --dir "$work" --daemonize no
}
