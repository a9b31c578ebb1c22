"""Lines of text as columns: each line contains one box, a label and numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted, printable
from detmetrics.tables.catalog import Keys
from detmetrics.tables.columns import LARGEST

__all__ = ["Lines"]


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
