#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checker of scripts/faithful finds what is planted in good lines.

    tests/faithful/check_test.py LINES BASELINE BEHAVIOUR_LINES

LINES: alerts of a replay that saved BASELINE; BEHAVIOUR_LINES: alerts with a behaviour among them.
Called by tests/golden/faithful.sh.
"""

import copy
import os
import re
import sys
import tempfile
import unittest
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts/faithful"))

import arithmetic
import baseline_file
import category
import check
import edits
import printed
import prose
import scorer

UNIT = r"(?<=\d )([µm]s|s|min|bytes/s|[kM]B/s|bytes|[kM]B)\b(?!/)"
# What a wrong unit would be, for each that prose uses.
OTHER_UNITS = {"ms": "s", "µs": "ms", "s": "ms", "bytes": "kB", "kB": "MB", "MB": "kB",
               "bytes/s": "kB/s", "kB/s": "MB/s", "min": "h"}


def texts(whyflow):
    """(how to write it back, text) of the text and the summary's lines."""
    yield (lambda new, value: new.update(text=value)), whyflow["text"]
    for index, line in enumerate(whyflow["summary"]):
        yield (lambda new, value, at=index: new["summary"].__setitem__(at, value)), line


def wrong_of(event):
    """Everything parts 1 and 2 find in one alert."""
    return list(arithmetic.check_all(event)) + prose.check_all(event)[0]


def share(reason):
    """How a text says in which share of flows a category was seen, with two digits."""
    return f"{float(reason['seen_share']) * 100:.2g} %" if reason["seen_share"] else "in no"


def next_digit(number):
    """The same number with another last digit."""
    return number[:-1] + str((int(number[-1]) + 1) % 10)


class Planted(unittest.TestCase):
    """Good lines are good; a planted error is found."""

    def setUp(self):
        self.events = [event for _, event in check.alerts_of(LINES)]
        self.judge = scorer.Scorer(baseline_file.Baseline(BASELINE))

    def plant(self, change, event=None):
        """What is found after `change` was made to a copy."""
        planted = copy.deepcopy(event or self.events[0])
        change(planted["whyflow"])
        return wrong_of(planted)

    def assert_found(self, change, words):
        self.assertIn(words, "\n".join(self.plant(change)))

    def test_good_lines_are_good(self):
        self.assertGreater(len(self.events), 10)
        for event in self.events:
            self.assertEqual(wrong_of(event), [])
            self.assertEqual(list(check.check_score(event["whyflow"], self.judge, True)), [])

    def test_a_thousandth_of_a_bit_is_found(self):
        def change(whyflow):
            whyflow["contrib"]["packets_fwd"] = Decimal(whyflow["contrib"]["packets_fwd"]) + \
                Decimal("0.001")
        self.assert_found(change, "typical + contributions")

    def test_bits_moved_between_features_are_found_by_the_scorer(self):
        whyflow = copy.deepcopy(self.events[0]["whyflow"])
        for name, more in (("packets_fwd", "0.004"), ("packets_rev", "-0.004")):
            whyflow["contrib"][name] = Decimal(whyflow["contrib"][name]) + Decimal(more)
        self.assertEqual(list(arithmetic.check_sum(whyflow)), [])
        self.assertEqual(len(list(check.check_score(whyflow, self.judge, True))), 2)

    def test_what_a_reason_says_of_others_is_counted_again(self):
        planted = 0
        for event in self.events:
            whyflow = event["whyflow"]
            self.assertEqual(list(check.check_compared(whyflow, self.judge, True)), [])
            for index, reason in enumerate(whyflow["reasons"]):
                for name in {"n", "typical", "p05", "p95", "seen_share", "among"} & set(reason):
                    other = copy.deepcopy(whyflow)
                    value = reason[name]
                    other["reasons"][index][name] = (
                        {"all": "service", "service": "all"}[value] if name == "among"
                        else value * Decimal("1.01") + Decimal("0.01"))
                    planted += 1
                    self.assertEqual(len(list(check.check_compared(other, self.judge, True))), 1)
        self.assertGreater(planted, 100)

    def test_reasons_out_of_order_are_found(self):
        def change(whyflow):
            whyflow["reasons"][0], whyflow["reasons"][1] = (whyflow["reasons"][1],
                                                            whyflow["reasons"][0])
        self.assert_found(change, "out of order")

    def test_reasons_told_out_of_order_are_found(self):
        found = 0
        for event in self.events:
            whyflow = event["whyflow"]
            told = [f"{reason['label']} '{reason['value']}' ({share(reason)}"
                    for reason in whyflow["reasons"] if isinstance(reason.get("value"), str)]
            told = [each for each in told if each in whyflow["text"]]
            if len(told) < 2:
                continue
            text = whyflow["text"].replace(told[0], "@").replace(told[1], told[0])
            wrong = self.plant(lambda new, t=text.replace("@", told[1]): new.update(text=t), event)
            self.assertIn("reasons stand in the order", "\n".join(wrong))
            found += 1
        self.assertGreater(found, 5)

    def test_a_reason_left_out_is_found(self):
        def change(whyflow):
            del whyflow["reasons"][2], whyflow["top_features"][2]
        self.assert_found(change, "is no reason")

    def test_a_wrong_share_is_found(self):
        def change(whyflow):
            whyflow["reasons"][0]["share"] += Decimal("0.002")
        self.assert_found(change, "share of")

    def test_a_score_under_the_threshold_is_found(self):
        self.assert_found(lambda whyflow: whyflow.update(threshold=whyflow["score"] + 1), "under")

    def test_a_wrong_column_is_found(self):
        self.assert_found(lambda whyflow: whyflow["observed"].update(IN_BYTES=1), "IN_BYTES")

    def test_a_forbidden_word_is_found(self):
        self.assert_found(lambda whyflow: whyflow.update(text=whyflow["text"] + " An attack."),
                          "forbidden")

    def test_a_wrong_grade_is_found(self):
        def change(whyflow):
            whyflow["text"] = re.sub("(somewhat )?unusual compared", "very unusual compared",
                                     whyflow["text"])
        self.assert_found(change, "very unusual")

    def test_any_other_number_in_any_sentence_is_found(self):
        count = 0
        for event in self.events:
            for write, text in texts(event["whyflow"]):
                for match in re.finditer(printed.NUMBER, text):
                    other = text[:match.start()] + next_digit(match.group()) + text[match.end():]
                    count += 1
                    with self.subTest(other=other):
                        self.assertTrue(self.plant(lambda new, w=write, t=other: w(new, t), event))
        self.assertGreater(count, 300)

    def test_any_other_unit_in_any_sentence_is_found(self):
        count = 0
        for event in self.events:
            for write, text in texts(event["whyflow"]):
                for match in re.finditer(UNIT, text):
                    other = (text[:match.start()] + OTHER_UNITS[match.group()]
                             + text[match.end():])
                    count += 1
                    with self.subTest(other=other):
                        self.assertTrue(self.plant(lambda new, w=write, t=other: w(new, t), event))
        self.assertGreater(count, 100)

    def test_sent_for_received_is_found(self):
        for event in self.events:
            line = event["whyflow"]["summary"][0]
            flow = event["whyflow"]["flow"]
            if flow["fwd"]["packets"] == flow["rev"]["packets"] or "received" not in line:
                continue
            if "nothing" in line:
                continue
            other = line.replace("sent", "@").replace("received", "sent").replace("@", "received")
            self.assertTrue(self.plant(lambda new, t=other: new["summary"].__setitem__(0, t),
                                       event))

    def test_high_for_low_is_found(self):
        count = 0
        for event in [*self.events, *(event for _, event in check.alerts_of(BEHAVIOUR_LINES))]:
            text = "\n".join(event["whyflow"]["summary"])
            for wrong, right in (("at most", "at least"), ("at least", "at most")):
                if right in text:
                    count += 1
                    self.assertTrue(self.plant(lambda new, a=right, b=wrong: new.update(
                        summary=[line.replace(a, b) for line in new["summary"]]), event))
        self.assertGreater(count, 0)

    def test_evidence_that_fails_is_found(self):
        found = [event for _, event in check.alerts_of(BEHAVIOUR_LINES)
                 if event["whyflow"].get("flagged_by") == "behaviour"]
        self.assertGreater(len(found), 0)
        for event in found:
            self.assertEqual(list(arithmetic.check_evidence(event["whyflow"])), [])
            for index in range(len(event["whyflow"]["resembles"]["evidence"])):
                whyflow = copy.deepcopy(event["whyflow"])
                condition = whyflow["resembles"]["evidence"][index]
                condition["value"] = (condition["at_least"] - 1 if "at_least" in condition
                                      else condition["at_most"] + 1)
                self.assertIn("the evidence fails", "\n".join(arithmetic.check_evidence(whyflow)))
                del whyflow["resembles"]["evidence"][index]
                self.assertIn("is no rule", "\n".join(arithmetic.check_evidence(whyflow)))


class Parts(unittest.TestCase):
    """The checker's own parts."""

    def test_numbers_agree_at_their_printed_precision(self):
        for words, kind, value, wanted in (
                ("31.6 ms", "time", 31585.9, True), ("31.6 ms", "time", 31651, False),
                ("31.6 s", "time", 31585.9, False), ("2,044", "count", 2044, True),
                ("2,040", "count", 2044, False), ("2,000", "amount", 2044, True),
                ("2.82 MB", "size", 2817462, True), ("349 kbit/s", "rate", 43660, True),
                ("0.21 %", "share", 0.002082, True), ("12 to 1", "proportion", 3.585, True),
                ("1 to 12", "proportion", 3.585, False), ("1.00 s", "time", 1003000, True)):
            self.assertEqual(printed.agrees(words, kind, value), wanted, (words, value))

    def test_numbers_of_variable_length_are_read(self):
        reader = baseline_file.Reader(b"\x05\xe5\x8e\x26")
        self.assertEqual([reader.var(), reader.var()], [5, 624485])

    def test_a_damaged_baseline_is_refused(self):
        with open(BASELINE, "rb") as file:
            data = bytearray(file.read())
        data[len(data) // 2] ^= 1
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            self.assertRaises(baseline_file.BadBaseline, baseline_file.Baseline, file.name)

    def test_categories_are_read_from_words(self):
        for name, words, code in (
                ("service", "tcp/443", 6 << 16 | 443), ("service", "udp/other", 17 << 16),
                ("service", "icmp type 8", 1 << 16 | 8),
                ("protocol_state", "tcp closed", 6 << 8 | 5),
                ("service_size", "tcp/443, 256 B to 4 kB", (6 << 16 | 443) << 8 | 2),
                ("service_size", "protocol 2, under 16 B", (2 << 16) << 8),
                ("src_knows_dst", "under 1 min", 1), ("direction", "out_to_in", 2)):
            self.assertEqual(category.code_of(name, words), code, words)

    def test_what_derives_moves_along(self):
        event = next(iter(check.alerts_of(LINES)))[1]
        vector = scorer.vector_of(event["whyflow"]["features"])
        packets, mean = vector["packets_fwd"], vector["mean_packet_bytes_fwd"]
        found = edits.edited(vector, {"mean_packet_bytes_fwd": 2 * mean})
        self.assertEqual(found["ip_bytes_fwd"], 2 * mean * packets)
        self.assertGreater(found["bytes_ratio_log2"], vector["bytes_ratio_log2"])
        self.assertGreater(found["src_ip_bytes_10m"], vector["src_ip_bytes_10m"])
        found = edits.edited(vector, {"src_flows_window": vector["src_flows_window"] + 5})
        self.assertGreaterEqual(found["src_flows_10m"], vector["src_flows_10m"] + 5)
        tcp_closed = category.code_of("protocol_state", "tcp closed")
        found = edits.edited(vector, {"protocol_state": tcp_closed})
        self.assertEqual(int(found["service_state"]) & 255, category.STATES.index("closed"))
        self.assertEqual(found["protocol"], 6)


if __name__ == "__main__":
    LINES, BASELINE, BEHAVIOUR_LINES = sys.argv[1:4]
    unittest.main(argv=sys.argv[:1])
