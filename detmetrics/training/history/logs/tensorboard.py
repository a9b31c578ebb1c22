"""Scalars that TensorBoard saves as CSV: ``Wall time,Step,Value``, one scalar a file.

What the scalar is, only the name of the file tells: ``run-RUN-tag-TAG.csv``, or ``TAG.csv``, with
``_`` for ``/``. Where the last part of RUN is train, val, eval or test, as of TensorFlow's object
detection, it says which data were measured; any other RUN is the name of a run. Steps are epochs
here: of the optimiser or not, TensorBoard does not say. Several files of one folder are put
together by step, in the order of their wall times; a step that comes again is a restart. Source:
TensorBoard's scalar dashboard.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from detmetrics.training.history.epoch_rows import Epoch, Row
from detmetrics.training.history.logs.by_epoch import Record, by_evaluation
from detmetrics.training.history.logs.csv_logs import read_sheet, records_of
from detmetrics.training.history.logs.kind import Content, Log, Parsed
from detmetrics.training.history.metric_names import SIDES, Place, place_of_chosen

__all__ = ["LOG", "joined"]

HEADER = ["Wall time", "Step", "Value"]
NAMED = re.compile(r"run[-_](?P<run>.*?)[-_]tag[-_](?P<tag>.+)", re.I)
AGAIN = re.compile(r" \(\d+\)$")  # what browsers add to a name that is there


class _Scalar(NamedTuple):
    run: str
    name: str
    wall: float
    step: Epoch
    value: float


def _knows(content: Content) -> bool:
    return content.header == HEADER


def joined(contents: Sequence[Content]) -> Parsed:
    """The rows of several scalars of one folder.

    Raises:
        FormatError: one of them has faults.
    """
    scalars: list[_Scalar] = []
    notes: list[str] = []
    for content in contents:
        found, said = _scalars(content)
        scalars += found
        notes += [f"{os.path.basename(content.path)}: {note}" if contents[1:] else note
                  for note in said]  # fmt: skip
    scalars.sort(key=lambda scalar: scalar.wall)
    rows: list[Row] = []
    for run in dict.fromkeys(scalar.run for scalar in scalars):
        own = [scalar for scalar in scalars if scalar.run == run]
        rows += [replace(row, run=run) for row in by_evaluation([*_records(own)])]
    return Parsed(rows, tuple(notes))


def _scalars(content: Content) -> tuple[list[_Scalar], tuple[str, ...]]:
    sheet = read_sheet(content.text, content.path)
    run, name = named(content.path)
    steps = sheet.epochs("Step")
    found = []
    for index, values in sheet.numbers(["Wall time", "Value"]):
        step = steps[index]
        if step is None and not sheet.cells[index][1]:
            sheet.faults.append(f"line {sheet.lines[index]}: expected a step, found nothing")
        if step is not None and "Value" in values:
            found.append(_Scalar(run, name, values.get("Wall time", 0.0), step, values["Value"]))
    return found, sheet.done()


def named(path: str) -> tuple[str, str]:
    """The run and the scalar of a file.

    >>> named("run-exp1-tag-metrics_mAP50-95(B) (1).csv")
    ('exp1', 'metrics_mAP50-95(B)')
    >>> named("run-eval-tag-Loss_total.csv"), named("val_AP.csv"), named("-")
    (('', 'eval/Loss_total'), ('', 'val_AP'), ('', 'value'))
    """
    stem = AGAIN.sub("", re.sub(r"(\.csv)?(\.gz)?$", "", os.path.basename(path), flags=re.I))
    found = NAMED.fullmatch(stem)
    if found is None:
        return "", "value" if stem in ("-", "") else stem
    parts = [part for part in re.split(r"[/_\\]", found["run"]) if part not in ("", ".")]
    if parts and parts[-1].lower() in SIDES:
        return "_".join(parts[:-1]), f"{parts[-1]}/{found['tag']}"
    return "_".join(parts), found["tag"]


def _records(scalars: Iterable[_Scalar]) -> Iterable[Record]:
    steps: dict[Epoch, dict[str, float]] = {}
    for scalar in scalars:
        if scalar.name in steps.get(scalar.step, {}):
            yield from _flushed(steps)
            steps = {}
        steps.setdefault(scalar.step, {})[scalar.name] = scalar.value
    yield from _flushed(steps)


def _flushed(steps: dict[Epoch, dict[str, float]]) -> Iterable[Record]:
    for step in sorted(steps):
        values = steps[step]
        places = {name: place_of_chosen(name) or Place("metrics", "") for name in values}
        yield from records_of(values, places, Record(step))


LOG = Log(
    name="tensorboard",
    title="scalars of TensorBoard (CSV)",
    knows=_knows,
    read=lambda content: joined([content]),
)
