#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures, labels and peers of scripts/eval on cases that can be reckoned by hand.

Run by tests/golden/eval_measures.sh; needs python3-numpy, and python3-sklearn for the forest.
"""

import math
import os
import struct
import sys
import tempfile
import unittest
from types import SimpleNamespace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../scripts/eval"))

import numpy as np  # noqa: E402

import captures  # noqa: E402
import measures  # noqa: E402
import peers  # noqa: E402
import repeat  # noqa: E402
import runs  # noqa: E402
import sets  # noqa: E402

NAN = math.nan


class AreaUnderRoc(unittest.TestCase):
    def test_counts_pairs_in_the_right_order(self):
        # Of (3, 1), (3, 2), (1.5, 1), (1.5, 2) three are in order.
        self.assertEqual(measures.area_under_roc([3, 2, 1.5, 1], [1, 0, 1, 0]), 0.75)

    def test_counts_a_tie_half(self):
        self.assertEqual(measures.area_under_roc([1, 1, 1, 1], [1, 0, 0, 1]), 0.5)
        self.assertEqual(measures.area_under_roc([2, 1, 1], [1, 1, 0]), 0.75)

    def test_says_nothing_of_one_class(self):
        self.assertTrue(math.isnan(measures.area_under_roc([1, 2], [1, 1])))
        self.assertTrue(math.isnan(measures.area_under_roc([], [])))

    def test_a_missing_score_is_the_lowest(self):
        self.assertEqual(measures.area_under_roc([NAN, -5], [1, 0]), 0.0)
        self.assertEqual(measures.area_under_roc([NAN, NAN], [1, 0]), 0.5)


class AveragePrecision(unittest.TestCase):
    def test_adds_precision_by_recall(self):
        self.assertAlmostEqual(measures.average_precision([4, 3, 2, 1], [1, 0, 1, 0]),
                               (1 + 2 / 3) / 2)

    def test_does_not_depend_on_the_order_of_ties(self):
        self.assertEqual(measures.average_precision([1, 1, 0], [1, 0, 0]), 0.5)
        self.assertEqual(measures.average_precision([1, 1, 0], [0, 1, 0]), 0.5)

    def test_says_nothing_without_unusual_flows(self):
        self.assertTrue(math.isnan(measures.average_precision([1, 2], [0, 0])))


class PrecisionAndRecall(unittest.TestCase):
    def test_precision_takes_the_highest_rounded_up(self):
        scores, truths = list(range(150, 0, -1)), [1] + [0] * 149
        self.assertEqual(measures.precision_at(0.01, scores, truths), 0.5)

    def test_precision_shares_a_tie_at_the_edge(self):
        self.assertEqual(measures.precision_at(0.5, [2, 1, 1, 1], [1, 1, 0, 0]), (1 + 1 / 3) / 2)

    def test_recall_allows_that_many_false_alarms_and_no_more(self):
        scores = [9, 8, 7, 6, 5] + [0] * 8
        truths = [1, 0, 1, 0, 1] + [0] * 8
        self.assertAlmostEqual(measures.recall_at(0.1, scores, truths), 2 / 3)
        self.assertAlmostEqual(measures.recall_at(0.09, scores, truths), 1 / 3)

    def test_a_tie_with_too_many_false_alarms_is_not_found(self):
        self.assertEqual(measures.recall_at(0.0, [1, 1], [1, 0]), 0.0)


class Reading(unittest.TestCase):
    def test_stops_at_the_false_one_asked_for(self):
        readings = ["a", "", "b", "b", "", "c"]
        self.assertEqual(measures.found_before(readings, 1), {"a"})
        self.assertEqual(measures.found_before(readings, 2), {"a", "b"})
        self.assertEqual(measures.found_before(readings, 3), {"a", "b", "c"})

    def test_what_cannot_be_told_is_neither(self):
        self.assertEqual(measures.found_before([None, None, "a", ""], 1), {"a"})

    def test_an_episode_ends_with_an_hours_silence(self):
        flows = [("a", 0), ("b", 10), ("a", 3600), ("a", 7201), ("b", 20)]
        numbers = measures.episodes(flows)
        self.assertEqual(numbers[0], numbers[2])
        self.assertEqual(numbers[1], numbers[4])
        self.assertEqual(len({numbers[0], numbers[1], numbers[3]}), 3)


def flow(**fields):
    return SimpleNamespace(**{"source_port": 40000, "destination_port": 80, "protocol": "tcp",
                              "first_s": 100.0, "last_s": 101.0, **fields})


def rule(name, first_s=50, last_s=150, **fields):
    fields = {"src": ["10.0.0.1"], "dst": ["10.0.1.0/24"], "proto": "tcp", "sport": None,
              "dport": None, "certain": True, **fields}
    return sets.Rule(name, name, fields, first_s, last_s)


def activity_of(rules, one):
    rules = sorted(rules, key=lambda one: one.order)
    return sets.truths_by_rules(rules, [one])[0]


class Labels(unittest.TestCase):
    attack = flow(source="10.0.0.1", destination="10.0.1.9")

    def test_a_flow_fits_in_either_direction(self):
        back = flow(source="10.0.1.9", source_port=80, destination="10.0.0.1",
                    destination_port=40000)
        only_80 = [rule("a", dport=[[80, 80]])]
        self.assertEqual(activity_of(only_80, self.attack).activity, "a")
        self.assertEqual(activity_of(only_80, back).activity, "a")

    def test_time_protocol_and_port_must_fit(self):
        for other in (rule("a", last_s=99), rule("a", proto="udp"), rule("a", dport=[[81, 90]])):
            self.assertEqual(activity_of([other], self.attack), sets.ORDINARY)

    def test_icmp_has_no_ports(self):
        one = flow(source="10.0.0.1", destination="10.0.1.9", protocol="icmp")
        self.assertEqual(activity_of([rule("a", proto="icmp", dport=[[9, 9]])], one).label, 1)

    def test_the_narrowest_wins_and_certain_goes_first(self):
        wide, narrow = rule("wide"), rule("narrow", dst=["10.0.1.9"])
        unsure = rule("unsure", dst=["10.0.1.9"], dport=[[80, 80]], certain=False)
        self.assertEqual(activity_of([wide, narrow, unsure], self.attack).activity, "narrow")
        self.assertIsNone(activity_of([unsure], self.attack).label)

    def test_addresses_of_other_versions_do_not_fit(self):
        one = flow(source="fd00::1", destination="fd00::2")
        self.assertEqual(activity_of([rule("a")], one), sets.ORDINARY)

    def test_westermo_rows_join_by_pair_and_overlap(self):
        pair = frozenset(("10.0.0.1", "10.0.1.9"))
        rows = {("tcp", pair): [(90.0, 90.4, "BAD-SSH"), (100.2, 100.5, "Normal"),
                                (100.8, 101.0, "BAD-SSH")]}
        self.assertEqual(sets._westermo_label(rows, self.attack), "BAD-SSH")
        short = flow(source="10.0.0.1", destination="10.0.1.9", last_s=100.3)
        self.assertEqual(sets._westermo_label(rows, short), "Normal")
        late = flow(source="10.0.0.1", destination="10.0.1.9", first_s=200.0, last_s=201.0)
        self.assertEqual(sets._westermo_label(rows, late), "")


class Peers(unittest.TestCase):
    def test_columns_are_bins_with_missing_beneath(self):
        flows = [SimpleNamespace(features={"duration_us": 2 ** 16 - 1, "service": "tcp/80"}),
                 SimpleNamespace(features={"service": "tcp/80"}),
                 SimpleNamespace(features={"duration_us": 0, "service": "tcp/81"})]
        matrix = peers.columns(flows, 2)
        self.assertEqual(matrix[:, 0].tolist(), [8.0, -1.0, 0.0])
        self.assertLess(matrix[0, 1], matrix[2, 1])

    def test_each_finds_what_lies_far_off(self):
        random = np.random.default_rng(7)
        matrix = random.normal(8, 1, (600, 6))
        matrix[599] = 15
        for is_online, training in ((False, slice(0, 600)), (True, slice(0, 300))):
            tested = list(range(300, 600))
            scored = peers.score_all(matrix, training, tested, is_online, (1,))
            for name, (scores, *_) in scored.items():
                with self.subTest(name, is_online=is_online):
                    self.assertGreaterEqual(scores[-1], np.quantile(scores, 0.99))

    def test_a_seed_gives_the_same_scores(self):
        matrix = np.random.default_rng(7).normal(8, 1, (400, 5))
        first, second = (peers.score_all(matrix, slice(0, 400), list(range(400)), False, (3,))
                         for _ in range(2))
        for name, (scores, *_) in first.items():
            self.assertTrue(np.array_equal(scores, second[name][0]), name)


def capture_of(seconds):
    """A classic pcap with a packet of three bytes at each of these seconds."""
    packets = b"".join(struct.pack("<IIII", second, 7, 3, 60) + b"abc" for second in seconds)
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 64, 1) + packets


class Captures(unittest.TestCase):
    def test_a_capture_moves_to_end_before_the_other_begins(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in "abc"]
            for path, seconds in zip(paths, ([900, 930, 920], [500, 600])):
                with open(path, "wb") as file:
                    file.write(capture_of(seconds))
            captures.move_before(paths[0], paths[1], 100, paths[2])
            with open(paths[2], "rb") as file:
                self.assertEqual(file.read(), capture_of([369, 399, 389]))


class Repetition(unittest.TestCase):
    line = {"dest_ip": "192.0.2.1", "whyflow": {"flow": {
        "first_ns": 10, "last_ns": 20, "notice_ns": 30, "fwd": {"packets": 2, "last_ns": 15}}}}

    def test_a_moved_line_is_later_in_every_time_and_the_same_else(self):
        facts = repeat.moved(self.line, 5)["whyflow"]["flow"]
        self.assertEqual(facts, {"first_ns": 15, "last_ns": 25, "notice_ns": 35,
                                 "fwd": {"packets": 2, "last_ns": 20}})
        self.assertEqual(self.line["whyflow"]["flow"]["fwd"]["last_ns"], 15)

    def test_two_days_are_tiled_in_order(self):
        days = repeat.tiled_days([self.line], repeat.DAY_NS // 2)
        self.assertEqual([repeat.notice_ns(line) for line in days],
                         [30 + number * repeat.DAY_NS // 2 for number in range(4)])

    def test_the_first_time_is_counted_from_one(self):
        odd = [(True, 9, 0), (False, 3, repeat.HOUR_NS)]
        self.assertEqual(repeat.first_time(odd, lambda one: not one[0]),
                         {"number": 2, "hours": 1.0})
        self.assertIsNone(repeat.first_time(odd, lambda one: one[1] > 9))


class Lines(unittest.TestCase):
    def test_a_behaviour_may_be_a_name_or_an_object(self):
        self.assertEqual(runs.behaviour_of({"behaviour": "flood"}), "flood")
        self.assertEqual(runs.behaviour_of({"resembles": {"behaviour": "flood"}}), "flood")
        self.assertEqual(runs.behaviour_of({}), "")

    def test_protocols_are_named_as_labels_name_them(self):
        self.assertEqual(runs.protocol_of("IPv6-ICMP"), "icmp")
        self.assertEqual(runs.protocol_of("TCP"), "tcp")


if __name__ == "__main__":
    unittest.main()
