# SPDX-License-Identifier: Apache-2.0
"""An independent scorer: the score of a feature vector under a saved baseline, by the formulas in
the comment of src/anomaly/baseline.h, in floating point. Called by check.py and edits.py.

A vector is name -> number (a category's code); what is missing is not in it. The program counts in
integers: its logarithms are low by up to 3e-6 bit and its parts are rounded to milli-bits.
"""

import functools
import math

import category
from baseline_file import LOG2, MISSING_BIN

KERNEL = {-2: 1, -1: 2, 0: 4, 1: 2, 2: 1}
PRIOR_FLOWS, SCOPE_PRIOR_FLOWS = 50 / 16, 500
SHARE_OF_DIRECTION, SHARE_OF_SERVICE, HALF_SERVICE_FLOWS = 0.15, 0.70, 3000
LEAST_SERVICE_EXPONENT = 0.5
LAST_PART = 23  # of a category within a service: "missing"
# A value in a line has six digits: this much beside it is the same value.
ROUNDING = 5e-6


def vector_of(features):
    """A line's `features` as numbers."""
    return {name: category.code_of(name, value) if isinstance(value, str) else float(value)
            for name, value in features.items()}


def bin_of(feature, value):
    """The bin of a measured value; beyond the ends, the one at that end."""
    place = math.log2(1 + max(value, 0)) if feature.scale == LOG2 else value
    return min(max(math.floor(16 * (place - feature.low) / (feature.high - feature.low)), 0), 15)


def value_at(feature, place):
    """The value at a place on a feature's axis, 0 to 1."""
    axis = feature.low + place * (feature.high - feature.low)
    return 2 ** axis - 1 if feature.scale == LOG2 else axis


@functools.lru_cache(None)
def reach(bin_):
    """The kernel's taps that reach a bin: it hands out its weight by these."""
    return sum(tap for offset, tap in KERNEL.items() if 0 <= bin_ + offset < 16)


def smoothed(bins, bin_):
    """K*H(bin): what each neighbour hands to it. "missing" hands out and takes nothing."""
    if bin_ == MISSING_BIN:
        return bins.get(bin_, 0)
    return sum(bins.get(bin_ + offset, 0) * tap / reach(bin_ + offset)
               for offset, tap in KERNEL.items() if 0 <= bin_ + offset < 16)


class Own:
    """A flow that was learnt, whose weight is left out: its vector and its two weights."""

    def __init__(self, baseline, vector):
        self.vector = vector
        pair_flows = max(1.0, vector.get("pair_flows_window", 1))
        self.weight = round(baseline.unit * pair_flows ** -baseline.gamma)
        exponent = max(baseline.gamma, LEAST_SERVICE_EXPONENT)
        self.weight_in_service = round(baseline.unit * pair_flows ** -exponent)


class Scorer:
    """Scores vectors under one baseline."""

    def __init__(self, baseline):
        self.baseline = baseline
        self.typical_mbits = sum(baseline.typical_mbits)

    def own(self, vector):
        return Own(self.baseline, vector)

    def parts(self, vector, own=None):
        """Feature -> its part of the score in milli-bits, typical part included."""
        return {feature.name: round(1000 * feature.weight * self.bits(feature, vector, own))
                for feature in self.baseline.features}

    def score(self, vector, own=None):
        return sum(self.parts(vector, own).values())

    def contributions(self, vector, own=None):
        """Feature -> milli-bits more than is typical."""
        typical = self.baseline.typical_mbits
        parts = self.parts(vector, own)
        return {feature.name: parts[feature.name] - typical[feature.index]
                for feature in self.baseline.features}

    def bits(self, feature, vector, own):
        """Unweighted surprise of one feature's outcome."""
        weights = self._weights(feature, vector, own)
        totals = self._totals(vector, own)
        unit = self.baseline.unit
        if feature.is_category:
            prior = unit / 2
            outcomes = self._codes_kept(feature, vector, own) + 1
        else:
            prior, outcomes = PRIOR_FLOWS * unit, 17
        p0 = (weights[0] + prior) / (totals[0] + outcomes * prior)

        def bits_in(scope):
            if totals[scope] is None or weights[scope] is None:
                return -math.log2(p0)
            extra = SCOPE_PRIOR_FLOWS * unit
            return -math.log2((weights[scope] + extra * p0) / (totals[scope] + extra))

        share = self._service_share(totals[2])
        return ((1 - SHARE_OF_DIRECTION - share) * -math.log2(p0)
                + SHARE_OF_DIRECTION * bits_in(1) + share * bits_in(2))

    def _service_share(self, weight):
        """w: in whole hundredths, rounded down."""
        if weight is None:
            return 0
        half = HALF_SERVICE_FLOWS * self.baseline.unit
        return math.floor(100 * SHARE_OF_SERVICE * weight / (weight + half)) / 100

    def _totals(self, vector, own):
        """Weights of all flows, of the direction's, of the service's; None: no such scope."""
        service = self.baseline.services.get(vector.get("service"))
        direction = vector.get("direction")
        taken, taken_in_service = (own.weight, own.weight_in_service) if own else (0, 0)
        is_same = own and own.vector.get("direction") == direction
        totals = self.baseline.totals
        of_direction = None
        if direction is not None:
            of_direction = totals[1 + int(direction)] - (taken if is_same else 0)
        of_service = None
        if service is not None:
            is_same = own and own.vector.get("service") == vector["service"]
            of_service = service.weight - (taken_in_service if is_same else 0)
        return totals[0] - taken, of_direction, of_service

    def _weights(self, feature, vector, own):
        """Weights of the outcome in the three scopes, the own flow's part left out."""
        pick = self._category_weights if feature.is_category else self._numeric_weights
        weights = pick(feature, vector)
        if own is None:
            return weights
        left_out = self._own_weights(feature, vector, own)
        return tuple(None if weight is None else max(0, weight - left)
                     for weight, left in zip(weights, left_out))

    def _numeric_weights(self, feature, vector):
        bin_ = self.outcome(feature, vector)
        scopes = self.baseline.bins[feature.index]
        direction = vector.get("direction")
        service = self.baseline.services.get(vector.get("service"))
        return (smoothed(scopes[0], bin_),
                None if direction is None else smoothed(scopes[1 + int(direction)], bin_),
                None if service is None else smoothed(service.bins[feature.index], bin_))

    def _category_weights(self, feature, vector):
        entry = self.baseline.categories[feature.index].get(self.outcome(feature, vector), [0] * 6)
        direction = vector.get("direction")
        service = self.baseline.services.get(vector.get("service"))
        is_direction = feature.name == "direction" or direction is None
        part = self.part(feature, vector)
        return (entry[0], None if is_direction else entry[1 + int(direction)],
                None if service is None else service.bins[feature.index].get(part, 0))

    def _own_weights(self, feature, vector, own):
        """What the own flow gave to the outcome of `vector` in each scope."""
        if feature.is_category:
            is_same = self.outcome(feature, own.vector) == self.outcome(feature, vector)
            is_part = self.part(feature, own.vector) == self.part(feature, vector)
            shares = (is_same, is_part)
        else:
            share = smoothed({self.outcome(feature, own.vector): 1}, self.outcome(feature, vector))
            shares = (share, share)
        in_direction = own.vector.get("direction") == vector.get("direction")
        in_service = own.vector.get("service") == vector.get("service")
        return (own.weight * shares[0], own.weight * shares[0] * in_direction,
                own.weight_in_service * shares[1] * in_service)

    def _codes_kept(self, feature, vector, own):
        """V: fewer by one if the own flow is alone in its category."""
        entries = self.baseline.categories[feature.index]
        if own is None:
            return len(entries)
        entry = entries.get(self.outcome(feature, own.vector))
        return len(entries) - (entry is not None and entry[0] == own.weight)

    def outcome(self, feature, vector):
        """A numeric feature's bin, a category's (is missing, code)."""
        value = vector.get(feature.name)
        if feature.is_category:
            return value is None, 0 if value is None else int(value)
        return MISSING_BIN if value is None else bin_of(feature, value)

    def part(self, feature, vector):
        """What is left to tell of a category once the service is known."""
        value = vector.get(feature.name)
        if value is None:
            return LAST_PART
        if feature.name in ("protocol", "service"):
            return 0
        part = int(value) & 255 if feature.name in category.OF_SERVICE else int(value)
        return min(part, LAST_PART - 1)

    def share_of_flows(self, feature, vector):
        """Of all flows, each counted alike, how many are in the same category."""
        entry = self.baseline.categories[feature.index].get(self.outcome(feature, vector))
        return entry[-1] / self.baseline.flows if entry else 0.0

    def is_on_an_edge(self, feature, value):
        """Whether what a line rounded may lie in another bin than what was scored."""
        if feature.is_category or value is None:
            return False
        spread = ROUNDING * abs(value)
        return bin_of(feature, value - spread) != bin_of(feature, value + spread)
