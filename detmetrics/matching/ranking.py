"""The one order of detections: by score, equal scores by image, then by place in the file.

Everything that ranks detections stands on this order, so that ties break the same way in
matching, curves and limits: exactly as a stable sort over images in order of id would break
them, which is what pycocotools does. Source: ``pycocotools/cocoeval.py``, ``evaluateImg`` and
``accumulate`` (``np.argsort`` of kind ``mergesort``).

NumPy sorts 16-bit integers by radix, stably and in linear time, several times faster than it
sorts 64-bit keys. So every sort here is a few passes over 16-bit digits, least significant first.
"""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints, by_group, slots_of_repeats

__all__ = ["best_first"]

LEADING_BITS = 32
"""Of a score that are sorted by: two digits of 16. Few scores share them and differ."""


def best_first(scores: Floats, places: Ints) -> Ints:
    """Rows in order of falling score; equal scores in order of place, then of row.

    scores, places : (D,), places from zero; returns (D,) row indices.

    >>> best_first(np.array([0.2, 0.9, 0.9]), np.array([0, 5, 1])).tolist()
    [2, 1, 0]
    """
    # sorted(range(D), key=lambda d: (-scores[d], places[d], d)), the last key first: each sort is
    # stable, so that the order by a later key holds where the earlier ones are equal.
    rows = np.arange(len(scores))
    if (places[1:] < places[:-1]).any():
        rows = by_group(places, rows)
    rows = by_group(_leading_bits(scores), rows)
    # Scores of float32, or of few decimals, that differ do so within the leading bits.
    ranked = scores[rows]
    if (ranked[1:] > ranked[:-1]).any():
        _mend(rows, ranked)
    return rows


def _leading_bits(scores: Floats) -> Ints:
    """(D,) a coarse rank, best lowest: the lower of two scores never has the smaller integer."""
    if len(scores) == 0:
        return np.zeros(0, np.int64)
    # The bits of a float, read as an integer, keep the order of positive numbers; a negative
    # number has all others flipped. Adding zero makes one zero of the two.
    bits = (scores + 0.0).view(np.int64)
    if (bits < 0).any():
        # bits >> 63 is -1 of a negative number and 0 of others: a mask of all its other bits.
        bits = bits ^ ((bits >> 63) & np.int64(2**63 - 1))
    # The distance from the best score: 0 and up, and in as few bits as the scores spread over.
    # Dropping the lowest bits of it makes some scores equal, but never turns two around.
    high, low = int(bits.max()), int(bits.min())
    shift = max((high - low).bit_length() - LEADING_BITS, 0)
    # Scores of both signs may be more than 2**63 apart: the difference wraps around, and read as
    # unsigned it is right again.
    distance = (np.int64(high) - bits).view(np.uint64)
    distance >>= np.uint64(shift)
    return distance.view(np.int64)


def _mend(rows: Ints, ranked: Floats) -> None:
    """Sort again, exactly and stably, where scores share their leading bits but differ.

    rows : (D,) in order of the leading bits, changed in place; ranked : (D,) their scores.
    """
    # Scores of other leading bits are in place, so only runs of equal ones are sorted, each inside
    # itself: lexsort is stable and keeps the runs (its last key is the first to sort by).
    coarse = _leading_bits(ranked)
    slots = slots_of_repeats(coarse)
    order = np.lexsort((-ranked[slots], coarse[slots]))
    rows[slots] = rows[slots[order]]
