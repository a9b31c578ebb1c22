"""The one order of detections: by score, equal scores by image, then by place in the file.

Everything that ranks detections stands on this order, so that ties break the same way in
matching, curves and limits: exactly as a stable sort over images in order of id would break
them, which is what pycocotools does.

NumPy sorts 16-bit integers by radix, stably and in linear time, several times faster than it
sorts 64-bit keys. So every sort here is a few passes over 16-bit digits, least significant first.
"""

from __future__ import annotations

import numpy as np

from detmetrics.arrays import Floats, Ints, run_starts, slots_of_repeats

__all__ = ["best_first", "by_group", "rank_in_runs"]

DIGIT = 16
LEADING_BITS = 32


def best_first(scores: Floats, places: Ints) -> Ints:
    """Rows in order of falling score; equal scores in order of place, then of row.

    scores, places : (D,), places from zero; returns (D,) row indices.

    >>> best_first(np.array([0.2, 0.9, 0.9]), np.array([0, 5, 1])).tolist()
    [2, 1, 0]
    """
    rows = np.arange(len(scores))
    if (places[1:] < places[:-1]).any():
        rows = by_group(places, rows)
    rows = by_group(_leading_bits(scores), rows)
    ranked = scores[rows]
    if (ranked[1:] > ranked[:-1]).any():
        _mend(rows, ranked)
    return rows


def by_group(groups: Ints, rows: Ints) -> Ints:
    """The rows in order of their group, the order inside each group kept: a stable sort.

    groups : (D,) from zero, indexed by row; rows : (S,).

    >>> by_group(np.array([3, 0, 3, 0]), np.arange(4)).tolist()
    [1, 3, 0, 2]
    """
    top = int(groups.max()) if len(groups) else 0
    for shift in range(0, max(top.bit_length(), 1), DIGIT):
        digit = (groups >> shift if shift else groups).astype(
            np.uint8 if top >> shift < 256 else np.uint16
        )
        rows = rows[np.argsort(digit[rows], kind="stable")]
    return rows


def rank_in_runs(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Ints:
    """Count from zero inside every run of equal neighbours.

    >>> rank_in_runs(np.array([4, 4, 7])).tolist()
    [0, 1, 0]
    """
    starts = run_starts(values)
    rank = np.arange(len(values))
    rank -= np.repeat(starts, np.diff(starts, append=len(values)))
    return rank


def _leading_bits(scores: Floats) -> Ints:
    """(D,) integers that never rise where the score falls less: a coarse rank, best lowest."""
    if len(scores) == 0:
        return np.zeros(0, np.int64)
    # The bits of a float, read as an integer, keep the order of positive numbers; a negative
    # number has all others flipped. Adding zero makes one zero of the two.
    bits = (scores + 0.0).view(np.int64)
    if (bits < 0).any():
        bits = bits ^ ((bits >> 63) & np.int64(2**63 - 1))
    high, low = int(bits.max()), int(bits.min())
    shift = max((high - low).bit_length() - LEADING_BITS, 0)
    distance = (np.int64(high) - bits).view(np.uint64)  # which wraps around where it must
    distance >>= np.uint64(shift)
    return distance.view(np.int64)


def _mend(rows: Ints, ranked: Floats) -> None:
    """Sort again, exactly and stably, where scores share their leading bits but differ."""
    coarse = _leading_bits(ranked)
    slots = slots_of_repeats(coarse)
    order = np.lexsort((-ranked[slots], coarse[slots]))
    rows[slots] = rows[slots[order]]
