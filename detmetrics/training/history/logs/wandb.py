"""CSV that Weights & Biases exports: of a chart, or of the history of a run.

A chart has a column for what it is drawn over (``Step``), then of every run and metric three:
``RUN - METRIC`` with its ``__MIN`` and ``__MAX``, which smoothing makes and which are left aside. A
run that measured nothing at a step has an empty cell. The history of a run (``run.history()`` saved
as CSV) has columns of metrics beside ``_step``. Source: the export of panels, and ``wandb/apis``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import few
from detmetrics.training.history.epoch_rows import Epoch, Row
from detmetrics.training.history.logs.by_epoch import Record, by_evaluation
from detmetrics.training.history.logs.csv_logs import LogTable, read_sheet, records_of
from detmetrics.training.history.logs.kind import Content, Log, Parsed
from detmetrics.training.history.metric_names import Place, place_of, place_of_chosen

__all__ = ["LOG"]

OF_RUN = " - "
SMOOTHED = ("__MIN", "__MAX")
STEP = "_step"


def _knows(content: Content) -> bool:
    names = content.header
    chart = any(OF_RUN in name and f"{name}{SMOOTHED[0]}" in names for name in names[1:])
    return chart or STEP in names


def _read(content: Content) -> Parsed:
    sheet = read_sheet(content.text, content.path)
    axis = _axis(sheet)
    epochs = sheet.epochs(axis)
    rows: list[Row] = []
    runs = _columns(sheet, axis)
    for run, columns in runs.items():
        records = [*_records(sheet, epochs, columns)]
        rows += [replace(row, run=run) for row in by_evaluation(records)]
    notes = sheet.done()
    if not rows:
        what = "a column of a loss or metric with numbers, such as RUN - val/AP"
        raise FormatError(content.path, [f"line 1: expected {what}, found {few(sheet.names)}"])
    return Parsed(rows, notes)


def _axis(sheet: LogTable) -> str:
    """What lines count: the epoch, where the history of a run has it in every line."""
    if STEP not in sheet.names:
        return sheet.names[0]
    if "epoch" in sheet.names:
        at = sheet.names.index("epoch")
        if all(row[at] for row in sheet.cells):
            return "epoch"
    return STEP


def _columns(sheet: LogTable, axis: str) -> dict[str, dict[str, tuple[str, Place]]]:
    """By run, the columns that are read, each with its metric and where it belongs."""
    found: dict[str, dict[str, tuple[str, Place]]] = {}
    history = STEP in sheet.names
    for name in sheet.names:
        if name == axis or name.endswith(SMOOTHED) or not (history or OF_RUN in name):
            continue
        run, _, metric = ("", "", name) if history else name.rpartition(OF_RUN)
        if place := (place_of if history else place_of_chosen)(metric):
            found.setdefault(run.strip(), {})[name] = metric, place
    return found


def _records(
    sheet: LogTable, epochs: list[Epoch | None], columns: dict[str, tuple[str, Place]]
) -> Iterator[Record]:
    for index, cells in sheet.numbers([*columns]):
        epoch = epochs[index]
        if not cells:
            continue
        if epoch is None:
            sheet.faults.append(f"line {sheet.lines[index]}: expected a step, found nothing")
            continue
        values = {columns[name][0]: value for name, value in cells.items()}
        yield from records_of(values, dict(columns.values()), Record(epoch))


LOG = Log(name="wandb", title="CSV of Weights & Biases", knows=_knows, read=_read)
