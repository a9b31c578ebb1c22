"""The array types of the core, and the few index idioms that several rooms share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Bools",
    "Counts",
    "Floats",
    "Ints",
    "Objects",
    "among",
    "by_group",
    "counting",
    "first_equal",
    "float_of",
    "keep_freed_memory",
    "moved",
    "narrow",
    "object_column",
    "positions",
    "rank_in_runs",
    "read_only",
    "rounded",
    "run_starts",
    "running",
    "slices",
    "slots_of_repeats",
    "stable_order",
    "used",
]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Counts: TypeAlias = NDArray[np.signedinteger[Any]]
"""Whole numbers of any width, see :func:`counting`."""
Bools: TypeAlias = NDArray[np.bool_]
Objects: TypeAlias = NDArray[Any]

TABLE_SPAN = 8  # a direct look-up table may be this many times longer than the ids it holds
DIGIT = 16  # bits; NumPy sorts integers of so many by radix, stably and in linear time
KEY_BITS = 63  # of an integer that is sorted; its sign stays out of it
LARGE_BLOCK = 31 << 20  # just below the largest that glibc takes a hint from


def keep_freed_memory() -> None:
    """Ask the allocator to keep what is freed, so that the next temporary need not be mapped anew.

    glibc hands freed blocks back to the system, page by page, until it has seen a large one
    freed. This block is never touched and so costs nothing; the kernels after it run up to five
    times faster, as they no longer wait for fresh pages. Elsewhere it does nothing.
    """
    np.empty(LARGE_BLOCK, np.uint8)


def object_column(values: Sequence[Any]) -> Objects:
    """A column of ids or names, each as it is; NumPy would make numbers or fixed texts of them.

    >>> object_column(["a", 2]).tolist()
    ['a', 2]
    """
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def rounded(values: Floats, decimals: int) -> Floats:
    """To so many decimals; numbers so large that rounding would overflow have none.

    >>> rounded(np.array([0.125, 1e308]), 2).tolist()
    [0.12, 1e+308]
    """
    with np.errstate(over="ignore"):
        short = np.round(values, decimals)
    kept: Floats = np.where(np.isfinite(short), short, values)
    return kept


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of the array that refuses to be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def counting(most: int) -> type[np.int32 | np.int64]:
    """The type of a column that counts so far: of half the memory, where that will do.

    >>> counting(5_000_000).__name__
    'int32'
    """
    return np.int32 if most < 2**31 else np.int64


def narrow(values: Counts, most: int) -> Counts:
    """Values that count so far, in no more memory than they need."""
    column: Counts = values.astype(counting(most), copy=False)
    return column


def run_starts(values: NDArray[Any]) -> Ints:
    """Where each run of equal neighbours begins.

    >>> run_starts(np.array([4, 4, 7, 9, 9, 9])).tolist()
    [0, 2, 3]
    """
    if len(values) == 0:
        return np.zeros(0, np.int64)
    return np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])


def slices(first: Ints, count: Ints) -> Ints:
    """The indices of some slices, one after the other; first, count : (n,) of each.

    >>> slices(np.array([7, 2]), np.array([2, 3])).tolist()
    [7, 8, 2, 3, 4]
    """
    # A running number, less where each slice begins in it, and counted from its first.
    indices = np.repeat(first - (np.cumsum(count) - count), count)
    indices += np.arange(len(indices))
    return indices


def running(values: Bools | Ints) -> Counts:
    """(n + 1,) the sum of all values before each place.

    >>> running(np.array([3, 0, 2])).tolist()
    [0, 3, 3, 5]
    """
    width = counting(len(values)) if values.dtype == bool else np.int64
    sums: Counts = np.zeros(len(values) + 1, width)
    np.cumsum(values, dtype=width, out=sums[1:])
    return sums


def slots_of_repeats(values: NDArray[Any]) -> Ints:
    """Where the values stand that equal a neighbour.

    >>> slots_of_repeats(np.array([4, 4, 7, 9, 9, 9])).tolist()
    [0, 1, 3, 4, 5]
    """
    repeated = np.zeros(len(values), bool)
    same = values[1:] == values[:-1]
    repeated[1:] = same
    repeated[:-1] |= same
    return np.flatnonzero(repeated)


def first_equal(table: NDArray[Any]) -> Ints:
    """(n,) of each row of a table the first row that equals it in every column.

    :func:`numpy.unique` of rows says it too; it sorts them as bytes, and imports masked arrays.

    >>> first_equal(np.array([[1, 2], [0, 5], [1, 2]])).tolist()
    [0, 1, 0]
    """
    order = np.lexsort(table.T[::-1])  # stable: the first of equal rows comes first
    ranked = table[order]
    begins = np.ones(len(table), bool)
    begins[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    run = np.flatnonzero(begins)
    first = np.empty(len(table), np.int64)
    first[order] = order[run].repeat(np.diff(np.append(run, len(table))))
    return first


def used(index: Ints) -> Ints:
    """Which indices occur, ascending, each once; counted, as sorting or hashing costs far more.

    >>> used(np.array([3, 0, 3])).tolist()
    [0, 3]
    """
    return np.flatnonzero(np.bincount(index))


def among(index: Ints, others: Ints) -> Bools:
    """(n,) which indices are there among others, of which some may be -1 for none.

    >>> among(np.array([3, 0, 7]), np.array([-1, 7, 2])).tolist()
    [False, False, True]
    """
    # One mark for each index, as sorting or hashing costs far more, and one more at the end, which
    # -1 stands for.
    marks = np.zeros(max(int(index.max(initial=0)), int(others.max(initial=0))) + 2, bool)
    marks[others] = True
    marks[-1] = False
    there: Bools = marks[index]
    return there


def positions(known: Objects, wanted: Objects) -> Ints:
    """Where each wanted id stands among the known, which are sorted; -1 where it does not.

    >>> positions(np.array([3, 7]), np.array([7, 8, 3])).tolist()
    [1, -1, 0]
    """
    # {id: index}, for integers a table of all numbers from the lowest to the highest where that is
    # no far longer than the ids, and a binary search where it is.
    if known.dtype == object or wanted.dtype == object:
        where = {value: index for index, value in enumerate(known.tolist())}
        indices = (where.get(value, -1) for value in wanted.tolist())
        return np.fromiter(indices, np.int64, len(wanted))
    if len(known) == 0 or len(wanted) == 0:
        return np.full(len(wanted), -1)
    low, high = int(known[0]), int(known[-1])
    span_fits = high - low < TABLE_SPAN * (len(known) + len(wanted))
    if span_fits and max(-low, high) < 2**62:
        # One slot more at each end, for all that lie outside.
        table = np.full(high - low + 3, -1)
        table[known - (low - 1)] = np.arange(len(known))
        slot = np.clip(wanted, low - 1, high + 1)
        slot -= low - 1
        found: Ints = table[slot]
        return found
    nearest: Ints = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[nearest] == wanted, nearest, -1)


def by_group(groups: Ints, rows: Ints) -> Ints:
    """The rows in order of their group, the order inside each group kept: a stable sort.

    groups : (D,) from zero, indexed by row; rows : (S,).

    >>> by_group(np.array([3, 0, 3, 0]), np.arange(4)).tolist()
    [1, 3, 0, 2]
    """
    top = int(groups.max(initial=0))
    if top >> DIGIT:
        return rows[stable_order(groups[rows])[0]]
    digit = groups.astype(np.uint8 if top < 256 else np.uint16)
    return rows[np.argsort(digit[rows], kind="stable")]


def stable_order(groups: Ints) -> tuple[Ints, Ints]:
    """Places in order of their group, the order inside each kept, and the groups in this order.

    groups : (D,) from zero.

    >>> [column.tolist() for column in stable_order(np.array([3, 0, 3, 0]))]
    [[1, 3, 0, 2], [0, 0, 3, 3]]
    """
    # NumPy sorts plain integers many at a time, several times faster than it finds their order. So
    # each has its place in its lowest bits: none are equal, and sorted they hold the order.
    place_bits = len(groups).bit_length()
    if int(groups.max(initial=0)).bit_length() + place_bits > KEY_BITS:
        order = np.argsort(groups, kind="stable")
        return order, groups[order]
    keys = groups << place_bits
    keys |= np.arange(len(groups))
    keys.sort()
    return keys & ((1 << place_bits) - 1), keys >> place_bits


def moved(order: Ints) -> Ints:
    """Where each row goes in an order: the inverse of a permutation.

    >>> moved(np.array([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place


def float_of(value: Any) -> float:
    """The nearest float of a number: infinite where it is too large for one.

    >>> float_of(3), float_of(-(10**400))
    (3.0, -inf)
    """
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def rank_in_runs(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Ints:
    """Count from zero inside every run of equal neighbours.

    >>> rank_in_runs(np.array([4, 4, 7])).tolist()
    [0, 1, 0]
    """
    # The index of each, less that of the first of its run.
    starts = run_starts(values)
    rank = np.arange(len(values))
    rank -= np.repeat(starts, np.diff(starts, append=len(values)))
    return rank
