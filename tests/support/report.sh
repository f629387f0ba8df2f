# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For golden and live tests, which source it first: where the program is, a scratch directory, how a
# result is said, and what is cleaned up at the end, however the script ends.
#
#     check "name" COMMAND...     ok if the command succeeds; else its output is shown
#     skip "name" "why"
#     at_end COMMAND...           is run when the script ends, the last one first

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
: "${WHYFLOW:=$PWD/build/release/whyflow}" "${WHYFLOW_PROFILE:=release}"
export WHYFLOW WHYFLOW_PROFILE LC_ALL=C TZ=UTC
# Debian's tools, not others of the same name before them; and those for root only.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
umask 022

endings=()
at_end() {
    endings=("$(printf '%q ' "$@")" "${endings[@]}")
}

run_endings() {
    local ending
    for ending in "${endings[@]}"; do
        eval "$ending" >/dev/null 2>&1
    done
    endings=()
}
trap run_endings EXIT
trap 'exit 1' INT TERM HUP

if [ -z "${WHYFLOW_SCRATCH:-}" ]; then
    WHYFLOW_SCRATCH=$(mktemp -d)
    at_end rm -rf "$WHYFLOW_SCRATCH"
fi
SCRATCH=$WHYFLOW_SCRATCH

check() {
    local name=$1
    shift
    if "$@" >"$SCRATCH/check.log" 2>&1; then
        echo "ok - $name"
    else
        echo "not ok - $name (exit code $?)"
        head -n 30 "$SCRATCH/check.log" | sed 's/^/    /'
    fi
}

skip() {
    echo "skip - $1: $2"
}

# Runs a command that must end with a certain exit code.
exits() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    [ "$status" -eq "$wanted" ] && return 0
    echo "exit code $status, not $wanted: $*"
    return 1
}

# whyflow, bounded in time: nothing here takes as long.
whyflow() {
    timeout -k 5 240 "$WHYFLOW" "$@"
}

is_release() {
    [ "$WHYFLOW_PROFILE" = release ]
}

# pcaps/quiet.pcap, or its first 6,000 of 22,169 packets for another build than release: the same
# kinds of packets, and a sanitizer's run takes ten times as long.
quiet_capture() {
    if is_release; then
        echo pcaps/quiet.pcap
    else
        head -c "$(python3 -c 'import struct
data, at = open("pcaps/quiet.pcap", "rb").read(), 24
for _ in range(6000):
    at += 16 + struct.unpack_from("<I", data, at + 8)[0]
print(at)')" pcaps/quiet.pcap >"$SCRATCH/first.pcap"
        echo "$SCRATCH/first.pcap"
    fi
}

# Waits at most SECONDS for a command to succeed.
wait_for() {
    local tries=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -le 0 ] && return 1
        sleep 0.1
    done
}
