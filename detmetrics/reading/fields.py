"""Text files whose lines are all alike, a word and as many numbers in each, as columns.

The text of all files is cut into pieces of a megabyte, which stay in cache, and these are read on
two threads. Nothing is done line by line: all places that part two fields are found at once, and
the numbers of a column are read at once (:mod:`detmetrics.reading.decimals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from detmetrics.arrays import Floats, Ints, object_column
from detmetrics.catalog import Id, Keys
from detmetrics.parallel import each
from detmetrics.reading.decimals import Span, floats, span_of, tokens, words
from detmetrics.reading.given import BYTE_ORDER_MARKS, MARGIN, Contents, Text

__all__ = ["Fields", "read_fields"]

PIECE = 1 << 20
LONGEST_LINE = 1 << 12
MOST_FIELDS = LONGEST_WORD = 64
EXACT = 1 << 53
"""Floats hold all whole numbers below this."""

TAB, NEWLINE, RETURN, SPACE = b"\t\n\r "
MARKS = [mark[0] for mark, _ in BYTE_ORDER_MARKS]


class Irregular(Exception):
    """The lines are not all alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What stands in lines, blank ones left out.

    line : (R,) which of all lines; lines : (F,) how many each file has, blank ones too;
    words : (R,) the first word of each line as text, None where it is a number in all;
    columns : (C, R) what stands there as numbers; the first is without meaning if it is text.
    """

    line: Ints
    lines: Ints
    words: Keys | None
    columns: Floats


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole lines, after the end of the one before.

    first, lines: the number of the first among all, and how many there are;
    ends: where files end, as places in the span.
    """

    span: Span
    first: int
    lines: int
    ends: Ints


@dataclass(frozen=True, slots=True)
class _Found:
    """line, words: as in fields; ends: the number of lines up to where each file ends."""

    line: Ints
    ends: Ints
    words: Keys | None


def read_fields(contents: Contents, *, text_label: bool) -> Fields | None:
    """What stands in files whose lines are all alike; None where they are not.

    text_label: the first word is text even where it is a number.
    """
    try:
        pieces = [*_pieces(contents)]
        columns = np.empty((_width(pieces), sum(piece.lines for piece in pieces)))
        found = each(lambda piece: _read(piece, columns, text_label), pieces)
        words = _joined([part.words for part in found])
    except Irregular:
        return None
    line = np.concatenate([part.line for part in found])
    return Fields(
        line=line,
        lines=np.diff(np.concatenate([part.ends for part in found]), prepend=0),
        words=words,
        columns=columns if len(line) == columns.shape[1] else columns[:, line],
    )


def _pieces(contents: Contents) -> Iterator[_Piece]:
    first = 0
    for text, spans in zip(contents.blocks, contents.spans, strict=True):
        start, stop, following = spans.T
        if np.isin(text[start[stop > start]], MARKS).any():
            raise Irregular
        file = 0
        for begin, end in pairwise([MARGIN, *_cuts(text)]):
            lines = int(np.count_nonzero(text[begin:end] == NEWLINE))
            files = int(np.searchsorted(following, end, "right"))
            ends = following[file:files] - (begin - 1)
            yield _Piece(span_of(text, begin - 1, end), first, lines, ends)
            first += lines
            file = files


def _cuts(text: Text) -> Iterator[int]:
    """Where pieces end, each behind a line."""
    at = MARGIN
    while len(text) - at > PIECE:
        tail = text[at + PIECE - LONGEST_LINE : at + PIECE]
        newline = np.flatnonzero(tail == NEWLINE)
        if not len(newline):
            raise Irregular
        at += PIECE - LONGEST_LINE + int(newline[-1]) + 1
        yield at
    yield len(text)


def _width(pieces: Sequence[_Piece]) -> int:
    """How many fields the first line has."""
    for piece in pieces:
        for line in piece.span.text[:LONGEST_LINE].tobytes().splitlines():
            if fields := line.split():
                if not 2 <= len(fields) <= MOST_FIELDS:
                    raise Irregular
                return len(fields)
    raise Irregular


def _read(piece: _Piece, columns: Floats, text_label: bool) -> _Found:
    """Put the numbers of a piece into their columns."""
    text, width = piece.span.text, len(columns)
    parting = np.flatnonzero(text <= SPACE)
    end, length = parting[1:], np.diff(parting) - 1
    newline = _newlines(text, end)
    ends = piece.first + np.searchsorted(end[newline], piece.ends)
    fields = newline + 1
    filled = length > 0
    if not filled.all():  # several spaces, or blank lines
        fields = np.cumsum(filled)[newline]
        end, length = end[filled], length[filled]
    fields = np.diff(fields, prepend=0)
    line = np.flatnonzero(fields)
    if (fields[line] != width).any():
        raise Irregular
    line += piece.first
    rows = line if len(line) < len(fields) else slice(piece.first, piece.first + piece.lines)
    (first, *others) = zip(end.reshape(-1, width).T, length.reshape(-1, width).T, strict=True)
    for column, field in enumerate(others, start=1):
        columns[column, rows] = _numbers(piece.span, *field)
    found = None if text_label else _whole(piece.span, *first)
    if found is None:
        return _Found(line, ends, _words(piece.span, *first))
    columns[0, rows] = found
    return _Found(line, ends, None)


def _newlines(text: Text, end: Ints) -> Ints:
    """Which of the bytes that part fields end a line; the others are spaces."""
    kind = text[end]
    newline = np.flatnonzero(kind == NEWLINE)
    if len(newline) + np.count_nonzero(kind == SPACE) < len(kind):
        followed = text[end[kind == RETURN] + 1]
        if not np.isin(kind, [TAB, NEWLINE, RETURN, SPACE]).all() or (followed != NEWLINE).any():
            raise Irregular
    return newline


def _numbers(span: Span, end: Ints, length: Ints) -> Floats:
    found = floats(span, end, length)
    if found is None:
        raise Irregular
    return found


def _whole(span: Span, end: Ints, length: Ints) -> Floats | None:
    """First words as whole numbers; None where some are none."""
    found = floats(span, end, length)
    if found is not None and not ((found == np.floor(found)) & (np.abs(found) < EXACT)).all():
        raise Irregular
    return found


def _words(span: Span, end: Ints, length: Ints) -> Keys:
    """First words as text, in order of appearance; eight characters of all are taken at once."""
    longest = int(length.max(initial=0))
    if longest > LONGEST_WORD:
        raise Irregular
    code = np.zeros(len(end), np.int64)
    for seen in range(0, longest, 8):
        _, part = np.unique(words(span, end - seen, length - seen), return_inverse=True)
        _, row, code = np.unique(
            code * len(end) + part, return_index=True, return_inverse=True
        )
    order = np.argsort(row)
    row = row[order]
    try:
        found = [token.decode() for token in tokens(span, end[row], length[row])]
    except UnicodeDecodeError:
        raise Irregular from None
    return Keys(object_column(found), np.argsort(order)[code])


def _joined(parts: Sequence[Keys | None]) -> Keys | None:
    """First words of all pieces, in order of appearance."""
    keys = [part for part in parts if part is not None]
    if not keys:
        return None
    if len(keys) < len(parts):
        raise Irregular
    place: dict[Id, int] = {}
    codes = [
        np.array([place.setdefault(word, len(place)) for word in part.labels.tolist()], int)
        for part in keys
    ]
    code = np.concatenate([of[part.code] for of, part in zip(codes, keys, strict=True)])
    return Keys(object_column([*place]), code)
