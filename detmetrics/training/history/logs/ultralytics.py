"""``results.csv`` of YOLOv5, YOLOv8 and their descendants: a line an epoch.

YOLOv5 pads its columns, counts epochs from 0, and writes ``metrics/mAP_0.5:0.95``; YOLOv8 counts
from 1 and writes ``metrics/mAP50-95(B)``. Both name losses ``train/box_loss`` and ``val/box_loss``.
Source: ``ultralytics/engine/trainer.py``, ``save_metrics``; YOLOv5's ``utils/loggers/__init__.py``.
"""

from __future__ import annotations

from detmetrics.training.history.epoch_rows import Row
from detmetrics.training.history.logs.csv_logs import present, read_sheet
from detmetrics.training.history.logs.kind import Content, Log, Parsed
from detmetrics.training.history.metric_names import place_of

__all__ = ["LOG"]


def _knows(content: Content) -> bool:
    names = content.header
    ours = ("metrics/", "train/", "val/")
    return names[:1] == ["epoch"] and "step" not in names and any(n.startswith(ours) for n in names)


def _read(content: Content) -> Parsed:
    sheet = read_sheet(content.text, content.path)
    parts: dict[str, list[str]] = {"train": [], "val": [], "metrics": []}
    for name in sheet.names:
        if place := place_of(name):
            parts[place.part].append(name)
    epochs = sheet.epochs()
    for index, epoch in enumerate(epochs):
        if epoch is None and not sheet.cells[index][0]:
            sheet.faults.append(f"line {sheet.lines[index]}: expected an epoch, found nothing")
    rows = [
        Row(
            epoch=epochs[index] or 0,
            train=present(values, parts["train"]),
            val=present(values, parts["val"]),
            metrics=present(values, parts["metrics"]),
        )
        for index, values in sheet.numbers([name for names in parts.values() for name in names])
    ]
    return Parsed(rows, sheet.done())


LOG = Log(name="ultralytics", title="results.csv of YOLOv5 or YOLOv8", knows=_knows, read=_read)
