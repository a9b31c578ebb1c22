r"""A condensed part as a file: whole or not there, no pickle, one contiguous block per class.

::

    detmetrics part 1\n      what the file is, and how it is laid out
    32 bytes                 SHA-256 of the head
    8 bytes                  length of the head, little-endian
    head                     JSON: the fields of Head, in condensed_part.py
    image ids                int64, or a JSON list where some are text
    coverage                 a byte per image: 0 has no objects, 1 is detected, 2 is not
    blocks                   of each class in turn: its anchors, then all its detections (ranked)

The columns of both tables are those of :class:`detmetrics.parts.condensing.Marks`: packed records,
little-endian. A table is one range of bytes, and both tables of a class are neighbors, so a class
costs two reads per part, or one where both tables are wanted at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.archives import UNFIT
from detmetrics.foundation.arrays import Ints, Objects, object_column, running
from detmetrics.foundation.errors import InputError
from detmetrics.parts.condensed_part import (
    CondensedPart,
    Head,
    coverage_marks,
    head_bytes,
    head_of,
    told_head,
)
from detmetrics.parts.condensing import Marks, Records, condensed
from detmetrics.parts.ranges import in_batches, read_ranges
from detmetrics.parts.storage import STORAGE, ByteRange, Storage, is_url
from detmetrics.rules import Rules

__all__ = [
    "PartFile",
    "coverage_of_images",
    "image_ids_of",
    "part_bytes",
    "read_head",
    "read_heads",
]

MARK = b"detmetrics part 1\n"
DIGEST, LENGTH = 32, 8
START = len(MARK) + DIGEST + LENGTH
FIRST = 128 << 10
"""Bytes that are read to begin with, which hold most heads."""


def part_bytes(
    part: str, own: str, listed: int, result: Evaluation, named: Callable[[str], str] = str
) -> bytes:
    """The file of a part: its name, its hash, how many of its images a list has, its evaluation.

    named: gives files that were read in another place the names that the user knows.
    """
    matches, table = result.matching, condensed(result.matching)
    ids = _ids_as_bytes(result.ground_truth.catalog.image_ids)
    marks = coverage_marks(result.covered, matches.images).tobytes()
    blocks = [
        rows[slice(*first[index : index + 2])].tobytes()
        for index in range(matches.categories)
        for rows, first in (
            (table.anchors, table.first_anchor),
            (table.ranked, table.first_ranked),
        )
    ]
    head = replace(
        head_of(part, listed, result, table, len(ids), named),
        hash=own,
        checksums=np.array([*map(crc32, blocks)], np.int64).reshape(-1, 2),
        ids_checksum=crc32(ids),
        coverage_checksum=crc32(marks),
    )
    described = head_bytes(head)
    length = len(described).to_bytes(LENGTH, "little")
    digest = sha256(described).digest()
    return b"".join([MARK, digest, length, described, ids, marks, *blocks])


def _ids_as_bytes(ids: Objects) -> bytes:
    return json.dumps(ids.tolist()).encode() if ids.dtype == object else ids.astype("<i8").tobytes()


@dataclass(frozen=True)
class PartFile:
    """A condensed part that is read range by range.

    path: of the file; start: where the image ids begin; rules: those it was made under; storage:
    how it is reached.
    """

    path: str
    start: int
    head: Head
    rules: Rules
    storage: Storage = STORAGE

    def image_ids(self) -> Objects:
        """(N,) the ids of its images, in order."""
        return image_ids_of([self])[0]

    def coverage(self) -> NDArray[np.uint8]:
        """(N,) which images have objects, and whether these have detections."""
        return coverage_of_images([self])[0]

    def anchors(self, category: int) -> Records:
        """The anchors of a class (an index), best first."""
        return self.tables(category, anchors=self._read(self.ranges(category)[0]))[0]

    def ranked(self, category: int) -> Records:
        """Every detection of a class (an index), best first."""
        return self.tables(category, ranked=self._read(self.ranges(category)[1]))[1]

    def ranges(self, category: int) -> tuple[ByteRange, ByteRange]:
        """Where the anchors of a class are, and right behind them all of its detections."""
        start, end = self._blocks[category : category + 2].tolist()
        middle = start + int(self.head.anchors[category]) * self._kinds[0].itemsize
        return ByteRange(self.path, start, middle), ByteRange(self.path, middle, end)

    def tables(
        self, category: int, *, anchors: bytes = b"", ranked: bytes = b""
    ) -> tuple[Records, Records]:
        """Both tables of a class from the bytes of its ranges; empty where these are not given.

        Raises:
            InputError: the bytes are not those that were written.
        """
        known = self.head.checksums[category].tolist()
        for data, checksum in zip((anchors, ranked), known, strict=True):
            if data:
                self.refuse_damaged(data, checksum)
        return np.frombuffer(anchors, self._kinds[0]), np.frombuffer(ranked, self._kinds[1])

    @property
    def ids_range(self) -> ByteRange:
        """Where the image ids are."""
        return ByteRange(self.path, self.start, self.start + self.head.id_bytes)

    @property
    def coverage_range(self) -> ByteRange:
        """Where the coverage of images is."""
        start = self.start + self.head.id_bytes
        return ByteRange(self.path, start, start + self.head.images)

    @cached_property
    def _kinds(self) -> tuple[np.dtype[Any], np.dtype[Any]]:
        marks, images = Marks(self.rules), self.head.images
        return marks.anchors(images), marks.ranked(images, single=self.head.single)

    @cached_property
    def _blocks(self) -> Ints:
        """(K + 1,) where the block of each class begins, and where all end."""
        anchors, ranked = self._kinds
        sizes = self.head.anchors * anchors.itemsize + self.head.detections * ranked.itemsize
        return running(sizes) + self.coverage_range.end

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return int(self._blocks[-1])

    def refuse_damaged(self, data: bytes, checksum: int) -> None:
        """Refuse bytes that are not those that were written.

        Raises:
            InputError: so it is.
        """
        if crc32(data) != checksum:
            raise InputError(
                f"{self.path}: the condensed part is damaged: a checksum does not fit. Fix: delete "
                "it, and evaluate again"
            )

    def _read(self, one: ByteRange) -> bytes:
        return next(read_ranges([one], self.storage)) if one.end > one.start else b""


def image_ids_of(parts: Sequence[CondensedPart]) -> list[Objects]:
    """(N,) of each part the ids of its images, in order; of files many at once.

    Raises:
        InputError: the state cannot be read.
    """
    files = [part for part in parts if isinstance(part, PartFile)]
    if not files:
        return [part.image_ids() for part in parts]
    found = _read_each(files, [(one.ids_range, one.head.ids_checksum) for one in files])
    return [
        object_column(json.loads(data))
        if one.head.text_ids
        else np.frombuffer(data, "<i8").astype(np.int64)
        for one, data in zip(files, found, strict=True)
    ]


def coverage_of_images(parts: Sequence[CondensedPart]) -> list[NDArray[np.uint8]]:
    """(N,) of each part which images have objects, and whether these have detections; of files many
    at once.

    Raises:
        InputError: the state cannot be read.
    """
    files = [part for part in parts if isinstance(part, PartFile)]
    if not files:
        return [part.coverage() for part in parts]
    found = _read_each(files, [(one.coverage_range, one.head.coverage_checksum) for one in files])
    return [np.frombuffer(data, np.uint8) for data in found]


def _read_each(
    parts: Sequence[PartFile], places: Sequence[tuple[ByteRange, int]]
) -> Iterator[bytes]:
    """The bytes of a range of each part; places: the ranges with their checksums.

    Raises:
        InputError: one cannot be read, or is damaged.
    """
    found = read_ranges([place for place, _ in places], parts[0].storage)
    for part, data, (_, checksum) in zip(parts, found, places, strict=True):
        part.refuse_damaged(data, checksum)
        yield data


# --- heads ---------------------------------------------------------------------------------------


def read_head(path: str, rules: Rules, storage: Storage = STORAGE) -> PartFile:
    """A condensed part, of which the head is read.

    Raises:
        InputError: it is no such file, or is damaged.
        OSError: it cannot be read.
    """
    files = storage.of(path)
    end = files.size(path)
    first = files.read(path, 0, min(end, FIRST)) if end >= START else b""
    found = _opened(path, first, rules, storage, end)
    if found.size != end:
        raise InputError(f"{path}: expected {found.size:,} bytes, found {end:,}")
    return found


def read_heads(paths: Sequence[str], rules: Rules, storage: Storage) -> tuple[PartFile, ...]:
    """Condensed parts of one state, of which the heads are read; of an object store many at once,
    with one request each where a head is no longer than most, and without asking for sizes.

    Raises:
        InputError: one is no such file, or is damaged.
        OSError: one cannot be read; it is named.
    """
    if not any(map(is_url, paths)):
        return tuple(read_head(path, rules, storage) for path in paths)
    ranges = [ByteRange(path, 0, FIRST) for path in paths]
    parts: list[PartFile] = []
    for batch in in_batches(ranges):
        firsts = storage.of(paths[0]).read_each([ranges[number] for number in batch])
        parts += (
            _opened(paths[number], first, rules, storage)
            for number, first in zip(batch, firsts, strict=True)
        )
    return tuple(parts)


def _opened(
    path: str, first: bytes, rules: Rules, storage: Storage, end: int | None = None
) -> PartFile:
    """A condensed part; first: the bytes that it begins with; end: its size, where it is known."""
    length = int.from_bytes(first[len(MARK) + DIGEST : START], "little")
    if first[: len(MARK)] != MARK or (end is not None and length > end):
        raise InputError(f"{path}: expected a condensed part (.part), found other bytes")
    described = first[START : START + length]
    if len(described) < length:
        described += storage.of(path).read(path, len(first), START + length)
    if sha256(described).digest() != first[len(MARK) : len(MARK) + DIGEST]:
        raise InputError(f"{path}: the condensed part is damaged: its checksum does not fit")
    try:
        found = PartFile(path, START + length, told_head(described), rules, storage)
    except UNFIT as error:
        raise InputError(f"{path}: another release wrote this condensed part ({error})") from None
    if os.path.basename(path) != f"{found.head.hash}.part":
        raise InputError(
            f"{path}: expected the condensed part of this name, found {found.head.hash}. Fix: "
            "delete it, and evaluate again"
        )
    return found
