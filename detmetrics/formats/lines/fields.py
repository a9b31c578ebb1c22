"""Text files whose lines are all alike, a word and as many numbers in each, as columns.

Chunks of text are read on two threads, and the numbers of a column at once
(:mod:`detmetrics.formats.lines.decimals`). Chunks with a line of another shape are skipped.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.formats.given import Contents
from detmetrics.formats.lines.chunks import (
    LONGEST_LINE,
    Chunk,
    IrregularError,
    chunks_of,
    ends_of,
    places_of,
)
from detmetrics.formats.lines.decimals import Span, floats
from detmetrics.formats.lines.label_texts import LabelTexts, joined_labels, label_texts
from detmetrics.formats.lines.labels import EXACT, number_keys
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.parallel import each
from detmetrics.tables.catalog import Keys

__all__ = ["NUMERIC", "Fields", "lines_of", "read_fields"]

MOST_FIELDS = 64
FEW_ODD = 1
NOT_ASCII = 1 << 7
NUMERIC = np.frombuffer(b"0123456789+-.", np.uint8)
"""What numbers begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields of all lines except blank ones.

    line : (R,) line numbers, None if every line is a row;
    lines : (F,) the number of lines per file, blank ones included;
    words : (R,) the labels as text, None if all of them are numbers;
    columns : (C, R) the fields as numbers; the column of text labels has no meaning;
    odd: the chunks that were skipped, because some lines have another shape than the first line.
    """

    line: Ints | None
    lines: Ints
    words: Keys | None
    columns: Floats
    odd: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The lines of a chunk that are not blank.

    line : (R,) which of its lines; ends: the number of lines, among all, up to where each file
    ends; end, length : (C, R) where the fields end, and how long they are.
    """

    line: Ints
    ends: Ints
    end: Ints
    length: Ints


@dataclass(frozen=True, slots=True)
class _FieldsOfChunk:
    """line, words: as in fields; ends: the number of lines up to where each file ends."""

    line: Ints
    ends: Ints
    words: LabelTexts | None


def read_fields(contents: Contents, *, text_label: bool, label: int = 0) -> Fields | None:
    """The fields of files whose lines all have the same shape; other chunks are skipped.

    text_label: keep labels as text even if they are numbers; label: the column of the label.
    Returns None if no chunk can be read.
    """
    try:
        chunks = [*chunks_of(contents)]
        columns = _table(chunks, label)
        each_read = _read_all(chunks, columns, text_label, label)
        found = [part for part in each_read if part is not None]
        if not found:
            return None
        words = joined_labels([part.words for part in found if len(part.line)])
    except IrregularError:
        return None
    both = [*zip(chunks, each_read, strict=True)]
    ends = np.concatenate([ends_of(chunk) if part is None else part.ends for chunk, part in both])
    line = None
    if sum(len(part.line) for part in found) < columns.shape[1]:
        line = np.concatenate([part.line for part in found])
        columns = columns[:, line]
    return Fields(
        line=line,
        lines=np.diff(ends, prepend=0),
        words=words,
        columns=columns,
        odd=tuple(chunk for chunk, part in both if part is None),
    )


def _read_all(
    chunks: Sequence[Chunk], columns: Floats, text_label: bool, label: int
) -> list[_FieldsOfChunk | None]:
    """Put the numbers of all chunks into their columns; None for chunks that are odd."""
    odd: list[int] = []

    def read(numbered: tuple[int, Chunk]) -> _FieldsOfChunk | None:
        number, chunk = numbered
        # If about half of the chunks are odd, trying the rest is a waste: skip them.
        if len(odd) <= FEW_ODD + number // 2:
            with contextlib.suppress(IrregularError):
                return _read(chunk, columns, text_label, label)
        odd.append(number)
        return None

    return each(read, enumerate(chunks))


def _width(chunks: Sequence[Chunk], label: int) -> int:
    """How many fields the first line has."""
    starts = (chunk.span.text[:LONGEST_LINE].tobytes() for chunk in chunks)
    counts = (len(line.split()) for start in starts for line in start.splitlines())
    width = next(filter(None, counts), 0)
    if not max(2, label + 1) <= width <= MOST_FIELDS:
        raise IrregularError
    return width


def _table(chunks: Sequence[Chunk], label: int) -> Floats:
    """(C, R) room for as many columns as the first line has fields, and for all lines."""
    width = _width(chunks, label)
    lines = sum(chunk.lines for chunk in chunks)
    # A field takes two bytes at least, so only blank lines can ask for much more room than text.
    if width * lines > sum(len(chunk.span.text) for chunk in chunks):
        raise IrregularError
    return np.empty((width, lines))


def _read(chunk: Chunk, columns: Floats, text_label: bool, label: int) -> _FieldsOfChunk:
    """Put the numbers of a chunk into their columns."""
    rows = _rows(chunk, len(columns))
    words = None
    if len(rows.line):
        own = columns[:, chunk.first : chunk.first + chunk.lines]
        at = rows.line if len(rows.line) < chunk.lines else slice(None)
        words = _put(own, at, chunk.span, rows, text_label, label)
    return _FieldsOfChunk(chunk.first + rows.line, rows.ends, words)


def _rows(chunk: Chunk, width: int) -> _Rows:
    """Where the fields of lines stand, in lines that all have as many."""
    # for line in chunk:
    #     fields = line.split()
    #     if len(fields) not in (0, width): the lines are not all alike
    #     columns[:, number of the line] = fields
    places = places_of(chunk)
    line = np.flatnonzero(places.count)
    if (places.count[line] != width).any():
        raise IrregularError
    # All lines have the same number of fields: reshape to one row per line, then transpose.
    end, length = (column.reshape(-1, width).T for column in (places.end, places.length))
    return _Rows(line, places.ends, end, length)


def _put(
    table: Floats, at: Ints | slice, span: Span, rows: _Rows, text_label: bool, label: int
) -> LabelTexts | None:
    """Put numbers into ``table[:, at]``; the labels are returned where they are none."""
    fields = [*enumerate(zip(rows.end, rows.length, strict=True))]
    _, first = fields.pop(label)
    for column, places in fields:
        table[column, at] = _all_numbers(span, *places)
    whole = None if text_label else _whole(span, *first)
    if whole is None:
        return label_texts(span, *first)
    table[label, at] = whole
    return None


def _all_numbers(span: Span, end: Ints, length: Ints) -> Floats:
    found, wrong = floats(span, end, length)
    if wrong.any():
        raise IrregularError
    return found


def _whole(span: Span, end: Ints, length: Ints) -> Floats | None:
    """Labels as whole numbers; None if one is not, because then all labels are text."""
    if not np.isin(span.text[end - length], NUMERIC).all():
        return None
    found, wrong = floats(span, end, length)
    if wrong.any() or (found != np.floor(found)).any():
        return None
    # float() also reads digits of other scripts, but such labels are text.
    if (np.abs(found) >= EXACT).any() or (span.text >= NOT_ASCII).any():
        raise IrregularError
    return found


def lines_of(found: Fields, files: tuple[str, ...], label: int) -> Lines:
    """Fields as lines; label: the column of the label."""
    file = np.repeat(np.arange(len(files)), found.lines)
    numbers = _others(found.columns, label).T
    return Lines(
        files=files,
        file=file if found.line is None else file[found.line],
        line=found.line,
        first=np.cumsum(found.lines) - found.lines,
        label=number_keys(found.columns[label]) if found.words is None else found.words,
        numbers=numbers,
        width=np.broadcast_to(np.int64(numbers.shape[1]), len(numbers)),
    )


def _others(columns: Floats, label: int) -> Floats:
    """Without that of labels; no copy where it is the first."""
    return columns[1:] if label == 0 else np.delete(columns, label, axis=0)
