# SPDX-License-Identifier: Apache-2.0
"""What a reason says of the flows it compares with, counted again from a saved baseline: among
whom, how many, quantiles, the share that has the same. Called by check.py.

Quantiles lie on steps, 257 over a feature's range (docs/baseline-format.md); magnitudes are rounded
to whole units. The flow itself is left out where it was learnt.
"""

import math

import scorer
from baseline_file import CATEGORY, LOG2

WORDS_FLOWS = 500  # of a service, before words compare with it (baseline.h)
SERVICE_STEP = 64  # a service's steps are counted in 1/64 of a unit
QUANTILES = {"p05": 5, "typical": 50, "p95": 95}


class Population:
    """The flows that words about one feature of a flow are of."""

    def __init__(self, judge, feature, vector, own, among):
        self.judge, self.feature, self.vector = judge, feature, vector
        baseline = judge.baseline
        self.own = baseline.unit if own else 0
        service = baseline.services.get(vector.get("service"))
        is_whole = service is None or feature.name in ("protocol", "service") or (
            service.flows - self.own < WORDS_FLOWS * baseline.unit)
        # A category is told among whom it is the more unusual: either may be, where both could.
        is_whole = is_whole or (feature.scale == CATEGORY and among == "all")
        self.among = "all" if is_whole else "service"
        index = feature.index
        if is_whole:
            self.flows, self.measured = baseline.flows, baseline.measured[index]
            self.steps = baseline.steps[index]
        else:
            self.flows, self.measured = service.flows, service.flows - service.missing[index]
            self.steps = {step: SERVICE_STEP * count
                          for step, count in service.steps[index].items()}

    def count(self):
        """Flows in which the feature was measured."""
        own = self.own if self.feature.name in self.vector else 0
        return math.floor((self.measured - own) / self.judge.baseline.unit + 0.5)

    def seen_share(self):
        """Of the flows, those in the same category, or without a measurement."""
        if self.feature.name not in self.vector:
            alike = self.flows - self.measured
        elif self.among == "service":
            alike = self.steps.get(self.judge.part(self.feature, self.vector), 0)
        else:
            key = self.judge.outcome(self.feature, self.vector)
            alike = self.judge.baseline.categories[self.feature.index].get(key, [0])[-1]
        return max(0, alike - self.own) / (self.flows - self.own)

    def quantile(self, percent):
        """The value that so many percent of the measured flows stay at or under."""
        steps = dict(self.steps)
        value = self.vector.get(self.feature.name)
        if value is not None:
            step = step_of(self.feature, value)
            steps[step] = max(0, steps.get(step, 0) - self.own)
        total, below = sum(steps.values()), 0
        for step in sorted(steps):
            below += steps[step]
            if below > 0 and below * 100 >= total * percent:
                return self._at(step)
        return None

    def _at(self, step):
        found = scorer.value_at(self.feature, step / (self.judge.baseline.step_count - 1))
        if self.feature.scale != LOG2:
            return found
        return 0 if step == 0 else math.floor(found + 0.5)


def step_of(feature, value):
    """The nearest step of a value, counted in 1/4096 of a bin as the program does."""
    axis = math.log2(1 + max(value, 0)) if feature.scale == LOG2 else value
    place = math.floor(16 * 4096 * (axis - feature.low) / (feature.high - feature.low))
    return (min(max(place, 0), 16 * 4096 - 1) + 128) // 256


def check_reason(reason, judge, vector, own):
    """What a reason says of others, against the baseline."""
    feature = judge.baseline.by_name[reason["feature"]]
    population = Population(judge, feature, vector, own, reason["among"])
    wanted = {"among": population.among, "n": population.count()}
    if "seen_share" in reason:
        wanted["seen_share"] = population.seen_share()
    for name, percent in QUANTILES.items():
        if name in reason:
            wanted[name] = population.quantile(percent)
    for name, value in wanted.items():
        said = reason[name]
        if said != value and (isinstance(said, str) or value is None or not math.isclose(
                float(said), value, rel_tol=6e-4, abs_tol=1e-9)):
            yield f"reason {feature.name} says {name} {said}, the baseline {value}"
