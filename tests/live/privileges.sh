#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CAP_NET_RAW alone is enough; without it the program says in one line what to do.
. "$(dirname "$0")/../support/report.sh"
. tests/support/netns.sh
needs_link 'privileges' || exit 0
link_up talking

# nobody may neither enter root's folders nor be handed a file of root's: a copy, and a pipe.
folder=$(mktemp -d)
at_end rm -rf "$folder"
cp "$WHYFLOW" "$folder/whyflow"
chmod 755 "$folder" "$folder/whyflow"
if ! "$folder/whyflow" --version >/dev/null 2>&1 && "$WHYFLOW" --version >/dev/null 2>&1; then
    skip 'privileges' 'nothing may be run from where temporary files are'
    exit 0
fi

as_nobody() { # set of capabilities, command...
    (cd / && here timeout -k 5 30 setpriv --reuid 65534 --regid 65534 --clear-groups \
        --inh-caps "-all$1" --ambient-caps "-all$1" --bounding-set "-all$1" "${@:2}")
}

has_raw_alone() {
    [ "$(as_nobody ,+net_raw grep CapEff /proc/self/status | awk '{ print $2 }')" = \
        0000000000002000 ]
}
check 'the_test_gives_net_raw_alone' has_raw_alone

captures() {
    as_nobody ,+net_raw "$folder/whyflow" -i wf0 -c 4 --records flows -o - icmp \
        >"$SCRATCH/out.jsonl" 2>"$SCRATCH/messages" &
    local pid=$!
    wait_for 30 is_capturing || { cat "$SCRATCH/messages"; return 1; }
    sleep 0.3
    there ping -q -c 4 -i 0.2 10.9.0.1 >/dev/null
    wait $pid || { cat "$SCRATCH/messages"; return 1; }
    tests/support/check_lines.py "$SCRATCH/out.jsonl" &&
        [ "$(stat_of read "$SCRATCH/out.jsonl")" -eq 4 ]
}
check 'net_raw_alone_is_enough' captures

is_refused() {
    exits 4 as_nobody '' "$folder/whyflow" -i wf0 >"$SCRATCH/out" 2>"$SCRATCH/messages" || {
        cat "$SCRATCH/messages"
        return 1
    }
    cat "$SCRATCH/messages"
    [ ! -s "$SCRATCH/out" ] && [ "$(wc -l <"$SCRATCH/messages")" -eq 1 ] &&
        grep -qi 'cap_net_raw' "$SCRATCH/messages"
}
check 'without_permission_exit_4_and_one_line_that_says_what_to_do' is_refused
check 'no_such_interface_exits_4' exits 4 here timeout 30 "$WHYFLOW" -i wf-none
