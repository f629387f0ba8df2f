#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Flows are those that nDPI and tshark count, or the difference has a class that docs/agreement.md
# explains. The captures lie beside the project; without them there is nothing to compare.
. "$(dirname "$0")/../support/report.sh"

if [ ! -e ../shared/data/truth/ndpi_flows.jsonl ]; then
    skip 'flows_agree_with_ndpi_and_tshark' 'the captures are not there'
    exit 0
fi
options=()
is_release || options=(--no-ids) # tshark's half minute says nothing more of another build
# A little under what tests/run gives a program, so that the answer is its own: on a loaded machine
# one number moves both.
agrees() {
    timeout $((${PROGRAM_TIMEOUT:-300} - 20)) scripts/agree --whyflow "$WHYFLOW" "${options[@]}"
}
check 'flows_agree_with_ndpi_and_tshark' agrees
tail -n 2 "$SCRATCH/check.log" | sed 's/^/    /'
