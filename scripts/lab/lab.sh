#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes a capture of a small laboratory: real servers, clients and tools in network namespaces.
#
#   lab.sh quiet pcaps/quiet.pcap [seconds]    ordinary traffic
#   lab.sh mixed pcaps/mixed.pcap [seconds]    the same with labelled activities
#
# Debian, as root; what is missing is installed, without starting any of it.  Runs in real time.
# Nothing leaves the namespaces: they have no link to the machine and no default route beyond the
# router.  The capture keeps 96 bytes of each frame and its true length.  At the end, whatever the
# reason, each process is ended by its number, and namespaces and temporary files are deleted.
#
# mixed also writes the labels beside the capture, in the same name with .labels.jsonl: one activity
# a line, {"activity", "technique", "src", "dst", "proto", "dport", "start", "end", "tool"}, times
# in seconds since 1970 by the clock that stamps the packets.

set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=scripts/lab/network.sh
. "$here/network.sh"
# shellcheck source=scripts/lab/servers.sh
. "$here/servers.sh"
# shellcheck source=scripts/lab/activities.sh
. "$here/activities.sh"

SNAP_BYTES=96
SETTLE_S=3
PACKAGES=(iproute2 ethtool tcpdump wireshark-common dnsmasq-base bind9-dnsutils nginx-light openssl
    openssh-server openssh-client sshpass mosquitto mosquitto-clients redis-server redis-tools curl
    iputils-ping ntpsec-ntpdig nmap hydra hping3 python3)

usage() {
    sed -n '6,7s/^#  *//p' "$0" >&2
    exit 2
}

# Installs what is missing.  A policy-rc.d forbids the packages' scripts to start services
# meanwhile, and what was installed is disabled, so that the next boot does not start it either.
install_packages() {
    local missing=() package service
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local policy=/usr/sbin/policy-rc.d ours=
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        ours=yes
    fi
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" ||
        { [ -z "$ours" ] || rm -f $policy; exit 1; }
    [ -z "$ours" ] || rm -f $policy
    for package in "${missing[@]}"; do
        for service in $(dpkg-query -L "$package" | sed -n 's,^/lib/systemd/system/,,p'); do
            deb-systemd-helper disable "$service" >/dev/null 2>&1 || true
        done
    done
}

# Starts a command in a host's namespace.
start() { # host command...
    local host=$1
    shift
    ip netns exec "wf-$host" "$@" >>"$work/log/$host" 2>&1 </dev/null &
}

# Sleeps so that a signal is heard at once: bash runs no trap while it waits for a command.
pause() { # seconds
    sleep "$1" &
    wait $! || true
}

# Two taps, so that each packet is seen once: all of the clients' network, and of the servers'
# network what does not concern a client.
start_capture() {
    local tcpdump=(tcpdump -Z root -n -q -s "$SNAP_BYTES" -B 16384)
    ip netns exec wf-router "${tcpdump[@]}" -i br-lan -w "$work/lan.pcap" 2>"$work/log/tap-lan" &
    taps+=($!)
    ip netns exec wf-router "${tcpdump[@]}" -i br-srv -w "$work/srv.pcap" \
        "not net $LAN4.0/24 and not net $LAN6::/64" 2>"$work/log/tap-srv" &
    taps+=($!)
    sleep 1
}

stop_capture() {
    kill -INT "${taps[@]}" 2>/dev/null || true
    wait "${taps[@]}" 2>/dev/null || true
    taps=()
    grep -H 'dropped by kernel' "$work"/log/tap-*
    mergecap -F pcap -w "$1" "$work/lan.pcap" "$work/srv.pcap"
}

cleanup() {
    local status=$?
    trap - EXIT INT TERM
    stop_processes
    network_down
    [ -n "${LAB_KEEP:-}" ] && cp -r "$work/log" "$LAB_KEEP"
    rm -rf "$work"
    exit $status
}

# Ends our own children still running, and what they started: all that lives in our namespaces.
stop_processes() {
    local process
    for process in $(jobs -pr) $(network_processes); do
        kill "$process" 2>/dev/null || true
    done
    sleep 1
    for process in $(network_processes); do
        kill -KILL "$process" 2>/dev/null || true
    done
}

main() {
    if [ $# -lt 2 ] || [ $# -gt 3 ]; then
        usage
    fi
    local kind=$1 output=$2 seconds=${3:-}
    case $kind in
        quiet) seconds=${seconds:-270} ;;
        mixed) seconds=${seconds:-330} ;;
        *) usage ;;
    esac
    [ "$(id -u)" -eq 0 ] || { echo "lab.sh: must be root" >&2; exit 1; }
    if ip netns list | grep -q '^wf-'; then
        echo "lab.sh: a laboratory is already there" >&2
        exit 1
    fi
    install_packages

    work=$(mktemp -d)
    chmod 755 "$work" # the unprivileged servers read their configuration here
    mkdir "$work/log"
    taps=()
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    network_up
    servers_start
    pause $SETTLE_S
    start_capture
    local host
    for host in "${CLIENTS[@]}"; do
        start "$host" "$here/client.sh" "$host" "$seconds" "$work"
    done
    if [ "$kind" = mixed ]; then
        activities_run "$seconds" "${output%.pcap}.labels.jsonl"
    else
        pause "$seconds"
    fi
    pause $SETTLE_S
    stop_capture "$output"
    capinfos -c -s -u "$output"
}

main "$@"
