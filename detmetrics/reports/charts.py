"""Curves as one line of blocks each, which a terminal, a pipe and a job's log all show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Floats

__all__ = ["Line", "chart", "spark"]

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 60
FAR, NEAR = 1e150, 1e-150
"""Values further out are drawn as these; differences that are smaller as none."""


class Line(NamedTuple):
    """A curve with its name; nan is left blank."""

    name: str
    values: Floats


def spark(values: Floats, width: int = WIDTH) -> str:
    """A curve in blocks from its least to its greatest value; means where there is too little room.

    >>> spark(np.array([0.0, 1.0, 2.0, np.nan, 7.0]))
    '▁▂▃ █'
    """
    means = _means(np.where(np.isfinite(values), np.clip(values, -FAR, FAR), np.nan), width)
    finite = np.isfinite(means)
    if not finite.any():
        return " " * len(means)
    low, high = float(means[finite].min()), float(means[finite].max())
    spread = max(high - low, NEAR)  # of less, no quotient is left
    return "".join(
        BLOCKS[round((value - low) / spread * (len(BLOCKS) - 1))] if np.isfinite(value) else " "
        for value in means.tolist()
    )


def chart(
    lines: Sequence[Line], mark: int | None, label: str = "", width: int = WIDTH
) -> list[str]:
    """Curves under one another, each with its first and last value; mark: a place to point at."""
    shown = [line for line in lines if np.isfinite(line.values).any()]
    if not shown:
        return []
    heads = [f"{line.name}  {_number(line.values, 0):>7}" for line in shown]
    left = max(map(len, heads))
    drawn = [
        f"{line.name:<{left - 7}}{_number(line.values, 0):>7} {spark(line.values, width)} "
        f"{_number(line.values, -1)}"
        for line in shown
    ]
    if mark is not None:
        drawn.append(f"{'':<{left + 1}}{_pointer(len(shown[0].values), mark, label, width)}")
    return drawn


def _pointer(count: int, mark: int, label: str, width: int) -> str:
    at = mark if count <= width else mark * width // count
    if at >= min(count, width) // 2 and len(label) < at:
        return f"{label} ▲".rjust(at + 1)
    return f"{'':<{at}}▲ {label}"


def _means(values: Floats, width: int) -> Floats:
    """At most ``width`` values: means of as many neighbours each, nan where none is finite."""
    count = len(values)
    if count <= width:
        return values
    bins = np.arange(count) * width // count
    finite = np.isfinite(values)
    sums = np.bincount(bins, np.where(finite, values, 0.0), width)
    counts = np.bincount(bins, finite, width)
    means: Floats = np.divide(sums, counts, out=np.full(width, np.nan), where=counts > 0)
    return means


def _number(values: Floats, at: int) -> str:
    finite = values[np.isfinite(values)]
    return f"{finite[at]:.4g}"
