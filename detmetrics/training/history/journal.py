r"""A history on disk: JSON lines that are only ever added to, and survive a killed process.

A row is a line, written in one call and forced to disk before ``append`` returns::

    {"detmetrics.history":1,"epoch":3,"role":"val","train":{"loss":0.51},"val":{},
     "metrics":{"AP":0.36}}

(on one line). Every line names the version of its layout, so that files can be cut and joined.
``null`` is a number that was measured and came out as nan, ``"inf"`` and ``"-inf"`` are the
infinities; a name that was not measured is absent. ``"run"`` names the training where a file holds
several, and is absent from rows of one without a name. Text is ASCII.

A process killed while it writes leaves a line without its end. The next row then starts on a line
of its own; a reader passes over lines that break off, and says so. A line that is whole and says
something else is a fault, never passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from detmetrics.foundation.appending import append_line
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import counted, few, shown
from detmetrics.training.history.epoch_rows import PARTS, Row, row_of

__all__ = ["MARK", "append_line", "is_journal", "line_of", "read_lines"]

VERSION = 1
KEY = "detmetrics.history"
MARK = f'{{"{KEY}":'
INFINITE = {"inf": math.inf, "-inf": -math.inf}


def is_journal(text: str) -> bool:
    """Whether a line of a text begins as the rows of a journal do."""
    return text.startswith(MARK) or f"\n{MARK}" in text


def line_of(row: Row) -> str:
    r"""A row as a line, without the end of the line.

    >>> line_of(Row(epoch=1, val={"loss": float("nan")}))
    '{"detmetrics.history":1,"epoch":1,"role":"val","train":{},"val":{"loss":null},"metrics":{}}'
    """
    content: dict[str, Any] = {KEY: VERSION, "epoch": row.epoch, "role": row.role}
    if row.step is not None:
        content["step"] = row.step
    if row.run:
        content["run"] = row.run
    for part in PARTS:
        content[part] = {name: _written(value) for name, value in getattr(row, part).items()}
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def _written(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def read_lines(text: str, path: str) -> tuple[list[Row], tuple[str, ...]]:
    """The rows of a journal, and what should be said of it.

    Raises:
        FormatError: lines that are whole and no rows.
    """
    rows: list[Row] = []
    cut: list[str] = []
    faults: list[str] = []
    for number, line in _lines(text):
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            if line.startswith("{"):
                cut.append(f"line {number}")
            else:
                faults.append(f"line {number}: expected a JSON object, found {shown(line)}")
            continue
        try:
            rows.append(_row(content))
        except InputError as error:
            faults.append(f"line {number}: {error}")
    if faults:
        raise FormatError(path, faults)
    if not cut:
        return rows, ()
    what = counted(len(cut), "line breaks", "lines break")
    return rows, (
        f"{what} off ({few(cut)}), as when a process is killed while it writes: left out",
    )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if stripped := line.strip():
            yield number, stripped


def _row(content: Any) -> Row:
    if not isinstance(content, dict) or KEY not in content:
        raise InputError(f"expected an object with the key {KEY!r}, found {shown(content)}")
    if content[KEY] != VERSION:
        raise InputError(
            f"{KEY}: expected {VERSION}, found {shown(content[KEY])}: written by a later release?"
        )
    parts = [_values(part, content.get(part, {})) for part in PARTS]
    return row_of(
        content.get("epoch"),
        *parts,
        role=content.get("role", "val"),
        step=content.get("step"),
        run=content.get("run"),
    )


def _values(part: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InputError(f"{part}: expected an object, found {shown(given)}")
    return {name: _read(value) for name, value in given.items()}


def _read(value: Any) -> Any:
    if value is None:
        return math.nan
    return INFINITE.get(value, value) if isinstance(value, str) else value
