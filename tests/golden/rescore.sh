#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Flow lines read again (-R) give the lines they were, to the byte: only the run's id and the stats
# may differ. And what -R does with lines that are bad, several files, packed files, a signal.
. "$(dirname "$0")/../support/report.sh"

options=(-q --records flows --format native --stats 0)

only_flows() { # file; else standard input
    grep '"event_type":"flow"' "$@" | sed 's/"boot":"[0-9a-f]*"//'
}

same_flows() { # file, file
    only_flows "$1" >"$SCRATCH/one" && only_flows "$2" | cmp "$SCRATCH/one" -
}

comes_back() { # capture, options...
    local status=0 capture=$1
    shift
    rm -f "$SCRATCH/first" "$SCRATCH/again"
    whyflow -r "$capture" "${options[@]}" "$@" -o "$SCRATCH/first" 2>"$SCRATCH/errors" || status=$?
    [ $status -eq 0 ] || [ $status -eq 3 ] || return $status
    [ -s "$SCRATCH/first" ] || return 0 # cannot be opened at all
    whyflow -R "$SCRATCH/first" "${options[@]}" "$@" -o "$SCRATCH/again" || return 1
    tests/support/check_lines.py "$SCRATCH/again" || return 1
    same_flows "$SCRATCH/first" "$SCRATCH/again" || return 1
    flows=$((flows + $(only_flows "$SCRATCH/first" | wc -l)))
}

come_back() { # captures on standard input, fewest flows, options...
    local capture fewest=$1
    shift
    flows=0
    while read -r capture; do
        comes_back "$capture" "$@" || { echo "$capture"; return 1; }
    done
    echo "$flows flows"
    [ $flows -ge "$fewest" ]
}

captures=(pcaps/*.pcap)
is_release || captures=(pcaps/quiet.pcap) # a sanitizer's run takes ten times as long
online=(--online --warmup '200,30s' --alerts-per-hour 600)
printf '%s\n' "${captures[@]}" >"$SCRATCH/captures"
check 'flows_come_back' come_back 2000 <"$SCRATCH/captures"
check 'flows_come_back: --online' come_back 2000 "${online[@]}" <"$SCRATCH/captures"

# Tunnels, fragments, VLANs, ICMP, late packets, drops of every kind. Every eighth (with WHYFLOW_ALL
# set each): they take half a minute together.
more=../shared/data/truth/ndpi
if [ -d $more ]; then
    step=8
    [ -n "${WHYFLOW_ALL:-}" ] && step=1
    is_release || step=40
    find $more -name '*.pcap*' | LC_ALL=C sort | awk "NR % $step == 0" >"$SCRATCH/captures"
    check 'flows_come_back: more captures' come_back 40 <"$SCRATCH/captures"
    check 'flows_come_back: more captures --online' come_back 40 --online <"$SCRATCH/captures"
else
    skip 'flows_come_back: more captures' 'they are not there'
fi

# With stats between them the flows are the same too, but for seq, and both kinds of line are valid.
whyflow -q -r pcaps/quiet.pcap --records all --format native -o "$SCRATCH/lines" || exit 1
without_seq() {
    only_flows "$1" | sed 's/"seq":[0-9]*//'
}
stats_and_alerts_too() {
    rm -f "$SCRATCH/again"
    whyflow -q -R "$SCRATCH/lines" --records all --format native -o "$SCRATCH/again" &&
        scripts/validate-records "$SCRATCH/again" &&
        tests/support/check_lines.py "$SCRATCH/again" &&
        [ "$(grep -c '"event_type":"stats"' "$SCRATCH/again")" -ge 3 ] &&
        [ "$(grep -c '"event_type":"alert"' "$SCRATCH/again")" -ge 5 ] &&
        without_seq "$SCRATCH/lines" >"$SCRATCH/one" &&
        without_seq "$SCRATCH/again" | cmp "$SCRATCH/one" -
}
check 'rescored_lines_are_valid_and_their_sums_hold' stats_and_alerts_too

# Packed, from standard input, or parted into several files: the same bytes.
same_however() {
    whyflow "${options[@]}" -R "$SCRATCH/lines" -o - | only_flows >"$SCRATCH/plain"
    [ "$(wc -l <"$SCRATCH/plain")" -ge 2000 ] || return 1
    gzip -kf "$SCRATCH/lines" && zstd -qf "$SCRATCH/lines" || return 1
    awk 'NR % 2' "$SCRATCH/lines" >"$SCRATCH/odd"
    awk 'NR % 2 == 0' "$SCRATCH/lines" >"$SCRATCH/even"
    local -a way
    for way in "-R $SCRATCH/lines.gz" "-R $SCRATCH/lines.zst" "-R -" \
        "-R $SCRATCH/even -R $SCRATCH/odd" "--rescore $SCRATCH/odd --set rescore=$SCRATCH/even"; do
        # shellcheck disable=SC2086 # words
        whyflow "${options[@]}" $way -o - <"$SCRATCH/lines" |
            only_flows >"$SCRATCH/other"
        cmp "$SCRATCH/plain" "$SCRATCH/other" || { echo "$way"; return 1; }
    done
}
check 'packed_piped_and_parted_lines_give_the_same' same_however

bad_lines_are_counted() {
    { head -n 100 "$SCRATCH/lines"; echo '{"event_type":"flow"}'
      head -c 70000 /dev/zero | tr '\0' x; echo; tail -n +101 "$SCRATCH/lines"; } >"$SCRATCH/bad"
    exits 3 whyflow -R "$SCRATCH/bad" "${options[@]}" -o - \
        >"$SCRATCH/out" 2>"$SCRATCH/errors" &&
        tail -n 1 "$SCRATCH/out" | grep -q '"bad_line":2}' &&
        [ "$(wc -l <"$SCRATCH/errors")" -eq 2 ] &&
        grep -q 'bad:101: flow_id: is missing' "$SCRATCH/errors" &&
        grep -q 'bad:102: the line is longer than 65536 bytes' "$SCRATCH/errors" &&
        tests/support/check_lines.py "$SCRATCH/out" &&
        only_flows "$SCRATCH/out" | cmp "$SCRATCH/plain" -
}
check 'bad_lines_are_told_counted_and_passed_over' bad_lines_are_counted

cut_file_is_told() {
    head -c 20000 "$SCRATCH/lines.gz" >"$SCRATCH/cut.gz"
    exits 3 whyflow -R "$SCRATCH/cut.gz" "${options[@]}" -o - \
        >"$SCRATCH/out" 2>"$SCRATCH/errors" &&
        grep -q 'cut.gz: the gzip stream is cut short' "$SCRATCH/errors" &&
        tail -n 1 "$SCRATCH/out" | grep -q '"bad_line":0}' &&
        tests/support/check_lines.py "$SCRATCH/out" && [ "$(wc -l <"$SCRATCH/out")" -gt 20 ]
}
check 'what_is_good_of_a_cut_file_is_scored' cut_file_is_told

# INT while it waits for standard input: what was read is finished.
interrupted() {
    mkfifo "$SCRATCH/pipe"
    "$WHYFLOW" -R - "${options[@]}" -o "$SCRATCH/stopped" <"$SCRATCH/pipe" &
    local pid=$!
    exec 7>"$SCRATCH/pipe"
    head -n 50 "$SCRATCH/lines" >&7
    sleep 1
    kill -INT $pid
    wait_for 10 eval "! kill -0 $pid" || { kill -KILL $pid; exec 7>&-; return 1; }
    exec 7>&-
    wait $pid && tests/support/check_lines.py "$SCRATCH/stopped" &&
        [ "$(grep -c '"event_type":"flow"' "$SCRATCH/stopped")" -ge 40 ]
}
check 'an_interrupt_ends_the_reading_and_finishes' interrupted
