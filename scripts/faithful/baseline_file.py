# SPDX-License-Identifier: Apache-2.0
"""Reads a saved baseline, as docs/baseline-format.md lays it out. Called by scorer.py and check.py.

What is read is what the file says and nothing more; the formulas are scorer.py's.
"""

import hashlib
import struct

MAGIC = b"\x89WFB\r\n\x1a\n"
VERSION = 1
LOG2, LINEAR, CATEGORY = 0, 1, 2
CHECKSUM_BYTES = 20
UNIT = 4096  # what a flow weighs at step 0
STEPS_PER_DOUBLING = 16
MISSING_BIN = 16  # the outcome after the 16 bins


class BadBaseline(Exception):
    """The file is not what the document says."""


class Reader:
    """A place in bytes that moves on as numbers are taken."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        part = self.data[self.at:self.at + count]
        if len(part) < count:
            raise BadBaseline("it ends too early")
        self.at += count
        return part

    def number(self, form):
        form = "<" + form
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def u8(self):
        return self.number("B")

    def u32(self):
        return self.number("I")

    def u64(self):
        return self.number("Q")

    def i64(self):
        return self.number("q")

    def f64(self):
        return self.number("d")

    def var(self):
        """LEB128: seven bits a byte, the least first."""
        value, shift = 0, 0
        while True:
            byte = self.u8()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def list(self):
        """Place -> weight of a list."""
        return dict((self.u32(), self.u64()) for _ in range(self.u32()))

    def short_list(self):
        """Place -> weight of a short list, which says how many places were left out."""
        weights, place = {}, 0
        for _ in range(self.var()):
            place += self.var()
            weights[place] = self.var()
            place += 1
        return weights


class Feature:
    """A feature as the file describes it, and where its numbers are kept in what was learnt."""

    def __init__(self, index, reader):
        self.index = index
        self.name = reader.take(reader.u8()).decode()
        self.scale = reader.u8()
        self.weight = reader.u32() / 4
        self.low, self.high = reader.f64(), reader.f64()

    @property
    def is_category(self):
        return self.scale == CATEGORY


class Service:
    """What one service taught."""

    def __init__(self, reader, count):
        reader.var(), reader.var()  # touched, inserted
        self.code, self.weight, self.flows = reader.var(), reader.var(), reader.var()
        self.missing, self.bins, self.steps = [], [], []
        for _ in range(count):
            self.missing.append(reader.var())
            self.bins.append(reader.short_list())
            self.steps.append(reader.short_list())


class Baseline:
    """A saved baseline. `bins[feature][scope]` are weights by bin, `steps[feature]` flows by step,
    `categories[feature][(is missing, code)]` the five scopes' weights, then flows."""

    def __init__(self, path):
        with open(path, "rb") as file:
            sections = sections_of(file.read())
        self._schema(sections["schm"])
        self._model(sections["modl"])
        self._sums(sections["sums"])
        self._categories(sections["cats"])
        self._services(sections["svcs"])
        for name in ("schm", "modl", "sums", "cats", "svcs"):
            if sections[name].at != len(sections[name].data):
                raise BadBaseline(f"section {name} is longer than its contents")

    def _schema(self, reader):
        self.gamma = reader.u32() / 2**24
        self.bin_count, self.step_count = reader.u32(), reader.u32()
        self.scope_count, count = reader.u32(), reader.u32()
        self.features = [Feature(index, reader) for index in range(count)]
        self.by_name = {feature.name: feature for feature in self.features}

    def _model(self, reader):
        reader.u32(), reader.u8(), reader.u64(), reader.u64()
        self.typical_mbits = []
        for _ in self.features:
            reader.i64()
            self.typical_mbits.append(reader.u32())

    def _sums(self, reader):
        self.unit = UNIT * 2 ** (reader.u32() / STEPS_PER_DOUBLING)
        reader.u64(), reader.i64()
        self.learnt = reader.u64()
        reader.i64(), reader.i64()
        self.flows = reader.u64()
        self.totals = [reader.u64() for _ in range(self.scope_count)]
        self.measured, self.bins, self.steps = [], [], []
        for feature in self.features:
            self.measured.append(reader.u64())
            scopes = 0 if feature.is_category else self.scope_count
            self.bins.append([reader.list() for _ in range(scopes)])
            self.steps.append({} if feature.is_category else reader.list())

    def _categories(self, reader):
        reader.u64(), reader.u64()
        self.categories = [{} for _ in self.features]
        for _ in range(reader.u32()):
            index, is_missing, code = reader.u32(), reader.u8(), reader.u64()
            weights = [reader.u64() for _ in range(self.scope_count + 1)]
            reader.u64(), reader.u64()
            self.categories[index][bool(is_missing), code] = weights

    def _services(self, reader):
        reader.u64(), reader.u64()
        services = [Service(reader, len(self.features)) for _ in range(reader.u32())]
        self.services = {service.code: service for service in services}


def sections_of(data):
    """Name -> reader of each section, after the head and the checksum were checked."""
    body, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    if hashlib.sha1(body).digest() != checksum:
        raise BadBaseline("its checksum is wrong")
    reader = Reader(body)
    if reader.take(len(MAGIC)) != MAGIC or reader.u32() != VERSION or reader.u64() != len(data):
        raise BadBaseline("its head is wrong")
    sections = {}
    while reader.at < len(body):
        name = reader.take(4).decode()
        sections[name] = Reader(reader.take(reader.u64()))
    return sections
