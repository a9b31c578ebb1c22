"""``results.txt`` of YOLOv7, and of YOLOv5 before it wrote CSV: a line an epoch, without a header.

A line has 15 columns: ``EPOCH/LAST``, memory, train losses (box, obj, cls, total), labels, image
size, then precision, recall, mAP at .5, mAP at .5:.95, and validation losses (box, obj, cls). Seven
zeros at the end are an epoch that was not validated. YOLOv3 wrote F1 in place of mAP at .5:.95:
where a value is above mAP at .5, which that mAP never is, the column is F1. Source: YOLOv7's
``train.py`` and ``test.py``; names are those of YOLOv5's ``results.csv``.
"""

from __future__ import annotations

import re

from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import shown
from detmetrics.training.history.epoch_rows import Row, epoch_of
from detmetrics.training.history.logs.kind import Content, Log, Parsed

__all__ = ["LOG"]

TRAIN = ["train/box_loss", "train/obj_loss", "train/cls_loss", "train/loss"]
AP50, AP, F1 = "metrics/mAP_0.5", "metrics/mAP_0.5:0.95", "metrics/F1"
METRICS = ["metrics/precision", "metrics/recall", AP50, AP]
VAL = ["val/box_loss", "val/obj_loss", "val/cls_loss"]
COLUMNS = ["epoch", "memory", *TRAIN, "labels", "image_size", *METRICS, *VAL]
MEASURED = {*METRICS, *VAL}
START = re.compile(r"\s*\d+/\d+\s+[\d.e+-]+G\s")


def _read(content: Content) -> Parsed:
    lines = [(n, line.split()) for n, line in enumerate(content.text.split("\n"), start=1)]
    lines = [(n, cells) for n, cells in lines if cells]
    rows, faults, notes = [], [], []
    for number, cells in lines:
        if len(cells) < len(COLUMNS) and number == lines[-1][0] and len(lines) > 1:
            notes.append(f"line {number}, the last, breaks off: left out")
            continue
        try:
            rows.append(_row(cells))
        except InputError as error:
            faults.append(f"line {number}: {error}")
    if faults:
        raise FormatError(content.path, faults)
    if any(row.metrics.get(AP, 0.0) > row.metrics.get(AP50, 0.0) for row in rows):
        rows = [_with_f1(row) for row in rows]
        notes.append("column 12 is above mAP at .5 in some rows, so it is read as F1 (YOLOv3)")
    return Parsed(rows, tuple(notes))


def _row(cells: list[str]) -> Row:
    if len(cells) != len(COLUMNS):
        raise InputError(
            f"expected {len(COLUMNS)} columns ({', '.join(COLUMNS[:3])}, ...), found {len(cells):,}"
        )
    epoch, slash, _ = cells[0].partition("/")
    if not slash:
        raise InputError(f"column 1: expected EPOCH/LAST such as 0/299, found {shown(cells[0])}")
    values = {
        name: _number(cell, at)
        for at, (name, cell) in enumerate(zip(COLUMNS, cells, strict=True), start=1)
        if at > 2
    }
    if not any(values[name] for name in MEASURED):
        values = {name: values[name] for name in TRAIN}
    return Row(
        epoch=epoch_of(_number(epoch, 1)),
        role="val" if AP in values else "train",
        train={name: values[name] for name in TRAIN},
        val={name: values[name] for name in VAL if name in values},
        metrics={name: values[name] for name in METRICS if name in values},
    )


def _number(cell: str, column: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"column {column}: expected a number, found {shown(cell)}") from None


def _with_f1(row: Row) -> Row:
    metrics = {F1 if name == AP else name: value for name, value in row.metrics.items()}
    return Row(epoch=row.epoch, role=row.role, train=row.train, val=row.val, metrics=metrics)


LOG = Log(
    name="yolov7",
    title="results.txt of YOLOv7",
    knows=lambda content: START.match(content.start) is not None,
    read=_read,
)
