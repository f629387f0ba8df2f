#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Saved baselines as files: the same bytes each time, kept and replaced safely, refused with a
# reason, merged, and of use: what a quiet capture taught is held against another.
. "$(dirname "$0")/../support/report.sh"

quiet=$SCRATCH/quiet.wfb
save() { # file, options...
    local file=$1
    shift
    whyflow -q -r pcaps/quiet.pcap -o /dev/null --save-baseline "$file" "$@"
}

same_bytes() {
    save "$quiet" && [ -s "$quiet" ] && [ ! -e "$quiet.previous" ] || return 1
    save "$SCRATCH/again.wfb" --inline --batch 7 --hash-key 000102030405060708090a0b0c0d0e0f &&
        cmp "$quiet" "$SCRATCH/again.wfb" || return 1
    save "$SCRATCH/online.wfb" --online && ! cmp -s "$quiet" "$SCRATCH/online.wfb" &&
        save "$SCRATCH/online2.wfb" --online --inline && cmp "$SCRATCH"/online{,2}.wfb
}
check 'baseline_same_bytes' same_bytes

previous_is_kept() {
    local file=$SCRATCH/kept.wfb
    save "$file" && save "$file" --online && cmp "$file" "$SCRATCH/online.wfb" &&
        cmp "$file.previous" "$quiet" && [ ! -e "$file.new" ] && [ ! -e "$file.linked" ]
}
check 'baseline_previous_is_kept' previous_is_kept

judge() { # options...
    whyflow -q -r pcaps/mixed.pcap -o native:- --baseline "$quiet" "$@"
}

alerts() {
    grep -c '"event_type":"alert"' "$1"
}

is_judged_by_it() {
    judge >"$SCRATCH/first" && judge --inline --batch 3 >"$SCRATCH/second" &&
        cmp "$SCRATCH/first" "$SCRATCH/second" || return 1
    [ "$(alerts "$SCRATCH/first")" -ge 10 ] && ! grep -q cold_baseline "$SCRATCH/first" &&
        [ "$(grep -c '"scope":"saved"' "$SCRATCH/first")" -eq "$(alerts "$SCRATCH/first")" ]
}
check 'baseline_judges_another_capture' is_judged_by_it

# What its score flagged has p up to the share (a behaviour asks for no score); frozen, n stays that
# of the file.
frozen_says_the_files_numbers() {
    judge --frozen --alert-share 2% >"$SCRATCH/frozen" || return 1
    python3 - "$SCRATCH/frozen" <<'PYTHON'
import json, sys
alerts = [a for a in map(json.loads, open(sys.argv[1])) if a["event_type"] == "alert"]
assert len(alerts) >= 10
baselines = [a["whyflow"]["baseline"] for a in alerts]
assert len({(baseline["n"], baseline["since"]) for baseline in baselines}) == 1
by_score = [a["whyflow"] for a in alerts if a["whyflow"]["flagged_by"] == "surprise"]
assert len(by_score) >= 10
assert all(flow["p_value"] <= 0.02 for flow in by_score)
PYTHON
}
check 'baseline_frozen_says_the_files_numbers' frozen_says_the_files_numbers

# A capture held against what it taught itself: about the share asked for, in its own p.
keeps_its_share() {
    whyflow -q -r pcaps/quiet.pcap --baseline "$quiet" --frozen -o native:- >"$SCRATCH/own" ||
        return 1
    local count
    count=$(alerts "$SCRATCH/own")
    echo "$count alerts"
    [ "$count" -le 60 ]
}
check 'baseline_keeps_its_share_on_its_own_capture' keeps_its_share

refused() { # file, reason
    local status=0
    whyflow -r pcaps/quiet.pcap -o "$SCRATCH/none" --baseline "$1" 2>"$SCRATCH/error" || status=$?
    cat "$SCRATCH/error"
    [ $status -eq 3 ] && grep -q "cannot read --baseline $1: .*$2" "$SCRATCH/error" &&
        [ "$(wc -l <"$SCRATCH/error")" -eq 1 ]
}

replay_refuses() {
    head -c 5000 "$quiet" >"$SCRATCH/cut.wfb"
    { head -c 3000 "$quiet"; printf 'x'; tail -c +3002 "$quiet"; } >"$SCRATCH/flipped.wfb"
    : >"$SCRATCH/empty.wfb"
    refused "$SCRATCH/cut.wfb" 'bytes where it says' &&
        refused "$SCRATCH/flipped.wfb" checksum &&
        refused "$SCRATCH/empty.wfb" 'no saved baseline' &&
        refused "$SCRATCH/missing.wfb" 'No such file' &&
        refused "$SCRATCH" 'no regular file' &&
        refused pcaps/quiet.pcap 'no saved baseline'
}
check 'baseline_replay_refuses_what_it_cannot_read' replay_refuses

nowhere_to_save() {
    exits 1 save /nonexistent/file.wfb 2>&1 | tee "$SCRATCH/error"
    grep -q 'cannot write --save-baseline' "$SCRATCH/error" &&
        ! grep -q 'exit code' "$SCRATCH/error"
}
check 'baseline_that_cannot_be_saved_is_said_at_once' nowhere_to_save

merging() {
    local sum=$SCRATCH/sum.wfb
    whyflow -q -r pcaps/mixed.pcap -o /dev/null --save-baseline "$SCRATCH/mixed.wfb" &&
        whyflow --merge-baselines "$quiet,$SCRATCH/mixed.wfb" --save-baseline "$sum" &&
        whyflow --merge-baselines "$SCRATCH/mixed.wfb,$quiet" --save-baseline "$SCRATCH/sum2.wfb" &&
        cmp "$sum" "$SCRATCH/sum2.wfb" &&
        whyflow -r pcaps/mixed.pcap --baseline "$sum" -o /dev/null &&
        exits 3 whyflow --merge-baselines "$quiet,$SCRATCH/cut.wfb" --save-baseline "$sum"
}
check 'baseline_merging_leaves_no_trace_of_order' merging

# Flow lines of a capture teach what the capture does, and are judged as it is.
flow_lines() {
    local lines=$SCRATCH/quiet.jsonl saved=$SCRATCH/rescored.wfb
    whyflow -q -r pcaps/quiet.pcap --records flows -o "native:$lines" &&
        whyflow -q -R "$lines" -o /dev/null --save-baseline "$saved" &&
        cmp "$quiet" "$saved" || return 1
    whyflow -q -r pcaps/mixed.pcap --records flows -o "native:$SCRATCH/mixed.jsonl" &&
        whyflow -q -R "$SCRATCH/mixed.jsonl" --baseline "$saved" -o native:- >"$SCRATCH/by_lines" &&
        judge >"$SCRATCH/by_packets" &&
        [ "$(scores "$SCRATCH/by_lines")" = "$(scores "$SCRATCH/by_packets")" ] || return 1
    exits 3 whyflow -R "$lines" -o "$SCRATCH/none" --baseline "$SCRATCH/cut.wfb"
}

scores() {
    grep '"event_type":"alert"' "$1" | grep -o '"flow_id":[0-9]*\|"score":[0-9.]*'
}
check 'baseline_of_flow_lines_is_that_of_the_capture' flow_lines

# Hours' budget is there at once: a run that starts warm opens incidents from the first minute on,
# and no more than the bucket holds (36) and what comes in.
budget_is_full_at_the_start() {
    judge --online >"$SCRATCH/online.jsonl" || return 1
    python3 - "$SCRATCH/online.jsonl" <<'PYTHON'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
alerts = [record for record in records if record["event_type"] == "alert"]
surprises = {alert["whyflow"]["incident"]["id"] for alert in alerts
             if alert["whyflow"]["flagged_by"] == "surprise"}
print(len(alerts), "alerts", len(surprises), "incidents")
assert 1 <= len(surprises) <= 38
assert not any("cold_baseline" in alert["whyflow"]["caveats"] for alert in alerts)
PYTHON
}
check 'baseline_gives_a_full_budget_at_the_start' budget_is_full_at_the_start
