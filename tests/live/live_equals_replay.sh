#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real traffic, seen live and written with -w: the replay of the file gives the same flows.
. "$(dirname "$0")/../support/report.sh"
. tests/support/netns.sh
needs_link 'live_equals_replay' || exit 0
link_up talking

mkdir "$SCRATCH/www"
head -c 300000 /dev/urandom >"$SCRATCH/www/file"
address=0.0.0.0
[ -n "$link_ipv6" ] && address=::
nsenter --net="/run/netns/$HERE" \
    /usr/bin/python3 -m http.server 8080 --bind $address --directory "$SCRATCH/www" \
    >/dev/null 2>&1 &
at_end kill $!
answers() {
    there curl -s -m 2 -o /dev/null http://10.9.0.1:8080/
}
wait_for 20 answers || echo 'not ok - the web server of the test answers'

capture_start -w "$SCRATCH/live.pcap" --records flows --idle-timeout 3s --active-timeout 6s \
    --close-timeout 1s --stats 5s -o "$SCRATCH/live.jsonl" || echo 'not ok - whyflow starts'

datagrams='
import socket, sys, time
to = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
for i in range(150):
    to.sendto(bytes(100 + i), ("fd09::1", 5000 + i % 3))
    time.sleep(0.1)
'
pids=()
there ping -q -i 0.3 -c 45 10.9.0.1 >/dev/null & pids+=($!)
if [ -n "$link_ipv6" ]; then
    there ping -6 -q -i 0.3 -c 30 fd09::1 >/dev/null & pids+=($!)
    there timeout 150 /usr/bin/python3 -c "$datagrams" & pids+=($!)
fi
there timeout 150 tcpreplay -q -i wf0 -x 20 pcaps/quiet.pcap >/dev/null 2>&1 & pids+=($!)
for round in 1 2 3 4 5 6 7 8 9 10; do
    for url in "10.9.0.1:8080/file?$round" "[fd09::1]:8080/file?$round" 10.9.0.1:8080/none \
        10.9.0.1:81/; do
        there curl -g -s -m 5 -o /dev/null "http://$url"
    done
    sleep 1
done
for pid in "${pids[@]}"; do wait "$pid"; done
sleep 1
check 'live_run_ends_well_on_term' exits 0 capture_stop TERM
check 'live_sums_hold' tests/support/check_lines.py "$SCRATCH/live.jsonl"
check 'live_lines_are_valid' scripts/validate-records "$SCRATCH/live.jsonl"

counts_all() {
    local received read dropped written
    received=$(stat_of received "$SCRATCH/live.jsonl")
    read=$(stat_of read "$SCRATCH/live.jsonl")
    dropped=$(stat_of kernel_dropped "$SCRATCH/live.jsonl")
    written=$(whyflow -r "$SCRATCH/live.pcap" | grep -oE '"read":[0-9]+' | tail -n 1)
    echo "received $received, read $read, dropped $dropped, in the file $written"
    [ "$received" -eq $((read + dropped)) ] && [ "$read" -gt 5000 ] &&
        [ "$written" = "\"read\":$read" ]
}
check 'live_reads_all_it_received_and_writes_all_it_read' counts_all

# All that is said of the flow itself and all of `observed`, whose windows count in hand-over order.
# Open at the end are flows that the end of input ended: when that was differs by the tick's slack.
cat >"$SCRATCH/flows.py" <<'END'
import json, sys
def load(path):
    found, open_at_end, numbers = {}, set(), []
    for line in open(path):
        record = json.loads(line)
        if record["event_type"] != "flow":
            continue
        flow = record["whyflow"]["flow"]
        key = flow["opening_number"]
        for name in ("score", "typical", "p_value", "features", "flagged", "notable", "caveats",
                     "boot", "seq", "sensor", "threshold", "rank", "flagged_by"):
            record["whyflow"].pop(name, None)
        for name in ("host", "in_iface", "pcap_filename"):
            record.pop(name, None)
        if flow["end_reason"] == "forced_end":
            open_at_end.add(key)
        assert key not in found, f"flow {key} twice"
        found[key] = record
        numbers.append(key)
    return found, open_at_end, numbers
live, live_open, live_order = load(sys.argv[1])
again, again_open, again_order = load(sys.argv[2])
assert live.keys() == again.keys(), len(live.keys() ^ again.keys())
compared = 0
either = live_open | again_open
for key in live:
    if key in either:
        continue
    compared += 1
    assert live[key] == again[key], f"live {live[key]}\nreplay {again[key]}"
assert [k for k in live_order if k not in either] == [k for k in again_order if k not in either]
print(f"{compared} compared, {len(either)} open at the end")
assert compared > 500, compared
END

replay_agrees() {
    whyflow -r "$SCRATCH/live.pcap" --records flows --idle-timeout 3s --active-timeout 6s \
        --close-timeout 1s --online --format native >"$SCRATCH/again.jsonl" &&
        python3 "$SCRATCH/flows.py" "$SCRATCH/live.jsonl" "$SCRATCH/again.jsonl"
}
check 'replay_of_what_was_written_gives_the_same_flows_in_the_same_order' replay_agrees
