#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The formats, the destinations and the exit codes of the command line.
. "$(dirname "$0")/../support/report.sh"

capture=pcaps/quiet.pcap

# stderr must be exactly one line.
one_line() { # wanted exit code, options...
    exits "$1" whyflow "${@:2}" >"$SCRATCH/out" 2>"$SCRATCH/errors" || { cat "$SCRATCH/errors"
        return 1; }
    [ "$(wc -l <"$SCRATCH/errors")" -eq 1 ] && return 0
    echo "not one line:"
    cat "$SCRATCH/errors"
    return 1
}

text_ends_with_table() {
    whyflow -r $capture --format text --color never >"$SCRATCH/text" || return 1
    ! grep -q $'\033' "$SCRATCH/text" || { echo 'has colours'; return 1; }
    grep -A 100 '^Summary' "$SCRATCH/text" >"$SCRATCH/table" || return 1
    grep -q '22,169 (22,043 in flows, 126 refused)' "$SCRATCH/table" || return 1
    grep -q '^ *flows .*2,359' "$SCRATCH/table" || return 1
    # A block for each alert, and as many incidents as the records count; an incident is told again
    # at its close.
    whyflow -r $capture --format native >"$SCRATCH/native" || return 1
    local alerts incidents
    alerts=$(grep -c '"event_type":"alert"' "$SCRATCH/native")
    incidents=$(grep '"final":true' "$SCRATCH/native" |
        grep -o '"notable":[0-9]*,"incidents":[0-9]*')
    incidents=${incidents##*:}
    [ "$alerts" -ge 10 ] && [ "$incidents" -ge 5 ] && [ "$incidents" -lt "$alerts" ] &&
        [ "$(grep -c '^[^ ].* -> ' "$SCRATCH/text")" -eq "$alerts" ] &&
        grep -q '^ *flagged flows .*24$' "$SCRATCH/table" &&
        grep -q "^ *incidents .* $incidents\$" "$SCRATCH/table"
}
check 'text_without_colour_ends_with_the_table' text_ends_with_table

# A conversation's name does not wrap: two IPv6 addresses with ports take 97 columns.
text_is_narrow() {
    whyflow -r pcaps/mixed.pcap --format text >"$SCRATCH/narrow" &&
        python3 -c 'import sys
for line in open(sys.argv[1], encoding="utf-8"):
    assert len(line.rstrip("\n")) <= 100, line' "$SCRATCH/narrow"
}
is_release && check 'text_is_no_wider_than_100_columns' text_is_narrow

# Sources that are fewer than the table holds are counted exactly: the same sums from all flows.
talkers_are_right() {
    whyflow -r pcaps/mixed.pcap --records flows --format native >"$SCRATCH/talkers" || return 1
    python3 - "$SCRATCH/talkers" <<'END'
import collections, json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
engine = records[-1]["whyflow"]["engine"]
flows, ip_bytes, reasons = (collections.Counter() for _ in range(3))
for record in records:
    if record["event_type"] == "flow":
        flow = record["whyflow"]["flow"]
        flows[record["src_ip"]] += 1
        ip_bytes[record["src_ip"]] += flow["fwd"]["ip_bytes"] + flow["rev"]["ip_bytes"]
        if record["whyflow"]["flagged"]:
            reasons[record["whyflow"]["flagged_by"]] += 1
assert len(flows) > 30, len(flows)
exact = 0
for name, by in ("top_sources", ip_bytes), ("top_sources_by_flows", flows):
    told = engine[name]
    assert len(told) == 8
    assert [t["ip"] for t in told][:3] == [ip for ip, _ in by.most_common(3)], told
    for talker in told:
        counts = flows[talker["ip"]], ip_bytes[talker["ip"]]
        if "at_least" in talker:
            assert (talker["flows"], talker["ip_bytes"]) <= counts
        else:
            assert (talker["flows"], talker["ip_bytes"]) == counts, (talker, counts)
            exact += 1
assert exact >= 6, exact
told = collections.Counter()
for reason in engine["flagged_reasons"]:
    told[reason["flagged_by"]] += reason["count"]
assert told == reasons, (told, reasons)
assert sum(reasons.values()) == engine["flagged"]
END
}
is_release && check 'stats_name_the_top_sources_and_why_flows_were_flagged' talkers_are_right

quiet_has_no_table() {
    whyflow -r $capture --format text -q >"$SCRATCH/quiet" && ! grep -q Summary "$SCRATCH/quiet" &&
        grep -q ' -> ' "$SCRATCH/quiet"
}
check 'quiet_text_has_no_table' quiet_has_no_table

text_has_colour() {
    whyflow -r $capture --format text --color always >"$SCRATCH/colour" &&
        grep -q $'\033' "$SCRATCH/colour" &&
        sed 's/\x1b\[[0-9;]*m//g' "$SCRATCH/colour" | cmp - "$SCRATCH/text" &&
        NO_COLOR=1 whyflow -r $capture --format text | cmp - "$SCRATCH/text"
}
check 'colour_changes_nothing_else' text_has_colour

csv_is_regular() {
    whyflow -r $capture --format csv >"$SCRATCH/flows.csv" &&
        whyflow -r $capture --records flows --format native >"$SCRATCH/flows.jsonl" || return 1
    python3 - "$SCRATCH/flows.csv" "$SCRATCH/flows.jsonl" <<'END'
import csv, json, math, sys
rows = list(csv.reader(open(sys.argv[1], newline="")))
flows = [json.loads(line) for line in open(sys.argv[2])]
flows = [f["whyflow"] for f in flows if f["event_type"] == "flow"]
header = rows.pop(0)
assert len(set(header)) == len(header), "a column twice"
assert header[:18] == list(flows[0]["observed"]), header[:18]
assert len(rows) == len(flows) == 2359, (len(rows), len(flows))
for row, flow in zip(rows, flows):
    assert len(row) == len(header), row
    cells = dict(zip(header, row))
    # Features have six digits in native; in csv, which machines read, all.
    for name, value in {**flow["observed"], **flow["features"]}.items():
        assert name in cells, name
        digits = 1e-5 if name in flow["features"] else 0
        same = cells[name] == value if isinstance(value, str) else \
            math.isclose(float(cells[name]), value, rel_tol=digits)
        assert same, f"{name}: {cells[name]} in csv, {value} in native"
    missing = set(header[18:]) & {n for n in cells if cells[n] != ""} - set(flow["features"])
    assert len(missing) <= 5, missing
END
}
check 'csv_has_a_row_a_flow_with_the_numbers_of_native' csv_is_regular

several_outputs() {
    local there=$SCRATCH/several
    mkdir -p "$there"
    whyflow -r $capture -o "native+flows:$there/flows" -o "native+alerts:$there/alerts" \
        -o "csv:$there/csv" -o "text:$there/text" -o native+all:- >"$there/all" || return 1
    whyflow -r $capture --records all --format native | grep -v '"stats"' >"$there/alone"
    grep -v '"stats"' "$there/all" | cmp - "$there/alone" &&
        cmp "$there/csv" "$SCRATCH/flows.csv" && cmp "$there/text" "$SCRATCH/text" &&
        [ "$(grep -c '"event_type":"flow"' "$there/flows")" -eq 2359 ] &&
        [ "$(grep -c '"event_type":"alert"' "$there/flows")" -eq 0 ] &&
        [ "$(grep -c '"event_type":"alert"' "$there/alerts")" -eq 16 ] &&
        [ "$(grep -c '"event_type":"flow"' "$there/alerts")" -eq 0 ] &&
        tests/support/check_lines.py --several "$there/flows" "$there/alerts" "$there/all"
}
check 'several_outputs_each_get_what_they_ask_for_with_a_seq_of_their_own' several_outputs

goes_to_file() {
    whyflow -r $capture -o "$SCRATCH/file" >"$SCRATCH/nothing" || return 1
    [ ! -s "$SCRATCH/nothing" ] && [ "$(stat -c %a "$SCRATCH/file")" = 640 ] &&
        whyflow -r $capture | cmp - "$SCRATCH/file"
}
check 'a_file_gets_the_bytes_of_standard_output' goes_to_file

head_is_quiet() { # options...
    local round rounds=5
    is_release || rounds=2
    for ((round = 1; round <= rounds; round++)); do
        whyflow -r pcaps/mixed.pcap "$@" 2>"$SCRATCH/errors" | head -1 >"$SCRATCH/head"
        # A reader may be gone at any moment: $round tries.
        [ "${PIPESTATUS[0]}" -eq 0 ] || { echo "exit code ${PIPESTATUS[0]} in $round"; return 1; }
        [ ! -s "$SCRATCH/errors" ] || { cat "$SCRATCH/errors"; return 1; }
        [ "$(wc -l <"$SCRATCH/head")" -eq 1 ] || return 1
    done
}
check 'a_reader_that_leaves_ends_the_run_quietly: native' head_is_quiet --records all
check 'a_reader_that_leaves_ends_the_run_quietly: online' head_is_quiet --records all --online
check 'a_reader_that_leaves_ends_the_run_quietly: csv' head_is_quiet --format csv

# A reader that leaves is no business of the others: the file has every flow, and its last line
# counts nothing as written that had no reader.
others_go_on() {
    whyflow -r pcaps/quiet.pcap --online --records all -o - -o "$SCRATCH/left_alone" |
        head -1 >/dev/null
    [ "${PIPESTATUS[0]}" -eq 0 ] || return 1
    [ "$(grep -c '"event_type":"flow"' "$SCRATCH/left_alone")" -eq 2359 ] || return 1
    tail -n 1 "$SCRATCH/left_alone" | python3 -c '
import json, sys
account = json.load(sys.stdin)["whyflow"]["account"]
lines = int(sys.argv[1])
assert lines - 1 <= account["records_written"] < lines + 500, account' \
        "$(wc -l <"$SCRATCH/left_alone")"
}
check 'a_reader_that_leaves_does_not_end_the_others' others_go_on
check 'a_reader_that_leaves_ends_the_run_quietly: text' head_is_quiet --format text
check 'a_reader_that_leaves_ends_the_run_quietly: inline' head_is_quiet --records all --inline

check 'fail_on_alert_exits_10' exits 10 whyflow -r $capture --fail-on-alert -o "$SCRATCH/10"
check 'without_alerts_fail_on_alert_exits_0' \
    exits 0 whyflow -r $capture --online --fail-on-alert -o "$SCRATCH/0"

# ---- inputs that are not whole ----

: >"$SCRATCH/empty.pcap"
printf 'no capture at all, but long enough to be one, is it not?' >"$SCRATCH/text.pcap"
head -c 24 $capture >"$SCRATCH/header.pcap"
head -c 1000010 $capture >"$SCRATCH/short.pcap"
gzip -c $capture | head -c 300000 >"$SCRATCH/short.pcap.gz"
check 'no_such_file_exits_3' one_line 3 -r "$SCRATCH/none.pcap"
check 'an_empty_file_exits_3' one_line 3 -r "$SCRATCH/empty.pcap"
check 'another_kind_of_file_exits_3' one_line 3 -r "$SCRATCH/text.pcap"

no_packets() {
    whyflow -r "$SCRATCH/header.pcap" --records all >"$SCRATCH/out" &&
        [ "$(wc -l <"$SCRATCH/out")" -eq 1 ] && tests/support/check_lines.py "$SCRATCH/out"
}
check 'a_capture_without_packets_is_whole_and_has_final_statistics' no_packets

cut_short() { # file, how many packets are good
    one_line 3 -r "$1" --records all --format native && tests/support/check_lines.py \
        "$SCRATCH/out" && tail -1 "$SCRATCH/out" | grep -q "\"read\":$2,"
}
good=$(python3 - "$SCRATCH/short.pcap" <<'END'
import struct, sys
data, at, count = open(sys.argv[1], "rb").read(), 24, 0
while at + 16 <= len(data) and at + 16 + struct.unpack_from("<I", data, at + 8)[0] <= len(data):
    at, count = at + 16 + struct.unpack_from("<I", data, at + 8)[0], count + 1
print(count)
END
)
check 'of_a_capture_cut_short_what_was_good_is_written' cut_short "$SCRATCH/short.pcap" "$good"
check 'of_a_gzip_cut_short_what_was_good_is_written' cut_short "$SCRATCH/short.pcap.gz" '[0-9]*'

others_are_read() {
    one_line 3 -r "$SCRATCH/short.pcap" -r pcaps/mixed.pcap --records all --format native &&
        tests/support/check_lines.py "$SCRATCH/out" &&
        tail -1 "$SCRATCH/out" | grep -q "\"read\":$((good + 40729)),"
}
check 'beside_a_capture_cut_short_the_others_are_read_whole' others_are_read

# ---- usage ----

check 'a_bad_filter_exits_2_with_one_line' one_line 2 -r $capture 'tcp prot 80'
check 'an_unknown_option_exits_2_with_one_line' one_line 2 -r $capture --colour-me
check 'a_bad_value_exits_2_with_one_line' one_line 2 -r $capture --idle-timeout soon
check 'nothing_to_read_exits_2_with_one_line' one_line 2
check 'two_kinds_of_input_exit_2_with_one_line' one_line 2 -r $capture -i lo
check 'no_such_interface_exits_4_with_one_line' one_line 4 -i wf-no-such-if
check 'an_output_that_cannot_be_opened_exits_1_with_one_line' \
    one_line 1 -r $capture -o "$SCRATCH/no/such/folder"

filter_filters() {
    whyflow -r $capture --records flows --format native udp port 53 >"$SCRATCH/out" || return 1
    ! grep '"event_type":"flow"' "$SCRATCH/out" | grep -qv '"proto":"UDP"' &&
        [ "$(grep -c '"dest_port":53' "$SCRATCH/out")" -gt 100 ]
}
check 'a_filter_leaves_only_what_it_matches' filter_filters

counts_to() { # options...
    whyflow -r $capture -c 1000 --records all "$@" >"$SCRATCH/out" &&
        tests/support/check_lines.py "$SCRATCH/out" &&
        tail -1 "$SCRATCH/out" | grep -q '"read":1000,'
}
check 'count_stops_after_so_many_packets' counts_to
check 'count_stops_after_so_many_packets: inline' counts_to --inline

inline_writes() {
    whyflow -r $capture --inline -w "$SCRATCH/inline.pcap" -o "$SCRATCH/out" &&
        whyflow -r $capture -w "$SCRATCH/threads.pcap" -o "$SCRATCH/out" &&
        [ "$(stat -c %s "$SCRATCH/inline.pcap")" -gt 2000000 ] &&
        cmp "$SCRATCH/inline.pcap" "$SCRATCH/threads.pcap"
}
check 'inline_writes_the_packets_too' inline_writes

# ---- a disk that is full ----

disk_is_full() { # options...
    exits 5 whyflow -r $capture --records all --format native "$@" -o /dev/full \
        2>"$SCRATCH/errors" || { cat "$SCRATCH/errors"; return 1; }
    # 2,359 flows, 24 alerts and the statistics, of which none could be written.
    cat "$SCRATCH/errors"
    grep -q '238[0-9] records were lost: /dev/full: .*No space left' "$SCRATCH/errors"
}
check 'on_a_full_disk_records_are_counted_as_lost_and_the_exit_code_is_5' disk_is_full
check 'on_a_full_disk_records_are_counted_as_lost_and_the_exit_code_is_5: inline' \
    disk_is_full --inline

few_are_lost() {
    exits 5 whyflow -r $capture --online -o /dev/full 2>"$SCRATCH/errors" &&
        grep -q 'records were lost' "$SCRATCH/errors"
}
check 'a_few_lines_lost_at_the_very_end_exit_5_too' few_are_lost

other_gets_all() {
    exits 5 whyflow -r $capture -o native+all:/dev/full -o "native+flows:$SCRATCH/whole" \
        2>"$SCRATCH/errors" || return 1
    [ "$(grep -c '"event_type":"flow"' "$SCRATCH/whole")" -eq 2359 ] &&
        tests/support/check_lines.py --several "$SCRATCH/whole" &&
        tail -1 "$SCRATCH/whole" | grep -q '"records_lost":[1-9]'
}
check 'a_full_disk_costs_the_other_output_nothing' other_gets_all
