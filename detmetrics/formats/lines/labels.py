"""The first words of lines as ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.formats.lines.decimals import is_number
from detmetrics.foundation.arrays import Ints, Objects, object_column
from detmetrics.tables.catalog import Id, Keys

__all__ = ["EXACT", "keys_of", "labels_of", "number_keys", "text_keys"]

EXACT = 1 << 53
"""Floats hold all whole numbers below this."""
MANY = 1 << 16
MOST_DIGITS = 20


def keys_of(column: Any) -> Keys:
    """A column of pandas as ids: whole numbers, or text."""
    if column.dtype == "category":
        categories = column.cat.categories.to_numpy(dtype=object)
        return _used(categories, column.cat.codes.to_numpy().astype(np.int64))
    if column.dtype.kind not in "iuf":
        return _factorized(column)
    return number_keys(column.to_numpy())


def number_keys(values: NDArray[Any]) -> Keys:
    """Whole numbers, or else numbers as text."""
    if values.dtype.kind == "f" and ((values == np.floor(values)) & (np.abs(values) < EXACT)).all():
        values = values.astype(np.int64)
    if values.dtype.kind in "iu" and (not len(values) or values.max() < 2**63):
        # Small numbers are their own code: counting costs far less than sorting.
        if len(values) and values.min() >= 0 and values.max() < MANY:
            return _used(np.arange(values.max() + 1), values)
        labels, code = np.unique(values, return_inverse=True)
        return Keys(labels, code)
    return text_keys([str(value) for value in values.tolist()])


def _used(labels: Objects, code: Ints) -> Keys:
    """Keys without the labels that no row has."""
    counts = np.bincount(code, minlength=len(labels))
    if counts.all():
        return Keys(labels, code)
    fresh = np.cumsum(counts > 0) - 1
    return Keys(labels[counts > 0], fresh[code])


def _factorized(column: Any) -> Keys:
    import pandas as pd

    code, labels = pd.factorize(column)
    return Keys(object_column([str(label) for label in labels]), code.astype(np.int64))


def text_keys(words: Sequence[Id]) -> Keys:
    """Texts as ids, in order of appearance."""
    code_of: dict[Id, int] = {}
    code = np.fromiter(
        (code_of.setdefault(word, len(code_of)) for word in words), np.int64, len(words)
    )
    return Keys(object_column([*code_of]), code)


def labels_of(words: list[str], text_label: bool) -> Keys:
    """Labels as whole numbers where all are such, else as they are written."""
    if not text_label and words and all(word.isascii() and word.isdigit() for word in words):
        numbers = [int(word.lstrip("0")[:MOST_DIGITS] or 0) for word in words]
        if max(numbers) < 2**63:
            return _numbered(np.array(numbers, np.int64))
    if not text_label and words and all(map(_is_whole, words)):
        return _numbered(np.array([int(float(word)) for word in words], np.int64))
    return text_keys(words)


def _numbered(numbers: Ints) -> Keys:
    labels, code = np.unique(numbers, return_inverse=True)
    return Keys(labels, code)


def _is_whole(word: str) -> bool:
    """Whether a word is a whole number that may be written with a point, as ``3.0``."""
    return (
        word != "difficult"
        and word.isascii()
        and is_number(word)
        and abs(float(word)) < EXACT
        and float(word).is_integer()
    )
