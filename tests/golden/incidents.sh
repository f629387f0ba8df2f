#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Incidents and the suppress file, from a capture to lines: a scan of 1,000 ports is one story with
# a count, told at powers of ten and at its close; what is muted is counted and opens nothing; none
# of it depends on threads or keys.
. "$(dirname "$0")/../support/report.sh"

# An hour of UDP to six servers from twenty hosts, and a TCP scan of 1,000 ports of one of them.
cat >"$SCRATCH/scan.py" <<'END'
import struct, sys
START_US, SCAN_US = 1700000000 * 10**6, 3000 * 10**6
state = 1
def random(count):
    global state
    state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
    return (state >> 33) % count
def frame(us, source, destination, protocol, payload):
    address = lambda text: bytes(int(part) for part in text.split("."))
    packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0,
                         address(source), address(destination)) + payload
    ethernet = b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + packet
    size = len(ethernet)
    return us, struct.pack("<IIII", us // 10**6, us % 10**6, size, size) + ethernet
def udp(us, source, source_port, destination, port, size):
    header = struct.pack(">HHHH", source_port, port, 8 + size, 0)
    return frame(us, source, destination, 17, header + b"x" * size)
def tcp(us, source, source_port, destination, port, flags):
    return frame(us, source, destination, 6,
                 struct.pack(">HHIIBBHHH", source_port, port, 1, 0, 0x50, flags, 1024, 0, 0))
frames = []
for i in range(4000):
    us = START_US + i * 900000 + random(900000)
    host, port = f"10.0.0.{1 + random(20)}", 20000 + random(40000)
    if random(2):
        server, service, size = "10.0.1.53", 53, 40
    else:
        server, service, size = f"10.0.1.{1 + random(5)}", 443, 200
    frames += [udp(us, host, port, server, service, size + random(60)),
               udp(us + 2000 + random(3000), server, service, host, port, 2 * size + random(300))]
for port in range(1, 1001):
    us = START_US + SCAN_US + port * 10000
    frames += [tcp(us, "10.0.0.7", 54321, "10.0.1.3", port, 0x02),
               tcp(us + 200, "10.0.1.3", port, "10.0.0.7", 54321, 0x14)]
with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for _, data in sorted(frames):
        out.write(data)
END
python3 "$SCRATCH/scan.py" "$SCRATCH/scan.pcap" || exit 1

run() { # file, options...
    local file=$1
    shift
    whyflow -r "$SCRATCH/scan.pcap" --records all --format native "$@" >"$SCRATCH/$file"
}

# What must hold between the lines of any run.
cat >"$SCRATCH/incidents.py" <<'END'
import json, sys
told, counted, flagged, muted, last = {}, {}, 0, 0, None
for line in open(sys.argv[1]):
    record = json.loads(line)
    own = record["whyflow"]
    if record["event_type"] == "flow":
        flagged += own["flagged"]
        muted += own.get("suppressed", False)
        assert own["flagged"] == record["flow"]["alerted"] == ("incident" in own)
        assert not (own["flagged"] and own.get("suppressed"))
        if own["flagged"]:
            incident = own["incident"]
            counted[incident["id"]] = counted.get(incident["id"], 0) + 1
            assert incident == {"id": incident["id"], "count": counted[incident["id"]]}
    elif record["event_type"] == "alert":
        incident = own["incident"]
        assert record["flow"]["alerted"] and own["flagged"]
        assert incident["first"] <= incident["last"] <= record["timestamp"]
        told.setdefault(incident["id"], []).append(
            (incident["count"], incident["closed"], own["score"]))
    else:
        last = own
engine = last["engine"]
assert engine["flagged"] == flagged and engine["suppressed"] == muted, (engine, flagged, muted)
assert engine["incidents"] == len(counted) > 1
assert sum(rule["count"] for rule in engine.get("suppressed_by", [])) == muted
powers = {10**i for i in range(9)}
for id, count in counted.items():
    expected = [(n, False) for n in sorted(powers) if n <= count]
    if count not in powers:
        expected.append((count, True))
    assert [alert[:2] for alert in told[id]] == expected, (told[id], count)
    assert count in powers or all(alert[2] <= told[id][-1][2] for alert in told[id])
assert set(told) == set(counted)
END

incidents_hold() {
    run "$1.jsonl" "${@:2}" && python3 "$SCRATCH/incidents.py" "$SCRATCH/$1.jsonl"
}

# Of the scanner's flagged flows at least nine in ten are one incident, and it has few others.
cat >"$SCRATCH/story.py" <<'END'
import collections, json, sys
stories = collections.Counter(
    record["whyflow"]["incident"]["id"] for record in map(json.loads, open(sys.argv[1]))
    if record["event_type"] == "flow" and record["src_ip"] == "10.0.0.7"
    and record["proto"] == "TCP" and record["whyflow"]["flagged"])
print(stories)
total, most = sum(stories.values()), max(stories.values())
assert total >= int(sys.argv[2]) and most >= float(sys.argv[3]) * total
assert len(stories) <= int(sys.argv[4])
END

scan_is_one_story() { # file, flagged flows at least, share of the largest, incidents at most
    python3 "$SCRATCH/story.py" "$SCRATCH/$1.jsonl" "$2" "$3" "$4"
}

online=(--online --warmup '500,5m' --alerts-per-hour 6)
check 'incidents_of_a_capture_are_told_by_the_rules' incidents_hold capture --alert-share 21%
check 'incidents_online_are_told_by_the_rules' incidents_hold online "${online[@]}"
check 'scan_of_1000_ports_is_one_story_of_a_capture' scan_is_one_story capture 1000 0.99 3
check 'scan_of_1000_ports_is_hardly_more_online' scan_is_one_story online 10 0.8 4

cat >"$SCRATCH/rules" <<'END'
# the scanner is ours
src 10.0.0.7 proto tcp port 80
src 10.0.0.7 dst 10.0.1.0/24 proto tcp until 2100-01-01 # until it retires
net 10.0.0.0/8 until 2023-11-01
END
check 'muted_flows_open_no_incident_and_are_counted_by_rule' \
    incidents_hold muted --alert-share 21% --suppress "$SCRATCH/rules"

# A capture's share goes to flows that are not muted, and what is muted was learnt all the same.
cat >"$SCRATCH/muted.py" <<'END'
import json, sys
def flows(path):
    return [r for r in map(json.loads, open(path)) if r["event_type"] == "flow"]
plain, muted = flows(sys.argv[1]), flows(sys.argv[2])
assert [f["whyflow"]["score"] for f in plain] == [f["whyflow"]["score"] for f in muted]
count = lambda records: sum(f["whyflow"]["flagged"] for f in records)
assert count(plain) == count(muted) == 1050, (count(plain), count(muted))
assert not any(f["whyflow"]["flagged"] and f["src_ip"] == "10.0.0.7" and f["proto"] == "TCP"
               for f in muted)
final = [json.loads(line) for line in open(sys.argv[2])][-1]["whyflow"]["engine"]
lines = {rule["line"]: rule["count"] for rule in final["suppressed_by"]}
assert lines == {2: 1, 3: 999}, lines
END
check 'muted_flows_are_learnt_and_cost_no_share' \
    python3 "$SCRATCH/muted.py" "$SCRATCH/capture.jsonl" "$SCRATCH/muted.jsonl"

same_every_way() { # file, options...
    local file=$1 way
    local -a words
    shift
    for way in '--inline' '--batch 1 --hash-key 000102030405060708090a0b0c0d0e0f' \
        '--inline --hash-key ffffffffffffffffffffffffffffffff'; do
        read -ra words <<<"$way"
        run again.jsonl "${words[@]}" "$@" || return 1
        cmp "$SCRATCH/$file.jsonl" "$SCRATCH/again.jsonl" || return 1
    done
}
if is_release; then # that bytes are the same, the release shows
    check 'incidents_of_a_capture_are_the_same_bytes' same_every_way capture --alert-share 21%
    check 'incidents_online_are_the_same_bytes' same_every_way online "${online[@]}"
    check 'muted_flows_are_the_same_bytes' \
        same_every_way muted --alert-share 21% --suppress "$SCRATCH/rules"
fi

bad_rules_are_told() {
    printf 'port 80\nport http\n' >"$SCRATCH/bad"
    exits 2 whyflow -T --suppress "$SCRATCH/bad" -r "$SCRATCH/scan.pcap" 2>"$SCRATCH/said"
    grep -q "bad: line 2: 'http' is not a port" "$SCRATCH/said" || return 1
    exits 2 whyflow -r "$SCRATCH/scan.pcap" --suppress "$SCRATCH/nowhere" &&
        exits 0 whyflow -T --suppress "$SCRATCH/rules" -r "$SCRATCH/scan.pcap"
}
check 'bad_rules_are_told_with_their_line' bad_rules_are_told
