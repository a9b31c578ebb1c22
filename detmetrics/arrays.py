"""The array types of the core, and the few index idioms that several rooms share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Bools",
    "Floats",
    "Ints",
    "Objects",
    "keep_freed_memory",
    "object_column",
    "read_only",
    "run_starts",
    "slots_of_repeats",
    "used",
]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Objects: TypeAlias = NDArray[Any]

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


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of the array that refuses to be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def run_starts(values: NDArray[Any]) -> Ints:
    """Where each run of equal neighbours begins.

    >>> run_starts(np.array([4, 4, 7, 9, 9, 9])).tolist()
    [0, 2, 3]
    """
    if len(values) == 0:
        return np.zeros(0, np.int64)
    return np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])


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


def used(index: Ints) -> Ints:
    """Which indices occur, ascending, each once; counted, as sorting or hashing costs far more.

    >>> used(np.array([3, 0, 3])).tolist()
    [0, 3]
    """
    return np.flatnonzero(np.bincount(index))
