"""Text in chunks of a megabyte, which stay in cache, and where the fields of their lines stand.

Nothing is done line by line: all places that part two fields are found at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from detmetrics.formats.given import MARGIN, Contents, Text
from detmetrics.formats.lines.decimals import Span, span_of
from detmetrics.foundation.arrays import Bools, Ints
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS

__all__ = [
    "LONGEST_LINE",
    "SPACE",
    "Chunk",
    "IrregularError",
    "Places",
    "chunks_of",
    "ends_of",
    "places_of",
]

CHUNK = 1 << 20
"""Bytes of text at once. Temporaries are a few times as large, and stay in cache."""
LONGEST_LINE = 1 << 12
"""Longer lines are none of the formats that are read so, and are left to slower readers."""

TAB, NEWLINE, RETURN, SPACE = b"\t\n\r "
MARKS = [mark[0] for mark, _ in BYTE_ORDER_MARKS]


class IrregularError(Exception):
    """The lines are not what this reader takes."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, after the end of the one before.

    first, lines: the number of the first among all, and how many there are;
    file: the index of the file it starts in; stops: where files end, as positions in the span.
    """

    span: Span
    first: int
    lines: int
    file: int
    stops: Ints


@dataclass(frozen=True, slots=True)
class Places:
    """Where the fields of a chunk stand.

    end, length : (N,) where each field ends, and how long it is; count : (L,) the number of fields
    in each line; ends: the number of lines, among all, up to where each file ends.
    """

    end: Ints
    length: Ints
    count: Ints
    ends: Ints


def chunks_of(contents: Contents) -> Iterator[Chunk]:
    """All text, in order.

    Raises:
        IrregularError: a file begins with a mark of its encoding, or a line is very long.
    """
    first = before = 0
    for text, spans in zip(contents.blocks, contents.spans, strict=True):
        start, stop, following = spans.T
        if np.isin(text[start[stop > start]], MARKS).any():
            raise IrregularError
        file = 0
        for begin, end in pairwise([MARGIN, *_cuts(text)]):
            lines = int(np.count_nonzero(text[begin:end] == NEWLINE))
            files = int(np.searchsorted(following, end, "right"))
            stops = following[file:files] - (begin - 1)
            yield Chunk(span_of(text, begin - 1, end), first, lines, before + file, stops)
            first += lines
            file = files
        before += len(spans)


def _cuts(text: Text) -> Iterator[int]:
    """Where chunks end, each behind a line."""
    at = MARGIN
    while len(text) - at > CHUNK:
        tail = text[at + CHUNK - LONGEST_LINE : at + CHUNK]
        newline = np.flatnonzero(tail == NEWLINE)
        if not len(newline):
            raise IrregularError
        at += CHUNK - LONGEST_LINE + int(newline[-1]) + 1
        yield at
    yield len(text)


def places_of(chunk: Chunk) -> Places:
    """Where the fields of lines stand.

    Raises:
        IrregularError: other bytes than spaces, tabs and line ends part fields.
    """
    # for line in chunk:
    #     fields = line.split()
    # The span begins with the line break before the chunk, so a field lies between any two places
    # that part; those of no length are repeated spaces, or blank lines.
    text = chunk.span.text
    parting = np.flatnonzero(text <= SPACE)
    end: Ints = parting[1:]
    length: Ints = end - parting[:-1] - 1
    newline = _newlines(text, end)
    ends = _ends(chunk, end[newline])
    before = newline + 1  # fields up to the end of each line
    filled: Bools = length > 0
    if not filled.all():  # several spaces, or blank lines
        before = np.cumsum(filled, dtype=np.int64)[newline]
        end, length = end[filled], length[filled]
    return Places(end, length, np.diff(before, prepend=0), ends)


def ends_of(chunk: Chunk) -> Ints:
    """The number of lines, among all, up to where each file ends."""
    return _ends(chunk, np.flatnonzero(chunk.span.text[1:] == NEWLINE) + 1)


def _ends(chunk: Chunk, newline: Ints) -> Ints:
    return chunk.first + np.searchsorted(newline, chunk.stops)


def _newlines(text: Text, end: Ints) -> Ints:
    """Which of the bytes that part fields end a line; the others are spaces."""
    kind = text[end]
    newline = np.flatnonzero(kind == NEWLINE)
    # Of the other bytes up to a space only tabs part fields, and a return before its line break.
    if len(newline) + np.count_nonzero(kind == SPACE) < len(kind):
        followed = text[end[kind == RETURN] + 1]
        if not np.isin(kind, [TAB, NEWLINE, RETURN, SPACE]).all() or (followed != NEWLINE).any():
            raise IrregularError
    return newline
