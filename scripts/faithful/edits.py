# SPDX-License-Identifier: Apache-2.0
"""Part 4: what becomes of a flag when what is said to be its reason is edited.

Editing gives features other values; what derives from them by docs/features.md moves along (RULES),
unless it was edited itself. The vector is scored again by scorer.py. Called by check.py.
"""

import math
import random

import arithmetic
import category
import scorer
from baseline_file import LOG2

EDITED = 3
UNANSWERED_STATES = {category.STATES.index("attempted"), category.STATES.index("one_way")}
WAYS = ("fwd", "rev")
PORT_PROTOCOLS = {6, 17}
SPANS = ("window", "10m")
# Counts of ten minutes hold those of the window. Sums, then what is at most one of them.
COUNTS = ("src_flows", "src_ip_bytes", "dst_flows", "pair_flows")
AT_MOST = (("src_peers", "src_flows"), ("src_ports", "src_flows"), ("dst_sources", "dst_flows"),
           ("pair_flows", "src_flows"), ("pair_flows", "dst_flows"), ("pair_ports", "pair_flows"),
           ("pair_ports", "src_ports"))
SHARES = ("src_unanswered_share", "src_new_peer_share")


class Edit:
    """A vector while what derives from edited features moves along."""

    def __init__(self, vector, targets):
        self.before, self.now, self.fixed = vector, {**vector, **targets}, set(targets)

    def has_changed(self, name):
        return self.now.get(name) != self.before.get(name)

    def move(self, name, value):
        """Gives a derived feature its value, unless it was edited; None: not measured."""
        if name in self.fixed:
            return
        if value is None:
            self.now.pop(name, None)
        else:
            self.now[name] = value

    def scale(self, name, factor):
        if name in self.now:
            self.move(name, self.now[name] * factor)


# ---- what derives from what ---------------------------------------------------------------------

def move_categories(edit):
    """protocol, service, state and size are told of by several categories: all tell the same. What
    an edited category tells counts, of several the first edited."""
    told = {}
    for name in edit.now:
        if name in edit.fixed and name in category.TELLING:
            for fact, value in category.facts_told(name, int(edit.now[name])).items():
                told.setdefault(fact, value)
    if not told:
        return
    kind = category.kind_of({name: int(value) for name, value in edit.before.items()
                             if name in category.TELLING})
    kind = kind._replace(**told)
    if kind.service >> 16 != kind.protocol:
        kind = kind._replace(service=kind.protocol << 16)
    if "state" not in told:
        kind = category.possible(kind)
    edit.now.update(category.codes_of(kind))


def move_sizes(edit):
    """bytes = packets * mean size; the ratio and the size class follow the bytes, or lead them."""
    if "bytes_ratio_log2" in edit.fixed and "ip_bytes_fwd" not in edit.fixed:
        reverse = edit.now["ip_bytes_rev"]
        edit.move("ip_bytes_fwd", (reverse + 1) * 2 ** edit.now["bytes_ratio_log2"] - 1)
    if "service_size" in edit.fixed and edit.has_changed("service_size"):
        move_to_size_class(edit)
    for way in WAYS:
        move_mean(edit, way)
    forward, reverse = edit.now["ip_bytes_fwd"], edit.now["ip_bytes_rev"]
    edit.move("bytes_ratio_log2", math.log2((forward + 1) / (reverse + 1)))
    if "service_size" in edit.now:
        size = category.size_class(forward + reverse)
        edit.move("service_size", int(edit.now["service_size"]) & ~255 | size)


def move_to_size_class(edit):
    """Bytes of both ways in proportion, to the middle of the edited class."""
    total = edit.now["ip_bytes_fwd"] + edit.now["ip_bytes_rev"]
    size = int(edit.now["service_size"]) & 255
    if category.size_class(total) != size and total > 0:
        for way in WAYS:
            edit.scale(f"ip_bytes_{way}", 2 ** (4 * size + 2) / total)


def move_mean(edit, way):
    """Of packets, bytes and their mean the edited lead; more bytes are more such packets."""
    packets, ip_bytes, mean = (f"packets_{way}", f"ip_bytes_{way}", f"mean_packet_bytes_{way}")
    if edit.now[packets] == 0 and mean not in edit.fixed:
        edit.move(ip_bytes, 0)
        edit.move(mean, None)
        return
    if edit.has_changed(ip_bytes) and edit.now.get(mean):
        edit.move(packets, max(1, round(edit.now[ip_bytes] / edit.now[mean])))
    elif mean in edit.now:
        edit.move(packets, max(1, edit.now[packets]))
        edit.move(ip_bytes, edit.now[mean] * edit.now[packets])
    if edit.now[packets] > 0:
        edit.move(mean, edit.now[ip_bytes] / edit.now[packets])


def move_durations(edit):
    """Rates are amounts over duration, and gaps make it up: they stretch together."""
    amounts = {"packets_per_s": edit.now["packets_fwd"] + edit.now["packets_rev"],
               "ip_bytes_per_s": edit.now["ip_bytes_fwd"] + edit.now["ip_bytes_rev"]}
    if edit.fixed.isdisjoint(amounts) and edit.before["duration_us"]:
        edit.scale("duration_us", packets_ratio(edit))  # the same rates for longer
    for rate, amount in amounts.items():
        leads = rate in edit.fixed and edit.has_changed(rate) and edit.now.get(rate)
        if leads and not edit.has_changed("duration_us"):
            edit.move("duration_us", 1e6 * amount / edit.now[rate])
    for way in WAYS:
        mean = f"gap_mean_us_{way}"
        if edit.has_changed(mean) and edit.before.get(mean) and not edit.has_changed("duration_us"):
            edit.scale("duration_us", edit.now[mean] / edit.before[mean])
    for rate, amount in amounts.items():
        if edit.now["duration_us"] >= 1000 and rate in edit.now:
            edit.move(rate, 1e6 * amount / edit.now["duration_us"])
    move_gaps(edit)


def packets_ratio(edit):
    """Packets after the edit over those before."""
    before, now = (sum(vector[f"packets_{way}"] for way in WAYS)
                   for vector in (edit.before, edit.now))
    return now / before if before else 1


def move_gaps(edit):
    before_us = edit.before["duration_us"] * packets_ratio(edit)
    stretch = edit.now["duration_us"] / before_us if before_us else 1
    for way in WAYS:
        mean = f"gap_mean_us_{way}"
        of_mean = stretch
        if edit.has_changed(mean) and edit.before.get(mean):
            of_mean = edit.now[mean] / edit.before[mean]
        for of in ("mean", "deviation", "min", "max"):
            name = f"gap_{of}_us_{way}"
            if not edit.has_changed(name):
                edit.scale(name, of_mean)
            if edit.now[f"packets_{way}"] < (3 if of == "deviation" else 2):
                edit.move(name, None)
    edit.scale("longest_gap_us", stretch)


def move_windows(edit):
    """The flow is in its windows, a window in its ten minutes, pairs in their source's flows."""
    sent = edit.now["ip_bytes_fwd"] - edit.before["ip_bytes_fwd"]
    for span in SPANS:
        edit.move(f"src_ip_bytes_{span}", edit.now[f"src_ip_bytes_{span}"] + sent)
    for count in COUNTS:
        window, ten = f"{count}_window", f"{count}_10m"
        more = edit.now[window] - edit.before[window]
        if window in edit.fixed and more != 0:
            edit.move(ten, max(edit.now[window], edit.now[ten] + more))
        if edit.now[window] > edit.now[ten]:
            edit.move(window, edit.now[ten])
    for span in SPANS:
        for part, whole in AT_MOST:
            most = edit.now[f"{whole}_{span}"]
            edit.move(f"{part}_{span}", min(edit.now[f"{part}_{span}"], most))
    for part, _ in AT_MOST:
        most = edit.now[f"{part}_10m"]
        edit.move(f"{part}_window", min(edit.now[f"{part}_window"], most))


def move_own_bytes(edit):
    """A source that sent less in the window sent less in this flow."""
    least = min(edit.now[f"src_ip_bytes_{span}"] for span in SPANS)
    if any(f"src_ip_bytes_{span}" in edit.fixed for span in SPANS):
        edit.move("ip_bytes_fwd", min(edit.now["ip_bytes_fwd"], least))


def move_shares(edit):
    """A share of the window is part of its ten minutes'."""
    for share in SHARES:
        window, ten = f"{share}_window", f"{share}_10m"
        flows = edit.now["src_flows_window"] / max(1, edit.now["src_flows_10m"])
        if edit.has_changed(window) and window in edit.fixed:
            more = (edit.now[window] - edit.before.get(window, edit.now[window])) * min(1, flows)
            edit.move(ten, bounded(edit.now.get(ten, edit.now[window]) + more))
        elif edit.has_changed(ten) and ten in edit.fixed and window in edit.now:
            more = (edit.now[ten] - edit.before.get(ten, edit.now[ten])) / max(flows, 1e-9)
            edit.move(window, bounded(edit.now[window] + more))


def bounded(share):
    return min(1.0, max(0.0, share))


def move_own_share(edit):
    """This flow is one of those its source's shares count: answered or not, to a new peer or not.
    Where no such flow was, the share was not measured."""
    was, is_ = (int(vector["protocol_state"]) for vector in (edit.before, edit.now))
    was_new, is_new = (int(vector["src_knows_dst"]) == 0 for vector in (edit.before, edit.now))
    for span in SPANS:
        flows = max(1, edit.now[f"src_flows_{span}"])
        unanswered, new = f"src_unanswered_share_{span}", f"src_new_peer_share_{span}"
        if is_ != was and is_ >> 8 in PORT_PROTOCOLS:
            now = is_ & 255 in UNANSWERED_STATES
            before = was & 255 in UNANSWERED_STATES and was >> 8 in PORT_PROTOCOLS
            share = edit.now.get(unanswered)
            edit.move(unanswered, float(now) if share is None else
                      bounded(share + (now - before) / flows))
        if was_new != is_new and new in edit.now:
            edit.move(new, bounded(edit.now[new] + (is_new - was_new) / flows))


RULES = (move_categories, move_own_bytes, move_sizes, move_durations, move_windows, move_shares,
         move_own_share)


def edited(vector, targets):
    """The vector with the targets' values and all that derives from them."""
    edit = Edit(vector, targets)
    for rule in RULES:
        rule(edit)
    return edit.now


# ---- typical values -----------------------------------------------------------------------------

class Usual:
    """What is typical under a baseline."""

    def __init__(self, baseline):
        self.baseline = baseline

    def median(self, feature):
        """Over all flows; None if nobody measured it."""
        steps = self.baseline.steps[feature.index]
        total, below = sum(steps.values()), 0
        for step in sorted(steps):
            below += steps[step]
            if 2 * below >= total:
                value = scorer.value_at(feature, step / (self.baseline.step_count - 1))
                return 0.0 if feature.scale == LOG2 and step == 0 else value
        return None

    def category(self, feature, told):
        """The most usual code of all flows that agrees with what was told before."""
        def weight(item):
            (is_missing, code), weights = item
            agrees = feature.name not in category.TELLING or all(
                told.get(fact, value) == value
                for fact, value in category.facts_told(feature.name, code).items())
            return not is_missing, agrees, weights[0]
        entries = self.baseline.categories[feature.index]
        return max(sorted(entries.items()), key=weight)[0][1] if entries else None

    def in_service(self, feature, vector):
        """The most usual code among flows of the vector's service."""
        service = self.baseline.services.get(vector.get("service"))
        parts = service.bins[feature.index] if service else {}
        parts = {part: weight for part, weight in parts.items() if part != scorer.LAST_PART}
        if not parts:
            return vector.get(feature.name)
        part = max(sorted(parts), key=parts.get)
        if feature.name in category.OF_SERVICE:
            return int(vector[feature.name]) & ~255 | part
        return part

    def targets(self, wanted, vector):
        """Typical values of (name, typical or None, among service?), in order."""
        found, told = {}, {}
        for name, typical, is_of_service in wanted:
            feature = self.baseline.by_name[name]
            if not feature.is_category:
                value = self.median(feature) if typical is None else float(typical)
            elif is_of_service:
                value = self.in_service(feature, vector)
            else:
                value = self.category(feature, told)
            if value is not None:
                found[name] = value
            if name in category.TELLING and value is not None:
                for fact, of_fact in category.facts_told(name, int(value)).items():
                    told.setdefault(fact, of_fact)
        return found


# ---- figures ------------------------------------------------------------------------------------

class Figures:
    """Counts over the alerts by surprise of one set."""

    def __init__(self, judge, own_is_out, seed):
        self.judge, self.own_is_out, self.seed = judge, own_is_out, seed
        self.usual = Usual(judge.baseline)
        self.flags = self.ended_by_reasons = self.ended_by_random = self.lead_changed = 0
        self.counterfactuals = self.counterfactuals_kept = self.without = 0
        self.counterfactual_off_mbits = 0

    def add(self, whyflow):
        """Counts one alert; what is wrong with its counterfactual, if it has one."""
        if whyflow.get("flagged_by") != "surprise" or "threshold" not in whyflow:
            return []
        vector = scorer.vector_of(whyflow["features"])
        own = self.judge.own(vector) if self.own_is_out else None
        threshold = int(whyflow["threshold"] * 1000)
        chance = random.Random(f"{self.seed} {whyflow['seq']} {whyflow['boot']}")
        wanted = [(reason["feature"], reason.get("typical"), reason.get("among") == "service")
                  for reason in whyflow["reasons"][:EDITED]]
        names = chance.sample([feature.name for feature in self.judge.baseline.features], EDITED)
        self.flags += 1
        self.ended_by_reasons += self._score(vector, wanted, own) < threshold
        at_random = [(name, None, False) for name in names]
        self.ended_by_random += self._score(vector, at_random, own) < threshold
        self.lead_changed += self._lead_changes(vector, own, chance)
        return list(self._replay(whyflow, vector, own, threshold))

    def _score(self, vector, wanted, own):
        targets = self.usual.targets(wanted, vector)
        return self.judge.score(edited(vector, targets), own)

    def _lead_changes(self, vector, own, chance):
        """Whether another feature leads when every number moves by a bin at most."""
        moved = dict(vector)
        for feature in self.judge.baseline.features:
            if feature.is_category or feature.name not in vector:
                continue
            bin_ = scorer.bin_of(feature, vector[feature.name]) + chance.choice((-1, 0, 1))
            moved[feature.name] = scorer.value_at(feature, (min(max(bin_, 0), 15) + 0.5) / 16)
        before = self.judge.contributions(vector, own)
        after = self.judge.contributions(moved, own)
        return max(before, key=before.get) != max(after, key=after.get)

    def _replay(self, whyflow, vector, own, threshold):
        """The record's counterfactual, scored again."""
        counterfactual = whyflow.get("counterfactual")
        if not counterfactual:
            return
        if counterfactual.get("none"):
            self.without += 1
            return
        self.counterfactuals += 1
        for change in counterfactual["changes"]:
            if not same(change.get("from"), whyflow["features"].get(change["feature"])):
                yield f"counterfactual: {change['feature']} is not {change.get('from')}"
        score = self.judge.score(replayed(vector, counterfactual), own)
        said = int(counterfactual["score"] * 1000)
        self.counterfactual_off_mbits = max(self.counterfactual_off_mbits, abs(score - said))
        if said >= threshold or int(counterfactual["threshold"] * 1000) != threshold:
            yield f"counterfactual: {said / 1000} is not below {threshold / 1000}"
        if score < threshold:
            self.counterfactuals_kept += 1
        elif has_values(counterfactual):
            yield (f"counterfactual replayed scores {score / 1000}, not {said / 1000}: the "
                   f"threshold is {threshold / 1000}")

    def as_dict(self):
        return {"flags": self.flags, "ended_by_reasons": self.ended_by_reasons,
                "ended_by_random": self.ended_by_random, "lead_changed": self.lead_changed,
                "counterfactuals": self.counterfactuals, "without": self.without,
                "counterfactuals_kept": self.counterfactuals_kept}

    def lines(self):
        if self.flags == 0:
            return ["no alerts by surprise"]
        found = [f"flags ended by editing their {EDITED} leading reasons: "
                 f"{share(self.ended_by_reasons, self.flags)}; {EDITED} features at random: "
                 f"{share(self.ended_by_random, self.flags)}",
                 f"leading reason changed by moving every number by a bin at most: "
                 f"{share(self.lead_changed, self.flags)}"]
        if self.counterfactuals + self.without:
            found.append(f"counterfactuals: {self.counterfactuals_kept} of {self.counterfactuals} "
                         f"below the threshold when replayed, {self.without} flags without one; "
                         f"score off by {self.counterfactual_off_mbits / 1000} at most")
        return found


def replayed(vector, counterfactual):
    """The vector with a counterfactual's changes and what it says moved along: to the values it
    gives, else (a name alone) to those that derive here."""
    targets = {}
    for change in counterfactual["changes"]:
        targets.update(scorer.vector_of({change["feature"]: change["to"]}))
    derived = edited(vector, targets)
    result = {**vector, **targets}
    moved = counterfactual["moved"]
    for name in moved:
        result.pop(name, None)
        if not isinstance(moved, dict):
            if name in derived:
                result[name] = derived[name]
        elif moved[name] is not None:
            result.update(scorer.vector_of({name: moved[name]}))
    return result


def has_values(counterfactual):
    """Whether the record says all that is needed to replay it. Names alone leave the values to
    whoever replays, who may let others derive: then a difference is counted, and proves nothing."""
    return isinstance(counterfactual["moved"], dict)


def same(a, b):
    """A counterfactual's `from` and the feature: numbers but for rounding, else equal."""
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return arithmetic.close(a, b)


def share(part, whole):
    return f"{100 * part / whole:.1f} % of {whole}"
