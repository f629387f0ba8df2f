#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One client's ordinary day, started by lab.sh in the client's namespace:
#
#   client.sh HOST SECONDS WORK
#
# Names are looked up through the laboratory's resolver by each program itself.  Every act is
# bounded in time.  The choice of acts is the same in each run; their times are real.

set -u

host=$1 seconds=$2 work=$3
number=${host#pc}
RANDOM=$((4000 + number))
end=$((SECONDS + seconds))
PASSWORD="correct horse 42"

curl_quietly() {
    curl -s -o /dev/null --max-time 12 --cacert "$work/certificate.pem" "$@"
}

one_of() {
    local choices=("$@")
    echo "${choices[RANDOM % ${#choices[@]}]}"
}

web_name() {
    if [ $((RANDOM % 4)) -eq 0 ]; then
        echo www.lan.example
    else
        echo "$(one_of www img api static news shop mail m).site$((RANDOM % 2 + 1)).example"
    fi
}

page() { # mostly small ones
    echo "$((RANDOM % 14 * (RANDOM % 12) / 11 + RANDOM % 3)).bin"
}

family() {
    one_of -4 -4 -4 -6 -6
}

browse() {
    local name scheme
    name=$(web_name)
    scheme=$(one_of https https https https http)
    curl_quietly "$(family)" "$scheme://$name/$(page)"
    while [ $((RANDOM % 3)) -eq 0 ]; do
        curl_quietly "$(family)" "$scheme://$(web_name)/$(page)"
    done
}

# Several requests over one connection, some seconds apart.
linger() {
    local name
    name=$(web_name)
    curl -s --max-time 30 --cacert "$work/certificate.pem" "$(family)" --rate 12/m \
        -o /dev/null "https://$name/$(page)" -o /dev/null "https://$name/$(page)" \
        -o /dev/null "https://$name/$(page)" &
}

look_up() {
    local name
    name=$(one_of "$(web_name)" files.lan.example store.lan.example "pc$((RANDOM % 8)).lan.example")
    dig +tries=1 +time=2 "$name" "$(one_of A A AAAA MX)" >/dev/null
}

remote() { # ssh options and command
    ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o LogLevel=ERROR -o ConnectTimeout=8 -o ServerAliveInterval=5 -o IdentitiesOnly=yes \
        "$@" >/dev/null 2>&1
}

shell() {
    local command
    command=$(one_of uptime "ls -l /usr/bin | head -200" "head -c 20000 /dev/zero" "sleep 2; date")
    if [ $((RANDOM % 2)) -eq 0 ]; then
        remote "$(family)" -i "$work/client_key" alice@files.lan.example "$command"
    else
        sshpass -p "$PASSWORD" ssh -F none -o PubkeyAuthentication=no \
            -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
            -o ConnectTimeout=8 "$(family)" bob@files.lan.example "$command" >/dev/null 2>&1
    fi
}

# Stays logged in; the client's keep-alives are all that is heard for a while.
stay_logged_in() {
    local command="for n in 1 2 3; do date; sleep 22; done"
    remote "$(family)" -i "$work/client_key" alice@files.lan.example "$command" &
}

wrong_password() {
    sshpass -p "correct hoarse 42" ssh -F none -o PubkeyAuthentication=no \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
        -o NumberOfPasswordPrompts=1 bob@files.lan.example true >/dev/null 2>&1
}

publish() {
    timeout 8 mosquitto_pub -h "$(one_of queue.lan.example 10.20.20.83 \
        fd20:0:0:20::83)" -t "room/$number" -m "$RANDOM" 2>/dev/null
}

store() {
    local at
    at=$(one_of 10.20.20.79 fd20:0:0:20::79)
    timeout 8 redis-cli -h "$at" set "key:$number:$((RANDOM % 9))" "$RANDOM$RANDOM" >/dev/null 2>&1
    timeout 8 redis-cli -h "$at" get "key:$number:$((RANDOM % 9))" >/dev/null 2>&1
}

ping_someone() {
    ping -q -c 3 -W 1 "$(family)" "$(one_of www.lan.example www.site1.example 10.20.10.1 \
        fd20:0:0:10::1)" >/dev/null 2>&1
}

ask_time() {
    timeout 5 ntpdig -t 2 "$(one_of 10.20.20.123 fd20:0:0:20::123)" >/dev/null 2>&1
}

fail() {
    case $((RANDOM % 7)) in
        0) curl_quietly "$(family)" "http://www.lan.example:$(one_of 81 8080 8443)/" ;;
        1) curl_quietly "https://no-such-$RANDOM.site1.example/" ;;
        2) curl_quietly "$(family)" --connect-timeout 4 "http://gone.lan.example/" ;;
        3) curl_quietly "$(family)" --connect-timeout 4 "https://hole.out.example/" ;;
        4) curl_quietly --connect-timeout 3 "http://203.0.113.$((RANDOM % 9 + 1))/" ;;
        5) dig +tries=1 +time=2 "no-such-$RANDOM.lan.example" >/dev/null ;;
        6) timeout 4 redis-cli -h 10.20.20.80 -p 6379 ping >/dev/null 2>&1 ;;
    esac
}

# Connections that live as long as the laboratory, each with its keep-alive.
start_long_ones() {
    local queue=10.20.20.83 store=fd20:0:0:20::79
    if [ $((number % 2)) -eq 0 ]; then
        queue=fd20:0:0:20::83 store=10.20.20.79
    fi
    timeout "$seconds" mosquitto_sub -h $queue -k 12 -t "room/$(((number + 3) % 8))" \
        >/dev/null 2>&1 &
    if [ "$number" -le 4 ]; then
        timeout "$seconds" redis-cli -h $store -r 1000 -i $((4 + number)) incr "beat:$number" \
            >/dev/null 2>&1 &
    fi
}

act() {
    local dice=$((RANDOM % 100))
    if [ $dice -lt 52 ]; then browse
    elif [ $dice -lt 56 ]; then linger
    elif [ $dice -lt 66 ]; then look_up
    elif [ $dice -lt 71 ]; then shell
    elif [ $dice -lt 72 ]; then stay_logged_in
    elif [ $dice -lt 78 ]; then publish
    elif [ $dice -lt 84 ]; then store
    elif [ $dice -lt 88 ]; then ping_someone
    elif [ $dice -lt 93 ]; then ask_time
    else fail; fi
}

sleep "0.$((RANDOM % 900 + 100))"
start_long_ones
if [ "$number" -eq 6 ]; then
    (sleep $((seconds / 3)); wrong_password) &
fi
while [ $SECONDS -lt $end ]; do
    act
    sleep "$((RANDOM % 4)).$((RANDOM % 900 + 100))"
done
