#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Invariant 5: the same input gives the same bytes, whatever threads, batches, hash keys or load.
. "$(dirname "$0")/../support/report.sh"

captures=(pcaps/*.pcap)
modes=('' '--online --warmup 200,30s --alerts-per-hour 600' '--records all'
    '--online --records all --max-flows 50' '--max-flows 50 --format csv' '--format csv'
    '--format text --color never')
ways=('' '--inline' '--hash-key 000102030405060708090a0b0c0d0e0f --batch 1'
    '--hash-key ffffffffffffffffffffffffffffffff --batch 7' '--batch 256'
    '--inline --batch 1 --hash-key 0123456789abcdef0123456789abcdef')
# That bytes are the same is the release's to show: of a sanitizer's build, what else there is to
# see on each thread.
lines_min=10
is_release || { captures=("$(quiet_capture)") ways=("${ways[@]:1:3}") lines_min=3; }

make_output() { # file, options...
    local file=$1
    shift
    whyflow -r "$capture" --stats 10s --format native -o - "$@" >"$file"
}

# Every way gives what the first gave.
all_ways_agree() { # mode
    local way count=0
    local -a words
    # shellcheck disable=SC2086 # words
    make_output "$SCRATCH/first" $1 || return 1
    [ "$(wc -l <"$SCRATCH/first")" -ge $lines_min ] || return 1
    for way in "${ways[@]}"; do
        read -ra words <<<"$1 $way"
        make_output "$SCRATCH/again" "${words[@]}" || return 1
        cmp "$SCRATCH/first" "$SCRATCH/again" || { echo "with: ${words[*]}"; return 1; }
        count=$((count + 1))
    done
    [ $count -eq ${#ways[@]} ]
}

# Alerts and counts, without what only names the run and what the outputs and memory have to do.
told() { # file, options...
    local file=$1
    shift
    make_output "$file.all" "$@" || return 1
    grep -v '"event_type":"flow"' "$file.all" |
        sed -E -e 's/"boot":"[0-9a-f]+",//' \
            -e 's/"(seq|records_[a-z]+|memory_bytes)":[0-9]+,?//g' >"$file"
    grep -q '"event_type":"alert"' "$file"
}

# Of a line so long that a digit more of its number cuts it, what stands before its explanation.
same_lines() { # file, file
    awk 'NR == FNR { first[FNR] = $0; lines = FNR; next }
        {
            one = first[FNR]
            if (one != $0 && one $0 ~ /"truncated_record":true/) {
                sub(/"whyflow":.*/, "", one)
                sub(/"whyflow":.*/, "")
            }
            differ += one != $0
        }
        END { print lines, FNR, differ + 0, "differ"; exit differ > 0 || FNR != lines }' "$1" "$2"
}

# Where nobody asks for flows, most are passed over unread.
flows_told_or_not_the_rest_is_the_same() {
    told "$SCRATCH/passed_over" && told "$SCRATCH/looked_at" --records all &&
        same_lines "$SCRATCH/passed_over" "$SCRATCH/looked_at"
}

for capture in "${captures[@]}"; do
    check "same_bytes: $(basename "$capture") with flow records or without" \
        flows_told_or_not_the_rest_is_the_same
    for mode in "${modes[@]}"; do
        check "same_bytes: $(basename "$capture") ${mode:-as it is}" all_ways_agree "$mode"
    done
done

# Two busy loops on two processors upset every schedule there was.
busy() {
    while :; do :; done
}

under_load() {
    local status=0 pid pids=() round
    make_output "$SCRATCH/first" --records all || return 1
    for round in 1 2; do
        busy &
        pids+=($!)
        at_end kill $!
    done
    for round in 1 2 3; do
        make_output "$SCRATCH/again" --records all --batch $((round * 5)) &&
            cmp "$SCRATCH/first" "$SCRATCH/again" || status=1
    done
    for pid in "${pids[@]}"; do
        kill "$pid"
        wait "$pid" 2>/dev/null
    done
    return $status
}

capture=${captures[0]}
check 'same_bytes_under_load' under_load
