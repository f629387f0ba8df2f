#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What signals do to a live run, and -c.
. "$(dirname "$0")/../support/report.sh"
. tests/support/netns.sh
needs_link 'signals' || exit 0
link_up talking

capture_start --records flows --idle-timeout 60s -o "$SCRATCH/out.jsonl" \
    --pidfile "$SCRATCH/pid" icmp || echo 'not ok - whyflow starts'
check 'the_pidfile_holds_the_pid' grep -qx "$capture" "$SCRATCH/pid"

ping_some() {
    there ping -q -c 3 -i 0.2 10.9.0.1 >/dev/null
    sleep 0.5
}
ping_some
counters_are_there() {
    kill -USR1 "$capture"
    sleep 0.2
    grep -q 'read 6, in flows 6, refused 0.*open 1' "$SCRATCH/messages"
}
prints_counters() {
    wait_for 20 counters_are_there || { cat "$SCRATCH/messages"; return 1; }
}
check 'usr1_prints_the_counters' prints_counters

kill -USR2 "$capture"
all_ended() {
    wait_for 20 grep -q '"end_reason":"forced_end"' "$SCRATCH/out.jsonl"
}
check 'usr2_ends_all_flows' all_ended
check 'usr2_does_not_end_the_run' kill -0 "$capture"

mv "$SCRATCH/out.jsonl" "$SCRATCH/old.jsonl"
ping_some
kill -HUP "$capture"
is_new() {
    wait_for 20 test -e "$SCRATCH/out.jsonl" || return 1
    ping_some
    kill -USR2 "$capture"
    wait_for 20 grep -q '"event_type":"flow"' "$SCRATCH/out.jsonl" || return 1
    [ "$(grep -c '"event_type":"flow"' "$SCRATCH/old.jsonl")" -eq 1 ]
}
check 'hup_opens_a_renamed_output_anew' is_new
check 'term_ends_the_run' exits 0 capture_stop TERM
check 'the_pidfile_is_gone' test ! -e "$SCRATCH/pid"
both_together() {
    cat "$SCRATCH/old.jsonl" "$SCRATCH/out.jsonl" >"$SCRATCH/both.jsonl"
    tests/support/check_lines.py "$SCRATCH/both.jsonl" &&
        [ "$(stat_of read "$SCRATCH/both.jsonl")" -eq 18 ]
}
check 'no_line_is_lost_or_doubled_by_the_rotation' both_together

# The reader of a pipe that is full keeps the program from ending; a second signal does not wait.
blocked_ends_at_once() {
    mkfifo "$SCRATCH/pipe" || return 1
    (exec 3<"$SCRATCH/pipe" && exec sleep 100) &
    local reader=$!
    at_end kill $reader
    (exec "$WHYFLOW" -r pcaps/mixed.pcap --records all --format native --online \
        >"$SCRATCH/pipe" 2>"$SCRATCH/messages") &
    capture=$!
    at_end kill -KILL $capture
    sleep 2
    kill -INT $capture
    sleep 1
    kill -0 $capture || { echo 'it did not wait for its reader'; return 1; }
    kill -INT $capture
    wait_for 20 has_ended || { echo 'it did not end'; return 1; }
    wait $capture
    [ $? -eq 1 ]
}
check 'a_second_int_ends_a_blocked_run_at_once' blocked_ends_at_once

stops_after() {
    capture_start -c 5 --records flows -o "$SCRATCH/five.jsonl" icmp || return 1
    there ping -q -c 10 -i 0.05 10.9.0.1 >/dev/null
    wait_for 20 has_ended || return 1
    wait "$capture" || { cat "$SCRATCH/messages"; return 1; }
    tests/support/check_lines.py "$SCRATCH/five.jsonl" &&
        [ "$(stat_of read "$SCRATCH/five.jsonl")" -eq 5 ]
}
check 'count_stops_a_live_run_and_its_sums_hold' stops_after
