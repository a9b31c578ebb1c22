"""What the readers of JSON logs share: objects of a document or of lines, and numbers in them."""

from __future__ import annotations

import json
import math
from typing import Any

from detmetrics.foundation.arrays import float_of
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.training.history.epoch_rows import Epoch, epoch_of
from detmetrics.training.history.logs.by_epoch import Record
from detmetrics.training.history.metric_names import place_of

__all__ = ["as_float", "document", "epoch_in", "objects_of_lines", "record_of"]


def document(text: str, path: str) -> Any:
    """A JSON document.

    Raises:
        FormatError: it is none.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        reason = f"expected whole JSON, found {error.msg.lower()}: was the file cut off?"
        raise FormatError(path, [f"{place}: {reason}"]) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(path, [f"expected JSON that can be read: {error}"]) from None


def objects_of_lines(text: str, path: str) -> tuple[list[tuple[str, dict[str, Any]]], list[str]]:
    """The objects of all lines with their places, and notes; a last line may break off.

    Raises:
        FormatError: lines that are no objects.
    """
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    objects, faults, notes = [], [], []
    for number, line in lines:
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            if number == lines[-1][0] and len(lines) > 1:
                notes.append(f"line {number}, the last, breaks off: left out")
            else:
                faults.append(f"line {number}: expected a JSON object, found {shown(line.strip())}")
            continue
        if isinstance(content, dict):
            objects.append((f"line {number}", content))
        else:
            faults.append(f"line {number}: expected a JSON object, found {shown(content)}")
    if faults:
        raise FormatError(path, faults)
    return objects, notes


def epoch_in(content: dict[str, Any], key: str) -> Epoch | None:
    """The number of a key as an epoch; None where it is not there.

    Raises:
        InputError: it is no finite number.
    """
    value = content.get(key)
    return None if value is None else epoch_of(value)


def record_of(content: dict[str, Any], epoch: Epoch, step: Epoch | None, place: str) -> Record:
    """The losses and metrics of an object, by their names; whatever else stands there is left.

    Raises:
        InputError: one of them is no number.
    """
    parts: dict[str, dict[str, float]] = {"train": {}, "val": {}, "metrics": {}}
    roles: set[str] = set()
    for name, value in content.items():
        where = place_of(name)
        if where is None or isinstance(value, list | dict | str):
            continue
        parts[where.part][name] = as_float(value)
        if where.part != "train":
            roles.add(where.role or "val")
    if len(roles) > 1:
        raise InputError(f"{place}: expected one kind of data, found {few(sorted(roles))}")
    role = next(iter(roles), "val")
    return Record(epoch, step, role, **parts)


def as_float(value: float | None) -> float:
    """A number of JSON; null is nan, and one that is too large is infinite."""
    return math.nan if value is None else float_of(value)
