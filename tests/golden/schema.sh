#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every line of every capture is what the schema says; the sums between lines hold; and a line that
# is wrong is told from one that is right.
. "$(dirname "$0")/../support/report.sh"

lines=$SCRATCH/lines.jsonl

validate() {
    scripts/validate-records "$@" && tests/support/check_lines.py "$@"
}

is_valid() { # capture, options...
    local status=0 capture=$1
    shift
    whyflow -r "$capture" --records all --format native --stats 10s "$@" -o - >"$lines" ||
        status=$?
    # A capture cut short is read as far as it goes.
    [ $status -eq 0 ] || [ $status -eq 3 ] || return $status
    validate "$lines"
}

captures=(pcaps/*.pcap)
for capture in "${captures[@]}"; do
    check "lines_are_valid: $(basename "$capture")" is_valid "$capture"
    is_release || break
done
check 'lines_are_valid: sample-3947329.pcap --online' \
    is_valid pcaps/sample-3947329.pcap --online --warmup 200,30s --alerts-per-hour 600

# More captures, damaged and hostile ones among them, where they lie beside the project. One that
# cannot be opened at all leaves no lines. Every eighth file is taken (with WHYFLOW_ALL set
# each): half a minute's worth.
all_are_valid() { # list of files
    local capture status count=0
    while read -r capture; do
        status=0
        : >"$lines"
        timeout 60 "$WHYFLOW" -q -r "$capture" --records all --format native -o - >"$lines" \
            2>"$SCRATCH/errors" || status=$?
        if [ $status -eq 3 ] && [ ! -s "$lines" ]; then
            [ "$(wc -l <"$SCRATCH/errors")" -eq 1 ] || { echo "$capture: not one line"; return 1; }
            continue
        fi
        [ $status -eq 0 ] || [ $status -eq 3 ] || { echo "$capture: $status"; return 1; }
        tests/support/check_lines.py "$lines" || { echo "$capture"; return 1; }
        cat "$lines" >>"$SCRATCH/all.jsonl"
        count=$((count + 1))
    done <"$1"
    echo "$count captures"
    [ $count -gt 0 ] && scripts/validate-records "$SCRATCH/all.jsonl"
}

data=../shared/data
for kind in hostile malware truth benign; do
    if [ ! -d $data/$kind ]; then
        skip "lines_are_valid: $kind captures" 'they are not there'
        continue
    fi
    : >"$SCRATCH/all.jsonl"
    find $data/$kind -name '*.pcap*' -type f -size -400k | sort >"$SCRATCH/list"
    if [ -z "${WHYFLOW_ALL:-}" ]; then
        sed -i -n '1~8p' "$SCRATCH/list"
    fi
    check "lines_are_valid: $kind captures" all_are_valid "$SCRATCH/list"
done

is_release || exit 0 # the rest is about the checkers

# Both checkers together must see what is wrong: a validator that says yes to all is none.
whyflow -r pcaps/quiet.pcap --records all --format native -o - >"$lines"
cat >"$SCRATCH/spoil.py" <<'END'
import json, sys
how, source, target = sys.argv[1:]
lines = open(source).read().splitlines()
at = next(i for i, line in enumerate(lines) if '"event_type":"alert"' in line)
record = json.loads(lines[at])
ours = record["whyflow"]
if how == "contribution":
    name = next(iter(ours["contrib"]))
    ours["contrib"][name] = round(ours["contrib"][name] + 0.001, 3)
elif how == "missing_key":
    del ours["baseline"]
elif how == "unknown_key":
    ours["flow"]["surprise"] = 1
elif how == "wrong_type":
    record["flow"]["pkts_toserver"] = str(record["flow"]["pkts_toserver"])
elif how == "bad_timestamp":
    record["timestamp"] = record["timestamp"].replace("+0000", "Z")
elif how == "null":
    ours["features"]["duration_us"] = None
lines[at] = json.dumps(record, separators=(",", ":"))
if how == "dropped_line":
    del lines[at]
elif how == "no_final":
    del lines[-1]
elif how == "account":
    last = json.loads(lines[-1])
    last["whyflow"]["account"]["in_flows"] += 1
    lines[-1] = json.dumps(last, separators=(",", ":"))
open(target, "w").write("\n".join(lines) + "\n")
END

sees() { # how to spoil
    python3 "$SCRATCH/spoil.py" "$1" "$lines" "$SCRATCH/spoiled.jsonl" || return 1
    if validate "$SCRATCH/spoiled.jsonl"; then
        echo 'it passed'
        return 1
    fi
}

check 'unspoilt_lines_are_valid' validate "$lines"
for how in contribution missing_key unknown_key wrong_type bad_timestamp null dropped_line \
    no_final account; do
    check "spoilt_lines_are_seen: $how" sees $how
done
stays_valid() {
    python3 "$SCRATCH/spoil.py" nothing "$lines" "$SCRATCH/same.jsonl" &&
        scripts/validate-records "$SCRATCH/same.jsonl"
}
check 'respelt_lines_stay_valid' stays_valid
