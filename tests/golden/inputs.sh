#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One capture in many wrappings gives the same flow records.
. "$(dirname "$0")/../support/report.sh"

capture=$(quiet_capture)
packets=22169 flows=2359 part=4000
if ! is_release; then
    packets=6000 part=1050
    flows=$(whyflow -r "$capture" --format csv | tail -n +2 | wc -l)
fi

# What of a line depends on how it was stored or counted goes: the file's name, the run, the number;
# and what a line near its greatest length loses to a longer name.
cat >"$SCRATCH/plain.py" <<'END'
import json, sys
for line in sys.stdin:
    record = json.loads(line)
    if record["event_type"] == "stats":
        continue
    ours = record["whyflow"]
    for owner, name in ((record, "pcap_filename"), (ours, "boot"), (ours, "seq"),
                        (ours, "truncated_record"), (ours, "reasons"), (ours, "summary"),
                        (ours, "top_features"), (ours, "most_informative"), (ours, "readings"),
                        (ours, "combination"), (ours, "counterfactual")):
        owner.pop(name, None)
    print(json.dumps(record, separators=(",", ":")))
END

plain() {
    python3 "$SCRATCH/plain.py"
}

flows() { # options...
    whyflow --records all --format native "$@" | plain
    [ "${PIPESTATUS[0]}" -eq 0 ]
}

flows -r "$capture" >"$SCRATCH/wanted"

gives_the_same() { # options...
    flows "$@" >"$SCRATCH/got" && cmp "$SCRATCH/wanted" "$SCRATCH/got"
}

has_something() {
    [ "$(grep -c '"event_type":"flow"' "$SCRATCH/wanted")" -eq "$flows" ] && [ "$flows" -gt 500 ]
}
check 'the_capture_has_its_flows' has_something

editcap -F pcapng "$capture" "$SCRATCH/ng.pcapng"
editcap -F nsecpcap "$capture" "$SCRATCH/nano.pcap"
gzip -c "$capture" >"$SCRATCH/packed.pcap.gz"
gzip -c "$SCRATCH/ng.pcapng" >"$SCRATCH/packed.pcapng.gz"
python3 - "$capture" "$SCRATCH/big.pcap" <<'END'
import struct, sys
data = open(sys.argv[1], "rb").read()
out, at = [struct.pack(">IHHiIII", *struct.unpack_from("<IHHiIII", data))], 24
while at < len(data):
    head = struct.unpack_from("<IIII", data, at)
    out.append(struct.pack(">IIII", *head) + data[at + 16 : at + 16 + head[2]])
    at += 16 + head[2]
open(sys.argv[2], "wb").write(b"".join(out))
END
is_big_endian() {
    [ "$(od -An -tx1 -N4 "$SCRATCH/big.pcap" | tr -d ' ')" = a1b2c3d4 ] &&
        [ "$(od -An -tx1 -N4 "$SCRATCH/nano.pcap" | tr -d ' ')" = 4d3cb2a1 ]
}
check 'the_wrappings_are_what_they_should_be' is_big_endian
check 'pcapng_gives_the_same_flows' gives_the_same -r "$SCRATCH/ng.pcapng"
check 'nanoseconds_give_the_same_flows' gives_the_same -r "$SCRATCH/nano.pcap"
check 'big_endian_gives_the_same_flows' gives_the_same -r "$SCRATCH/big.pcap"
check 'gzip_gives_the_same_flows' gives_the_same -r "$SCRATCH/packed.pcap.gz"
check 'gzipped_pcapng_gives_the_same_flows' gives_the_same -r "$SCRATCH/packed.pcapng.gz"

zstd -q "$capture" -o "$SCRATCH/packed.pcap.zst"
zstd -q "$SCRATCH/ng.pcapng" -o "$SCRATCH/packed.pcapng.zst"
# Two frames behind each other, as parallel compressors and `cat` make them.
head -c 500001 "$capture" | zstd -q >"$SCRATCH/frames.zst"
tail -c +500002 "$capture" | zstd -q >>"$SCRATCH/frames.zst"
check 'zstd_gives_the_same_flows' gives_the_same -r "$SCRATCH/packed.pcap.zst"
check 'zstd_pcapng_gives_the_same_flows' gives_the_same -r "$SCRATCH/packed.pcapng.zst"
check 'zstd_frames_in_a_row_give_the_same_flows' gives_the_same -r "$SCRATCH/frames.zst"

cut_zstd_is_told() {
    head -c 100000 "$SCRATCH/packed.pcap.zst" >"$SCRATCH/cut.zst"
    exits 3 whyflow -r "$SCRATCH/cut.zst" -o "$SCRATCH/ignored" 2>"$SCRATCH/errors" &&
        grep -q 'zstd stream is cut short' "$SCRATCH/errors"
}
check 'a_cut_zstd_file_is_told' cut_zstd_is_told

from_pipe() { # file
    flows -r - <"$1" >"$SCRATCH/got" && cmp "$SCRATCH/wanted" "$SCRATCH/got" || return 1
    # shellcheck disable=SC2002 # a pipe is the point
    cat "$1" | flows -r - >"$SCRATCH/got" && cmp "$SCRATCH/wanted" "$SCRATCH/got"
}
check 'standard_input_gives_the_same_flows' from_pipe "$capture"
check 'standard_input_gives_the_same_flows: pcapng' from_pipe "$SCRATCH/ng.pcapng"
check 'standard_input_gives_the_same_flows: gzip' from_pipe "$SCRATCH/packed.pcap.gz"
check 'standard_input_gives_the_same_flows: zstd' from_pipe "$SCRATCH/packed.pcap.zst"

# Files of so many packets each, in any order: merged by packet time. Within a processor's stamps
# that step back by some microseconds the order of two files' packets is by time, so cut where it
# is.
mkdir "$SCRATCH/parts"
editcap -c $part "$capture" "$SCRATCH/parts/part.pcap"
in_parts() { # forward or backward
    local -a parts=() files
    local part
    files=("$SCRATCH"/parts/*)
    [ ${#files[@]} -eq 6 ] || return 1
    for part in "${files[@]}"; do
        if [ "$1" = backward ]; then
            parts=(-r "$part" "${parts[@]}")
        else
            parts+=(-r "$part")
        fi
    done
    gives_the_same "${parts[@]}"
}
check 'parts_give_the_same_flows' in_parts forward
check 'parts_in_another_order_give_the_same_flows' in_parts backward
check 'a_folder_of_parts_gives_the_same_flows' gives_the_same -r "$SCRATCH/parts"

# The same folder with one part gzipped, one as zstd, one as nanosecond pcap; and a part outside it.
mkdir "$SCRATCH/mixed_parts"
parts=("$SCRATCH"/parts/*)
gzip -c "${parts[0]}" >"$SCRATCH/mixed_parts/a.pcap.gz"
zstd -q "${parts[1]}" -o "$SCRATCH/mixed_parts/b.pcap.zst"
editcap -F nsecpcap "${parts[2]}" "$SCRATCH/mixed_parts/c.pcap"
cp "${parts[3]}" "${parts[4]}" "$SCRATCH/mixed_parts"
check 'a_folder_of_packed_parts_and_a_file_give_the_same_flows' \
    gives_the_same -r "${parts[5]}" -r "$SCRATCH/mixed_parts"

# -w: what was read comes out again, and its replay gives the same flows.
written_again() {
    whyflow -r "$capture" -w "$SCRATCH/again.pcap" -o "$SCRATCH/ignored" &&
        gives_the_same -r "$SCRATCH/again.pcap"
}
check 'what_w_writes_gives_the_same_flows' written_again

# Two captures of one time and their merging by another program: the same flows, but for which
# packet comes first of two with the same stamp.
merged() {
    local file
    editcap -F pcap "$capture" "$SCRATCH/all.pcap" 1-$packets || return 1
    tshark -r "$capture" -Y 'ip' -w "$SCRATCH/v4.pcap" -F pcap &&
        tshark -r "$capture" -Y '!ip' -w "$SCRATCH/not4.pcap" -F pcap || return 1
    flows -r "$SCRATCH/v4.pcap" -r "$SCRATCH/not4.pcap" | grep '"ip_v"' |
        sed -E 's/"(score|typical|p_value|threshold)":[^,]*,//g; /"alert"/d' |
        grep -oE '"community_id".*"caveats"' | sed 's/"opening_number":[0-9]*,//' |
        sed -E 's/"observed".*//; s/"alerted":(true|false)//' | sort >"$SCRATCH/got"
    sed -E '/"event_type":"alert"/d' "$SCRATCH/wanted" | grep -oE '"community_id".*"caveats"' |
        sed -E 's/"opening_number":[0-9]*,//; s/"observed".*//; s/"alerted":(true|false)//' |
        sort >"$SCRATCH/same"
    for file in got same; do
        [ "$(wc -l <"$SCRATCH/$file")" -eq "$flows" ] || { wc -l "$SCRATCH/$file"; return 1; }
    done
    diff "$SCRATCH/same" "$SCRATCH/got" | head -5
    cmp "$SCRATCH/same" "$SCRATCH/got"
}
check 'two_captures_are_merged_by_time' merged
