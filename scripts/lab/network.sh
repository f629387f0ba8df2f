# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The laboratory's network, sourced by lab.sh.  One namespace a host, and a router with three
# bridges:
#
#   lan   10.20.10.0/24    fd20:0:0:10::/64    clients
#   srv   10.20.20.0/24    fd20:0:0:20::/64    servers
#   out   198.51.100.0/24  2001:db8:20::/64    the outside (documentation addresses)
#
# A host's last number is the same in IPv4 and IPv6 (written alike: .53 and ::53); the router is 1.

LAN4=10.20.10 LAN6=fd20:0:0:10
SRV4=10.20.20 SRV6=fd20:0:0:20
OUT4=198.51.100 OUT6=2001:db8:20

# shellcheck disable=SC2034 # for lab.sh
CLIENTS=(pc1 pc2 pc3 pc4 pc5 pc6 pc7 pc8)

# host, network, last number
HOSTS=(
    "pc1 lan 11" "pc2 lan 12" "pc3 lan 13" "pc4 lan 14"
    "pc5 lan 15" "pc6 lan 16" "pc7 lan 17" "pc8 lan 18"
    "dns srv 53" "web srv 80" "files srv 22" "queue srv 83" "store srv 79" "clock srv 123"
    "site1 out 10" "site2 out 20" "cloud out 30" "peer out 77" "command out 90"
    "evil out 66" "hole out 250"
)

in_host() { # host command...
    ip netns exec "wf-$1" "${@:2}"
}

# No offloads: segments are made by the sender, so that lengths and checksums are those of a wire.
plain_device() { # host device
    in_host "$1" ethtool -K "$2" tso off gso off gro off tx off rx off >/dev/null 2>&1 || true
}

network_up() {
    ip netns add wf-router
    in_host router ip link set lo up
    in_host router sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
        net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
    add_bridge lan $LAN4 $LAN6
    add_bridge srv $SRV4 $SRV6
    add_bridge out $OUT4 $OUT6
    local line
    for line in "${HOSTS[@]}"; do
        # shellcheck disable=SC2086 # three words
        add_host $line
    done
    # Packets reach this one and no answer comes back.
    in_host hole ip route replace blackhole 10.20.0.0/16
    in_host hole ip -6 route replace blackhole fd20::/16
    # The flooded one gives up half-open connections early.
    in_host web sysctl -q -w net.ipv4.tcp_synack_retries=1
}

add_bridge() { # network prefix4 prefix6
    in_host router ip link add "br-$1" type bridge mcast_snooping 0
    in_host router ip link set "br-$1" up
    in_host router ip address add "$2.1/24" dev "br-$1"
    in_host router ip address add "$3::1/64" dev "br-$1" nodad
}

add_host() { # host network number
    local host=$1 net=$2 number=$3 net4 net6
    case $net in
        lan) net4=$LAN4 net6=$LAN6 ;;
        srv) net4=$SRV4 net6=$SRV6 ;;
        out) net4=$OUT4 net6=$OUT6 ;;
    esac
    ip netns add "wf-$host"
    ip link add eth0 netns "wf-$host" type veth peer name "to-$host" netns wf-router
    in_host router ip link set "to-$host" master "br-$net" up
    plain_device router "to-$host"
    plain_device "$host" eth0
    in_host "$host" sysctl -q -w net.ipv6.conf.eth0.accept_ra=0 net.ipv6.conf.eth0.accept_dad=0
    in_host "$host" ip link set lo up
    in_host "$host" ip link set eth0 up
    in_host "$host" ip address add "$net4.$number/24" dev eth0
    in_host "$host" ip address add "$net6::$number/64" dev eth0 nodad
    in_host "$host" ip route add default via "$net4.1"
    in_host "$host" ip -6 route add default via "$net6::1"

    # ip netns exec lays the files of /etc/netns/NAME over those of /etc.
    mkdir -p "/etc/netns/wf-$host"
    if [ $((number % 2)) -eq 0 ]; then
        echo "nameserver $SRV6::53" >"/etc/netns/wf-$host/resolv.conf"
    else
        echo "nameserver $SRV4.53" >"/etc/netns/wf-$host/resolv.conf"
    fi
}

network_processes() {
    local name
    for name in $(ip netns list | awk '/^wf-/ { print $1 }'); do
        ip netns pids "$name" 2>/dev/null || true
    done
}

network_down() {
    local name
    for name in $(ip netns list | awk '/^wf-/ { print $1 }'); do
        ip netns delete "$name" || true
        rm -rf "/etc/netns/$name"
    done
    rmdir /etc/netns 2>/dev/null || true
}
