# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For live tests, sourced after report.sh: two network namespaces with one link between them, whyflow
# on one end. Made and removed by the test; names are unique to its process.
#
#     needs_link "test's name" || exit 0     says skip where there can be no link
#     link_up talking|quiet                  quiet: no ARP, no IPv6: only what the test sends;
#                                            $link_ipv6 is empty where the kernel has no IPv6
#     here COMMAND... / there COMMAND...     at whyflow's end (10.9.0.1) / at the other (10.9.0.2)
#     capture_start [OPTIONS...]             whyflow on the link, in the background: $capture
#     capture_stop [SIGNAL]                  its exit code comes back; messages: $SCRATCH/messages

HERE=wf-$$-here
THERE=wf-$$-there
link_ipv6=yes
capture=

needs_link() {
    local what status=0
    if [ "$(id -u)" -ne 0 ]; then
        skip "$1" 'not root'
        return 1
    fi
    for what in ip tcpreplay curl ping setpriv; do
        command -v $what >/dev/null || { skip "$1" "no $what"; return 1; }
    done
    what=$(try_link 2>&1) || status=$?
    ip netns delete "$HERE-try" 2>/dev/null
    ip netns delete "$THERE-try" 2>/dev/null
    [ $status -eq 0 ] && return 0
    skip "$1" "no link between network namespaces here: ${what##*$'\n'}"
    return 1
}

# All that a container may refuse to root: a namespace, the way into it, a link, an address, a
# packet socket.
try_link() {
    ip netns add "$HERE-try" && ip netns add "$THERE-try" &&
        inside "$HERE-try" true &&
        ip link add wf0 netns "$HERE-try" type veth peer name wf0 netns "$THERE-try" &&
        inside "$HERE-try" ip addr add 10.9.0.1/24 dev wf0 &&
        inside "$HERE-try" ip link set wf0 up &&
        inside "$HERE-try" /usr/bin/python3 -c 'import socket
socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3).bind(("wf0", 0))'
}

# Not `ip netns exec`: it mounts /sys anew, which it may not in a chroot.
inside() { # namespace, command...
    nsenter --net="/run/netns/$1" "${@:2}"
}

here() {
    inside "$HERE" "$@"
}

there() {
    inside "$THERE" "$@"
}

link_up() {
    local side
    ip netns add "$HERE" && at_end ip netns delete "$HERE"
    ip netns add "$THERE" && at_end ip netns delete "$THERE"
    ip link add wf0 netns "$HERE" type veth peer name wf0 netns "$THERE"
    for side in "$HERE" "$THERE"; do
        # Without IPv6, or where /proc/sys is read-only, this fails and is not needed.
        inside "$side" sysctl -q -w net.ipv6.conf.all.accept_dad=0 \
            net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.wf0.accept_dad=0 2>/dev/null
        if [ "$1" = quiet ]; then
            inside "$side" sysctl -q -w net.ipv6.conf.wf0.disable_ipv6=1 2>/dev/null
            inside "$side" ip link set wf0 arp off addrgenmode none
        fi
        # Segments as on a wire, not the kernel's 64 KiB ones.
        inside "$side" ethtool -K wf0 tso off gso off gro off tx off >/dev/null 2>&1
        inside "$side" ip link set lo up
        inside "$side" ip link set wf0 up
    done
    if [ "$1" != quiet ]; then
        here ip addr add 10.9.0.1/24 dev wf0
        there ip addr add 10.9.0.2/24 dev wf0
        if ! here ip addr add fd09::1/64 dev wf0 nodad 2>/dev/null ||
            ! there ip addr add fd09::2/64 dev wf0 nodad 2>/dev/null; then
            # shellcheck disable=SC2034 # a test asks
            link_ipv6=
        fi
    fi
}

# The number of packets that came in at whyflow's end, by the kernel's own count.
link_received() {
    here ip -s link show wf0 | awk '/RX:/ { getline; print $2 }'
}

is_capturing() {
    grep -q 'tables take' "$SCRATCH/messages"
}

capture_start() {
    : >"$SCRATCH/messages"
    # exec: the process to signal is whyflow itself.
    (exec nsenter --net="/run/netns/$HERE" "$WHYFLOW" -i wf0 "$@" 2>"$SCRATCH/messages") &
    capture=$!
    at_end kill -KILL "$capture"
    # The line about tables comes once the interface is open.
    wait_for 30 is_capturing || { cat "$SCRATCH/messages"; return 1; }
    sleep 0.3
}

has_ended() {
    ! kill -0 "$capture"
}

capture_stop() {
    kill -"${1:-TERM}" "$capture" && kill -CONT "$capture"
    wait_for 60 has_ended || kill -KILL "$capture"
    wait "$capture"
}

stat_of() { # key, file: from the last line
    tail -n 1 "$2" | grep -oE "\"$1\":[0-9]+" | head -n 1 | cut -d: -f2
}
