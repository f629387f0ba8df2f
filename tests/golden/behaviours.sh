#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Which behaviours are named for which labelled activity: those of the table below and no other; and
# none in ordinary traffic.
. "$(dirname "$0")/../support/report.sh"

cat >"$SCRATCH/named.py" <<'END'
import ipaddress, json, sys
# activity -> the only name its flows may have
RIGHT = {
    "beacon": "periodic_contact", "port_scan": "vertical_scan", "host_scan": "horizontal_scan",
    "password_guessing": "password_guessing", "syn_flood": "flood", "large_upload": "large_upload",
    "c2_beacon": "periodic_contact", "syn_scan": "vertical_scan", "udp_scan": "vertical_scan",
    "slow_scan": "slow_scan", "sweep": "horizontal_scan", "ssh_bruteforce": "password_guessing",
    "slowloris": "connection_holding", "lateral": "lateral_movement",
    "exfil_upload": "large_upload", "dns_tunnel": "dns_tunnel", "icmp_tunnel": "icmp_tunnel",
    "p2p_bittorrent": "peer_to_peer",
}
def within(address, networks):
    address = ipaddress.ip_address(address)
    return any(address in ipaddress.ip_network(n, strict=False) for n in networks)
def rules(path):
    for label in map(json.loads, open(path)):
        if "rules" in label:
            begin, end = label["start_us"] / 1e6, label["end_us"] / 1e6
            for rule in label["rules"]:
                if rule["certain"]:
                    ports = rule["dport"]
                    yield label["behaviour"], begin, end, rule["src"], rule["dst"], ports
        else:
            ports = [[label["dport"]] * 2] if label["dport"] else None
            yield (label["activity"], label["start"], label["end"], [label["src"]],
                   [label["dst"]], ports)
def activity_of(record, labels):
    first = record["whyflow"]["flow"]["first_ns"] / 1e9
    ends = [(record["src_ip"], record["dest_ip"], record.get("dest_port", 0)),
            (record["dest_ip"], record["src_ip"], record.get("src_port", 0))]
    for activity, begin, end, sources, destinations, ports in labels:
        for source, destination, port in ends:
            if (begin - 0.5 <= first <= end + 5 and within(source, sources)
                    and within(destination, destinations)
                    and (not ports or any(low <= port <= high for low, high in ports))):
                return activity
    return None
labels, found = list(rules(sys.argv[1])), {}
for record in map(json.loads, sys.stdin):
    name = record["whyflow"].get("behaviour")
    if record["event_type"] != "flow" or name is None:
        continue
    activity = activity_of(record, labels)
    assert RIGHT.get(activity) == name, f"{activity} is called {name}: {record['src_ip']}"
    found[activity] = found.get(activity, 0) + 1
print(found)
wanted = {label[0] for label in labels} & set(RIGHT)
assert set(found) == wanted, f"not named: {wanted - set(found)}"
END

named_right() { # capture, labels, options...
    whyflow -r "$1" --records flows --format native "${@:3}" -o - >"$SCRATCH/flows" || return 1
    python3 "$SCRATCH/named.py" "$2" <"$SCRATCH/flows"
}
none_named() { # capture, options...
    whyflow -r "$1" --records flows --format native "${@:2}" -o - >"$SCRATCH/flows" || return 1
    [ -s "$SCRATCH/flows" ] && ! grep -o '"behaviour":"[a-z_]*"' "$SCRATCH/flows"
}

check 'every_activity_of_mixed_is_named_right' \
    named_right pcaps/mixed.pcap pcaps/mixed.labels.jsonl
check 'nothing_is_named_in_quiet' none_named pcaps/quiet.pcap
check 'nothing_is_named_in_quiet --online' none_named pcaps/quiet.pcap --online

lab=../shared/data/labelled/lab
nets=10.37.0.0/16,fd37:0:0:10::/64,fd37:0:0:20::/64
if [ -d $lab ]; then
    check 'every_activity_of_the_laboratory_is_named_right' \
        named_right $lab/mixed-101.pcap.zst $lab/mixed-101.labels.jsonl --local-nets $nets
    check 'nothing_is_named_in_the_quiet_laboratory' \
        none_named $lab/quiet-606.pcap.zst --local-nets $nets
else
    skip 'laboratory captures' 'they are not there'
fi
