#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --flagged-pcap: its file has the packets of the flagged flows, all of them and no others.
. "$(dirname "$0")/../support/report.sh"

# What was written, read again with timeouts off, gives per conversation the packets and bytes of
# the flagged flows; and tshark, which shares no code, finds as many frames and bytes in it.
has_the_flagged_flows() { # options of the first reading...
    local there=$SCRATCH/flagged
    rm -rf "$there" && mkdir "$there"
    whyflow "$@" --flagged-pcap "$there/pcap" -o "native+flows:$there/first" || return 1
    whyflow -r "$there/pcap" --idle-timeout 0 --active-timeout 0 --close-timeout 0 \
        -o "native+flows:$there/second" || return 1
    if command -v tshark >/dev/null; then
        tshark -r "$there/pcap" -T fields -e frame.len >"$there/lengths" 2>/dev/null || return 1
    else
        echo 'tshark is not there: skipped' && : >"$there/lengths"
    fi
    python3 - "$there" <<'END'
import collections, json, os, sys
there = sys.argv[1]

def conversations(name, is_wanted):
    sums = collections.Counter()
    for line in open(f"{there}/{name}"):
        record = json.loads(line)
        if record["event_type"] != "flow" or not is_wanted(record["whyflow"]):
            continue
        flow = record["flow"]
        ends = [(record[side + "_ip"], record.get(side + "_port")) for side in ("src", "dest")]
        is_first = ends == sorted(ends, key=str)
        key = (record["proto"], *sorted(ends, key=str))
        for number, direction in enumerate(("toserver", "toclient")[:: 1 if is_first else -1]):
            sums[*key, number, "packets"] += flow["pkts_" + direction]
            sums[*key, number, "bytes"] += flow["bytes_" + direction]
    return +sums

flagged = conversations("first", lambda whyflow: whyflow["flagged"])
written = conversations("second", lambda whyflow: True)
assert flagged, "nothing was flagged"
assert flagged == written, (flagged - written, written - flagged)
packets = sum(n for key, n in flagged.items() if key[-1] == "packets")
lengths = [int(line) for line in open(f"{there}/lengths")]
if lengths:
    assert len(lengths) == packets, (len(lengths), packets)
    assert sum(lengths) == sum(n for key, n in flagged.items() if key[-1] == "bytes")
print(f"{packets} packets")
END
}
check 'the_packets_of_flagged_flows_are_written: mixed' has_the_flagged_flows -r pcaps/mixed.pcap
check 'the_packets_of_flagged_flows_are_written: sample' \
    has_the_flagged_flows -r pcaps/sample-3943031.pcap
[ "$WHYFLOW_PROFILE" = tsan ] || # one thread
    check 'the_packets_of_flagged_flows_are_written: inline' \
        has_the_flagged_flows -r pcaps/quiet.pcap --inline
check 'the_packets_of_flagged_flows_are_written: online' \
    has_the_flagged_flows -r pcaps/mixed.pcap --online --warmup 500,1m
check 'the_packets_of_flagged_flows_are_written: filter and count' \
    has_the_flagged_flows -r pcaps/mixed.pcap -c 20000 udp or tcp
[ "$WHYFLOW_PROFILE" = tsan ] || # which flows there are says nothing of threads
    check 'the_packets_of_flagged_flows_are_written: short timeouts and a small table' \
        has_the_flagged_flows -r pcaps/mixed.pcap --idle-timeout 2s --active-timeout 5s \
        --max-flows 64
gzip -c pcaps/quiet.pcap >"$SCRATCH/quiet.pcap.gz"
check 'the_packets_of_flagged_flows_are_written: two files merged, one compressed' \
    has_the_flagged_flows -r pcaps/mixed.pcap -r "$SCRATCH/quiet.pcap.gz"

# Each tenth packet doubled, as a mirror port does it; one stamp a day ahead and one a day behind,
# of which only the next packet tells that they are strays; then the clock is set back by an hour,
# and then two hours ahead.
python3 - pcaps/mixed.pcap "$SCRATCH/odd.pcap" <<'END'
import struct, sys
data = open(sys.argv[1], "rb").read()
order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
out, at, number = [data[:24]], 24, 0
while number < 6000:
    seconds, fraction, kept, wire = struct.unpack_from(order + "IIII", data, at)
    shift = {1001: 86400, 2001: -86400}.get(number, 0)
    shift += 3600 if number >= 4500 else -3600 if number >= 3000 else 0
    packet = struct.pack(order + "IIII", seconds + shift, fraction, kept, wire)
    packet += data[at + 16 : at + 16 + kept]
    out += [packet] * (2 if number % 10 == 0 else 1)
    at, number = at + 16 + kept, number + 1
open(sys.argv[2], "wb").write(b"".join(out))
END
check 'the_packets_of_flagged_flows_are_written: strays, copies, a clock set back' \
    has_the_flagged_flows -r "$SCRATCH/odd.pcap" --alert-share 0.5
check 'the_packets_of_flagged_flows_are_written: all flows, but for copies' \
    has_the_flagged_flows -r "$SCRATCH/odd.pcap" --alert-share 1 --dedup

records_stay() {
    whyflow -r pcaps/quiet.pcap -o "$SCRATCH/with" --flagged-pcap "$SCRATCH/out.pcap" &&
        whyflow -r pcaps/quiet.pcap | cmp - "$SCRATCH/with"
}
check 'records_are_the_same_with_and_without' records_stay

refuses() { # what the message says, options...
    exits 2 whyflow "${@:2}" 2>"$SCRATCH/errors" <pcaps/quiet.pcap || return 1
    cat "$SCRATCH/errors"
    grep -q "flagged-pcap.*$1" "$SCRATCH/errors"
}
check 'it_is_for_files_only: interface' refuses 'with -r' -i lo --flagged-pcap "$SCRATCH/no"
check 'it_is_for_files_only: flow lines' refuses 'with -r' -R "$SCRATCH/with" \
    --flagged-pcap "$SCRATCH/no"
check 'it_is_for_files_only: standard input' refuses 'second time' -r - --flagged-pcap "$SCRATCH/no"
mkfifo "$SCRATCH/pipe"
cat pcaps/quiet.pcap >"$SCRATCH/pipe" 2>/dev/null &
check 'it_is_for_files_only: a pipe' refuses 'second time' -r "$SCRATCH/pipe" \
    --flagged-pcap "$SCRATCH/no"
kill $! 2>/dev/null
check 'it_does_not_overwrite_its_input' refuses 'input too' -r "$SCRATCH/odd.pcap" \
    --flagged-pcap "$SCRATCH/odd.pcap"
check 'it_does_not_overwrite_what_w_writes' refuses 'of -w' -r "$SCRATCH/odd.pcap" \
    --flagged-pcap "$SCRATCH/no" -w "$SCRATCH/no"

stops_at_the_limit() {
    whyflow -r pcaps/mixed.pcap --max-flagged 3 --flagged-pcap "$SCRATCH/three" \
        -o "native+flows:$SCRATCH/flows" 2>"$SCRATCH/errors" || return 1
    local flagged
    flagged=$(grep -c '"flagged":true' "$SCRATCH/flows")
    cat "$SCRATCH/errors"
    grep -q "^whyflow: $((flagged - 3)) flagged flows beyond --max-flagged" "$SCRATCH/errors" &&
        whyflow -r "$SCRATCH/three" | tail -1 | grep -q '"flows_opened":3,'
}
check 'flows_beyond_the_limit_are_counted' stops_at_the_limit
