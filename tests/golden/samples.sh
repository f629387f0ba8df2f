#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The two sample reports: their eighteen columns come out of the captures as the reports have them,
# but for inter_arrival_ms, which the reports' sensor did not measure (0.0) and whyflow does; and
# both flows are the highest scored of their captures and flagged at the default share.
. "$(dirname "$0")/../support/report.sh"

cat >"$SCRATCH/columns.py" <<'END'
import json, sys
path, want = sys.argv[1], json.loads(sys.argv[2])
records = [json.loads(line) for line in open(path)]
def is_it(record):
    seen = record["whyflow"].get("observed", {})
    return all(seen.get(name) == want[name] for name in
               ("IP_SRC_ADDR", "IP_DST_ADDR", "L4_SRC_PORT", "L4_DST_PORT", "PROTOCOL_NUM"))
for kind in ("flow", "alert"):
    found = [r for r in records if r["event_type"] == kind and is_it(r)]
    assert len(found) == 1, f"{len(found)} records of the sample's {kind}"
    record, seen = found[0], found[0]["whyflow"]["observed"]
    expected = {"ID": record["flow_id"], **want}
    assert list(seen) == list(expected), list(seen)
    for name in expected:
        assert seen[name] == expected[name], f"{kind} {name}: {seen[name]} not {expected[name]}"
    assert record["whyflow"]["flagged"] is True
best = max(r["whyflow"]["score"] for r in records if r["event_type"] == "flow")
assert record["whyflow"]["score"] == best, (record["whyflow"]["score"], best)
END

sample() { # number, expected columns after ID
    whyflow -r "pcaps/sample-$1.pcap" --records all --format native >"$SCRATCH/$1.jsonl" &&
        python3 "$SCRATCH/columns.py" "$SCRATCH/$1.jsonl" "$2"
}

check 'udp_sample_has_the_columns_of_its_report_and_the_highest_score' sample 3947329 '{
    "IP_SRC_ADDR": "74.81.88.82", "IP_DST_ADDR": "158.129.80.19",
    "L4_SRC_PORT": 51413, "L4_DST_PORT": 29862, "PROTOCOL_NUM": 17,
    "FIRST_SWITCHED": "2019-10-02 07:53:05.001207",
    "LAST_SWITCHED": "2019-10-02 07:54:09.531207",
    "IN_PKTS": 2044, "IN_BYTES": 2817462, "FLOW_DURATION_MILLISECONDS": 64530,
    "avg_in_packet_size": 1378.4060665362035, "inter_arrival_ms": 31.58590308370044,
    "dst_flows_in_window": 15, "src_entropy_PROTOCOL": 0, "src_IN_PKTS_sum": 2044,
    "src_flows_in_window": 1, "src_flag_SYN": 0}'

check 'tcp_sample_has_the_columns_of_its_report_and_the_highest_score' sample 3943031 '{
    "IP_SRC_ADDR": "2a0b:e43:1::21", "IP_DST_ADDR": "2002:becf:7b73::becf:7b73",
    "L4_SRC_PORT": 443, "L4_DST_PORT": 57360, "PROTOCOL_NUM": 6,
    "FIRST_SWITCHED": "2019-10-02 07:53:06.112384",
    "LAST_SWITCHED": "2019-10-02 07:54:11.982384",
    "IN_PKTS": 3730, "IN_BYTES": 4761630, "FLOW_DURATION_MILLISECONDS": 65870,
    "avg_in_packet_size": 1276.5764075067025, "inter_arrival_ms": 17.664253150978816,
    "dst_flows_in_window": 3, "src_entropy_PROTOCOL": 0, "src_IN_PKTS_sum": 3730,
    "src_flows_in_window": 1, "src_flag_SYN": 0}'
