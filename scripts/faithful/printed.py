# SPDX-License-Identifier: Apache-2.0
"""Numbers as prose prints them: a number, a unit, and whether a value would be printed so.

Values are in a record's units: microseconds, bytes, bytes a second, ratios, counts. Called by
prose.py.
"""

import re

NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?"
TIME = {"µs": 1, "us": 1, "ms": 1e3, "s": 1e6, "min": 6e7, "h": 3.6e9, "d": 8.64e10}
SIZE = {"bytes": 1, "byte": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
RATE = {**{f"{unit}/s": factor for unit, factor in SIZE.items()},
        "bit/s": 1 / 8, "kbit/s": 1e3 / 8, "Mbit/s": 1e6 / 8, "Gbit/s": 1e9 / 8}
SHARE = {"%": 0.01}
# Kind -> the units it may be printed in. A plain number has none.
KINDS = {"time": TIME, "size": SIZE, "rate": RATE, "share": SHARE,
         "count": {"": 1}, "amount": {"": 1}}
# A feature's or quantity's unit in the record -> the kinds it may be printed as, and the factor to
# the values here.
RECORD_UNITS = {"us": (("time",), 1), "s": (("time",), 1e6), "bytes": (("size",), 1),
                "bytes/s": (("rate",), 1), "ratio": (("share", "amount"), 1),
                "log2": (("proportion",), 1)}
LEAST_DIGITS = 2  # what rounding leaves at least
ROUNDING = 5e-6   # a record's own: six digits


def pattern(kind):
    """A regular expression of one group for a number of this kind, unit included."""
    if kind == "proportion":
        return rf"(1 to {NUMBER}|{NUMBER} to 1)"
    units = sorted((unit for unit in KINDS[kind] if unit), key=len, reverse=True)
    if not units:
        return rf"({NUMBER})(?![\d.,]*\d)"
    return rf"({NUMBER} ?(?:{'|'.join(map(re.escape, units))})(?![\w/]))"


def half_of_last_digit(number, is_exact):
    """How far a value may be from how it is printed. Zeros at a number's end may be rounding's,
    unless it is a count."""
    if "e" in number:
        digits, _, power = number.partition("e")
        return half_of_last_digit(digits, True) * 10 ** int(power)
    digits = number.replace(",", "")
    if "." in digits:
        return 0.5 * 10 ** -len(digits.partition(".")[2])
    zeros = len(digits) - len(digits.rstrip("0"))
    free = 0 if is_exact else min(zeros, max(0, len(digits) - LEAST_DIGITS))
    return 0.5 * 10 ** free


def split(words):
    """ "31.6 ms" -> ("31.6", "ms")."""
    number, unit = re.fullmatch(rf"({NUMBER})\s*(.*)", words).groups()
    return number, unit


def agrees(words, kind, value):
    """Whether `value` would be printed as `words`, a match of pattern(kind)."""
    if value is None or isinstance(value, str):
        return False
    if kind == "proportion":
        return proportion_agrees(words, float(value))
    number, unit = split(words)
    factor = KINDS[kind][unit]
    if kind == "count" and value != int(value):
        return False
    slack = half_of_last_digit(number, kind == "count") * (1 + 1e-9)
    printed = float(number.replace(",", ""))
    return abs(float(value) / factor - printed) <= slack + ROUNDING * abs(printed)


def proportion_agrees(words, log2_ratio):
    """ "12 to 1" is a log2 ratio of log2 12, "1 to 12" of -log2 12."""
    is_less = words.startswith("1 to ") and not words.endswith("to 1")
    number = words.removeprefix("1 to ") if is_less else words.removesuffix(" to 1")
    if is_less != (log2_ratio < 0) and number != "1":
        return False
    return agrees(number, "amount", 2 ** abs(log2_ratio))
