"""``trainer_state.json`` of the Transformers Trainer: one document with a ``log_history``.

Its entries are train losses (``loss``), evaluations (``eval_loss``, ``eval_map``) and a closing
summary of the run (``train_runtime``), which is no epoch. Epochs may be fractions. Source:
``transformers/trainer_callback.py``, ``TrainerState``.
"""

from __future__ import annotations

from typing import Any

from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import shown
from detmetrics.training.history.logs.by_epoch import Record, by_evaluation
from detmetrics.training.history.logs.json_logs import document, epoch_in, record_of
from detmetrics.training.history.logs.kind import LOOKED_AT, Content, Log, Parsed

__all__ = ["LOG"]

KEY = "log_history"


def _knows(content: Content) -> bool:
    if not content.start.startswith("{") or f'"{KEY}"' not in content.text:
        return False
    first = content.start.partition("\n")[0]
    return f'"{KEY}"' in first or len(first) == LOOKED_AT or not first.rstrip().endswith("}")


def _read(content: Content) -> Parsed:
    state = document(content.text, content.path)
    entries = state.get(KEY) if isinstance(state, dict) else None
    if not isinstance(entries, list):
        raise FormatError(content.path, [f"{KEY}: expected a list, found {shown(entries)}"])
    records: list[Record] = []
    faults: list[str] = []
    for index, entry in enumerate(entries):
        try:
            records += _records(entry, f"{KEY}[{index}]", records)
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise FormatError(content.path, faults)
    rows = by_evaluation(records)
    if not rows:
        raise FormatError(content.path, [f"{KEY}: expected losses or metrics, found none"])
    return Parsed(rows)


def _records(entry: Any, place: str, before: list[Record]) -> list[Record]:
    if not isinstance(entry, dict):
        raise InputError(f"{place}: expected an object, found {shown(entry)}")
    if "train_runtime" in entry:
        return []
    try:
        epoch, step = epoch_in(entry, "epoch"), epoch_in(entry, "step")
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    if epoch is None:
        epoch = step if step is not None else (before[-1].epoch if before else 0)
    record = record_of(entry, epoch, step, place)
    return [record] if record.train or record.evaluates else []


LOG = Log(name="trainer", title="trainer_state.json of the Trainer", knows=_knows, read=_read)
