"""Files of lines that hold equally many numbers, for formats that are no more than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted, shown

__all__ = ["LineTable", "line_table"]


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
    values: list[list[float]] = []
    places: list[tuple[int, int]] = []
    faults = []
    for number, content in enumerate(contents):
        text, _ = decoded(content, f"{path}/{files[number]}")
        for row, line in enumerate(text.splitlines(), start=1):
            parts = line.rstrip(", \t").split(separator)
            if not line.strip():
                continue
            try:
                values.append([float(part) for part in parts])
            except ValueError:
                faults.append(f"{files[number]}:{row}: expected numbers, got {shown(line)}")
                continue
            places.append((number, row))
            if len(parts) != columns:
                got = counted(len(parts), "number")
                faults.append(f"{files[number]}:{row}: expected {columns} numbers, got {got}")
    if faults:
        raise FormatError(path, faults)
    at = np.array(places, np.int64).reshape(-1, 2)
    return LineTable(
        files=tuple(files),
        values=np.array(values, np.float64).reshape(-1, columns),
        file=at[:, 0],
        line=at[:, 1],
    )
