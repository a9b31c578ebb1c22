"""Classes that lines give as numbers from 0: whole, and with a name where names are known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.messages import shown
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Categories

__all__ = ["class_numbers", "numbered_classes"]

MOST_CLASSES = 100_000
WHOLE = re.compile(r"-?\d{1,15}(?:\.0*)?", re.ASCII)


def class_numbers(lines: Lines, path: str, names: Sequence[str] | None) -> Keys:
    """The class of each line, which must be a number that has a name where names are known.

    Raises:
        FormatError: it is none.
    """
    labels, spread = lines.label.labels, lines.label.spread
    if labels.dtype == object and len(labels):
        wrong = np.array([WHOLE.fullmatch(str(label)) is None for label in labels.tolist()], bool)
        lines.refuse(
            path,
            np.flatnonzero(spread(wrong)),
            lambda row: f"expected a class number, got {shown(_label(lines, row))}",
        )
    numbers = labels.astype(np.float64).astype(np.int64)
    allowed = len(names) if names else MOST_CLASSES
    said = f"{allowed:,} classes are named" if names else "that is no number of a class"
    lines.refuse(
        path,
        np.flatnonzero(spread((numbers < 0) | (numbers >= allowed))),
        lambda row: f"class {_label(lines, row)}, but {said}",
    )
    return Keys(numbers, lines.label.code)


def _label(lines: Lines, row: int) -> Any:
    code = lines.label.code
    return lines.label.labels[row if code is None else code[row]]


def numbered_classes(classes: Keys, names: Sequence[str] | None) -> Categories:
    """The classes by their names, or as many as the numbers reach."""
    if names:
        return Categories(ids=np.arange(len(names)), names=tuple(names))
    numbers = classes.used().labels
    count = int(numbers.max()) + 1 if len(numbers) else 0
    return Categories(ids=np.arange(count), names=tuple(map(str, range(count))))
