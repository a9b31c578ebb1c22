"""``metrics.csv`` of Lightning's CSVLogger: a line each time something was logged.

Train and validation values of an epoch stand on lines of their own, the other cells empty. What a
column is, its name says, as ``train_loss``, ``val/AP`` or ``test_AP`` do; columns whose name says
neither are left aside. ``train_loss_epoch`` is preferred to ``train_loss_step``. Source:
``lightning/pytorch/loggers/csv_logs.py``.
"""

from __future__ import annotations

from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import few
from detmetrics.training.history.logs.by_epoch import Record, by_epoch
from detmetrics.training.history.logs.csv_logs import read_sheet, records_of
from detmetrics.training.history.logs.kind import Content, Log, Parsed
from detmetrics.training.history.metric_names import place_of

__all__ = ["LOG"]


def _knows(content: Content) -> bool:
    return {"epoch", "step"} <= set(content.header)


def _read(content: Content) -> Parsed:
    sheet = read_sheet(content.text, content.path)
    places = {name: place for name in _kept(sheet.names) if (place := place_of(name))}
    epochs = sheet.epochs()
    steps = sheet.epochs("step")
    records = []
    for index, values in sheet.numbers([*places]):
        if not values:
            continue
        epoch = epochs[index]
        if epoch is None:
            sheet.faults.append(f"line {sheet.lines[index]}: expected an epoch, found nothing")
            continue
        records += records_of(values, places, Record(epoch, steps[index]))
    notes = sheet.done()
    if not records:
        what = "a column of losses or metrics such as train_loss, val_loss or val/AP"
        raise FormatError(content.path, [f"line 1: expected {what}, found {few(sheet.names)}"])
    return Parsed(by_epoch(records), notes)


def _kept(names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if not (name.endswith("_step") and f"{name.removesuffix('_step')}_epoch" in names)
    ]


LOG = Log(name="lightning", title="metrics.csv of Lightning", knows=_knows, read=_read)
