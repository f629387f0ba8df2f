#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# whyflow-report: the layout of its Markdown, and an HTML page that is small, closed and unharmed by
# whatever the lines say. What the page does in a browser is check_page.py's, where there is one.
. "$(dirname "$0")/../support/report.sh"

report() {
    timeout -k 5 120 "${WHYFLOW%/*}/whyflow-report" "$@"
}

for name in sample-3943031 sample-3947329 mixed; do
    whyflow -r "pcaps/$name.pcap" --records all -o "$SCRATCH/$name.jsonl"
done
lines=$SCRATCH/mixed.jsonl
grep '"event_type":"alert"' "$lines" >"$SCRATCH/alerts.jsonl"

# Of each flow: title, Summary, eighteen columns first, Model Explanation; in that order.
markdown_has_the_layout() { # sample
    report "$SCRATCH/$1.jsonl" -o "$SCRATCH/$1.md" || return 1
    python3 - "$SCRATCH/$1.md" "$SCRATCH/$1.jsonl" <<'END'
import json, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
alerts = {alert["flow_id"]: alert for alert in lines if alert["event_type"] == "alert"}
columns = """ID IP_SRC_ADDR IP_DST_ADDR L4_SRC_PORT L4_DST_PORT PROTOCOL_NUM FIRST_SWITCHED
LAST_SWITCHED IN_PKTS IN_BYTES FLOW_DURATION_MILLISECONDS avg_in_packet_size inter_arrival_ms
dst_flows_in_window src_entropy_PROTOCOL src_IN_PKTS_sum src_flows_in_window src_flag_SYN""".split()
titles = ["Protocol and port context", "Volume and duration", "Timing",
          "Source and destination context", "Key indicators", "Likely reasons",
          "Cautious conclusion"]
index, *flows = re.split(r"(?m)^# Flow (?=\d)", text)
assert len(flows) == sum(line["event_type"] == "alert" for line in lines), len(flows)
assert index.count("](#flow-") == len(flows), "index"
for number, flow in enumerate(flows, 1):
    assert f'<a id="flow-{number}"></a>' in text
    alert = alerts[int(re.match(r"(\d+) – Anomaly Explanation\n", flow).group(1))]
    headings = re.findall(r"(?m)^## .*$", flow)
    assert headings == ["## 🔍 Summary", "## 📊 Observable Features",
                        "## 🧠 Model Explanation"], headings
    table = flow.split("| Feature | Value |\n|------|------|\n")[1].split("\n\n")[0]
    rows = [re.match(r"\| (.*) \| (.*) \|$", row).groups() for row in table.splitlines()]
    assert [name for name, _ in rows[:18]] == columns, rows[:18]
    assert {name for name, _ in rows[18:]} == set(alert["whyflow"]["features"])
    for name, value in rows[:18]:
        wanted = alert["whyflow"]["observed"].get(name, "not measured")
        same = value == wanted if isinstance(wanted, str) else float(value) == wanted
        assert same, (name, value, wanted)
    assert "### How the Score Adds Up" in flow and f"**{alert['whyflow']['score']:.3f}**" in flow
    sections = re.findall(r"(?m)^### (\d)\. (.*)\n\n(\S.*)$", flow)
    assert [int(number) for number, _, _ in sections] == list(range(1, len(sections) + 1))
    found = [title for _, title, _ in sections]
    assert found == [title for title in titles if title in found] and len(found) >= 5, found
    assert found[-1] == titles[-1] and "### Take Along" in flow, found
    parts = re.findall(r"(?m)^\| [^*|]+ \| ([-+]?\d+\.\d{3}) \|$",
                       flow.split("### How the Score Adds Up")[1].split("###")[0])
    assert abs(sum(map(float, parts)) - alert["whyflow"]["score"]) < 5e-4, parts
END
}
check 'markdown_has_the_layout_of_the_samples: 3943031' markdown_has_the_layout sample-3943031
check 'markdown_has_the_layout_of_the_samples: 3947329' markdown_has_the_layout sample-3947329

# The lines to copy find the flow's packets: as many as the record counts, or for BPF, more.
filters_find_the_flow() {
    report "$lines" -n 3 -o "$SCRATCH/three.md" 2>"$SCRATCH/errors" || return 1
    python3 - "$SCRATCH/three.md" "$lines" pcaps/mixed.pcap <<'END'
import json, re, shlex, subprocess, sys
text = open(sys.argv[1], encoding="utf-8").read()
lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
alerts = {(alert["flow_id"], alert["flow"]["start"]): alert["flow"] for alert in lines
          if alert["event_type"] == "alert"}
of_id = {flow_id: flow for (flow_id, _), flow in alerts.items()}
flows = re.split(r"(?m)^# Flow (?=\d)", text)[1:]
assert len(flows) == 3
for flow in flows:
    counted = of_id[int(flow.split(" ")[0])]
    wanted = counted["pkts_toserver"] + counted["pkts_toclient"]
    tshark = shlex.split(re.search(r"```sh\n(.*)\n```", flow).group(1))
    assert tshark[:2] == ["tshark", "-r"] and tshark[3] == "-Y" and len(tshark) == 5, tshark
    bpf = re.search(r"```text\n(.*)\n```", flow).group(1)
    def count(*command):
        return subprocess.run(command, capture_output=True, text=True,
                              check=True).stdout.count("\n")
    seen = count("tshark", "-n", "-r", sys.argv[3], "-Y", tshark[4])
    assert seen == wanted, (seen, wanted, tshark)
    seen = count("tcpdump", "-n", "-r", sys.argv[3], bpf)
    assert seen >= wanted, (seen, wanted, bpf)
END
}
if ! is_release; then
    : # the words are whyflow-report's of any build, the packets tshark's
elif command -v tshark >/dev/null && command -v tcpdump >/dev/null; then
    check 'filters_in_markdown_find_the_flow' filters_find_the_flow
else
    skip 'filters_in_markdown_find_the_flow' 'no tshark or tcpdump'
fi

# A line cut down to what a report needs is kept, and tells no sections.
line_without_a_record_tells_none() {
    jq -c 'del(.whyflow.flow)' "$SCRATCH/alerts.jsonl" | head -3 >"$SCRATCH/foreign.jsonl"
    report "$SCRATCH/foreign.jsonl" -o "$SCRATCH/foreign.md" || return 1
    [ "$(grep -c '^# Flow ' "$SCRATCH/foreign.md")" = 3 ] &&
        ! grep -n '^### 1\.' "$SCRATCH/foreign.md"
}
if command -v jq >/dev/null; then
    check 'a_line_that_is_no_record_tells_no_sections' line_without_a_record_tells_none
else
    skip 'a_line_that_is_no_record_tells_no_sections' 'no jq'
fi

# Unpacks a page; says what is wrong with it. Its alerts must be the given lines to the byte.
cat >"$SCRATCH/unpack.py" <<'END'
import base64, hashlib, json, re, sys, zlib
page = open(sys.argv[1], encoding="utf-8").read()
wanted = [line.rstrip("\n") for line in open(sys.argv[2], encoding="utf-8")]
around, data = page, re.search(r'id="data">([A-Za-z0-9+/=]*)</script>', page).group(1)
around = page.replace(data, "")
for kind in ("script", "style"):
    inside = re.search(rf"<{kind}>(.*?)</{kind}>", around, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    assert f"{kind}-src 'sha256-{digest}'" in around, f"the hash of the {kind} is another"
assert around.count("<script") == 2 and around.count("<style") == 1, "elements"
policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', around).group(1)
assert policy.startswith("default-src 'none';") and "unsafe" not in policy, policy
assert around.index("Content-Security-Policy") < around.index("<style"), "the policy comes late"
without_comments = re.sub(r"/\*.*?\*/", "", around, flags=re.S)
assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", without_comments)
assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(",
                     around.split("/* Draws whyflow-report's page")[1])
sections = zlib.decompress(base64.b64decode(data)).decode().split("\2")
overview, *sections = sections
overview = json.loads(overview)
count = overview["section_columns"]
prose, (skeletons, indices, *columns) = sections[:count], sections[count:]
prose = [column.split("\n")[:-1] for column in prose]
shapes = [line.split("\1") for line in skeletons.split("\n")[:-1]]
values = [iter(column.split("\n")) for column in columns]
alerts = ["".join(piece if i % 2 == 0 else next(values[int(piece)])
                  for i, piece in enumerate(shapes[int(index)]))
          for index in indices.split("\n")[:-1]]
assert sorted(alerts) == sorted(wanted), "not the lines that came in"
assert all(len(column) == len(alerts) for column in prose), "a section of another alert"
titles = ["Protocol and port context", "Volume and duration", "Timing",
          "Source and destination context", "Key indicators", "Likely reasons",
          "Cautious conclusion"]
assert len(prose) == len(titles)
for line, *texts in zip(alerts, *prose):
    if sys.argv[3:] == ["without-prose"]:
        assert not any(texts), texts
        continue
    for title, text in zip(titles, texts):
        assert text == "" or text.startswith(title + ": "), text
    # Sections of this alert and no other: its ports and its score stand in them.
    alert = json.loads(line)
    for port in ("src_port", "dest_port"):
        if alert["proto"] in ("TCP", "UDP"):
            assert re.search(rf"\bport {alert[port]}\b", texts[0]), texts[0]
    if alert["whyflow"]["flagged_by"] == "surprise":
        assert f"scores {alert['whyflow']['score']:.1f} bits" in texts[4], texts[4]
    assert texts[1] and texts[3] and texts[6], texts
keys = [(not json.loads(line)["whyflow"]["resembles"], -json.loads(line)["whyflow"]["score"])
        for line in alerts]
assert keys == sorted(keys), "not the strongest first"
json.dump(overview, open(sys.argv[1] + ".overview", "w"))
END

page_holds() { # page, lines of alerts, [without-prose]
    python3 "$SCRATCH/unpack.py" "$@"
}

page_is_closed() {
    report "$lines" -o "$SCRATCH/mixed.html" &&
        page_holds "$SCRATCH/mixed.html" "$SCRATCH/alerts.jsonl"
}
check 'a_page_refers_to_nothing_and_holds_the_alerts_to_the_byte' page_is_closed

overview_counts() {
    python3 - "$SCRATCH/mixed.html.overview" "$lines" <<'END'
import json, sys
overview = json.load(open(sys.argv[1]))
records = [json.loads(line) for line in open(sys.argv[2])]
flows = [r["whyflow"]["flow"] for r in records if r["event_type"] == "flow"]
total = sum(f["fwd"]["ip_bytes"] + f["rev"]["ip_bytes"] for f in flows)
steps = overview["timeline"]["steps"]
assert overview["flow_lines"] == len(flows) == sum(s[0] for s in steps) == 5148
assert sum(c[2] for c in overview["grid"]) == sum(overview["protocols"].values()) == len(flows)
assert overview["flow_ip_bytes"] == total == sum(s[1] for s in steps)
assert sum(s[2] for s in steps) == overview["alerts_seen"] == 52
assert overview["stats"]["whyflow"]["account"] == records[-1]["whyflow"]["account"]
assert overview["is_final"] and len(steps) <= 240
step, start = overview["timeline"]["step_ms"], overview["timeline"]["start_ms"]
inside = [f for f in flows if 0 <= f["first_ns"] // 10**6 - start - 7 * step < step]
assert steps[7][0] == len(inside) > 0, (steps[7], len(inside))
END
}
check 'the_overview_counts_every_flow_byte_and_alert' overview_counts

same_bytes() {
    report -f html <"$lines" | cmp - "$SCRATCH/mixed.html" &&
        gzip -c "$lines" >"$SCRATCH/mixed.gz" && report "$SCRATCH/mixed.gz" -f html |
        cmp - "$SCRATCH/mixed.html" && [ "$(stat -c %a "$SCRATCH/mixed.html")" = 640 ]
}
check 'standard_input_and_gzip_give_the_same_page' same_bytes

# Without flow lines the timeline comes from the statistics; two runs' counters add up.
statistics_suffice() {
    grep -v '"event_type":"flow"' "$lines" >"$SCRATCH/few.jsonl"
    sed 's/"boot":"[0-9a-f]*"/"boot":"ffff"/' "$SCRATCH/few.jsonl" >"$SCRATCH/twin.jsonl"
    report "$SCRATCH/few.jsonl" "$SCRATCH/twin.jsonl" -o "$SCRATCH/few.html" || return 1
    grep '"alert"' "$SCRATCH/twin.jsonl" | cat "$SCRATCH/alerts.jsonl" - >"$SCRATCH/both.jsonl"
    page_holds "$SCRATCH/few.html" "$SCRATCH/both.jsonl" || return 1
    jq -e '.flow_lines == 0 and .runs == 2 and .grid == [] and
        .stats.whyflow.engine.top_sources == null and
        (.timeline.steps | map(.[0]) | add) == 2 * 5148 and
        (.timeline.steps | map(.[1]) | add) == .stats.whyflow.account.ip_bytes_written and
        .stats.whyflow.account.read == 2 * 40729 and
        .stats.whyflow.limits.max_flows == 1048576' "$SCRATCH/few.html.overview"
}
if command -v jq >/dev/null; then
    check 'without_flow_lines_the_statistics_give_the_timeline' statistics_suffice
else
    skip 'without_flow_lines_the_statistics_give_the_timeline' 'no jq'
fi

thousand_are_small() {
    whyflow -r pcaps/mixed.pcap --alert-share 25% -o native:- >"$SCRATCH/many"
    grep '"event_type":"alert"' "$SCRATCH/many" | awk '
        { line[NR] = $0 }
        END { for (i = 0; i < 1000; i++) print line[i % NR + 1] }' >"$SCRATCH/thousand.jsonl"
    report "$SCRATCH/thousand.jsonl" -o "$SCRATCH/thousand.html" || return 1
    page_holds "$SCRATCH/thousand.html" "$SCRATCH/thousand.jsonl" || return 1
    # These are 275 different ones, four times; a different one costs at most so many bytes.
    report "$SCRATCH/many" -o "$SCRATCH/many.html" || return 1
    local different each
    different=$(grep -c '"event_type":"alert"' "$SCRATCH/many")
    each=$((($(stat -c %s "$SCRATCH/many.html") - 50000) / different))
    echo "$(stat -c %s "$SCRATCH/thousand.html") bytes, $each for each of $different"
    [ "$(stat -c %s "$SCRATCH/thousand.html")" -lt 1000000 ] && [ "$each" -lt 900 ]
}
check 'a_thousand_alerts_take_less_than_a_megabyte' thousand_are_small

# ---- lines that mean harm, or are none ----

python3 - "$SCRATCH/alerts.jsonl" "$SCRATCH/hostile.jsonl" <<'END'
import json, sys
evil = "</script><img src=x onerror=alert(1)>|`*\u2028\u2029]]>&lt;\u0007'; reboot #"
alert = json.loads(open(sys.argv[1]).readline())
for path in ("host", "pcap_filename", "src_ip", "proto", "whyflow.text", "whyflow.sensor"):
    *parents, key = path.split(".")
    place = alert
    for parent in parents:
        place = place[parent]
    place[key] = evil
alert["whyflow"]["summary"] = [evil, evil]
alert["whyflow"]["caveats"] = [evil]
alert["whyflow"]["readings"] = {"benign": {"text": evil, "for": [evil]}, evil: evil}
alert["whyflow"]["combination"] = {"text": evil, "features": [evil], "bits_alone": [1],
                                   "bits_together": 2}
alert["whyflow"]["counterfactual"] = {"text": evil, "moved": {evil: evil}}
alert["whyflow"]["resembles"] = {
    "behaviour": evil, "evidence": [{"label": evil, "unit": evil, "value": 1e308}]}
alert["whyflow"]["contrib"] = {evil: 1, "__proto__": 2}
alert["whyflow"]["features"] = {evil: evil}
alert["whyflow"]["reasons"] = [
    {"feature": evil, "label": evil, "value": evil},
    {"feature": "x", "unit": "us", "value": -5, "p05": 0, "p95": 1e300}, 7]
print(json.dumps(alert, ensure_ascii=False), file=open(sys.argv[2], "w", encoding="utf-8"))
END

hostile_is_text() {
    report "$SCRATCH/hostile.jsonl" -o "$SCRATCH/hostile.html" &&
        page_holds "$SCRATCH/hostile.html" "$SCRATCH/hostile.jsonl" without-prose &&
        ! grep -q 'onerror\|reboot' "$SCRATCH/hostile.html" || return 1
    report "$SCRATCH/hostile.jsonl" -o "$SCRATCH/hostile.md" || return 1
    grep -q 'onerror' "$SCRATCH/hostile.md" || return 1
    ! grep -n '^### 1\.\|^tshark' "$SCRATCH/hostile.md" &&
        ! grep -n '<img\|</script\|[^\\]|`\|'$'\007' "$SCRATCH/hostile.md"
}
check 'markup_in_a_record_is_text' hostile_is_text

# A record may be one by its form and say numbers that no flow has.
absurd_numbers_are_told() {
    jq -c '.whyflow.features.ip_bytes_per_s = (1e308, -1, -1e300),
        .whyflow.features.duration_us = -5,
        (.whyflow.reasons[0] |= (.value = 1e308 | .p05 = -1e308))' \
        "$SCRATCH/alerts.jsonl" >"$SCRATCH/absurd.jsonl"
    report "$SCRATCH/absurd.jsonl" -o "$SCRATCH/absurd.md" || return 1
    report "$SCRATCH/absurd.jsonl" -o "$SCRATCH/absurd.html" || return 1
    [ "$(grep -c '^# Flow ' "$SCRATCH/absurd.md")" = "$(wc -l <"$SCRATCH/absurd.jsonl")" ] &&
        grep -q '^### 1\. ' "$SCRATCH/absurd.md"
}
if command -v jq >/dev/null; then
    check 'numbers_that_no_flow_has_are_told' absurd_numbers_are_told
else
    skip 'numbers_that_no_flow_has_are_told' 'no jq'
fi

bad_lines_are_counted() {
    {
        echo 'not json'
        echo '{"event_type":"alert"}'
        printf '{"event_type":"alert","src_ip":"a","dest_ip":"b",'
        echo '"whyflow":{"schema":"whyflow/1","score":"high"}}'
        printf '{"x":"\xff"}\n\n'
        head -c 70000 /dev/zero | tr '\0' '['
        echo
        cat "$lines"
        printf '{"event_type":"al'
    } >"$SCRATCH/bad.jsonl"
    exits 3 report "$SCRATCH/bad.jsonl" -o "$SCRATCH/bad.html" 2>"$SCRATCH/errors" || return 1
    cat "$SCRATCH/errors"
    grep -q '^whyflow-report: 6 of 5212 lines could not be read' "$SCRATCH/errors" &&
        grep -q 'bad.jsonl:1: not a line' "$SCRATCH/errors" &&
        page_holds "$SCRATCH/bad.html" "$SCRATCH/alerts.jsonl"
}
check 'bad_lines_are_counted_and_the_rest_is_used' bad_lines_are_counted

strongest_are_kept() {
    report "$lines" -n 20 -o "$SCRATCH/twenty.html" 2>"$SCRATCH/errors" || return 1
    grep -q '20 of 52 alerts are kept, the strongest' "$SCRATCH/errors" || return 1
    python3 - "$SCRATCH/alerts.jsonl" >"$SCRATCH/twenty.jsonl" <<'END'
import json, sys
lines = [line.rstrip("\n") for line in open(sys.argv[1])]
def weakness(line):
    whyflow = json.loads(line)["whyflow"]
    return (not whyflow["resembles"], -whyflow["score"])
print("\n".join(sorted(lines, key=weakness)[:20]))
END
    page_holds "$SCRATCH/twenty.html" "$SCRATCH/twenty.jsonl" &&
        report "$lines" -n 20 2>"$SCRATCH/errors" |
        grep -q '^| alerts left out, the weakest | 32 |'
}
check 'of_more_alerts_than_asked_for_the_strongest_are_kept' strongest_are_kept

check 'no_such_file_exits_3' exits 3 report "$SCRATCH/none.jsonl" -o "$SCRATCH/none.md"
check 'an_unknown_option_exits_2' exits 2 report --colour
check 'a_bad_number_exits_2' exits 2 report -n many
check 'an_unknown_name_of_output_exits_2' exits 2 report "$lines" -o "$SCRATCH/report.pdf"
check 'a_full_disk_exits_1' exits 1 report "$lines" -f html -o /dev/full
check 'help_exits_0' exits 0 report --help
check 'version_exits_0' exits 0 report -V

# ---- in a browser ----

is_release || exit 0 # the page is the same to the byte: a_page_refers_to_nothing_...
if ! timeout -k 5 60 python3 -c 'import sys; sys.path.insert(0, "tests/support")
from browser import can_start
sys.exit(not can_start())' 2>/dev/null; then
    skip 'the_page_works_in_a_browser' 'no chromium, or none that starts'
    exit 0
fi
check 'the_page_works_in_a_browser' \
    tests/support/check_page.py "$SCRATCH/mixed.html" "$lines" pcaps/mixed.pcap
check 'a_hostile_page_draws_text_alone' \
    tests/support/check_page.py --hostile "$SCRATCH/hostile.html"
