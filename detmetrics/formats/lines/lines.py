"""Lines of text, a box each: a word and then numbers, as columns.

Nearly every file holds the same number of numbers in every line, so all files of a folder are read
at once, as columns (:mod:`detmetrics.formats.lines.fields`). What is not so (polygons of any
length, names of several words, faults) is read again line by line, of large text only the pieces
that need it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from detmetrics.formats.given import Contents
from detmetrics.formats.lines.decimals import as_number, is_number
from detmetrics.formats.lines.fields import count_wrong, read_fields
from detmetrics.formats.lines.labels import labels_of, number_keys, text_keys
from detmetrics.formats.lines.pieces import LARGE, Piece, groups
from detmetrics.formats.lines.separators import spaced, thousands
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS, decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import FewTexts, counted, printable, shown
from detmetrics.tables.catalog import Keys
from detmetrics.tables.columns import LARGEST

__all__ = ["Lines", "read_lines"]

MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)
WORD = re.compile(r"[^ \t\n\r\f\v]+")
ODD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What stands in the lines of one or several files.

    files: (F,) their names; file : (R,) which of them; line : (R,) counted through all files, None
    where every line is a row; first : (F,) the number of the first line of each file;
    label : (R,) the word of each line, the first unless asked otherwise; numbers: of all lines, one
    line after the other, or (R, C) where all hold as many; width : (R,) how many each line holds.
    latin: files that are not in UTF-8 and were taken for Latin-1; separators: what parts numbers,
    where it is no space.
    """

    files: tuple[str, ...]
    file: Ints
    line: Ints | None
    first: Ints
    label: Keys
    numbers: Floats
    width: Ints
    latin: tuple[str, ...] = ()
    separators: str = ""

    def __len__(self) -> int:
        return len(self.file)

    @property
    def start(self) -> Ints:
        """(R + 1,) where the numbers of each line begin among the values."""
        return np.append(0, np.cumsum(self.width))

    @property
    def usual_width(self) -> int:
        """How many numbers most lines hold."""
        return int(np.bincount(self.width).argmax()) if len(self) else 0

    @property
    def values(self) -> Floats:
        """The numbers of all lines, one line after the other."""
        return self.numbers.ravel()

    def place(self, row: int) -> str:
        """The file and the line of a row."""
        file, line = self.file[row], row if self.line is None else self.line[row]
        return f"{printable(self.files[file])}:{line - self.first[file] + 1}"

    def notes(self, path: str) -> tuple[str, ...]:
        """What a reader of the numbers should know about the text itself."""
        notes = [f"{path}: numbers are separated by {self.separators}"] if self.separators else []
        if self.latin:
            what = counted(len(self.latin), "file is", "files are")
            first = printable(self.latin[0])
            notes.append(f"{path}: {what} not in UTF-8 and taken for Latin-1, first {first}")
        return tuple(notes)

    def matrix(self, columns: int) -> Floats:
        """(R, C) the numbers, where every line holds as many."""
        if self.numbers.ndim == 2 and self.numbers.shape[1] == columns:
            return self.numbers
        return self.values.reshape(-1, columns)

    def named(self, names: Sequence[str], path: str) -> Floats:
        """(R, C) the numbers, where every line holds as many as names were asked for.

        Raises:
            FormatError: lines of another length.
        """
        self.refuse(
            path,
            np.flatnonzero(self.width != len(names)),
            lambda row: (
                f"--columns names {len(names) + 1} columns, the line has {self.width[row] + 1}"
            ),
        )
        return self.matrix(len(names))

    def refuse(self, path: str, rows: Ints, says: Callable[[int], str]) -> None:
        """Raise a fault for each of the rows.

        Raises:
            FormatError: there is one.
        """
        if len(rows):
            faults = [f"{self.place(row)}: {says(row)}" for row in rows[:100].tolist()]
            raise FormatError(path, faults, len(rows))

    def usual(self) -> Lines:
        """Without lines of a length that hardly another line has."""
        lengths, at, count = np.unique(self.width, return_inverse=True, return_counts=True)
        if len(lengths) < 2:
            return self
        kept = (count >= len(self) / 4)[at]
        if not kept.any():  # polygons of any length
            return self
        code = np.arange(len(self)) if self.label.code is None else self.label.code
        used, fresh = np.unique(code[kept], return_inverse=True)
        return replace(
            self,
            file=self.file[kept],
            line=np.flatnonzero(kept) if self.line is None else self.line[kept],
            label=Keys(self.label.labels[used], fresh),
            numbers=self.values[np.repeat(kept, self.width)],
            width=self.width[kept],
        )

    def refuse_unusable(self, path: str) -> None:
        """Raise a fault for each line with a number that can be no pixel; values : (R, C).

        Raises:
            FormatError: there is one.
        """
        if not self.numbers.size or (
            self.numbers.min() >= -LARGEST and self.numbers.max() <= LARGEST
        ):
            return
        # The first bad number of each line; nan compares false with everything, so it is bad too.
        values = self.values
        bad = np.flatnonzero(~(np.abs(values) <= LARGEST))
        rows, first = np.unique(np.searchsorted(self.start, bad, "right") - 1, return_index=True)
        found = dict(zip(rows.tolist(), values[bad[first]].tolist(), strict=True))
        self.refuse(
            path, rows, lambda row: f"expected finite numbers that can be pixels, got {found[row]}"
        )


def read_lines(
    contents: Contents,
    files: Sequence[str],
    path: str,
    *,
    text_label: bool = False,
    label: int = 0,
    strict: bool = True,
) -> Lines:
    """The lines of files; blank ones are passed over.

    path: names the whole in errors; text_label: keep a label such as ``007`` as text, where else
    a column of whole numbers becomes numbers; label: how many numbers stand before it, more behind
    it; strict: without it, bad lines are passed over as
    long as there are more good ones.

    Raises:
        FormatError: something that is no number where one must stand, or no text at all.
    """
    # From the fastest way to the slowest. Each gives the same lines, or None for what it cannot
    # read; only the last one says what is wrong, and where.
    kept = _Label(text_label, label)
    found = _regular(contents, tuple(files), kept)
    if found is not None:
        return found
    parts = [*contents]
    if (other := spaced(parts)) is not None:
        parts, said = other
        if "decimal" in said and (open_one := thousands([*contents])) is not None:
            raise FormatError(
                path,
                [
                    (
                        f"{open_one} may have a decimal comma or a comma between thousands: write "
                        "numbers with a decimal point and without separators"
                    )
                ],
            )
        found = read_lines(
            Contents(parts), files, path, text_label=text_label, label=label, strict=strict
        )
        return replace(found, separators=said)
    if strict and sum(map(len, parts)) >= LARGE:
        return _in_pieces(parts, tuple(files), path, kept)
    return _line_by_line(parts, tuple(files), path, kept, strict)


class _Label(NamedTuple):
    """text: it is text even where it is a number; column: where it stands."""

    text: bool
    column: int


def _regular(
    contents: Contents, files: tuple[str, ...], kept: _Label, whole_labels: bool = False
) -> Lines | None:
    """The fast way; None where the lines are not all alike."""
    found = read_fields(
        contents, text_label=kept.text, label=kept.column, whole_labels=whole_labels
    )
    if found is None:
        return None
    file = np.repeat(np.arange(len(files)), found.lines)
    label, numbers = found.columns[kept.column], _others(found.columns, kept.column).T
    return Lines(
        files=files,
        file=file if found.line is None else file[found.line],
        line=found.line,
        first=np.cumsum(found.lines) - found.lines,
        label=number_keys(label) if found.words is None else found.words,
        numbers=numbers,
        width=np.broadcast_to(np.int64(numbers.shape[1]), len(numbers)),
    )


def _others(columns: Floats, label: int) -> Floats:
    """Without that of labels; no copy where it is the first."""
    return columns[1:] if label == 0 else np.delete(columns, label, axis=0)


# --- the slow way ------------------------------------------------------------------------------


def _in_pieces(parts: Sequence[bytes], files: tuple[str, ...], path: str, kept: _Label) -> Lines:
    """Large text, each piece in the fastest way that takes it.

    Raises:
        FormatError: lines are wrong, or a file is no text.
    """
    parts, latin = _in_utf8(parts, files, path)
    found = _all_pieces(parts, files, path, kept)
    kinds = {part.label.labels.dtype == object for part in found if len(part)}
    if len(kinds) > 1:  # numbers here and words there: all of them are words
        found = _all_pieces(parts, files, path, kept._replace(text=True))
    return replace(_joined(found, files), latin=latin)


def _in_utf8(
    parts: Sequence[bytes], files: tuple[str, ...], path: str
) -> tuple[list[bytes], tuple[str, ...]]:
    """The texts as UTF-8, and the names of those read as Latin-1."""
    plain, latin = [], []
    for name, part in zip(files, parts, strict=True):
        text, guessed = decoded(part, _name(name, path))
        plain.append(text.encode() if guessed or part.startswith(MARKS) else part)
        latin += [name] * guessed
    return plain, tuple(latin)


def _all_pieces(
    parts: Sequence[bytes], files: tuple[str, ...], path: str, kept: _Label
) -> list[Lines]:
    """The lines of each piece.

    Raises:
        FormatError: lines are wrong.
    """
    found: list[Lines] = []
    faults, odd = FewTexts(), 0
    for group in groups(parts):
        # Where one piece after the other is odd, as polygons of any length are, so are all.
        lines = _as_columns(group, files, kept) if odd < ODD else None
        odd = 0 if lines is not None else odd + 1
        known = lines is not None or faults.wanted
        count = None if known else _count_wrong(group, kept)
        if count is not None:
            faults.skip(count)
        elif lines is None:
            lines, wrong = _parsed(group, files, path, kept)
            faults.extend(wrong)
        if lines is not None and not len(faults):
            found.append(lines)
    if len(faults):
        raise FormatError(path, faults, len(faults))
    return found


def _count_wrong(group: Sequence[Piece], kept: _Label) -> int | None:
    """How many lines are wrong, where columns tell; of those that were told enough are shown."""
    return count_wrong(Contents([piece for _, _, piece in group]), label=kept.column)


def _as_columns(group: Sequence[Piece], files: tuple[str, ...], kept: _Label) -> Lines | None:
    pieces = [piece for _, _, piece in group]
    own = ("",) * len(pieces)
    # What looks like words may be numbers between commas, which were tried before.
    found = _regular(Contents(pieces), own, kept, whole_labels=True)
    if found is None:
        return None
    line = np.arange(len(found)) if found.line is None else found.line
    before = np.array([lines for _, lines, _ in group])
    return replace(
        found,
        files=files,
        file=np.array([file for file, _, _ in group])[found.file],
        line=line - found.first[found.file] + before[found.file],
        first=np.zeros(len(files), np.int64),
    )


def _joined(found: Sequence[Lines], files: tuple[str, ...]) -> Lines:
    """Lines of several pieces, in order; labels are all numbers or all text."""
    some = [part.label for part in found if len(part)] or [found[0].label]
    labels = np.concatenate([keys.labels[_codes(keys)] for keys in some])
    return Lines(
        files=files,
        file=np.concatenate([part.file for part in found]),
        line=np.concatenate([np.asarray(part.line) for part in found]),
        first=np.zeros(len(files), np.int64),
        label=text_keys(labels.tolist()) if labels.dtype == object else number_keys(labels),
        numbers=np.concatenate([part.values for part in found]),
        width=np.concatenate([part.width for part in found]),
    )


def _codes(keys: Keys) -> Ints:
    return np.arange(len(keys.labels)) if keys.code is None else keys.code


def _line_by_line(
    contents: Sequence[bytes], files: tuple[str, ...], path: str, kept: _Label, strict: bool
) -> Lines:
    whole = [(file, 0, content) for file, content in enumerate(contents)]
    found, faults = _parsed(whole, files, path, kept)
    if len(faults) and (strict or len(faults) >= len(found)):
        raise FormatError(path, faults, len(faults))
    return found


def _parsed(
    pieces: Sequence[Piece], files: tuple[str, ...], path: str, kept: _Label
) -> tuple[Lines, FewTexts]:
    """The lines that are right, and what is wrong with the others."""
    words: list[str] = []
    values: list[float] = []
    start, file, line = [0], [], []
    faults = FewTexts()
    latin = []
    for number, before, content in pieces:
        name = files[number]
        text, guessed = decoded(content, _name(name, path))
        if guessed:
            latin.append(name)
        for row, tokens in _rows(text):
            own = slice(kept.column, _first_number(tokens, kept.column + 1))
            label = tokens[own]
            del tokens[own]
            try:
                values += map(as_number, tokens)
            except ValueError:
                said = f"{printable(name)}:{before + row + 1}: " if faults.wanted else ""
                faults.add(said and said + _no_number(tokens))
                del values[start[-1] :]
                continue
            words.append(" ".join(label))
            start.append(len(values))
            file.append(number)
            line.append(before + row)
    lines = Lines(
        files=files,
        file=np.array(file, np.int64),
        line=np.array(line, np.int64),
        first=np.zeros(len(files), np.int64),
        label=labels_of(words, kept.text),
        numbers=np.array(values, np.float64),
        width=np.array(start[1:], np.int64) - np.array(start[:-1], np.int64),
        latin=tuple(latin),
    )
    return lines, faults


def _name(file: str, path: str) -> str:
    return file if file == path else f"{path}/{file}"


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    for row, line in enumerate(text.split("\n") if "\n" in text else text.split("\r")):
        # Spaces of ASCII alone part words; a class may have another in its name.
        if tokens := WORD.findall(line):
            yield row, tokens


def _first_number(tokens: list[str], start: int) -> int:
    """Names may be of several words: the numbers begin after the last word that is none.

    The word ``difficult`` behind the numbers is a flag.
    """
    for at in range(start, len(tokens)):
        if is_number(tokens[at]):
            return at
    return len(tokens)


def _no_number(tokens: list[str]) -> str:
    bad = next(token for token in tokens if not is_number(token))
    hint = ", with spaces between numbers" if "," in bad or ";" in bad else ""
    return f"expected a number{hint}, got {shown(bad)}"
