#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Held against another program: tshark's fields of each frame, summed by conversation here, give the
# same packets, bytes and community ids as whyflow's flows. And: who is said to have begun, on the
# intact capture and on one from which the openings were taken.
. "$(dirname "$0")/../support/report.sh"

frames() { # capture
    timeout 120 tshark -r "$1" -T fields -E occurrence=f -E separator=, \
        --enable-protocol communityid \
        -o ip.defragment:FALSE -o ipv6.defragment:FALSE -o tcp.desegment_tcp_streams:FALSE \
        -e frame.len -e ip.src -e ip.dst -e ip.proto -e ip.len -e ipv6.src -e ipv6.dst -e ipv6.nxt \
        -e ipv6.plen -e tcp.srcport -e tcp.dstport -e udp.srcport -e udp.dstport -e icmpv6.type \
        -e icmpv6.code -e icmp.type -e icmp.code -e communityid -e tcp.flags 2>/dev/null
}

cat >"$SCRATCH/compare.py" <<'END'
import base64, collections, hashlib, ipaddress, json, struct, sys
def one_way_id(source, target, protocol, kind, code):
    """Community ID, version 1, of an ICMP message that nothing answers: tshark gives none, or takes
    the ports of the packet that an error quotes."""
    data = struct.pack("!H", 0) + ipaddress.ip_address(source).packed + \
        ipaddress.ip_address(target).packed + \
        struct.pack("!BBHH", protocol, 0, int(kind), int(code))
    return "1:" + base64.b64encode(hashlib.sha1(data).digest()).decode()
what, frames_path, flows_path = sys.argv[1:]
empty = lambda: [0, 0, 0, set()]
def key_of(a, b, protocol):
    return (min(a, b), max(a, b), protocol)
truth, refused, openers = collections.defaultdict(empty), 0, {}
for line in open(frames_path):
    (length, src4, dst4, proto4, len4, src6, dst6, next6, plen6, tcp_a, tcp_b, udp_a, udp_b,
     icmp6, code6, icmp4, code4, cid, flags) = line.rstrip("\n").split(",")
    if src4:
        source, target, protocol, ip_bytes = src4, dst4, int(proto4), int(len4)
    elif src6:
        source, target, protocol, ip_bytes = src6, dst6, int(next6), int(plen6) + 40
        if protocol == 0 and icmp6:
            protocol = 58  # behind a hop-by-hop header
    else:
        refused += 1
        continue
    ports = {6: (tcp_a, tcp_b), 17: (udp_a, udp_b)}.get(protocol, ("0", "0"))
    a, b = (source, int(ports[0])), (target, int(ports[1]))
    key = key_of(a, b, protocol)
    entry = truth[key]
    entry[0] += 1
    entry[1] += int(length)
    entry[2] += ip_bytes
    if protocol == 1 and icmp4 in ("3", "4", "5", "11", "12"):
        cid = one_way_id(source, target, 1, icmp4, code4)
    elif protocol == 58 and not cid:
        cid = one_way_id(source, target, 58, icmp6, code6)
    entry[3].add(cid)
    if protocol == 6 and int(flags, 16) & 0x12 == 0x02:
        openers.setdefault(key, a)
numbers = {"TCP": 6, "UDP": 17, "ICMP": 1, "IPv6-ICMP": 58, "SCTP": 132}
seen, flows, wrong, asked, final = collections.defaultdict(empty), 0, 0, 0, None
for line in open(flows_path):
    record = json.loads(line)
    if record["event_type"] == "stats":
        final = record
        continue
    flows += 1
    protocol = numbers[record["proto"]] if record["proto"] in numbers else int(record["proto"])
    a = (record["src_ip"], record.get("src_port", 0))
    b = (record["dest_ip"], record.get("dest_port", 0))
    key, flow, ours = key_of(a, b, protocol), record["flow"], record["whyflow"]["flow"]
    entry = seen[key]
    entry[0] += flow["pkts_toserver"] + flow["pkts_toclient"]
    entry[1] += flow["bytes_toserver"] + flow["bytes_toclient"]
    entry[2] += ours["fwd"]["ip_bytes"] + ours["rev"]["ip_bytes"]
    entry[3].add(record["community_id"])
    if key in openers:
        asked += 1
        wrong += openers[key] != a
if what == "openers":
    assert asked > 500, asked
    print(f"{wrong} of {asked}")
    sys.exit(0)
assert final["whyflow"]["account"]["refused"]["not_ip"] == refused, refused
assert len(truth) > 1000 and truth.keys() == seen.keys(), (len(truth), len(seen),
    list(truth.keys() ^ seen.keys())[:5])
for key in truth:
    assert truth[key] == seen[key], f"{key}: tshark {truth[key]}, whyflow {seen[key]}"
print(f"{len(truth)} conversations, {flows} flows")
END

agrees() { # what is compared, capture, options...
    local capture=$2
    frames "$capture" >"$SCRATCH/frames" &&
        whyflow -r "$capture" --records flows --format native "${@:3}" >"$SCRATCH/flows" &&
        python3 "$SCRATCH/compare.py" "$1" "$SCRATCH/frames" "$SCRATCH/flows"
}

if ! command -v tshark >/dev/null; then
    skip 'conversations_are_those_of_tshark' 'no tshark'
    exit 0
fi
captures=(pcaps/*.pcap)
is_release || captures=(pcaps/quiet.pcap)
for capture in "${captures[@]}"; do
    check "conversations_are_those_of_tshark: $(basename "$capture")" agrees sums "$capture" \
        --idle-timeout 0 --active-timeout 0 --close-timeout 0
    check "conversations_are_those_of_tshark: $(basename "$capture") in slices" \
        agrees sums "$capture" --idle-timeout 2s --active-timeout 3s --close-timeout 500ms
done

# ---- who began ----

# Takes the first minute out of a classic little-endian capture. Captures without their SYNs are
# direction.sh's.
cat >"$SCRATCH/without.py" <<'END'
import struct, sys
source, target = sys.argv[1:]
data = open(source, "rb").read()
out, at, begin = [data[:24]], 24, None
while at < len(data):
    seconds, _, size, _ = struct.unpack_from("<IIII", data, at)
    begin = begin or seconds
    if seconds - begin >= 60:
        out.append(data[at : at + 16 + size])
    at += 16 + size
open(target, "wb").write(b"".join(out))
END

openers() { # capture whose flows are asked; the truth is in the intact one's frames
    whyflow -r "$1" --records flows --format native >"$SCRATCH/flows" &&
        python3 "$SCRATCH/compare.py" openers "$SCRATCH/frames" "$SCRATCH/flows"
}

frames pcaps/quiet.pcap >"$SCRATCH/frames"
none_wrong() {
    local figures
    figures=$(openers pcaps/quiet.pcap) && echo "$figures" && [[ $figures == "0 of "* ]]
}
check 'the_sender_of_the_syn_is_the_initiator' none_wrong

# Without openings one must guess. The bounds are a little over what was measured.
at_most() { # percent, capture
    local figures wrong asked
    figures=$(openers "$2") || return 1
    echo "$figures" | tee "$SCRATCH/figures"
    read -r wrong _ asked <<<"$figures"
    [ $((100 * wrong)) -le $((asked * $1)) ]
}
python3 "$SCRATCH/without.py" pcaps/quiet.pcap "$SCRATCH/without-minute.pcap"
check 'without_the_first_minute_few_initiators_are_wrong' at_most 2 "$SCRATCH/without-minute.pcap"
echo "    $(cat "$SCRATCH/figures") wrong"
