"""What a matched part has to say: settled detections in full, all others as score, image and marks.

A detection that no pair settled (made right, or set aside though it would count) is in a curve only
by its place. So of each class there are two tables, best first, in the order of the part:

- *anchors*: the settled detections, about as many as there are objects, with what became of them at
  each threshold and in each range;
- *ranked*: every detection, in 7 to 13 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Bools, Ints
from detmetrics.matching.matches import Matches
from detmetrics.rules import Rules

__all__ = ["Condensed", "Marks", "Records", "condensed"]

Records: TypeAlias = NDArray[Any]
"""(n,) records of named columns, see :meth:`Marks.anchors` and :meth:`Marks.ranked`."""


@dataclass(frozen=True)
class Marks:
    """Which bit of a detection's marks says what, and the tables that hold them.

    Bits, from the lowest of the first byte on: of each range of sizes, in order, whether the
    detection is a false positive where it matches nothing; of each limit but the largest, whether
    it is within it; whether it is an anchor.
    """

    rules: Rules

    @cached_property
    def areas(self) -> int:
        """A, the ranges of sizes."""
        return len(self.rules.area_ranges)

    @cached_property
    def smaller_limits(self) -> tuple[float, ...]:
        """(M - 1,) the limits but the largest, which every detection is within."""
        return self.rules.max_detections[:-1]

    @property
    def _bits(self) -> int:
        return self.areas + len(self.smaller_limits) + 1

    def packed(self, matches: Matches, anchor: Bools) -> NDArray[np.uint8]:
        """(D, B) the marks of all detections; anchor : (D,)."""
        bits = np.empty((len(matches.row), self._bits), bool)
        bits[:, : self.areas] = matches.fp_if_unmatched.T
        for index, limit in enumerate(self.smaller_limits):
            bits[:, self.areas + index] = matches.rank < limit
        bits[:, -1] = anchor
        return np.packbits(bits, axis=1, bitorder="little")

    def fp_if_unmatched(self, records: Records, area: int) -> Bools:
        """(n,) which are false positives in a range where they match nothing."""
        return _bit(records, area)

    def within(self, records: Records, limit: float) -> Bools:
        """(n,) which are within a limit of the rules."""
        if limit not in self.smaller_limits:
            return np.ones(len(records), bool)
        return _bit(records, self.areas + self.smaller_limits.index(limit))

    def anchor(self, records: Records) -> Bools:
        """(n,) which are anchors."""
        return _bit(records, self._bits - 1)

    def ranked(self, images: int, *, single: bool) -> np.dtype[Any]:
        """The columns of ranked tables: score, image of the part, marks.

        images: of the part; single: scores fit into 32 bits exactly.
        """
        return np.dtype(
            [
                ("score", "<f4" if single else "<f8"),
                ("image", "<u2" if images <= 1 << 16 else "<u4"),
                ("marks", "u1", (-(-self._bits // 8),)),
            ]
        )

    def anchors(self, images: int) -> np.dtype[Any]:
        """The columns of tables of anchors: as ranked ones, and by range a bit a threshold for
        matched and for true positives, and the overlap at the first threshold over all sizes.
        """
        thresholds = -(-len(self.rules.iou_thresholds) // 8)
        outcome = ("u1", (self.areas, thresholds))
        shared = self.ranked(images, single=False)
        return np.dtype(
            [
                *((name, *_declared(shared[name])) for name in shared.names or ()),
                ("matched", *outcome),
                ("true_positive", *outcome),
                ("overlap", "<f8"),
            ]
        )


def _declared(kind: np.dtype[Any]) -> tuple[Any, ...]:
    return (kind.base, kind.shape)


def _bit(records: Records, bit: int) -> Bools:
    marked: Bools = (records["marks"][:, bit >> 3] >> (bit & 7) & 1).astype(bool)
    return marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Condensed:
    """A matched part, condensed.

    anchors, ranked: tables of all classes, by class; first_anchor, first_ranked : (K + 1,) where
    those of each class begin, and where all end; images: of the part.
    """

    anchors: Records
    ranked: Records
    first_anchor: Ints
    first_ranked: Ints
    images: int


def condensed(matches: Matches) -> Condensed:
    """What a part has to say; the order of detections is kept."""
    marks = Marks(matches.rules)
    told = [_telling(matches, area) for area in range(marks.areas)]
    anchor = np.zeros(len(matches.row), bool)
    for _, row, _ in told:
        anchor[row] = True
    rows = np.flatnonzero(anchor)
    place = np.cumsum(anchor) - 1

    bits = marks.packed(matches, anchor)
    ranked = np.empty(len(matches.row), marks.ranked(matches.images, single=_single(matches)))
    ranked["score"], ranked["image"], ranked["marks"] = matches.score, matches.image, bits

    anchors = np.zeros(len(rows), marks.anchors(matches.images))
    anchors["score"], anchors["image"] = matches.score[rows], matches.image[rows]
    anchors["marks"] = bits[rows]
    for area, (threshold, row, right) in enumerate(told):
        _set_bits(anchors["matched"], area, threshold, place[row])
        _set_bits(anchors["true_positive"], area, threshold[right], place[row[right]])
    anchors["overlap"] = matches.outcomes(0, 0).overlap[rows]
    first = matches.first
    return Condensed(
        anchors=anchors,
        ranked=ranked,
        first_anchor=np.searchsorted(rows, first),
        first_ranked=first,
        images=matches.images,
    )


def _set_bits(outcome: NDArray[np.uint8], area: int, threshold: Ints, row: Ints) -> None:
    """Set the bit of a threshold in each row; outcome : (n, A, bytes), threshold rises."""
    ends = np.searchsorted(threshold, np.arange(threshold[-1] + 2 if len(threshold) else 1))
    for at, (start, end) in enumerate(pairwise(ends.tolist())):
        outcome[row[start:end], area, at >> 3] |= np.uint8(1 << (at & 7))  # each row once


def _telling(matches: Matches, area: int) -> tuple[Ints, Ints, Bools]:
    """Threshold, row and verdict of the matched detections that change a curve: those that are
    right, and those that would have counted unmatched.
    """
    threshold, row, right = matches.settled(area)
    telling = right | matches.fp_if_unmatched[area][row]
    return threshold[telling], row[telling], right[telling]


def _single(matches: Matches) -> bool:
    """Whether 32 bits hold every score exactly, as those of detectors mostly do."""
    with np.errstate(over="ignore"):
        return bool((matches.score.astype(np.float32) == matches.score).all())
