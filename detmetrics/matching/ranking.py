"""The one order of detections: by score, equal scores by image, then by place in the file.

Everything that ranks detections stands on this order, so that ties break the same way in
matching, curves and limits: exactly as a stable sort over images in order of id would break
them, which is what pycocotools does. Source: ``pycocotools/cocoeval.py``, ``evaluateImg`` and
``accumulate`` (``np.argsort`` of kind ``mergesort``).

What decides is packed into one integer, the number of the row last, as
:func:`~detmetrics.foundation.arrays.stable_order` does: sorted, the integers hold the order
themselves, and as no two are equal it is the same whatever way NumPy sorts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import (
    KEY_BITS,
    Floats,
    Ints,
    by_group,
    rank_in_runs,
    slots_of_repeats,
    stable_order,
)

__all__ = ["Ranking", "best_first", "rank_in_groups"]

BLOCK = 1 << 15
"""Rows at once: a few columns of so many stay in cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Detections by category, best first.

    row : (D,) in their table; category, image : (D,) indices; rank : (D,) place inside the image
    and category, from 0.
    """

    row: Ints
    category: Ints
    image: Ints
    rank: Ints

    def each(self, of: Callable[[str, Ints], Ints]) -> Ranking:
        """With what becomes of each column; of: its name and itself."""
        return Ranking(
            row=of("row", self.row),
            category=of("category", self.category),
            image=of("image", self.image),
            rank=of("rank", self.rank),
        )

    def group(self, images: int) -> Ints:
        """(D,) image and category as one number, by which groups of a category follow one another.

        images: how many there are.
        """
        return self.category * images + self.image


def best_first(scores: Floats, places: Ints, groups: Ints | None = None) -> Ints:
    """Rows by group, in each by falling score; equal scores in order of place, then of row.

    scores, places, groups : (D,), places and groups from zero, all one group unless given; returns
    (D,) row indices.

    >>> best_first(np.array([0.2, 0.9, 0.9]), np.array([0, 5, 1])).tolist()
    [2, 1, 0]
    """
    # sorted(range(D), key=lambda d: (groups[d], -scores[d], places[d], d))
    if groups is None:
        groups = np.zeros(len(scores), np.int64)
    if not (places[1:] < places[:-1]).any():
        return _in_order(scores, groups)
    rows = by_group(places, np.arange(len(scores)))
    return rows[_in_order(scores[rows], groups[rows])]


def rank_in_groups(groups: Ints) -> Ints:
    """(D,) how many of the same group stand before each; groups : (D,) from zero.

    >>> rank_in_groups(np.array([7, 2, 7, 7])).tolist()
    [0, 0, 1, 2]
    """
    places, together = stable_order(groups)
    rank = np.empty_like(places)
    rank[places] = rank_in_runs(together)
    return rank


def _in_order(scores: Floats, groups: Ints) -> Ints:
    """Rows by group, then by falling score, then as they stand."""
    # With fewer than 2**31 rows and groups there is room for both; scores take what is left.
    row_bits, group_bits = len(scores).bit_length(), int(groups.max(initial=0)).bit_length()
    lowest, highest = _ends(scores)
    score_bits = (highest - lowest).bit_length()
    cut = max(group_bits + score_bits + row_bits - KEY_BITS, 0)
    keys = np.empty(len(scores), np.int64)
    for block in _blocks(len(scores)):
        key = keys[block]
        key[:] = _distance(scores[block], highest, cut)
        key |= groups[block] << (score_bits - cut)
        key <<= row_bits
        key |= np.arange(block.start, block.start + len(key))
    keys.sort()
    leading = keys >> row_bits
    keys &= (1 << row_bits) - 1
    if cut:
        _mend(keys, leading, scores)
    return keys


def _blocks(count: int) -> list[slice]:
    """Slices of so many rows, each of which stays in cache."""
    return [slice(first, first + BLOCK) for first in range(0, count, BLOCK)]


def _ends(scores: Floats) -> tuple[int, int]:
    """The lowest and the highest score, as :func:`_whole` has them."""
    whole = [_whole(scores[block]) for block in _blocks(len(scores))]
    return (
        min((int(part.min()) for part in whole), default=0),
        max((int(part.max()) for part in whole), default=0),
    )


def _whole(scores: Floats) -> Ints:
    """(D,) whole numbers in the order of the scores, equal ones where these are equal."""
    # The bits of a float, read as an integer, keep the order of positive numbers; a negative
    # number has all others flipped. Adding zero makes one zero of the two.
    bits = (scores + 0.0).view(np.int64)
    if (bits < 0).any():
        # bits >> 63 is -1 of a negative number and 0 of others: a mask of all its other bits.
        bits ^= (bits >> 63) & np.int64(2**63 - 1)
    return bits


def _distance(scores: Floats, highest: int, cut: int) -> Ints:
    """(D,) how far each is from the best, without its lowest bits: 0 and up, the best lowest.

    Dropping the lowest bits makes some scores equal, but never turns two around.
    """
    # Scores of both signs may be more than 2**63 apart: the difference wraps around, and read as
    # unsigned it is right again.
    distance = (np.int64(highest) - _whole(scores)).view(np.uint64)
    distance >>= np.uint64(cut)
    return distance.view(np.int64)


def _mend(rows: Ints, leading: Ints, scores: Floats) -> None:
    """Sort again, exactly and stably, where scores share their leading bits but differ.

    rows : (D,) in order of group and leading bits, changed in place; leading : (D,) those bits;
    scores : (D,) by row.
    """
    # Few do: none that are float32, or of few decimals. Rows of other leading bits are in place, so
    # only runs of equal ones are sorted, each inside itself: lexsort is stable and keeps the runs
    # (its last key is the first to sort by).
    slots = slots_of_repeats(leading)
    ranked, run = scores[rows[slots]], leading[slots]
    if ((ranked[1:] > ranked[:-1]) & (run[1:] == run[:-1])).any():
        rows[slots] = rows[slots[np.lexsort((-ranked, run))]]
