"""COCO's segmentations as JSON text, many of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from detmetrics.foundation.arrays import Objects
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.segmentations import Encodings, PolygonColumns

__all__ = ["UNREADABLE", "JsonTexts", "decoded"]

AT_ONCE = 1_024
UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)


class _Encoding(msgspec.Struct, gc=False):
    """A compressed mask."""

    size: tuple[int, int]
    counts: str


@dataclass(frozen=True, slots=True, eq=False)
class JsonTexts:
    """Reads texts of segmentations; see :class:`~detmetrics.overlap.masks.segmentations.Texts`.

    at_once: texts that are decoded in one call: 1 where some may be no JSON, which together could
    be.
    """

    at_once: int = AT_ONCE

    def plain(self, rows: Objects) -> list[Any]:
        """The values.

        Raises:
            OutlineError: one is no JSON.
        """
        found: list[Any] = []
        faults: list[tuple[int, str]] = []
        for start, some in self._batches(rows.tolist()):
            values = decoded(some, list[Any])
            if values is None:  # one is no JSON
                values, wrong = _one_by_one(some)
                faults += [(start + row, text) for row, text in wrong]
            found += values
        if faults:
            raise OutlineError(faults[:100], len(faults))
        return found

    def encodings(self, rows: Objects) -> Encodings | None:
        """Compressed masks; None where one is anything else."""
        size: list[tuple[int, int]] = []
        counts: list[bytes] = []
        for _, some in self._batches(rows.tolist()):
            found = decoded(some, list[_Encoding])
            if found is None:
                return None
            size += [one.size for one in found]
            # What is no ASCII becomes bytes that no encoding has.
            counts += [one.counts.encode("utf-8", "surrogatepass") for one in found]
        try:
            return Encodings(np.array(size, np.int64).reshape(-1, 2), counts)
        except OverflowError:
            return None

    def polygons(self, rows: Objects) -> PolygonColumns | None:
        """Polygons; None where one is anything else."""
        from detmetrics.formats.json.polygon_texts import polygon_columns  # most sets are of boxes

        return polygon_columns(rows.tolist())

    def _batches(self, texts: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
        for start in range(0, len(texts), self.at_once):
            yield start, texts[start : start + self.at_once]


def decoded(texts: Sequence[bytes], kind: Any) -> list[Any] | None:
    """What they hold, decoded as one list; None where that is not of this kind."""
    try:
        values: list[Any] = msgspec.json.decode(b"[%b]" % b",".join(texts), type=kind)
    except UNREADABLE:
        return None
    return values if len(values) == len(texts) else None


def _one_by_one(texts: Sequence[bytes]) -> tuple[list[Any], list[tuple[int, str]]]:
    """The values, and what is wrong with those that are none."""
    decode = msgspec.json.Decoder().decode
    found, faults = [], []
    for row, text in enumerate(texts):
        try:
            found.append(decode(text))
        except UNREADABLE as error:
            faults.append((row, f"no segmentation can be read: {error}"))
    return found, faults
