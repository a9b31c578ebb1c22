"""Labels of very many lines as text, the different ones decoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.formats.lines.chunks import IrregularError
from detmetrics.formats.lines.decimals import Span, Words, words
from detmetrics.foundation.arrays import Ints, object_column
from detmetrics.tables.catalog import Keys

__all__ = ["LONGEST_LABEL", "LabelTexts", "joined_labels", "label_texts"]

LONGEST_LABEL = 64
"""Longer texts are no names of classes, and are left to slower readers."""


@dataclass(frozen=True, slots=True)
class LabelTexts:
    """parts : (P, U) eight characters each of different texts, the last first; code : (R,)."""

    parts: Words
    code: Ints


def label_texts(span: Span, end: Ints, length: Ints) -> LabelTexts:
    """The labels as written; end, length : (R,) where each ends, and its length.

    Raises:
        IrregularError: one is very long.
    """
    longest = int(length.max())
    if longest > LONGEST_LABEL:
        raise IrregularError
    # Eight characters at a time from the end of each text; zeros in front, where it is shorter.
    seen = range(0, longest, 8)
    parts = np.stack([words(span, np.maximum(end - at, 0), length - at) for at in seen])
    code = _coded(parts)
    return LabelTexts(parts[:, _first(code)], code)


def _coded(parts: Words) -> Ints:
    """(n,) the number of each of n texts among the different ones; parts : (P, n)."""
    # Texts are equal where all their parts are. Each part is numbered, and the pair of numbers so
    # far and of this part is one number below n * n, which is numbered in its turn.
    code: Ints = np.searchsorted(np.unique(parts[0]), parts[0])
    for part in parts[1:]:
        pairs = code * len(code) + np.searchsorted(np.unique(part), part)
        code = np.searchsorted(np.unique(pairs), pairs)
    return code


def joined_labels(found: Sequence[LabelTexts | None]) -> Keys | None:
    """Labels of all chunks as text, in order of appearance; None where they are numbers.

    Raises:
        IrregularError: numbers here and text there, or no text.
    """
    own = [texts for texts in found if texts is not None]
    if not own:
        return None
    if len(own) < len(found):
        raise IrregularError
    most = max(len(one.parts) for one in own)
    missing = [((0, most - len(one.parts)), (0, 0)) for one in own]
    parts = np.concatenate(
        [np.pad(one.parts, fill) for one, fill in zip(own, missing, strict=True)], axis=1
    )
    # Every chunk has numbered its own labels; here they get a number among all.
    number = _coded(parts)
    before = np.cumsum([0, *(one.parts.shape[1] for one in own)])
    code = np.concatenate(
        [number[one.code + first] for one, first in zip(own, before, strict=False)]
    )
    order = np.argsort(_first(code))  # numbers in order of appearance; argsort of it is its inverse
    try:
        texts = [_text(parts[::-1, at]) for at in _first(number)[order].tolist()]
    except UnicodeDecodeError:
        raise IrregularError from None
    return Keys(object_column(texts), np.argsort(order)[code])


def _first(code: Ints) -> Ints:
    """Where each number from 0 on stands first; none is left out."""
    first = np.empty(code.max() + 1, np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]  # what is written last stays
    return first


def _text(parts: Words) -> str:
    return parts.astype("<u8").tobytes().lstrip(b"\0").decode()
