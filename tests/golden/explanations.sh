#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is said of the two sample flows: all that their reports say rightly, what they missed, and
# nothing that they say wrongly. And of every alert of the captures: no word that claims more than
# was measured, each counterfactual below its threshold, no two summaries alike.
. "$(dirname "$0")/../support/report.sh"

cat >"$SCRATCH/alerts.py" <<'END'
import json, sys
seen = {}
for path in sys.argv[1:]:
    for line in open(path):
        record = json.loads(line)
        if record["event_type"] != "alert":
            continue
        own = record["whyflow"]
        notes = [own.get(key, {}) for key in ("combination", "counterfactual")]
        notes += own.get("readings", {}).values()
        prose = [own["text"], *own["summary"], *(note.get("text", "") for note in notes)]
        for word in ("malicious", "attack", "prove"):
            assert word not in " ".join(prose).lower(), prose
        assert all(len(text) <= 300 for text in prose), prose
        change = own.get("counterfactual", {})
        if "changes" in change:
            assert change["score"] < change["threshold"] == own["threshold"], change
            assert not {one["feature"] for one in change["changes"]} & set(change["moved"]), change
        facts = [own["observed"][key] for key in ("IN_PKTS", "IN_BYTES")]
        key = (path, tuple(own["summary"]))
        assert seen.setdefault(key, facts) == facts, own["summary"]
assert seen, "no alert"
END

captures_are_told_with_care() {
    local capture
    for capture in mixed quiet sample-3943031 sample-3947329; do
        whyflow -r "pcaps/$capture.pcap" --records alerts --format native \
            >"$SCRATCH/$capture.jsonl" || return
    done
    python3 "$SCRATCH/alerts.py" "$SCRATCH"/*.jsonl
}
check 'no_alert_of_the_captures_claims_more_than_was_measured' captures_are_told_with_care

# The verbose block of a flow, its line breaks taken out.
block() { # capture, how the flow is named in its first line
    whyflow -r "pcaps/$1.pcap" -v --format text --color never 2>/dev/null |
        awk -v RS= -v name="$2" 'index($0, name)' | tr -s ' \n' ' '
}

says() { # file, sentences
    local file=$1 sentence
    shift
    for sentence; do
        grep -qF -- "$sentence" "$file" || { echo "not said: $sentence" && return 1; }
    done
}

says_not() {
    local file=$1 word
    shift
    for word; do
        ! grep -qiF -- "$word" "$file" || { echo "said: $word" && return 1; }
    done
}

udp_sample() {
    block sample-3947329 'UDP 74.81.88.82:51413 -> 158.129.80.19:29862' >"$SCRATCH/udp"
    says "$SCRATCH/udp" 'UDP over IPv4' 'UDP has no handshake' '2,044 packets (2.82 MB) sent' \
        'It lasted 64.5 s.' '349 kbit/s' '1,378 bytes on average' 'as in a bulk transfer' \
        'came 31.6 ms apart on average' 'Port 51413 is not assigned; by custom it is bittorrent' \
        "the source's only flow: counts over one flow say little" '15 flows from 15 hosts' \
        'compared with 2,401 flows' 'Evidence for a known pattern is insufficient.' &&
        says_not "$SCRATCH/udp" 'back-to-back' 'wire speed' '0.0 ms' 'deliberate' 'malicious'
}
check 'udp_sample_is_told_rightly_and_in_full' udp_sample

tcp_sample() {
    block sample-3943031 'TCP [2a0b:e43:1::21]:443 ->' >"$SCRATCH/tcp"
    says "$SCRATCH/tcp" 'TCP over IPv6, from port 443, assigned to https' \
        'a server answering a client' '3,730 packets (4.76 MB) sent' 'It lasted 65.9 s.' \
        '578 kbit/s' '1,277 bytes on average' 'came 17.7 ms apart on average' \
        'a 6to4 address, for 190.207.123.115' 'compared with 2,338 flows' \
        "the source's only flow: counts over one flow say little" \
        'what the other side sent is not known' &&
        says_not "$SCRATCH/tcp" 'back-to-back' '0.0 ms' 'dedicated' 'synthetic' 'malicious'
}
check 'tcp_sample_is_told_rightly_and_in_full' tcp_sample
