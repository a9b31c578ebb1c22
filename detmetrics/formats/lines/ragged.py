"""Text whose lines hold any number of words and numbers, all numbers of a chunk at once.

For what columns do not take: names of several words beside names of one, polygons of any length.
Of wrong lines only the number is told; what is wrong with the first of them is said where lines are
read one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.formats.given import Contents
from detmetrics.formats.lines.chunks import SPACE, Chunk, IrregularError, chunks_of, places_of
from detmetrics.formats.lines.decimals import Span, floats, meant_as_numbers
from detmetrics.formats.lines.fields import NUMERIC
from detmetrics.formats.lines.label_texts import (
    LONGEST_LABEL,
    LabelTexts,
    joined_labels,
    label_texts,
)
from detmetrics.formats.lines.labels import EXACT, number_keys
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.tables.catalog import Keys

__all__ = ["RaggedLines", "read_ragged"]

ASCII = 1 << 7


@dataclass(frozen=True, slots=True, kw_only=True)
class RaggedLines:
    """What stands in the lines that are right, blank ones left out.

    line : (R,) which of all lines; lines : (F,) how many each file has, blank ones too;
    label : (R,) numbers where all are; numbers, width : (R,) how many of the numbers stand in each;
    wrong: how many lines have a field that is no number, but for the label.
    """

    line: Ints
    lines: Ints
    label: Keys
    numbers: Floats
    width: Ints
    wrong: int


@dataclass(frozen=True, slots=True)
class _RaggedChunk:
    """As above; whole, words: labels as whole numbers, or else as text; ends: as in places."""

    wrong: int
    line: Ints
    ends: Ints
    numbers: Floats
    width: Ints
    whole: Floats
    words: LabelTexts | None


def read_ragged(contents: Contents, *, text_label: bool, label: int = 0) -> RaggedLines | None:
    """What stands in lines; None where they are of another kind.

    text_label: the label is text even where it is a number; label: how many numbers stand before.
    """
    try:
        found = [_read(chunk, text_label, label) for chunk in chunks_of(contents)]
        filled = [part for part in found if len(part.line)] or found[:1]
        if len({part.words is None for part in filled}) > 1:  # numbers here and words there
            return read_ragged(contents, text_label=True, label=label)
        words = joined_labels([part.words for part in filled])
    except IrregularError:
        return None
    ends = np.concatenate([part.ends for part in found])
    return RaggedLines(
        line=np.concatenate([part.line for part in filled]),
        lines=np.diff(ends, prepend=0),
        label=words or number_keys(np.concatenate([part.whole for part in filled])),
        numbers=np.concatenate([part.numbers for part in filled]),
        width=np.concatenate([part.width for part in filled]),
        wrong=sum(part.wrong for part in found),
    )


def _read(chunk: Chunk, text_label: bool, label: int) -> _RaggedChunk:
    # for line in chunk:
    #     fields = line.split()
    #     stop = label + 1
    #     while stop < len(fields) and not meant_as_number(fields[stop]):
    #         stop += 1
    #     label of the line = " ".join(fields[label:stop])
    #     numbers of the line = [float(field) for field in fields[:label] + fields[stop:]]
    places = places_of(chunk)
    span, end, length = chunk.span, places.end, places.length
    line = np.flatnonzero(places.count)
    count = places.count[line]
    if (count <= label).any():
        raise IrregularError
    word = np.cumsum(count) - count + label  # the first of each label
    row = np.repeat(np.arange(len(line)), count)
    values, wrong = _numbers(span, end, length, word)
    named = _in_label(span, end, length, word, row, wrong)
    wrong &= ~named
    right = np.ones(len(line), bool)
    right[row[wrong]] = False
    words = np.bincount(row[named], minlength=len(line))
    whole, texts = _labels(span, end, length, word[right], words[right], text_label)
    return _RaggedChunk(
        wrong=int(np.count_nonzero(~right)),
        line=chunk.first + line[right],
        ends=places.ends,
        numbers=values[~named & right[row]],
        width=(count - words)[right],
        whole=whole,
        words=texts,
    )


def _numbers(span: Span, end: Ints, length: Ints, word: Ints) -> tuple[Floats, Bools]:
    """(N,) the fields as numbers, and which are none; words : fields that are not asked."""
    asked = np.ones(len(end), bool)
    asked[word] = False
    values, wrong = np.zeros(len(end)), np.zeros(len(end), bool)
    values[asked], wrong[asked] = floats(span, end[asked], length[asked])
    return values, wrong


def _in_label(span: Span, end: Ints, length: Ints, word: Ints, row: Ints, wrong: Bools) -> Bools:
    """(N,) which fields belong to labels: words up to the first number, or what is meant as one."""
    named = np.zeros(len(end), bool)
    named[word] = True
    at = np.flatnonzero(wrong)
    if len(at):
        number = ~wrong
        number[at] = meant_as_numbers(span, end[at], length[at])
        number[named] = False
        seen = np.cumsum(number)
        behind = np.arange(len(end)) > word[row]
        named |= behind & (seen == seen[word][row])
    return named


def _labels(
    span: Span, end: Ints, length: Ints, word: Ints, words: Ints, text_label: bool
) -> tuple[Floats, LabelTexts | None]:
    """Labels as whole numbers, or as text; word, words : (R,) the first of each, and how many."""
    if not len(word):
        return np.zeros(0), None
    last = end[word + words - 1]
    places = last, last - end[word] + length[word]
    if places[1].max() > LONGEST_LABEL:
        raise IrregularError
    for more in range(1, int(words.max())):
        # They are taken as they stand there, so one space must stand between two.
        later = word[words > more] + more
        before = end[later - 1]
        if ((end[later] - length[later] - before != 1) | (span.text[before] != SPACE)).any():
            raise IrregularError
    whole = None if text_label or words.max() > 1 else _whole(span, *places)
    return (np.zeros(0), label_texts(span, *places)) if whole is None else (whole, None)


def _whole(span: Span, end: Ints, length: Ints) -> Floats | None:
    """Labels as whole numbers; None where one is none."""
    if not np.isin(span.text[end - length], NUMERIC).all():
        return None
    found, wrong = floats(span, end, length)
    if (span.text >= ASCII).any() or (np.abs(found[~wrong]) >= EXACT).any():
        raise IrregularError
    return None if wrong.any() or (found != np.floor(found)).any() else found
