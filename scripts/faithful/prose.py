# SPDX-License-Identifier: Apache-2.0
"""Part 2: whether every number in an alert's prose is in its record, with its unit and meaning.

Text is read phrase by phrase. A phrase (phrase.py) says which fact each of its numbers is and in
which unit; what it matches is used up. Reasons and evidence are phrases made from the record:
label, value, comparison. Numbers that are left must stand beside words that name a fact of the
record with that value and unit (context.py). What is then still left is reported with its sentence.
Called by check.py.
"""

import re

import context
import documents
import phrase
import printed

FORBIDDEN = re.compile(r"\b(malicious\w*|attack\w*|proves?|proven)\b", re.I)
GRADES = re.compile(r"\b(very unusual|somewhat unusual|unusual)\b(?= compared)", re.I)
TEXT_LENGTH_MAX, READING_LENGTH_MAX = 300, 240


class Reading:
    """One text while it is read: what is not used up yet, and what was found wrong."""

    def __init__(self, text, facts):
        self.text, self.left, self.facts = text, text, facts
        self.wrong, self.by_context, self.untraceable = [], [], 0

    def use_up(self, match):
        self.left = self.left[:match.start()] + " " * len(match.group()) + self.left[match.end():]

    def sentence(self, at):
        """The sentence around a place, for a message."""
        start = max(self.text.rfind(". ", 0, at), self.text.rfind(": ", 0, at)) + 1
        end = self.text.find(". ", at)
        return self.text[start:end + 1 if end >= 0 else len(self.text)].strip()

    def complain(self, what, at=0):
        self.wrong.append(f"{what} in {self.sentence(at)!r}")


def texts_of(whyflow):
    """(where, text) of all prose of an alert."""
    yield "text", whyflow["text"]
    for index, text in enumerate(whyflow["summary"]):
        yield f"summary[{index}]", text
    for side, reading in whyflow.get("readings", {}).items():
        yield f"readings.{side}", reading["text"]
    for name in ("combination", "counterfactual"):
        if "text" in whyflow.get(name, {}):
            yield name, whyflow[name]["text"]


def check_all(event):
    """What is wrong, what was found by context alone, and how many comparisons nobody can trace,
    because a truncated record dropped their reason, in one alert's prose."""
    whyflow = event["whyflow"]
    facts = context.facts_of(event)
    wrong, by_context, untraceable = list(check_lengths(whyflow)), [], 0
    for where, text in texts_of(whyflow):
        reading = read(where, text, event, facts)
        wrong += [f"{where}: {each}" for each in reading.wrong]
        by_context += reading.by_context
        untraceable += reading.untraceable
    return wrong, by_context, untraceable


def check_lengths(whyflow):
    """One sentence of at most 300 characters, two to four lines, readings of at most 240."""
    if len(whyflow["text"]) > TEXT_LENGTH_MAX:
        yield f"text has {len(whyflow['text'])} characters"
    if not 2 <= len(whyflow["summary"]) <= 4 and "truncated_record" not in whyflow:
        yield f"summary has {len(whyflow['summary'])} lines"
    for side, reading in whyflow.get("readings", {}).items():
        if len(reading["text"]) > READING_LENGTH_MAX:
            yield f"readings.{side} has {len(reading['text'])} characters"


def read(where, text, event, facts):
    """Reads the text that stands at `where`."""
    reading = Reading(text, facts)
    for match in FORBIDDEN.finditer(text):
        reading.complain(f"forbidden word {match.group()!r}", match.start())
    check_grade(reading, event["whyflow"])
    read_names(reading, event)
    read_evidence(reading, event["whyflow"])
    if where == "counterfactual":
        read_changes(reading, event["whyflow"])
    read_reasons(reading, event["whyflow"])
    read_service(reading, event["whyflow"])
    read_phrases(reading)
    read_context(reading)
    for match in re.finditer(printed.NUMBER, reading.left):
        reading.complain(f"no fact for {match.group()!r}", match.start())
    return reading


def check_grade(reading, whyflow):
    """ "somewhat unusual" above p = 10^-3, "very unusual" from 10^-4 down."""
    p_value = float(whyflow["p_value"])
    grade = ("somewhat unusual" if p_value > 1e-3 else
             "unusual" if p_value > 1e-4 else "very unusual")
    for match in GRADES.finditer(reading.text):
        if match.group().lower() != grade:
            reading.complain(f"{match.group()!r} at p = {p_value}", match.start())


def read_names(reading, event):
    """Addresses, with ports, and the service's name as the record's; protocols with a digit."""
    name = re.escape(reading.facts["service_name"] or "no service")
    for match in re.finditer(rf"(?<=assigned to ){name}(?!\w)|(?<=by custom ){name}(?!\w)",
                             reading.left):
        reading.use_up(match)
    for side in ("src", "dest"):
        address, port = event[f"{side}_ip"], event.get(f"{side}_port")
        written = f"[{address}]" if ":" in address else address
        ends = [f"{written}:{port}"] if port is not None else []
        for words in [*ends, address]:
            for match in re.finditer(rf"(?<![\w.:]){re.escape(words)}(?![\w:]|\.\d)", reading.left):
                reading.use_up(match)
    for match in re.finditer(rf"\({re.escape(reading.facts['src_knows_dst'])}\)", reading.left):
        reading.use_up(match)
    for words in reading.facts["addresses"]:
        for match in re.finditer(rf"(?<![\w.:]){re.escape(words)}(?![\w:]|\.\d)", reading.left):
            reading.use_up(match)
    for match in re.finditer(r"\bIPv[46](-ICMP)?\b|\b6to4\b|\bNAT64\b|\bEUI-64\b", reading.left):
        reading.use_up(match)


def read_phrases(reading):
    """Phrases with numbers, then those that claim a fact without one."""
    for each in phrase.PHRASES:
        for match in each.regex.finditer(reading.left):
            for name, kind, words in each.numbers(match):
                value = reading.facts.get(name)
                if not printed.agrees(words, kind, value):
                    reading.complain(f"{words!r} is not {name} = {value}", match.start())
            reading.use_up(match)
    for words, name, is_right in phrase.CLAIMS:
        for match in re.finditer(words, reading.text):
            if not is_right(reading.facts.get(name)):
                reading.complain(f"{match.group()!r} while {name} is {reading.facts.get(name)}",
                                 match.start())


def kinds_of(unit):
    """Kinds a record's unit may be printed as, and its factor to printed.py's units."""
    return printed.RECORD_UNITS.get(unit, (("amount",), 1))


def number_of(unit):
    """A group for a number in a record's unit; the noun may be left out, a large count not."""
    kinds, _ = kinds_of(unit)
    patterns = [printed.pattern(kind) for kind in kinds]
    noun = rf"(?: {re.escape(unit.rstrip('s'))}s?)?" if kinds == ("amount",) else ""
    plain = printed.pattern("amount")
    return "(?:" + "|".join([*patterns, plain]) + ")" + noun


def without_groups(regex):
    """The same regular expression, whose groups capture nothing."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", regex)


def agrees_in(words, unit, value):
    """Whether a printed number agrees with a value in a record's unit. A plain number under 10,000
    of bytes or a byte rate leaves its noun to the label."""
    kinds, factor = kinds_of(unit)
    if value is None or isinstance(value, str):
        return False
    if unit not in ("us", "s"):
        kinds = (*kinds, "amount")
    return any(printed.agrees(words, kind, float(value) * factor) for kind in kinds
               if re.fullmatch(printed.pattern(kind), words))


def reason_regex(reason):
    """label, value and comparison as prose has them."""
    unit = reason.get("unit", "")
    number = without_groups(number_of(unit))
    service = r"\S+(?: type \d+)?"
    compared = (rf"(?:as in )?(?P<seen>{printed.NUMBER} %) of (?:(?P<of>{service}) )?flows|"
                rf"in no (?:other )?(?:(?P<of_new>{service}) )?flow(?: before)?|never before|"
                rf"typical(?: of (?P<of_typical>[^:]+):)? (?P<typical>{number})"
                rf"(?:, 95 % at (?P<side>most|least) (?P<bound>{number}))?")
    return re.compile(rf"(?<![\w]){re.escape(reason['label'])} "
                      rf"(?:'(?P<words>[^']*)'|(?P<missing>not measured)|(?P<value>{number}))"
                      rf"(?: \((?:{compared})\))?")


def read_reasons(reading, whyflow):
    """Reasons in the order of the record, each with its value and comparison. Labels hold each
    other ("service" is part of many): the longest is read first, those of no reason too."""
    found = []
    reasons = {reason["feature"]: (index, reason)
               for index, reason in enumerate(whyflow["reasons"])}
    for listed in sorted(documents.features().values(), key=lambda each: -len(each.label)):
        if listed.name not in reasons:
            read_label(reading, listed, whyflow)
            continue
        index, reason = reasons[listed.name]
        for match in reason_regex(reason).finditer(reading.left):
            check_reason(reading, match, reason, whyflow)
            reading.use_up(match)
            found.append((match.start(), index))
            check_place(reading, match, index)
    places = [index for _, index in sorted(found)]
    if places != sorted(places):
        reading.complain(f"reasons stand in the order {[place + 1 for place in places]}")


def check_place(reading, match, index):
    """ "Chiefly" is said of the first reason alone, "Then" and "Also" of later ones."""
    before = reading.text[:match.start()].rsplit(" ", 2)
    word = before[-2] if len(before) > 1 else ""
    if (word == "Chiefly") != (index == 0) and word in ("Chiefly", "Then", "Also"):
        reading.complain(f"{word!r} is said of reason {index + 1}", match.start())


def check_reason(reading, match, reason, whyflow):
    """One reason's value, comparison and the words of direction."""
    unit, value, parts = reason.get("unit", ""), reason.get("value"), match.groupdict()
    name, at = reason["feature"], match.start()
    if parts["words"] is not None and parts["words"] != value:
        reading.complain(f"{name} is {value!r}", at)
    if parts["missing"] and value is not None:
        reading.complain(f"{name} was measured", at)
    if parts["value"] and not agrees_in(without_noun(parts["value"]), unit, value):
        reading.complain(f"{parts['value']!r} is not {name} = {value}", at)
    if parts["seen"] and not printed.agrees(parts["seen"], "share", reason.get("seen_share")):
        reading.complain(f"{parts['seen']!r} is not seen_share {reason.get('seen_share')}", at)
    is_none = re.search(r"\((?:in no|never)", match.group())
    if is_none and reason["direction"] != "new":
        reading.complain(f"{name} was seen before", at)
    check_bounds(reading, match, reason)
    of = parts["of"] or parts["of_new"] or parts["of_typical"]
    is_compared = of or parts["seen"] or parts["typical"] or is_none
    if is_compared and (of is not None) != (reason["among"] == "service"):
        reading.complain(f"{name} is compared among {reason['among']}", at)
    if of is not None and of != whyflow["features"].get("service"):
        reading.complain(f"the service is {whyflow['features'].get('service')!r}", at)


def without_noun(words):
    """A printed number without the plural noun of a count."""
    kept = re.match(rf"(1 to )?{printed.NUMBER}( to 1| ?(µs|us|ms|s|min|h|d|%|([kMGT]?B|bytes?)"
                    rf"(/s)?)(?![\w]))?", words)
    return kept.group()


def check_bounds(reading, match, reason):
    parts, unit, at = match.groupdict(), reason.get("unit", ""), match.start()
    if parts["typical"] and not agrees_in(without_noun(parts["typical"]), unit,
                                          reason.get("typical")):
        reading.complain(f"{parts['typical']!r} is not typical {reason.get('typical')}", at)
    if not parts["bound"]:
        return
    bound = "p95" if parts["side"] == "most" else "p05"
    if not agrees_in(without_noun(parts["bound"]), unit, reason[bound]):
        reading.complain(f"{parts['bound']!r} is not {bound} {reason[bound]}", at)
    if (parts["side"] == "most") != (reason["direction"] == "high"):
        reading.complain(f"'at {parts['side']}' of a value that is {reason['direction']}", at)


def read_evidence(reading, whyflow):
    """ "label: value (at least limit)" of each condition of a behaviour."""
    resembles = whyflow.get("resembles") or {}
    what = {quantity: condition.what
            for rule in documents.behaviours().get(resembles.get("behaviour"), [])
            for quantity, condition in rule.items()}
    for each in resembles.get("evidence", []):
        label = each.get("label") or what.get(each["quantity"], "")
        number = without_groups(number_of(each["unit"]))
        regex = (rf"{re.escape(label)}:? (?P<value>{number}) "
                 rf"\((?:at (?P<side>least|most)) (?P<limit>{number})\)")
        for match in re.finditer(regex, reading.left):
            check_condition(reading, match, each)
            reading.use_up(match)


def check_condition(reading, match, condition):
    unit, at = condition["unit"], match.start()
    side = "at_" + match.group("side")
    if not agrees_in(without_noun(match.group("value")), unit, condition["value"]):
        reading.complain(f"{condition['quantity']} is {condition['value']}", at)
    if not agrees_in(without_noun(match.group("limit")), unit, condition.get(side)):
        reading.complain(f"{side} of {condition['quantity']} is {condition.get(side)}", at)


def value_regex(unit):
    """A value in a record's unit or a category's words, without groups."""
    return rf"(?:'[^']*'|{without_groups(number_of(unit))}|not measured)"


def is_value(words, unit, value):
    """Whether words of value_regex say a value; None: it was not measured."""
    if words == "not measured" or value is None:
        return words == "not measured" and value is None
    if words.startswith("'") or isinstance(value, str):
        return words == f"'{value}'"
    return agrees_in(without_noun(words), unit, value)


def read_changes(reading, whyflow):
    """ "label been to (not from)" of each change of a counterfactual."""
    changes = [(documents.features()[change["feature"]], change)
               for change in whyflow.get("counterfactual", {}).get("changes", [])]
    # The longest label first: "service" is part of others.
    for listed, change in sorted(changes, key=lambda pair: -len(pair[0].label)):
        value = value_regex(listed.unit)
        regex = (rf"{re.escape(listed.label)} (?:been )?(?P<to>{value})"
                 rf"(?: \(not (?P<from>{value})\))?")
        for match in re.finditer(regex, reading.left):
            if not is_value(match.group("to"), listed.unit, change["to"]):
                reading.complain(f"{listed.name} is changed to {change['to']}", match.start())
            was = match.group("from")
            if was and not is_value(was, listed.unit, change.get("from")):
                reading.complain(f"{listed.name} was {change.get('from')}", match.start())
            reading.use_up(match)


def read_label(reading, listed, whyflow):
    """A feature's label with a value beside it, where it is no reason: its comparison stays."""
    regex = rf"(?<!\w){re.escape(listed.label)} (?P<value>{value_regex(listed.unit)})"
    if whyflow.get("truncated_record") and listed.name in whyflow["contrib"]:
        regex += r"(?P<compared> \([^()]*\))?"  # a reason that was dropped; the text was not
    for match in re.finditer(regex, reading.left):
        value = whyflow["features"].get(listed.name)
        if not is_value(match.group("value"), listed.unit, value):
            reading.complain(f"{listed.name} is {value}", match.start())
        reading.untraceable += bool(match.groupdict().get("compared"))
        reading.use_up(match)


def read_service(reading, whyflow):
    """The service by its name."""
    service = re.escape(whyflow["features"].get("service", "no service"))
    for match in re.finditer(rf"(?<![\w/']){service}(?![\w/'])", reading.left):
        reading.use_up(match)


def read_context(reading):
    """Numbers no phrase knows: each beside words that name a fact with its value and unit."""
    for match in context.NUMBERS.finditer(reading.left):
        sentence = reading.sentence(match.start())
        name = context.find(match, sentence, reading.facts)
        if name:
            reading.by_context.append(f"{match.group()!r} is {name} in {sentence!r}")
            reading.use_up(match)
