# SPDX-License-Identifier: Apache-2.0
"""Other anomaly detectors on the columns that whyflow scores, in the same run.

Columns are made to suit the peers, not us: magnitudes as log2(1 + x) in units of the program's own
bins (0 to 16, so that no column outweighs another by its scale), a missing value as -1, one bin
under the least, and a category as -log2 of its share among the training flows (half a flow for one
that was not among them). One-hot columns were rejected: a service with many rare values would drown
the fifty other columns of LODA and the forests; frequency is also what the program itself uses.

Isolation forest is scikit-learn's. Half-space trees (Tan, Ting, Liu 2011), LODA (Pevny 2016), HBOS
(Goldstein, Dengel 2012) and ECOD (Li et al. 2022) are small references after the papers. Each takes
(train, test) and gives scores of test, higher for more unusual. Called by eval.py.
"""

import os
import re

import numpy as np

BINS = 16
FEATURE_LIST = os.path.join(os.path.dirname(__file__), "../../include/whyflow/feature_list.h")
FEATURE = re.compile(r'FEATURE\(\w+, "(\w+)", "[^"]*", "[^"]*", (\w+), (-?\d+), (-?\d+),')


def read_feature_list(path=FEATURE_LIST):
    """Feature name -> (scale, low, high), from the program's one list."""
    with open(path, encoding="utf-8") as file:
        return {name: (scale, int(low), int(high))
                for name, scale, low, high in FEATURE.findall(file.read())}


def columns(flows, training_count):
    """A matrix, a row for each flow; category shares are those of the first `training_count`."""
    scales = read_feature_list()
    names = sorted({name for flow in flows for name in flow.features})
    made = []
    for name in names:
        values = [flow.features.get(name) for flow in flows]
        if any(isinstance(value, str) for value in values):
            made.append(_category_column(values, training_count))
        else:
            made.append(_magnitude_column(values, scales.get(name, ("LOG2", 0, 32))))
    return np.column_stack(made)


def _category_column(values, training_count):
    counts = {}
    for value in values[:training_count]:
        counts[value] = counts.get(value, 0) + 1
    total = training_count + 0.5
    return np.array([-np.log2(counts.get(value, 0.5) / total) for value in values])


def _magnitude_column(values, scale):
    kind, low, high = scale
    raw = np.array([np.nan if value is None else value for value in values], dtype=float)
    if kind == "LOG2":
        raw = np.log2(1 + np.maximum(raw, 0))
    placed = np.clip((raw - low) / (high - low) * BINS, 0, BINS)
    return np.where(np.isnan(placed), -1.0, placed)


def isolation_forest(train, test, seed):
    """scikit-learn's, as its defaults have it: 100 trees of 256 flows."""
    from sklearn.ensemble import IsolationForest
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=seed)
    return -forest.fit(train).score_samples(test)


class HalfSpaceTrees:
    """25 trees of depth 15 over the training ranges, widened at random; mass per node."""

    TREES, DEPTH, WINDOW, SMALL_SHARE = 25, 15, 250, 0.1

    def __init__(self, train, seed):
        random = np.random.default_rng(seed)
        self.nodes = 2 ** (self.DEPTH + 1) - 1
        low, high = train.min(axis=0), train.max(axis=0)
        self.trees = [self._tree(random, low, np.maximum(high - low, 1e-9))
                      for _ in range(self.TREES)]
        self.mass, self.learnt = [np.zeros(self.nodes) for _ in range(self.TREES)], 0

    def _tree(self, random, low, span):
        """Each node halves its part of the work range along a column drawn at random; level-wise,
        since a node at a time takes Python ten seconds a tree."""
        inner = 2 ** self.DEPTH - 1
        pivot = random.random(len(low))
        reach = 2 * np.maximum(pivot, 1 - pivot)
        lows = (low + (pivot - reach) * span)[np.newaxis, :]
        highs = (low + (pivot + reach) * span)[np.newaxis, :]
        column, split = random.integers(0, len(low), inner), np.empty(inner)
        for depth in range(self.DEPTH):
            nodes = np.arange(2 ** depth)
            at = column[2 ** depth - 1:2 ** (depth + 1) - 1]
            middle = (lows[nodes, at] + highs[nodes, at]) / 2
            split[2 ** depth - 1:2 ** (depth + 1) - 1] = middle
            lows, highs = np.repeat(lows, 2, axis=0), np.repeat(highs, 2, axis=0)
            highs[2 * nodes, at], lows[2 * nodes + 1, at] = middle, middle
        return column, split

    def paths(self, rows):
        """For each tree the node of each row at each depth: trees x depths x rows."""
        places = np.empty((self.TREES, self.DEPTH + 1, len(rows)), dtype=np.int32)
        every = np.arange(len(rows))
        for tree, (column, split) in enumerate(self.trees):
            node = np.zeros(len(rows), dtype=np.int32)
            places[tree, 0] = node
            for depth in range(self.DEPTH):
                node = 2 * node + 1 + (rows[every, column[node]] >= split[node])
                places[tree, depth + 1] = node
        return places

    def learn(self, places):
        """Replaces the reference mass by that of these rows."""
        for tree in range(self.TREES):
            self.mass[tree] = np.bincount(places[tree].ravel(), minlength=self.nodes)
        self.learnt = places.shape[2]

    def score(self, places):
        """Minus the mass x 2^depth of the first node whose mass is small, summed over trees."""
        total = np.zeros(places.shape[2])
        for tree in range(self.TREES):
            mass = self.mass[tree][places[tree]]
            small = mass <= self.SMALL_SHARE * self.learnt
            small[-1] = True
            depth = small.argmax(axis=0)
            total -= mass[depth, np.arange(len(depth))] * 2.0 ** depth
        return total


def half_space_trees(train, test, seed):
    """Fitted on all of `train` once (replay)."""
    trees = HalfSpaceTrees(train, seed)
    trees.learn(trees.paths(train))
    return trees.score(trees.paths(test))


def half_space_trees_streaming(train, test, seed):
    """As published: each window of 250 flows is scored by the mass of the one before it."""
    trees = HalfSpaceTrees(train, seed)
    size = trees.WINDOW
    places = trees.paths(np.vstack([train[-size:], test]))
    trees.learn(places[:, :, :len(train[-size:])])
    places, scores = places[:, :, len(train[-size:]):], []
    for start in range(0, len(test), size):
        window = places[:, :, start:start + size]
        scores.append(trees.score(window))
        if window.shape[2] == size:
            trees.learn(window)
    return np.concatenate(scores) if scores else np.zeros(0)


def _histogram_bits(train, test, bins):
    """-log2 of the density of `test` in a histogram of `train`; empty bins count half a flow."""
    counts, edges = np.histogram(train, bins=bins)
    place = np.searchsorted(edges, test, side="right") - 1
    place = np.where(test == edges[-1], bins - 1, place)
    inside = (place >= 0) & (place < bins)
    mass = np.where(inside, counts[np.clip(place, 0, bins - 1)], 0)
    return -np.log2(np.maximum(mass, 0.5) / len(train))


def loda(train, test, seed):
    """100 projections on sqrt(d) columns each, drawn at random, and the mean of their bits."""
    random = np.random.default_rng(seed)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation[deviation == 0] = 1
    train, test = (train - mean) / deviation, (test - mean) / deviation
    width, kept = train.shape[1], round(train.shape[1] ** 0.5)
    bins = max(10, round(len(train) ** (1 / 3)))
    total = np.zeros(len(test))
    for _ in range(100):
        chosen = random.choice(width, kept, replace=False)
        weights = random.standard_normal(kept)
        total += _histogram_bits(train[:, chosen] @ weights, test[:, chosen] @ weights, bins)
    return total / 100


def hbos(train, test):
    """The sum over columns of the bits in a histogram of 18 bins: whyflow's, unweighted."""
    total = np.zeros(len(test))
    for at in range(train.shape[1]):
        total += _histogram_bits(train[:, at], test[:, at], BINS + 2)
    return total


def ecod(train, test):
    """The greatest of the sums over columns of left, right and skewness-led tail bits."""
    count = len(train)
    left, right, led = np.zeros(len(test)), np.zeros(len(test)), np.zeros(len(test))
    for at in range(train.shape[1]):
        ordered = np.sort(train[:, at])
        below = np.searchsorted(ordered, test[:, at], side="right")
        above = count - np.searchsorted(ordered, test[:, at], side="left")
        left_bits = -np.log(np.maximum(below, 0.5) / count)
        right_bits = -np.log(np.maximum(above, 0.5) / count)
        skewness = ((ordered - ordered.mean()) ** 3).sum()
        left, right = left + left_bits, right + right_bits
        led += left_bits if skewness < 0 else right_bits
    return np.maximum(np.maximum(left, right), led)


def score_all(matrix, training, tested, is_online, seeds):
    """Name of the peer -> one list of scores for each seed (one alone where nothing is drawn)."""
    train, test = matrix[training], matrix[tested]
    trees = half_space_trees_streaming if is_online else half_space_trees
    return {
        "isolation forest": [isolation_forest(train, test, seed) for seed in seeds],
        "half-space trees": [trees(train, test, seed) for seed in seeds],
        "LODA": [loda(train, test, seed) for seed in seeds],
        "HBOS": [hbos(train, test)],
        "ECOD": [ecod(train, test)],
    }
