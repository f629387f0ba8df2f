#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The measures of `make eval` are right on small cases, and labels join as the laboratory's own
# tool joins them. Without numpy there is nothing to run; the laboratory lies beside the project.
. "$(dirname "$0")/../support/report.sh"

# A hash that is written down before a run must be that of its alerts.
hash_is_that_of_alerts() { # options...
    local said
    said=$(whyflow -T -v -r pcaps/quiet.pcap "$@" | sed -n 's/^settings //p')
    whyflow -r pcaps/quiet.pcap -q --format native "$@" |
        grep '"event_type":"alert"' >"$SCRATCH/alerts"
    [ -s "$SCRATCH/alerts" ] && [ -n "$said" ] &&
        ! grep -v "\"settings\":\"$said\"" "$SCRATCH/alerts"
}
check 'test_with_v_says_the_settings_hash_of_alerts' hash_is_that_of_alerts
check 'the_hash_follows_an_option' hash_is_that_of_alerts --alert-share 2% --flood-robust

python=/usr/bin/python3
laboratory=../shared/data/labelled/lab
if ! $python -c 'import numpy, sklearn' 2>/dev/null; then
    skip 'measures_are_right_on_small_cases' 'apt-get install python3-numpy python3-sklearn'
    exit 0
fi
check 'measures_are_right_on_small_cases' $python tests/eval/measures_test.py

if [ ! -e ../shared/tools/label_flows.py ] || [ ! -e "$laboratory/quiet-606.pcap.zst" ]; then
    skip 'labels_join_as_the_laboratorys_tool_does' 'the laboratory is not there'
    exit 0
fi
is_release || exit 0 # three million packets say nothing more of another build
check 'labels_join_as_the_laboratorys_tool_does' $python tests/eval/labels_agree.py \
    "$WHYFLOW" $laboratory/mixed-101.pcap.zst $laboratory/mixed-101.labels.jsonl \
    ../shared/tools/label_flows.py
