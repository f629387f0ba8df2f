# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For live tests, sourced after report.sh: two network namespaces with one link between them, whyflow
# on one end. Made and removed by the test; names are unique to its process.
#
#     needs_link "test's name" || exit 0     says skip where there can be no link
#     link_up talking|quiet                  quiet: no ARP, no IPv6: only what the test sends
#     here COMMAND... / there COMMAND...     at whyflow's end (10.9.0.1) / at the other (10.9.0.2)
#     capture_start [OPTIONS...]             whyflow on the link, in the background: $capture
#     capture_stop [SIGNAL]                  its exit code comes back; messages: $SCRATCH/messages

HERE=wf-$$-here
THERE=wf-$$-there
capture=

needs_link() {
    local what
    if [ "$(id -u)" -ne 0 ]; then
        skip "$1" 'not root'
        return 1
    fi
    for what in ip tcpreplay curl ping setpriv; do
        command -v $what >/dev/null || { skip "$1" "no $what"; return 1; }
    done
    if ! ip netns add "wf-$$-try" 2>/dev/null; then
        skip "$1" 'no network namespaces'
        return 1
    fi
    what=$(inside "wf-$$-try" echo works 2>/dev/null)
    ip netns delete "wf-$$-try"
    [ "$what" = works ] || { skip "$1" 'no entry into network namespaces'; return 1; }
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
        inside "$side" sysctl -q -w net.ipv6.conf.all.accept_dad=0 \
            net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.wf0.accept_dad=0
        [ "$1" = quiet ] && inside "$side" sysctl -q -w \
            net.ipv6.conf.wf0.disable_ipv6=1
        [ "$1" = quiet ] && inside "$side" ip link set wf0 arp off
        # Segments as on a wire, not the kernel's 64 KiB ones.
        inside "$side" ethtool -K wf0 tso off gso off gro off tx off >/dev/null 2>&1
        inside "$side" ip link set lo up
        inside "$side" ip link set wf0 up
    done
    if [ "$1" != quiet ]; then
        here ip addr add 10.9.0.1/24 dev wf0
        there ip addr add 10.9.0.2/24 dev wf0
        here ip addr add fd09::1/64 dev wf0 nodad
        there ip addr add fd09::2/64 dev wf0 nodad
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
