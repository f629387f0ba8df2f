#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who began: no initiator is wrong where a SYN or a SYN-ACK is left in the capture, few where
# neither is.
. "$(dirname "$0")/../support/report.sh"

initiators_are_right() {
    scripts/directions --whyflow "$WHYFLOW" --verbose "$1"
}
captures=(pcaps/*.pcap)
is_release || captures=(pcaps/quiet.pcap)
for capture in "${captures[@]}"; do
    check "initiators_are_right: $(basename "$capture")" initiators_are_right "$capture"
    sed -n 's/^[^ ].*/    &/p' "$SCRATCH/check.log"
done

# The script can fail: a program that always swaps the two ends is told.
cat >"$SCRATCH/swapped" <<END
#!/bin/bash
"$WHYFLOW" "\$@" | sed -E 's/"src_(ip|port)":/"SRC_\1":/g; s/"dest_(ip|port)":/"src_\1":/g
    s/"SRC_(ip|port)":/"dest_\1":/g'
END
chmod +x "$SCRATCH/swapped"
check 'swapped_initiators_are_told' exits 1 scripts/directions --whyflow "$SCRATCH/swapped" \
    pcaps/quiet.pcap
