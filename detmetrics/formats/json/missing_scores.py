"""Lists of detections that may have no scores, read by the reader of those that have."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec
import numpy as np

from detmetrics.formats.json.parsing import KEYS
from detmetrics.formats.json.records import REFUSED, DetectionColumns
from detmetrics.formats.json.repeated_keys import refuse_repeated, repeated_in_rows
from detmetrics.foundation.arrays import Bools, Floats

__all__ = ["unscored_columns"]

Record = dict[str, msgspec.Raw]


def unscored_columns(
    data: bytes, path: str, read: Callable[[bytes], DetectionColumns]
) -> tuple[DetectionColumns, Floats | None]:
    """The columns of a list whose records may have no score, and the scores that they have.

    read: what reads a list with scores, from its bytes. The second is (D,), nan where a record has
    none, and None where none has one.

    Raises:
        FormatError: as of ``read``, which finds every fault but those of scores.
    """
    told, records = _parted(data, path)
    columns = read(data if records is None else msgspec.json.encode(records))
    known = told[: len(columns.boxes)]
    return columns, np.where(known, columns.scores, np.nan) if known.any() else None


def _parted(data: bytes, path: str) -> tuple[Bools, list[Record | msgspec.Raw] | None]:
    """Which records have a number as their score, and the records with 0 in place of the others,
    which is taken out again; None where there is no list of records.
    """
    try:
        texts = msgspec.json.decode(data, type=list[msgspec.Raw])
    except REFUSED:
        return np.zeros(0, bool), None
    refuse_repeated(path, [*repeated_in_rows(texts, sorted(KEYS), "")])
    records: list[Record | msgspec.Raw] = []
    told = np.zeros(len(texts), bool)
    for row, text in enumerate(texts):
        records.append(text)
        with contextlib.suppress(*REFUSED):
            record = msgspec.json.decode(text, type=Record)
            told[row] = _is_number(record.get("score"))
            records[row] = record if told[row] else record | {"score": msgspec.Raw(b"0")}
    return told, records


def _is_number(text: msgspec.Raw | None) -> bool:
    return text is not None and bytes(text)[:1] in b"-0123456789"
