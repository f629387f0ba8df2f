#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sensor that is starved loses packets, and says how many: what the interface got is what is in
# flows, refused, or dropped by the kernel, to the last packet.
. "$(dirname "$0")/../support/report.sh"
. tests/support/netns.sh
needs_link 'loss_is_counted' || exit 0
link_up quiet
capture_start -B 256 --records flows -o "$SCRATCH/out.jsonl" || echo 'not ok - whyflow starts'
before=$(link_received)

# Five times the 22,169 packets of the capture, as fast as they go, to a process that may run for
# 3 % of the time.
starve() {
    # shellcheck disable=SC2154 # set by the support script
    while kill -STOP "$capture" 2>/dev/null; do
        sleep 0.485
        kill -CONT "$capture"
        sleep 0.015
    done
}
starve &
starver=$!
at_end kill $starver
there timeout 100 tcpreplay -q --topspeed --loop 5 -i wf0 pcaps/quiet.pcap >/dev/null 2>&1
kill $starver
wait $starver 2>/dev/null
kill -CONT "$capture"
sleep 0.5
sent=$(($(link_received) - before))
check 'a_starved_run_ends_well' exits 0 capture_stop TERM
check 'a_starved_runs_sums_hold' tests/support/check_lines.py "$SCRATCH/out.jsonl"

all_are_counted() {
    local received in_flows dropped refused
    received=$(stat_of received "$SCRATCH/out.jsonl")
    in_flows=$(stat_of in_flows "$SCRATCH/out.jsonl")
    dropped=$(stat_of kernel_dropped "$SCRATCH/out.jsonl")
    refused=$(tail -n 1 "$SCRATCH/out.jsonl" | python3 -c '
import json, sys
print(sum(json.load(sys.stdin)["whyflow"]["account"]["refused"].values()))')
    echo "sent $sent, received $received, in flows $in_flows, refused $refused, dropped $dropped"
    echo "    sent $sent: in flows $in_flows, refused $refused, dropped $dropped" >&3
    [ "$sent" -eq 110845 ] && [ "$sent" -eq $((in_flows + refused + dropped)) ] &&
        [ "$received" -eq "$sent" ]
}
exec 3>&1
check 'sent_is_in_flows_and_refused_and_dropped' all_are_counted
some_were_lost() {
    [ "$(stat_of kernel_dropped "$SCRATCH/out.jsonl")" -gt 1000 ] &&
        grep -q '"kernel_drops_in_window"' "$SCRATCH/out.jsonl"
}
check 'flows_open_at_a_loss_say_so' some_were_lost
