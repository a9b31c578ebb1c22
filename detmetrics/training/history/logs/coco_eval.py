"""JSON lines with COCO's numbers: ``log.txt`` of DETR and its descendants, logs of MMDetection
(``*.log.json``, ``scalars.json``), ``metrics.json`` of Detectron2.

DETR writes a line an epoch: ``train_loss``, ``test_loss`` and the twelve numbers of pycocotools as
``test_coco_eval_bbox``. It calls its validation data "test"; rows keep the role that the log names
until somebody says otherwise. MMDetection and Detectron2 write lines of train losses, and a line
of ``bbox_mAP`` or ``bbox/AP`` after each validation. pycocotools' -1 is undefined: nan. Source:
``main.py`` and ``engine.py`` of DETR; ``mmcv/runner/hooks/logger/text.py`` and
``mmengine/visualization/vis_backend.py``; ``detectron2/utils/events.py``, ``JSONWriter``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import shown
from detmetrics.training.history.epoch_rows import Epoch
from detmetrics.training.history.logs.by_epoch import Record, by_evaluation
from detmetrics.training.history.logs.json_logs import (
    as_float,
    epoch_in,
    objects_of_lines,
    record_of,
)
from detmetrics.training.history.logs.kind import Content, Log, Parsed

__all__ = ["LOG"]

TWELVE = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]
EVALUATED = {"test_coco_eval_bbox": "test", "val_coco_eval_bbox": "val", "coco_eval_bbox": "val"}


def _knows(content: Content) -> bool:
    first = content.start.partition("\n")[0].strip()
    return first.startswith("{") and first.endswith("}")


def _read(content: Content) -> Parsed:
    objects, notes = objects_of_lines(content.text, content.path)
    records: list[Record] = []
    faults: list[str] = []
    for place, found in objects:
        try:
            records += _records(found, place, records)
        except InputError as error:
            faults.append(str(error))
    if not faults and not records:
        what = "losses or metrics such as train_loss, test_coco_eval_bbox or bbox_mAP"
        faults.append(f"line 1: expected {what}, found {_first_line(content.text)}")
    if faults:
        raise FormatError(content.path, faults)
    return Parsed(by_evaluation(records), tuple(notes))


def _first_line(text: str) -> str:
    return shown(text.strip().partition("\n")[0])


def _records(found: dict[str, Any], place: str, before: list[Record]) -> list[Record]:
    try:
        epoch = _epoch(found, before)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    validates = found.get("mode") == "val"
    if validates:  # losses without a side, in a line of validation
        found = {f"val_{n}" if n.startswith("loss") else n: v for n, v in found.items()}
    record = record_of(found, epoch, None, place)
    for key, role in EVALUATED.items():
        if key in found:
            numbers = _twelve(found[key], f"{place}: {key}")
            record = replace(record, role=role, metrics=numbers | record.metrics)
            break
    metrics = {name: math.nan if value == -1 else value for name, value in record.metrics.items()}
    record = replace(record, metrics=metrics)
    return [record] if record.train or record.evaluates else []


def _epoch(found: dict[str, Any], before: list[Record]) -> Epoch:
    """The epoch; of lines without one, that of the line before, or the iteration."""
    epoch = epoch_in(found, "epoch")
    if epoch is not None:
        return epoch
    iteration = epoch_in(found, "iteration")
    if iteration is not None:
        return iteration
    if before:
        return before[-1].epoch
    return epoch_in(found, "step") or 0


def _twelve(value: Any, place: str) -> dict[str, float]:
    if not isinstance(value, list) or len(value) < len(TWELVE):
        raise InputError(f"{place}: expected the twelve numbers of COCO, found {shown(value)}")
    if not all(isinstance(number, int | float) for number in value[: len(TWELVE)]):
        raise InputError(f"{place}: expected numbers, found {shown(value)}")
    return {n: as_float(v) for n, v in zip(TWELVE, value, strict=False)}


LOG = Log(
    name="coco",
    title="JSON lines of DETR, MMDetection or Detectron2",
    knows=_knows,
    read=_read,
)
