#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a reason says of other flows is counted again from the flow lines of the same run: how many
# measured the feature, the share alike, median and 5 and 95 % marks, among all flows or those of
# the same service, the flow itself left out.
. "$(dirname "$0")/../support/report.sh"

cat >"$SCRATCH/recount.py" <<'END'
import json, sys

lines = [json.loads(line) for line in open(sys.argv[1])]
flows = [line for line in lines if line["event_type"] == "flow"]
alerts = [line for line in lines if line["event_type"] == "alert"]
LEAST_OF_SERVICE = 500


def key(line):
    return line["flow_id"], line["whyflow"]["flow"]["slice"], line["whyflow"]["flow"]["first_ns"]


def others_of(alert, is_service):
    service = alert["whyflow"]["features"].get("service")
    return [flow["whyflow"]["features"] for flow in flows if key(flow) != key(alert)
            and (not is_service or flow["whyflow"]["features"].get("service") == service)]


def near(told, counted, feature):
    """A step of the fine histogram of a magnitude is up to 10 %, of a share 0.004. An axis ends."""
    if feature == "interval_variation" and told == 4:
        return counted >= 3.98
    if feature.endswith(("ratio_log2", "_variation", "entropy_bits_window")) or "_share" in feature:
        return abs(told - counted) <= 0.07
    return abs(told - counted) <= max(1, 0.1 * counted)


def check_quantiles(reason, measured):
    for name, share in (("p05", 0.05), ("typical", 0.5), ("p95", 0.95)):
        exact = sorted(measured)
        low = exact[max(0, int(len(exact) * share) - 2)]
        high = exact[min(len(exact) - 1, int(len(exact) * share) + 2)]
        told = reason[name]
        assert low <= told <= high or near(told, low, reason["feature"]) or \
            near(told, high, reason["feature"]), (reason, name, low, high)


# A category says how many had the same; of service and state only the state is left to compare.
def check_share(reason, others, value):
    alike = sum(features.get(reason["feature"]) == value for features in others)
    told = reason["seen_share"]
    assert abs(told - alike / len(others)) <= 0.001 * told + 1e-9, (reason, alike, len(others))


def check(alert, reason):
    is_service = reason["among"] == "service"
    others = others_of(alert, is_service)
    feature = reason["feature"]
    named = feature in ("protocol", "service")
    of_service = len(others_of(alert, True)) if "service" in alert["whyflow"]["features"] else 0
    can_be = of_service >= LEAST_OF_SERVICE and not named
    # A category is told among whom it is the more unusual.
    assert is_service == can_be or (can_be and "seen_share" in reason), (reason, of_service)
    measured = [features[feature] for features in others if feature in features]
    assert reason["n"] == len(measured), (reason, len(measured))
    if "typical" in reason:
        check_quantiles(reason, measured)
    if "seen_share" in reason:
        check_share(reason, others, alert["whyflow"]["features"].get(feature))
    text = alert["whyflow"]["text"]
    if is_service and reason["feature"] == alert["whyflow"]["reasons"][0]["feature"] and \
            alert["whyflow"]["flagged_by"] == "surprise" and reason["label"] in text:
        assert alert["whyflow"]["features"]["service"] in text, text
    return is_service


kinds = [check(alert, reason) for alert in alerts for reason in alert["whyflow"]["reasons"]]
print(f"{len(kinds)} reasons, {sum(kinds)} of them among flows of the service")
assert len(kinds) >= 40 and True in kinds and False in kinds
END

recounts() {
    whyflow -q -r pcaps/mixed.pcap --records all --alert-share 3% --format native \
        >"$SCRATCH/lines.jsonl" &&
        python3 "$SCRATCH/recount.py" "$SCRATCH/lines.jsonl"
}
check 'reasons_are_what_the_flow_lines_say' recounts
tail -n 1 "$SCRATCH/check.log" | sed 's/^/    /'
