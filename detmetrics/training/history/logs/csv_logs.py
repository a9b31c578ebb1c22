"""Logs that are CSV: a header, then a line each time something was measured.

Frameworks pad their cells with blanks, leave cells empty, repeat the header where a training is
started again in the same folder, and lose the end of the last line when they are killed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import counted, few, shown
from detmetrics.training.history.epoch_rows import Epoch, epoch_of
from detmetrics.training.history.logs.by_epoch import Record
from detmetrics.training.history.metric_names import Place

__all__ = ["LogTable", "present", "read_sheet", "records_of"]


@dataclass(slots=True)
class LogTable:
    """names: of the columns; lines: their numbers, from 1; cells: of each line, as text."""

    path: str
    names: list[str]
    lines: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def numbers(self, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, float]]]:
        """Of each line, its position and what stands in some columns; empty cells are absent."""
        at = [(name, self.place(name)) for name in columns]
        for index, row in enumerate(self.cells):
            values = {}
            for name, column in at:
                if cell := row[column]:
                    try:
                        values[name] = float(cell)
                    except ValueError:
                        self._fault(index, name, "a number", cell)
            yield index, values

    def epochs(self, column: str = "epoch") -> list[Epoch | None]:
        """The epoch of each line; None where the cell is empty."""
        at = self.place(column)
        return [self._epoch(index, column, row[at]) for index, row in enumerate(self.cells)]

    def place(self, column: str) -> int:
        """Where a column stands.

        Raises:
            FormatError: nowhere: quotes of the header may be open.
        """
        if column not in self.names:
            raise FormatError(
                self.path, [f"line 1: expected a column {shown(column)}, found {few(self.names)}"]
            )
        return self.names.index(column)

    def _epoch(self, index: int, column: str, cell: str) -> Epoch | None:
        if not cell:
            return None
        try:
            return epoch_of(float(cell))
        except (ValueError, InputError):
            self._fault(index, column, "a finite number", cell)
            return None

    def _fault(self, index: int, column: str, expected: str, cell: str) -> None:
        place = f"line {self.lines[index]}, column {shown(column)}"
        self.faults.append(f"{place}: expected {expected}, found {shown(cell)}")

    def done(self) -> tuple[str, ...]:
        """What is to be said of the file.

        Raises:
            FormatError: it has faults.
        """
        if self.faults:
            raise FormatError(self.path, self.faults)
        return tuple(self.notes)


def read_sheet(text: str, path: str) -> LogTable:
    r"""The cells of all lines that are whole.

    Raises:
        FormatError: columns of one name, or lines in the middle that are not as long as the header.

    >>> sheet = read_sheet("epoch,  loss\n    0,   0.5\n    1,\n", "results.csv")
    >>> [values for _, values in sheet.numbers(["loss"])]
    [{'loss': 0.5}, {}]
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    reader = csv.reader(_without_start(lines), skipinitialspace=True)
    try:
        header = [name.strip() for name in next(filter(None, reader))]
        sheet = LogTable(path, header)
        _refuse_doubles(sheet)
        ragged = _fill(sheet, reader)
    except csv.Error as error:
        raise FormatError(path, [f"line {reader.line_num}: expected CSV, found {error}"]) from None
    if ragged and ragged[-1][0] == reader.line_num:
        line, _ = ragged.pop()
        sheet.notes.append(f"line {line}, the last, breaks off: left out")
    wanted = counted(len(header), "cell")
    sheet.faults += [f"line {at}: expected {wanted}, found {count:,}" for at, count in ragged]
    if not sheet.cells and not sheet.faults:
        what = "a line that breaks off" if sheet.notes else "only the header"
        raise FormatError(path, [f"line 2: expected a row of numbers, found {what}"])
    return sheet


def _without_start(lines: list[str]) -> Iterator[str]:
    """Blank lines before the header count as lines, and are passed over."""
    started = False
    for line in lines:
        started = started or bool(line.strip())
        yield line.lstrip() if started else ""


def _refuse_doubles(sheet: LogTable) -> None:
    doubles = {name for name in sheet.names if name and sheet.names.count(name) > 1}
    if doubles:
        few_names = few(sorted(map(shown, doubles)))
        raise FormatError(
            sheet.path, [f"line 1: expected columns of different names, found several {few_names}"]
        )


def _fill(sheet: LogTable, reader: Iterator[list[str]]) -> list[tuple[int, int]]:
    """Take the lines that are whole; the others come back with their number and length."""
    width, ragged, repeated = len(sheet.names), [], []
    for row in reader:
        line: int = reader.line_num  # type: ignore[attr-defined]
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if cells == sheet.names:
            repeated.append(f"line {line}")
        elif len(cells) < width or any(cells[width:]):
            ragged.append((line, len(cells)))
        else:
            sheet.lines.append(line)
            sheet.cells.append(cells)
    if repeated:
        what = "the header stands again where the training was started again in the same file"
        sheet.notes.append(f"{what} ({few(repeated)})")
    return ragged


def present(values: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """Those of some names that are there."""
    return {name: values[name] for name in names if name in values}


def records_of(values: dict[str, float], places: dict[str, Place], at: Record) -> list[Record]:
    """What one line says of train and validation data, and apart from it what of test data."""
    found = []
    for role, also in (("val", ("train", "")), ("test", ())):
        mine = {name: values[name] for name in values if places[name].role in (role, *also)}
        if mine:
            parts = {
                part: present(mine, [name for name in mine if places[name].part == part])
                for part in ("train", "val", "metrics")
            }
            found.append(Record(at.epoch, at.step, role, **parts))
    return found
