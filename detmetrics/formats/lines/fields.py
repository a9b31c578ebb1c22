"""Text files whose lines are all alike, a word and as many numbers in each, as columns.

The text of all files is cut into pieces of a megabyte, which stay in cache, and these are read on
two threads. Nothing is done line by line: all places that part two fields are found at once, and
the numbers of a column are read at once (:mod:`detmetrics.formats.lines.decimals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from detmetrics.formats.given import MARGIN, Contents, Text
from detmetrics.formats.lines.decimals import Span, Words, floats, span_of, words
from detmetrics.foundation.arrays import Bools, Floats, Ints, object_column
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS
from detmetrics.foundation.parallel import each
from detmetrics.tables.catalog import Keys

__all__ = ["Fields", "count_wrong", "read_fields"]

PIECE = 1 << 20
"""Bytes of text at once. Temporaries are a few times as large, and stay in cache."""
LONGEST_LINE = 1 << 12
MOST_FIELDS = LONGEST_WORD = 64
"""Lines beyond these are none of the formats that are read so, and are left to slower readers."""
EXACT = 1 << 53
"""Floats hold all whole numbers below this."""

TAB, NEWLINE, RETURN, SPACE = b"\t\n\r "
NUMERIC = np.frombuffer(b"0123456789+-.", np.uint8)
MARKS = [mark[0] for mark, _ in BYTE_ORDER_MARKS]


class IrregularError(Exception):
    """The lines are not all alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What stands in lines, blank ones left out.

    line : (R,) which of all lines, None where none is blank;
    lines : (F,) how many each file has, blank ones too;
    words : (R,) the label of each line as text, None where it is a number in all;
    columns : (C, R) what stands there as numbers; that of labels is without meaning if it is text.
    """

    line: Ints | None
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
class _Rows:
    """The lines of a piece that are not blank.

    line : (R,) which of its lines; ends: the number of lines, among all, up to where each file
    ends; end, length : (C, R) where the fields end, and how long they are.
    """

    line: Ints
    ends: Ints
    end: Ints
    length: Ints


@dataclass(frozen=True, slots=True)
class _Words:
    """parts : (P, U) eight characters each of different texts, the last first; code : (R,)."""

    parts: Words
    code: Ints


@dataclass(frozen=True, slots=True)
class _FieldPlaces:
    """line, words: as in fields; ends: the number of lines up to where each file ends; more: how
    many fields behind the first belong to each label.
    """

    line: Ints
    ends: Ints
    words: _Words | None
    more: int


def read_fields(
    contents: Contents, *, text_label: bool, label: int = 0, whole_labels: bool = False
) -> Fields | None:
    """What stands in files whose lines are all alike; None where they are not.

    text_label: the label is text even where it is a number; label: the column that it stands in;
    whole_labels: it may have several words, and ends before the first number behind it.
    """
    try:
        pieces = [*_pieces(contents)]
        columns = _table(pieces, label)
        found = each(lambda piece: _read(piece, columns, text_label, label, whole_labels), pieces)
        filled = [part for part in found if len(part.line)]
        words = _joined([part.words for part in filled])
        more = {part.more for part in filled} or {0}
        if len(more) > 1:
            raise IrregularError
        columns = columns[: len(columns) - more.pop()]
    except IrregularError:
        return None
    line = None
    if sum(len(part.line) for part in found) < columns.shape[1]:
        line = np.concatenate([part.line for part in found])
        columns = columns[:, line]
    ends = np.concatenate([part.ends for part in found])
    return Fields(line=line, lines=np.diff(ends, prepend=0), words=words, columns=columns)


def count_wrong(contents: Contents, *, label: int = 0) -> int | None:
    """How many lines have a field that is no number, but for the label.

    None where columns do not tell: lines of several lengths.
    """
    try:
        pieces = [*_pieces(contents)]
        width = _width(pieces, label)
        return sum(each(lambda piece: _wrong(piece, width, label), pieces))
    except IrregularError:
        return None


def _wrong(piece: _Piece, width: int, label: int) -> int:
    rows = _rows(piece, width)
    wrong, in_label = np.zeros(len(rows.line), bool), np.ones(len(rows.line), bool)
    for column, places in enumerate(zip(rows.end, rows.length, strict=True)):
        if column == label:
            continue
        _, bad = floats(piece.span, *places)
        if column > label:  # words up to the first number belong to the label
            in_label &= bad
            bad &= ~in_label
        wrong |= bad
    return int(np.count_nonzero(wrong))


def _pieces(contents: Contents) -> Iterator[_Piece]:
    first = 0
    for text, spans in zip(contents.blocks, contents.spans, strict=True):
        start, stop, following = spans.T
        if np.isin(text[start[stop > start]], MARKS).any():
            raise IrregularError
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
            raise IrregularError
        at += PIECE - LONGEST_LINE + int(newline[-1]) + 1
        yield at
    yield len(text)


def _width(pieces: Sequence[_Piece], label: int) -> int:
    """How many fields the first line has."""
    starts = (piece.span.text[:LONGEST_LINE].tobytes() for piece in pieces)
    counts = (len(line.split()) for start in starts for line in start.splitlines())
    width = next(filter(None, counts), 0)
    if not max(2, label + 1) <= width <= MOST_FIELDS:
        raise IrregularError
    return width


def _table(pieces: Sequence[_Piece], label: int) -> Floats:
    """(C, R) room for as many columns as the first line has fields, and for all lines."""
    width = _width(pieces, label)
    lines = sum(piece.lines for piece in pieces)
    # A field takes two bytes at least, so only blank lines can ask for much more room than text.
    if width * lines > sum(len(piece.span.text) for piece in pieces):
        raise IrregularError
    return np.empty((width, lines))


def _read(
    piece: _Piece, columns: Floats, text_label: bool, label: int, whole_labels: bool
) -> _FieldPlaces:
    """Put the numbers of a piece into their columns."""
    rows = _rows(piece, len(columns))
    words, more = None, 0
    if len(rows.line):
        if whole_labels:
            rows, more = _with_whole_labels(piece.span, rows, label)
        own = columns[:, piece.first : piece.first + piece.lines]
        at = rows.line if len(rows.line) < piece.lines else slice(None)
        words = _put(own, at, piece.span, rows, text_label or more > 0, label)
    return _FieldPlaces(piece.first + rows.line, rows.ends, words, more)


def _rows(piece: _Piece, width: int) -> _Rows:
    """Where the fields of lines stand, in lines that all have as many."""
    # for line in piece:
    #     fields = line.split()
    #     if len(fields) not in (0, width): the lines are not all alike
    #     columns[:, number of the line] = fields
    # The span begins with the line break before the piece, so a field lies between any two places
    # that part; those of no length are repeated spaces, or blank lines.
    text = piece.span.text
    parting = np.flatnonzero(text <= SPACE)
    end: Ints = parting[1:]
    length: Ints = end - parting[:-1] - 1
    newline = _newlines(text, end)
    ends = piece.first + np.searchsorted(end[newline], piece.ends)
    before = newline + 1  # fields up to the end of each line
    filled: Bools = length > 0
    if not filled.all():  # several spaces, or blank lines
        before = np.cumsum(filled, dtype=np.int64)[newline]
        end, length = end[filled], length[filled]
    fields = np.diff(before, prepend=0)  # in each line
    line = np.flatnonzero(fields)
    if (fields[line] != width).any():
        raise IrregularError
    # All lines have the same number of fields: reshape to one row per line, then transpose.
    return _Rows(line, ends, end.reshape(-1, width).T, length.reshape(-1, width).T)


def _with_whole_labels(span: Span, rows: _Rows, label: int) -> tuple[_Rows, int]:
    """Labels with all their words, and how many words stand behind the first.

    A label ends before the first number behind it (``traffic light 0.5 10 10 20 20``).
    """
    more = 0
    while label + more + 1 < len(rows.end) and _is_word(span, rows, label + more + 1):
        more += 1
        end, length = rows.end[label + more], rows.length[label + more]
        _, wrong = floats(span, end, length)
        before = rows.end[label + more - 1]
        # One space, as that is how the words of a label are joined.
        apart = (end - length - before != 1) | (span.text[before] != SPACE)
        if not wrong.all() or apart.any():
            raise IrregularError
    if not more:
        return rows, 0
    last = label + more
    whole = rows.end[last] - (rows.end[label] - rows.length[label])
    end = np.delete(rows.end, slice(label, last), axis=0)
    length = np.delete(rows.length, slice(label, last), axis=0)
    length[label] = whole
    return replace(rows, end=end, length=length), more


def _is_word(span: Span, rows: _Rows, column: int) -> bool:
    """Whether the first line has no number there."""
    end, length = rows.end[column][:1], rows.length[column][:1]
    return bool(floats(span, end, length)[1][0])


def _put(
    table: Floats, at: Ints | slice, span: Span, rows: _Rows, text_label: bool, label: int
) -> _Words | None:
    """Put numbers into ``table[:, at]``; the labels are returned where they are none."""
    fields = [*enumerate(zip(rows.end, rows.length, strict=True))]
    _, first = fields.pop(label)
    for column, places in fields:
        table[column, at] = _all_numbers(span, *places)
    if text_label or not _numeric(span, *first):
        return _words(span, *first)
    table[label, at] = _whole(span, *first)
    return None


def _all_numbers(span: Span, end: Ints, length: Ints) -> Floats:
    found, wrong = floats(span, end, length)
    if wrong.any():
        raise IrregularError
    return found


def _numeric(span: Span, end: Ints, length: Ints) -> bool:
    """Whether texts begin as numbers do, all or none."""
    begins = np.isin(span.text[end - length], NUMERIC)
    if begins.any() and not begins.all():
        raise IrregularError
    return bool(begins.all())


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


def _whole(span: Span, end: Ints, length: Ints) -> Floats:
    """Labels as whole numbers."""
    found = _all_numbers(span, end, length)
    if not ((found == np.floor(found)) & (np.abs(found) < EXACT)).all():
        raise IrregularError
    return found


def _words(span: Span, end: Ints, length: Ints) -> _Words:
    """Labels as they stand there."""
    longest = int(length.max())
    if longest > LONGEST_WORD:
        raise IrregularError
    # Eight characters at a time from the end of each text; zeros in front, where it is shorter.
    parts = np.stack([words(span, end - seen, length - seen) for seen in range(0, longest, 8)])
    code = _coded(parts)
    return _Words(parts[:, _first(code)], code)


def _coded(parts: Words) -> Ints:
    """(n,) the number of each of n texts among the different ones; parts : (P, n)."""
    # Texts are equal where all their parts are. Each part is numbered, and the pair of numbers so
    # far and of this part is one number below n * n, which is numbered in its turn.
    code: Ints = np.searchsorted(np.unique(parts[0]), parts[0])
    for part in parts[1:]:
        pairs = code * len(code) + np.searchsorted(np.unique(part), part)
        code = np.searchsorted(np.unique(pairs), pairs)
    return code


def _joined(found: Sequence[_Words | None]) -> Keys | None:
    """Labels of all pieces as text, in order of appearance."""
    own = [words for words in found if words is not None]
    if not own:
        return None
    if len(own) < len(found):
        raise IrregularError
    most = max(len(words.parts) for words in own)
    missing = [((0, most - len(words.parts)), (0, 0)) for words in own]
    parts = np.concatenate(
        [np.pad(words.parts, fill) for words, fill in zip(own, missing, strict=True)], axis=1
    )
    # Every piece has numbered its own labels; here they get a number among all.
    number = _coded(parts)
    before = np.cumsum([0, *(words.parts.shape[1] for words in own)])
    code = np.concatenate(
        [number[words.code + first] for words, first in zip(own, before, strict=False)]
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
