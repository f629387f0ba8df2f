#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Alerts tell the truth about themselves: scripts/faithful/check.py finds nothing wrong with those
# of every capture in pcaps/, neither as a replay explains them nor against a saved baseline; and
# it does find what is planted.
. "$(dirname "$0")/../support/report.sh"

checker=(python3 scripts/faithful/check.py)

# A replay's alerts, and the baseline it saves, into $SCRATCH/NAME.jsonl and .baseline.
replay() { # name
    whyflow -r "pcaps/$1.pcap" -q --format native --save-baseline "$SCRATCH/$1.baseline" \
        >"$SCRATCH/$1.jsonl"
}

# Part 4's figures are `make eval`'s: here no more than that it can be made.
replay_is_faithful() { # name
    replay "$1" &&
        "${checker[@]}" "$SCRATCH/$1.jsonl" --baseline "$SCRATCH/$1.baseline" --parts 3
}

frozen_is_faithful() { # name
    whyflow -r "pcaps/$1.pcap" -q --format native --baseline "$SCRATCH/$1.baseline" --frozen \
        >"$SCRATCH/$1.frozen" &&
        "${checker[@]}" "$SCRATCH/$1.frozen" --baseline "$SCRATCH/$1.baseline" --frozen --parts 3
}

for capture in pcaps/*.pcap; do
    name=$(basename "$capture" .pcap)
    check "alerts_of_${name}_tell_the_truth" replay_is_faithful "$name"
    check "alerts_of_${name}_against_a_baseline_tell_the_truth" frozen_is_faithful "$name"
done

edits_end_flags() {
    "${checker[@]}" "$SCRATCH/quiet.jsonl" --baseline "$SCRATCH/quiet.baseline" --parts 4 \
        --figures "$SCRATCH/figures" && python3 - "$SCRATCH/figures" <<'PYTHON'
import json, sys
found = json.load(open(sys.argv[1]))
assert found["flags"] >= 10, found
assert found["ended_by_reasons"] >= 0.8 * found["flags"], found
assert found["ended_by_reasons"] > found["ended_by_random"], found
assert found["lead_changed"] <= 0.1 * found["flags"], found
PYTHON
}
check 'editing_the_leading_reasons_ends_flags' edits_end_flags

is_release || exit 0 # the checker is the same beside another build
check 'the_checker_finds_what_is_planted' python3 tests/faithful/check_test.py \
    "$SCRATCH/sample-3947329.jsonl" "$SCRATCH/sample-3947329.baseline" "$SCRATCH/mixed.jsonl"
