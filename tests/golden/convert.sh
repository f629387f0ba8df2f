#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Other programs' flows become flow lines (scripts/eval/convert.py) that -R reads without a
# complaint: states, initiators, notice times and labels are those that whyflow itself would give.
. "$(dirname "$0")/../support/report.sh"

convert() {
    scripts/eval/convert.py "$@"
}

# Zeek's conn.log, tab-separated: made here, a line a case.
{
    printf '#separator \\x09\n#set_separator\t,\n#unset_field\t-\n#path\tconn\n'
    printf '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration'
    printf '\torig_bytes\tresp_bytes\tconn_state\thistory\torig_pkts\torig_ip_bytes'
    printf '\tresp_pkts\tresp_ip_bytes'
    printf '\tlabel\tdetailed-label\n'
    row() { local IFS=$'\t'; printf '%s\n' "$*"; }
    row 100.000001 C1 10.0.0.1 4001 10.0.0.9 443 tcp 2.5 100 200 SF ShADadFf 5 320 4 380 Benign -
    row 101 C2 10.0.0.1 4002 10.0.0.9 81 tcp - - - S0 S 1 60 0 0 Malicious Scan
    row 102 C3 10.0.0.1 4003 10.0.0.9 82 tcp 0.001 0 0 REJ Sr 1 60 1 40 Malicious Scan
    row 103 C4 10.0.0.1 4004 10.0.0.9 83 tcp 0.5 0 0 S1 Sh 1 60 3 180 - -
    row 104 C5 10.0.0.1 4005 10.0.0.9 84 tcp 60 9 9 S1 ShADad 5 300 5 300 - -
    row 105 C6 10.0.0.1 4006 10.0.0.9 85 tcp 1 9 9 OTH ^d 0 0 7 700 - -
    row 106 C7 10.0.0.1 4007 10.0.0.9 86 tcp 1 0 0 SHR '^hf' 0 0 2 104 - -
    row 107 C8 10.0.0.1 53000 10.0.0.53 53 udp 0.01 30 90 SF Dd 1 58 1 118 - -
    row 108 C9 10.0.0.1 53001 10.0.0.53 53 udp - - - SHR d 0 0 1 118 - -
    row 109 CA 10.0.0.1 8 10.0.0.9 0 icmp 1 56 56 OTH - 1 84 1 84 - -
    row 110 CB fe80::1 136 fe80::2 135 icmp - 24 0 OTH - 1 64 0 0 - -
    row 111 CC 10.0.0.1 3 10.0.0.9 1 icmp - 56 0 OTH - 1 84 0 0 - -
    row 112 CD 10.0.0.1 4008 10.0.0.9 87 tcp - - - OTH C 0 0 0 0 Malicious -
    row 113 CE 10.0.0.1 4009 10.0.0.9 88 tcp 3 999999 0 RSTO ShADaR 5 300 3 180 - -
} >"$SCRATCH/conn.log"

# source, its port (or ICMP type), state, basis, notice time, history
cat >"$SCRATCH/expected" <<'END'
10.0.0.1 8 answered first 140 -
10.0.0.1 3 one_way only_side 141 -
10.0.0.1 4001 closed syn 107.500001 ShADadFf
10.0.0.1 4002 attempted syn 131 S
10.0.0.1 4003 refused syn 107.001 Sr
10.0.0.1 4004 half_open syn 133.5 Sh
10.0.0.1 4005 established syn 194 ShADad
10.0.0.9 85 midstream only_side 136 D
10.0.0.1 4008 midstream first 142 C
10.0.0.1 4007 half_open synack 137 ^hf
10.0.0.1 4009 reset syn 121 ShADaR
10.0.0.1 53000 answered first 137.01 Dd
10.0.0.53 53 one_way only_side 138 D
fe80::1 136 one_way only_side 140 -
END

cat >"$SCRATCH/say.py" <<'END'
import json, sys
from decimal import Decimal
lines = [json.loads(line) for line in open(sys.argv[1])]
order = [line["whyflow"]["flow"]["notice_ns"] for line in lines]
assert order == sorted(order), "not in the order of notice times"
assert all(line["flow_id"] < 2**51 for line in lines)
for line in lines:
    flow = line["whyflow"]["flow"]
    at = Decimal(flow["notice_ns"]) / 10**9
    print(line["src_ip"], line.get("src_port", line.get("icmp_type")), flow["state"],
          flow["basis"], f"{at.normalize():f}", flow.get("history", "-"))
END
said() {
    python3 "$SCRATCH/say.py" "$1" | LC_ALL=C sort
}

zeek_is_right() {
    convert -o "$SCRATCH/zeek" --labels "$SCRATCH/labels" "$SCRATCH/conn.log" 2>"$SCRATCH/errors" &&
        LC_ALL=C sort "$SCRATCH/expected" >"$SCRATCH/sorted" &&
        said "$SCRATCH/zeek" | diff "$SCRATCH/sorted" - &&
        [ ! -s "$SCRATCH/errors" ] &&
        ! grep -qi 'malicious\|benign\|scan' "$SCRATCH/zeek"
}
check 'a_conn_log_gives_the_states_whyflow_has' zeek_is_right

# Of port 4009 Zeek says more than the packets had room for.
payload_is_known_or_absent() {
    grep '"src_port":4001,' "$SCRATCH/zeek" |
        grep -q '"payload_bytes":100}.*"payload_bytes":200}' &&
        ! grep '"src_port":4002,' "$SCRATCH/zeek" | grep -q payload &&
        ! grep '"src_port":4009,' "$SCRATCH/zeek" | grep -q payload &&
        grep '"icmp_type":8' "$SCRATCH/zeek" | grep -q '"key_ports":\[8,0\]' &&
        grep '"icmp_type":3' "$SCRATCH/zeek" | grep -q '"one_way_key":true,"key_ports":\[3,1\]'
}
check 'what_is_not_known_is_left_out' payload_is_known_or_absent

labels_join() {
    python3 - "$SCRATCH/zeek" "$SCRATCH/labels" <<'END'
import csv, json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
labels = list(csv.DictReader(open(sys.argv[2])))
assert [str(line["flow_id"]) for line in lines] == [label["flow_id"] for label in labels]
scanned = [label["flow_id"] for label in labels if label["detail"] == "Scan"]
ports = {line.get("dest_port") for line in lines if str(line["flow_id"]) in scanned}
assert ports == {81, 82}, ports
END
}
check 'labels_stand_beside_in_the_same_order' labels_join

# The same as JSON, packed, and from standard input.
as_json() {
    python3 - "$SCRATCH/conn.log" >"$SCRATCH/conn.json" <<'END'
import json, sys
for line in open(sys.argv[1]):
    if line.startswith("#fields"):
        names = line.rstrip("\n").split("\t")[1:]
    elif not line.startswith("#"):
        row = {n: v for n, v in zip(names, line.rstrip("\n").split("\t")) if v != "-"}
        text = ("uid", "id.orig_h", "id.resp_h", "proto", "conn_state", "history", "label",
                "detailed-label")
        pairs = (f"{json.dumps(n)}:{json.dumps(v) if n in text else v}" for n, v in row.items())
        print("{" + ",".join(pairs) + "}")
END
    gzip -kf "$SCRATCH/conn.json"
    convert "$SCRATCH/conn.json.gz" 2>/dev/null | cmp - "$SCRATCH/zeek" &&
        convert - <"$SCRATCH/conn.json" 2>/dev/null | cmp - "$SCRATCH/zeek"
}
check 'json_logs_and_packed_ones_give_the_same' as_json

cat >"$SCRATCH/flows.csv" <<'END'
ts,src,sport,dst,dport,proto,dur,pkts_fwd,bytes_fwd,pkts_rev,bytes_rev,state,label,detail
100.5,10.0.0.1,4001,10.0.0.9,443,tcp,2.5,5,320,4,380,SF,Benign,
101,10.0.0.1,4002,10.0.0.9,80,tcp,,0,0,3,120,OTH,Malicious,x
END
cat >"$SCRATCH/nfdump.csv" <<'END'
ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt
2024-01-02 03:04:05.250,2024-01-02 03:04:06.250,1,10.0.0.1,10.0.0.9,4001,443,TCP,AP.SF,0,0,6,400,5,5
2024-01-02 03:04:05,2024-01-02 03:04:05,0,10.0.0.1,10.0.0.9,4002,80,TCP,......S.,0,0,1,60,0,0
2024-01-02 03:04:05,2024-01-02 03:04:05,0,10.0.0.1,10.0.0.9,0,8.0,ICMP,........,0,0,1,84,0,0
Summary
flows,bytes,packets,avg_bps,avg_pps,avg_bpp
3,1044,13,1,1,1
END
csv_is_right() {
    convert "$SCRATCH/flows.csv" >"$SCRATCH/plain" &&
        convert "$SCRATCH/nfdump.csv" >"$SCRATCH/nf" &&
        said "$SCRATCH/plain" >"$SCRATCH/said" && diff "$SCRATCH/said" - <<'END' &&
10.0.0.1 4001 closed syn 108 -
10.0.0.9 80 midstream only_side 131 -
END
        said "$SCRATCH/nf" >"$SCRATCH/said" && diff "$SCRATCH/said" - <<'END' &&
10.0.0.1 4001 closed syn 1704164651.25 -
10.0.0.1 4002 attempted syn 1704164675 -
10.0.0.1 8 one_way only_side 1704164675 -
END
        grep '"src_port":4002' "$SCRATCH/nf" | grep -q '"tcp_flags_ts":"02","tcp_flags_tc":"00"'
}
check 'csv_of_either_kind_is_read' csv_is_right

whyflow_reads_them() {
    cat "$SCRATCH/zeek" "$SCRATCH/plain" "$SCRATCH/nf" |
        whyflow -q -R - --records all --format native -o "$SCRATCH/scored" 2>"$SCRATCH/errors" &&
        [ "$(grep -c '"event_type":"flow"' "$SCRATCH/scored")" -eq 19 ] &&
        scripts/validate-records "$SCRATCH/scored" &&
        tests/support/check_lines.py "$SCRATCH/scored" &&
        ! grep '"event_type":"flow"' "$SCRATCH/scored" |
            grep -q 'gap_mean\|"ttl_min"\|bytes_toserver\|inter_arrival_ms\|"packet_bytes"'
}
check 'what_was_converted_is_scored_without_what_it_lacks' whyflow_reads_them

more=../shared/data/labelled/flows
all_are_read() {
    local file
    for file in "$more"/*.csv.gz; do
        convert "$file" 2>/dev/null >"$SCRATCH/lines" || return 1
        rm -f "$SCRATCH/scored"
        echo "$file"
        whyflow -q -R "$SCRATCH/lines" --records flows --format native -o "$SCRATCH/scored" ||
            return 1
        tests/support/check_lines.py "$SCRATCH/scored" || return 1
        [ "$(grep -c '"event_type":"flow"' "$SCRATCH/scored")" -eq "$(wc -l <"$SCRATCH/lines")" ] ||
            return 1
    done
    [ "$(wc -l <"$SCRATCH/lines")" -gt 5000 ]
}
if [ -d $more ] && is_release; then
    check 'labelled_flows_are_read_and_scored' all_are_read
else
    skip 'labelled_flows_are_read_and_scored' 'they are not there, or take too long in this build'
fi
