"""Overlaps of masks of many pieces a column (noise, lace), by pycocotools' own function.

It walks along the runs of both masks, which costs the less per run the more there are; what
:mod:`detmetrics.overlap.masks.columns` does costs most for such. The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, run_starts
from detmetrics.foundation.originals import original
from detmetrics.overlap.masks.rle import Runs

__all__ = ["are_fragmented", "overlaps_of_texts"]

Codes = Callable[[Ints], list[Any]]

MANY = 8.0
"""Runs a column of their box, on average, from which masks are compared so: about where both ways
cost the same."""


def are_fragmented(runs: Runs) -> Bools:
    """(R,) whether masks have many pieces a column."""
    count = np.diff(runs.ones.first)[runs.mask]
    many: Bools = count > MANY * np.maximum(runs.boxes[:, 2], 1)
    return many


def overlaps_of_texts(
    codes: Codes, mine: Ints, other: Codes, theirs: Ints, crowd: Bools, group: Ints
) -> Floats:
    """(P,) the overlaps of pairs; a table of all with all is asked for each group.

    codes, other: give the encodings of rows of both sides; mine, theirs : (P,) the rows of pairs;
    crowd, group : (P,).
    """
    # for m, t in zip(mine, theirs): mask.iou([codes[m]], [other[t]], [crowd])
    # A call for a table of rows by columns costs far less than one for each of its cells. Of those,
    # some nobody asks for; the others are the same numbers as by themselves.
    if not len(mine):
        return np.zeros(0)
    rows, of_row, first_row = _by_group(mine, group)
    columns, of_column, first_column = _by_group(theirs, group)
    of_rows, of_columns = codes(mine[rows]), other(theirs[columns])
    crowded = crowd[columns].astype(np.uint8)
    mask = original("mask")
    tables = [
        mask.iou(of_rows[a:b], of_columns[c:d], crowded[c:d]).ravel(order="F")
        for (a, b), (c, d) in zip(
            pairwise([*first_row.tolist(), len(rows)]),
            pairwise([*first_column.tolist(), len(columns)]),
            strict=True,
        )
    ]
    # Where a pair stands: in the table of its group, column by column (as pycocotools lays it out).
    high = np.diff(first_row, append=len(rows))
    start = np.append(0, np.cumsum([len(table) for table in tables]))
    at = np.searchsorted(first_row, of_row, side="right") - 1
    place = start[at] + (of_column - first_column[at]) * high[at] + of_row - first_row[at]
    overlap: Floats = np.concatenate(tables)[place]
    return overlap


def _by_group(rows: Ints, group: Ints) -> tuple[Ints, Ints, Ints]:
    """A pair for every row of each group, the place of each pair's row among them, and where each
    group begins there.
    """
    # sorted(set(zip(group, rows))), and for each pair its index in that.
    order = np.lexsort((rows, group))
    of, row = group[order], rows[order]
    new = np.append(True, (of[1:] != of[:-1]) | (row[1:] != row[:-1]))
    place = np.empty(len(rows), np.int64)
    place[order] = np.cumsum(new) - 1
    each = order[new]
    return each, place, run_starts(group[each])
