#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A live run that is stopped and started again goes on with what it had learnt: cold at first,
# saved at the end, loaded; from the file before where the last one is damaged, else cold.
. "$(dirname "$0")/../support/report.sh"
. tests/support/netns.sh
needs_link 'baseline_restart' || exit 0
link_up talking

file=$SCRATCH/live.wfb
# Starts, sees a few pings, stops; $SCRATCH/messages says what was loaded.
one_run() {
    capture_start -o "$SCRATCH/out.jsonl" --baseline "$file" --save-baseline "$file" icmp ||
        return 1
    there ping -q -c 3 -i 0.2 10.9.0.1 >/dev/null
    sleep 0.5
    exits 0 capture_stop TERM
    cat "$SCRATCH/messages"
}

says() {
    grep -q "$1" "$SCRATCH/messages"
}

first_start() {
    one_run && says "no baseline $file yet: starting cold" && [ -s "$file" ] &&
        [ ! -e "$file.previous" ]
}
check 'a_first_start_is_cold_and_saves' first_start

second_start() {
    one_run && says "baseline $file: 1 flows" && says 'the warm-up goes on' &&
        [ -s "$file.previous" ]
}
check 'a_second_start_goes_on' second_start

damaged() {
    printf x | dd of="$file" bs=1 seek=3000 conv=notrunc status=none
    one_run && says "cannot read --baseline $file: its checksum.*started from $file.previous"
}
check 'a_damaged_file_gives_way_to_the_one_before' damaged

both_damaged() {
    : >"$file"
    : >"$file.previous"
    one_run && says "cannot read $file.previous either" && says 'starting cold' && [ -s "$file" ]
}
check 'where_both_are_damaged_it_starts_cold_and_says_so' both_damaged
