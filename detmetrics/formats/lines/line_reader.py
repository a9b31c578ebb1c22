"""Lines of text, a box each: a word and then numbers, read in the fastest way that takes them.

Nearly every file holds the same number of numbers in every line, so all files of a folder are read
at once, as columns (:mod:`detmetrics.formats.lines.fields`). Large text that is not so (polygons of
any length, names of several words, faults) is read in pieces
(:mod:`detmetrics.formats.lines.ragged`), and only what is odd still, line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from detmetrics.formats.given import Contents
from detmetrics.formats.lines.decimals import as_number, is_number, meant_as_number
from detmetrics.formats.lines.fields import read_fields
from detmetrics.formats.lines.labels import labels_of, number_keys, text_keys
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.pieces import LARGE, Piece, groups
from detmetrics.formats.lines.ragged import read_ragged
from detmetrics.formats.lines.separators import spaced, thousands
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS, decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import FewTexts, printable, shown
from detmetrics.tables.catalog import Keys

__all__ = ["read_lines"]

MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)
WORD = re.compile(r"[^ \t\n\r\f\v]+")
ODD = 2


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
    if sum(map(len, parts)) >= LARGE:
        return _in_pieces(parts, tuple(files), path, kept, strict)
    return _line_by_line(parts, tuple(files), path, kept, strict)


class _Label(NamedTuple):
    """text: it is text even where it is a number; column: where it stands."""

    text: bool
    column: int


def _regular(contents: Contents, files: tuple[str, ...], kept: _Label) -> Lines | None:
    """The fast way; None where the lines are not all alike."""
    found = read_fields(contents, text_label=kept.text, label=kept.column)
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


def _in_pieces(
    parts: Sequence[bytes], files: tuple[str, ...], path: str, kept: _Label, strict: bool
) -> Lines:
    """Large text, each piece in the fastest way that takes it.

    Raises:
        FormatError: lines are wrong, or a file is no text.
    """
    parts, latin = _in_utf8(parts, files, path)
    found = _all_pieces(parts, files, path, kept, strict)
    kinds = {part.label.labels.dtype == object for part in found if len(part)}
    if len(kinds) > 1:  # numbers here and words there: all of them are words
        found = _all_pieces(parts, files, path, kept._replace(text=True), strict)
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
    parts: Sequence[bytes], files: tuple[str, ...], path: str, kept: _Label, strict: bool
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
        if lines is None:
            lines, wrong = _as_ragged(group, files, kept)
            if lines is None or (wrong and faults.wanted):
                lines, said = _parsed(group, files, path, kept)
                faults.extend(said)
            else:
                faults.skip(wrong)
        if not strict or not len(faults):
            found.append(lines)
    _refuse_wrong(faults, sum(map(len, found)), path, strict)
    return found


def _refuse_wrong(faults: FewTexts, right: int, path: str, strict: bool) -> None:
    if len(faults) and (strict or len(faults) >= right):
        raise FormatError(path, faults, len(faults))


def _as_columns(group: Sequence[Piece], files: tuple[str, ...], kept: _Label) -> Lines | None:
    found = _regular(Contents([piece for _, _, piece in group]), ("",) * len(group), kept)
    if found is None:
        return None
    line = np.arange(len(found)) if found.line is None else found.line
    return replace(found, **_placed(group, files, found.file, line - found.first[found.file]))


def _as_ragged(
    group: Sequence[Piece], files: tuple[str, ...], kept: _Label
) -> tuple[Lines | None, int]:
    """Right lines of any length, and how many are wrong."""
    # What looks like words may be numbers between commas, which were tried before.
    contents = Contents([piece for _, _, piece in group])
    found = read_ragged(contents, text_label=kept.text, label=kept.column)
    if found is None:
        return None, 0
    file = np.repeat(np.arange(len(group)), found.lines)[found.line]
    line = found.line - (np.cumsum(found.lines) - found.lines)[file]
    lines = Lines(
        **_placed(group, files, file, line),
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


def _line_by_line(
    contents: Sequence[bytes], files: tuple[str, ...], path: str, kept: _Label, strict: bool
) -> Lines:
    whole = [(file, 0, content) for file, content in enumerate(contents)]
    found, faults = _parsed(whole, files, path, kept)
    _refuse_wrong(faults, len(found), path, strict)
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
        if meant_as_number(tokens[at]):
            return at
    return len(tokens)


def _no_number(tokens: list[str]) -> str:
    bad = next(token for token in tokens if not is_number(token))
    marked = "," in bad or ";" in bad
    hint = ", with a decimal point and spaces between numbers" if marked else ""
    return f"expected a number{hint}, got {shown(bad)}"
