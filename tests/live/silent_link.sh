#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# On a link that falls silent flows end all the same, and their records reach the file while the
# program goes on.
. "$(dirname "$0")/../support/report.sh"
. tests/support/netns.sh
needs_link 'silent_link' || exit 0
link_up talking
capture_start --idle-timeout 2s --records flows -o "$SCRATCH/out.jsonl" icmp ||
    echo 'not ok - whyflow starts'
there ping -q -c 3 -i 0.2 10.9.0.1 >/dev/null
sent=$(date +%s%N)

has_flow() {
    grep -q '"event_type":"flow".*"proto":"ICMP"' "$SCRATCH/out.jsonl"
}
check 'no_flow_is_written_before_its_timeout' exits 1 has_flow
waited() {
    wait_for 20 has_flow || return 1
    local waited_ms=$((($(date +%s%N) - sent) / 1000000))
    echo "$waited_ms ms"
    # The timeout, the tick's slack of half a second, a wait of 0.2 s and a loaded machine.
    [ $waited_ms -ge 1900 ] && [ $waited_ms -le 6000 ]
}
check 'a_flow_on_a_silent_link_is_written_soon_after_its_timeout' waited
# shellcheck disable=SC2154 # set by the support script
check 'the_program_still_runs_then' kill -0 "$capture"
check 'the_flow_ended_by_its_timeout' grep -q '"end_reason":"idle_timeout"' "$SCRATCH/out.jsonl"

cpu_ticks() {
    awk '{ print $14 + $15 }' "/proc/$capture/stat"
}
is_idle() {
    local before after
    before=$(cpu_ticks)
    sleep 3
    after=$(cpu_ticks)
    echo "$((after - before)) ticks of 10 ms in 3 s"
    [ $((after - before)) -le 30 ]
}
if is_release; then check 'a_silent_link_costs_under_a_tenth_of_a_processor' is_idle; fi
check 'it_ends_well_on_int' exits 0 capture_stop INT
check 'its_lines_hold' tests/support/check_lines.py "$SCRATCH/out.jsonl"
