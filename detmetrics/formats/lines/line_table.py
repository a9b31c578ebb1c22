"""Files of lines that hold equally many numbers, for formats that are no more than that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted, shown

__all__ = ["LineTable", "line_table"]

ENDS = ", \t"
"""What may stand behind the last number of a line."""

NO_SPACE = "\x1f"
"""What is white space for NumPy and not for ``float``; the others of its kind end lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTable:
    """values : (R, C) the numbers of each line; file : (R,) which file; line : (R,) from 1."""

    files: tuple[str, ...]
    values: Floats
    file: Ints
    line: Ints

    def place(self, row: int) -> str:
        """The file and the line of a row."""
        return f"{self.files[self.file[row]]}:{self.line[row]}"


def line_table(
    contents: Sequence[bytes],
    files: Sequence[str],
    path: str,
    *,
    columns: int,
    separator: str | None = None,
) -> LineTable:
    r"""The numbers of all lines of some files; blank lines are passed over.

    columns: how many numbers a line holds; separator: between them, white space unless given.

    Raises:
        FormatError: a line with another count, or with something that is no number.

    >>> table = line_table([b"1,2\n3,4\n"], ["a.txt"], "folder", columns=2, separator=",")
    >>> table.values.tolist(), table.place(1)
    ([[1.0, 2.0], [3.0, 4.0]], 'a.txt:2')
    """
    lines, file, line = _lines(contents, files, path)
    values = _at_once(lines, columns, separator)
    if values is None:
        filled = np.fromiter(map(bool, map(str.strip, lines)), bool, len(lines))
        if not filled.all():
            lines, file, line = [*compress(lines, filled.tolist())], file[filled], line[filled]
        values = _at_once([text.rstrip(ENDS) for text in lines], columns, separator)
    table = LineTable(files=tuple(files), values=np.zeros((0, columns)), file=file, line=line)
    if values is None:
        values = _one_by_one(lines, columns, separator, table.place, path)
    return replace(table, values=values)


def _lines(
    contents: Sequence[bytes], files: Sequence[str], path: str
) -> tuple[list[str], Ints, Ints]:
    """All lines, blank ones too; (L,) the file of each, and (L,) its number there, from 1."""
    texts = (
        decoded(content, f"{path}/{files[number]}")[0] for number, content in enumerate(contents)
    )
    parts = [text.splitlines() for text in texts]
    count = np.array([len(part) for part in parts], np.int64)
    file = np.repeat(np.arange(len(parts)), count)
    line = np.arange(len(file)) - np.repeat(np.cumsum(count) - count, count) + 1
    return [*chain.from_iterable(parts)], file, line


def _at_once(lines: Sequence[str], columns: int, separator: str | None) -> Floats | None:
    """(R, C) the numbers of all lines; None where NumPy cannot read them.

    It reads fewer ways to write a number than ``float``, and those that it reads alike.
    """
    if not lines:
        return np.zeros((0, columns))
    if "" in lines or not lines[0].strip():  # NumPy passes over them, and warns of nothing else
        return None
    if NO_SPACE in "".join(lines):
        return None
    try:
        values: Floats = np.loadtxt(lines, delimiter=separator, comments=None, ndmin=2)
    except (ValueError, TypeError):  # a type error of separators that are not one character
        return None
    return values if values.shape == (len(lines), columns) else None


def _one_by_one(
    lines: Sequence[str],
    columns: int,
    separator: str | None,
    place: Callable[[int], str],
    path: str,
) -> Floats:
    """(R, C) the numbers of lines that are not blank, as ``float`` reads them.

    Raises:
        FormatError: see :func:`line_table`; all faults are in it.
    """
    values, faults = [], []
    for row, line in enumerate(lines):
        parts = line.rstrip(ENDS).split(separator)
        try:
            values.append([float(part) for part in parts])
        except ValueError:
            faults.append(f"{place(row)}: expected numbers, got {shown(line)}")
            continue
        if len(parts) != columns:
            got = counted(len(parts), "number")
            faults.append(f"{place(row)}: expected {columns} numbers, got {got}")
    if faults:
        raise FormatError(path, faults)
    return np.array(values, np.float64).reshape(-1, columns)
