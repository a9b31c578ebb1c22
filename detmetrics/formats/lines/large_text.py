"""Large text with lines of different shapes, read in pieces: only odd pieces take the slow path.

If most chunks were already read as columns (:mod:`detmetrics.formats.lines.fields`), only the odd
chunks are cut into pieces; otherwise all of the text is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from detmetrics.formats.given import Contents
from detmetrics.formats.lines.fields import Fields, lines_of, read_fields
from detmetrics.formats.lines.labels import EXACT, number_keys, text_keys
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.one_by_one import Asked, full_name, read_one_by_one, refuse_wrong
from detmetrics.formats.lines.pieces import Piece, groups, parts_of
from detmetrics.formats.lines.ragged import read_ragged
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS, decoded
from detmetrics.foundation.messages import FewTexts
from detmetrics.tables.catalog import Keys

__all__ = ["read_around_odd", "read_in_pieces"]

MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)
ODD = 2


def read_around_odd(fields: Fields, asked: Asked) -> Lines | None:
    """The lines of the chunks that were read, merged with those of the odd chunks.

    Returns None if an odd chunk cannot be read without the rest of its file.

    Raises:
        FormatError: lines are wrong.
    """
    regular = lines_of(fields, asked.files, asked.column)
    parts = [parts_of(chunk, regular.first) for chunk in fields.odd]
    if None in parts:
        return None
    each_group = chain.from_iterable(groups(part) for part in parts if part is not None)
    odd, faults = _all_pieces(each_group, asked)
    refuse_wrong(faults, len(regular) + sum(map(len, odd)), asked)
    found = [*_between(regular, [part for part in odd if len(part)])]
    return _joined(found, asked.files) if _alike(found) and not _any_large(found) else None


def _between(regular: Lines, odd: Sequence[Lines]) -> Iterator[Lines]:
    """All lines in order, with the lines of each odd piece in its original position."""
    number = np.arange(len(regular)) if regular.line is None else regular.line
    in_file = number - regular.first[regular.file]
    code = _codes(regular.label)
    first = [np.asarray(part.line)[0] + regular.first[part.file[0]] for part in odd]
    at = np.searchsorted(number, first)
    for begin, end, part in zip([0, *at], [*at, len(regular)], [*odd, None], strict=True):
        yield Lines(
            files=regular.files,
            file=regular.file[begin:end],
            line=in_file[begin:end],
            first=np.zeros(len(regular.files), np.int64),
            label=Keys(regular.label.labels, code[begin:end]).used(),
            numbers=regular.numbers[begin:end],
            width=regular.width[begin:end],
        )
        if part is not None:
            yield part


def _alike(found: Sequence[Lines]) -> bool:
    """Whether either all pieces have numbers as labels, or none has."""
    return len({part.label.labels.dtype == object for part in found if len(part)}) < 2


def _any_large(found: Sequence[Lines]) -> bool:
    """Whether a label is a number so large that it counts as one only if all labels are digits."""
    numbers = (part.label.labels for part in found if part.label.labels.dtype != object)
    return any(len(labels) and labels.max() >= EXACT for labels in numbers)


def read_in_pieces(parts: Sequence[bytes], asked: Asked) -> Lines:
    """Read large text, each piece by the fastest method that works.

    Raises:
        FormatError: lines are wrong, or a file is no text.
    """
    parts, latin = _in_utf8(parts, asked)
    whole = [(file, 0, part) for file, part in enumerate(parts)]
    found, faults = _all_pieces(groups(whole), asked)
    nothing = not found and not len(faults)  # only byte-order marks
    if nothing or _any_large(found):
        lines, faults = read_one_by_one(whole, asked)
        found = [lines]
    elif not _alike(found):  # a mix of numbers and words is all words
        found, faults = _all_pieces(groups(whole), asked._replace(text=True))
    refuse_wrong(faults, sum(map(len, found)), asked)
    return replace(_joined(found, asked.files), latin=latin)


def _in_utf8(parts: Sequence[bytes], asked: Asked) -> tuple[list[bytes], tuple[str, ...]]:
    """The texts as UTF-8, and the names of those read as Latin-1."""
    plain, latin = [], []
    for name, part in zip(asked.files, parts, strict=True):
        text, guessed = decoded(part, full_name(name, asked.path))
        plain.append(text.encode() if guessed or part.startswith(MARKS) else part)
        latin += [name] * guessed
    return plain, tuple(latin)


def _all_pieces(
    each_group: Iterable[Sequence[Piece]], asked: Asked
) -> tuple[list[Lines], FewTexts]:
    """The valid lines of each group of pieces, and the faults of the others."""
    found: list[Lines] = []
    faults, odd = FewTexts(), 0
    for group in each_group:
        # Where one piece after the other is odd, as polygons of any length are, so are all.
        lines = _as_columns(group, asked) if odd < ODD else None
        odd = 0 if lines is not None else odd + 1
        if lines is None:
            lines, wrong = _as_ragged(group, asked)
            if lines is None or (wrong and faults.wanted):
                lines, said = read_one_by_one(group, asked)
                faults.extend(said)
            else:
                faults.skip(wrong)
        if not asked.strict or not len(faults):
            found.append(lines)
    return found, faults


def _as_columns(group: Sequence[Piece], asked: Asked) -> Lines | None:
    contents = Contents([piece for _, _, piece in group])
    fields = read_fields(contents, text_label=asked.text, label=asked.column)
    if fields is None or fields.odd:
        return None
    found = lines_of(fields, ("",) * len(group), asked.column)
    line = np.arange(len(found)) if found.line is None else found.line
    return replace(found, **_placed(group, asked.files, found.file, line - found.first[found.file]))


def _as_ragged(group: Sequence[Piece], asked: Asked) -> tuple[Lines | None, int]:
    """Right lines of any length, and how many are wrong."""
    # What looks like words may be numbers between commas, which were tried before.
    contents = Contents([piece for _, _, piece in group])
    found = read_ragged(contents, text_label=asked.text, label=asked.column)
    if found is None:
        return None, 0
    file = np.repeat(np.arange(len(group)), found.lines)[found.line]
    line = found.line - (np.cumsum(found.lines) - found.lines)[file]
    lines = Lines(
        **_placed(group, asked.files, file, line),
        label=found.label,
        numbers=found.numbers,
        width=found.width,
    )
    return lines, found.wrong


def _placed(
    group: Sequence[Piece], files: tuple[str, ...], piece: Ints, line: Ints
) -> dict[str, Any]:
    """The file and line number of each row; piece, line : (R,) its piece and its line there."""
    return {
        "files": files,
        "file": np.array([file for file, _, _ in group])[piece],
        "line": line + np.array([lines for _, lines, _ in group])[piece],
        "first": np.zeros(len(files), np.int64),
    }


def _joined(found: Sequence[Lines], files: tuple[str, ...]) -> Lines:
    """Lines of several pieces, in order; labels are all numbers or all text."""
    some = [part for part in found if len(part)] or found[:1]
    return Lines(
        files=files,
        file=np.concatenate([part.file for part in found]),
        line=np.concatenate([np.asarray(part.line) for part in found]),
        first=np.zeros(len(files), np.int64),
        label=_one_label([part.label for part in some]),
        numbers=np.concatenate([part.values for part in found]),
        width=np.concatenate([part.width for part in found]),
    )


def _one_label(parts: Sequence[Keys]) -> Keys:
    """Labels of several pieces, all numbers or all text."""
    if parts[0].labels.dtype != object:
        return number_keys(np.concatenate([keys.labels[_codes(keys)] for keys in parts]))
    each = text_keys([label for keys in parts for label in keys.labels.tolist()])
    before = np.cumsum([0, *(len(keys.labels) for keys in parts)])
    code = [_codes(keys) + first for keys, first in zip(parts, before, strict=False)]
    return Keys(each.labels, _codes(each)[np.concatenate(code)])


def _codes(keys: Keys) -> Ints:
    return np.arange(len(keys.labels)) if keys.code is None else keys.code
