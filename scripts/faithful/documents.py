# SPDX-License-Identifier: Apache-2.0
"""What the project's own lists say: features and their labels, behaviours and their conditions.

Read from include/whyflow/feature_list.h and docs/behaviours.md. Called by check.py and prose.py.
"""

import collections
import functools
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

Listed = collections.namedtuple("Listed", "name label unit is_category")
Condition = collections.namedtuple("Condition", "is_least limit unit what")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


@functools.cache
def features():
    """Name -> feature, in the list's order."""
    entry = re.compile(r'FEATURE\(\w+, "(\w+)", "([^"]*)", "([^"]*)", (\w+),')
    found = [Listed(name, label, unit, scale == "CATEGORY")
             for name, label, unit, scale in entry.findall(read("include/whyflow/feature_list.h"))]
    assert len(found) > 40, "feature_list.h has changed its form"
    return {feature.name: feature for feature in found}


@functools.cache
def behaviours():
    """Behaviour -> its rules; a rule is quantity -> condition."""
    rules = collections.defaultdict(list)
    for line in read("docs/behaviours.md").splitlines():
        title = re.match(r"## `(\w+)`", line)
        row = re.match(r"\| `(\w+)` \| ([≥≤]) \| ([\d.,e+]+) ?([^|]*) \| ([^|]*) \|", line)
        if title:
            rules[title.group(1)].append({})
            current = rules[title.group(1)][-1]
        elif row:
            quantity, sign, limit, unit, what = row.groups()
            current[quantity] = Condition(sign == "≥", float(limit.replace(",", "")),
                                          unit.strip(), what.strip())
    assert len(rules) > 5, "behaviours.md has changed its form"
    return dict(rules)
