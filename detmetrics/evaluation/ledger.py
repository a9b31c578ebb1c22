r"""The ledger of a test set: who looked at it, when, and with how many models.

A look is a line of JSON, on disk before any of its numbers is shown::

    {"detmetrics.ledger":1,"date":"2026-05-04T09:30:00+00:00","role":"test","command":"evaluate",
     "signature":"coco|...","ground_truth":{"path":"test.json","sha256":"9f..."},
     "models":[{"path":"a.json","sha256":"07..."}],"detmetrics":"0.1.0"}

(on one line). A test set is the SHA-256 of the ground truth as it was read, whatever part of it was
measured and by which rules; a model is that of its detections, so that looking twice at the same
detections is two looks with one model. Lines are added as those of a journal of a training are
(:mod:`detmetrics.foundation.appending`): a line that breaks off is of a process that was killed
before it showed anything, and is passed over. A line that is whole and no look is a fault.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from detmetrics.foundation.appending import append_line
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import counted, printable, shown
from detmetrics.foundation.version import __version__

__all__ = ["Ledger", "Look", "Looked", "add_look", "read_ledger"]

VERSION = 1
KEY = "detmetrics.ledger"


class Looked(NamedTuple):
    """A file or folder that was read: its path as it was given, and its SHA-256."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a test set; models: the detections whose numbers it shows."""

    command: str
    signature: str
    ground_truth: Looked
    models: tuple[Looked, ...]

    def line(self) -> str:
        """As the ledger has it, dated now."""
        content = {
            KEY: VERSION,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "role": "test",
            "command": self.command,
            "signature": self.signature,
            "ground_truth": self.ground_truth._asdict(),
            "models": [one._asdict() for one in self.models],
            "detmetrics": __version__,
        }
        return json.dumps(content, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a ledger says of one test set.

    path: of the ledger; looks: at this test set; models: SHA-256 of different detections, in the
    order of their first look; torn: lines that break off, of any test set.
    """

    path: str
    looks: int
    models: tuple[str, ...]
    torn: int

    @property
    def count(self) -> str:
        """How often the test set was looked at, in a sentence."""
        name = printable(self.path)
        looks, models = counted(self.looks, "look"), counted(len(self.models), "model")
        torn = ""
        if self.torn:
            lines = counted(self.torn, "line breaks", "lines break")
            torn = f"; {lines} off, as of a killed process: left out"
        return f"{name}: {looks} at this test set, with {models}{torn}"

    @property
    def warning(self) -> str | None:
        """That choosing by the test set is choosing on it, from the second model on."""
        if len(self.models) < 2:
            return None
        return (
            f"{printable(self.path)}: {len(self.models):,} models have been measured on this test "
            f"set ({counted(self.looks, 'look')}): choosing between them by these numbers is "
            "choosing on the test set, which then overstates the chosen one. Fix: choose on a "
            "validation set, and measure the chosen model alone on the test set"
        )


def add_look(path: str, look: Look) -> Ledger:
    """Add a look to a ledger, and say what the ledger then holds of its test set.

    Raises:
        FormatError: the file is there and is no ledger; nothing is added.
        OutputError: it cannot be written.
    """
    read_ledger(path, look)  # a file that is none must not be written to
    append_line(path, look.line(), "the look cannot be recorded")
    return read_ledger(path, look)  # again, as others may add to it too


def read_ledger(path: str, look: Look | None = None, *, with_look: bool = False) -> Ledger:
    """What a ledger says of the test set of a look; a file that is not there says nothing.

    with_look: as if the look was added.

    Raises:
        FormatError: it is no ledger.
    """
    looks, models, faults, torn = 0, list[str](), list[str](), 0
    test_set = None if look is None else look.ground_truth.sha256
    for number, line in _lines(path):
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            if line.startswith("{"):
                torn += 1
            else:
                faults.append(f"line {number}: expected a JSON object, found {shown(line)}")
            continue
        try:
            truth, found = _digests(content)
        except InputError as error:
            faults.append(f"line {number}: {error}")
            continue
        if truth == test_set:
            looks, models = looks + 1, [*models, *found]
    if faults:
        fix = "give the ledger of the test set, or a new file"
        raise FormatError(path, faults, hint=f"this is no ledger: {fix} (--ledger)")
    if with_look and look is not None:
        looks, models = looks + 1, [*models, *(one.sha256 for one in look.models)]
    return Ledger(path=path, looks=looks, models=tuple(dict.fromkeys(models)), torn=torn)


def _lines(path: str) -> Iterator[tuple[int, str]]:
    if not os.path.lexists(path):
        return
    if not os.path.isfile(path):
        raise FormatError(
            path, ["expected a file for the ledger, found a folder, a device or a dead link"]
        )
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise FormatError(path, [f"the ledger cannot be read: {reason}"]) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if stripped := line.strip():
            yield number, stripped


def _digests(content: Any) -> tuple[str, Sequence[str]]:
    """The test set and the models of a line."""
    if not isinstance(content, dict) or KEY not in content:
        raise InputError(f"expected an object with the key {KEY!r}, found {shown(content)}")
    if content[KEY] != VERSION:
        raise InputError(
            f"{KEY}: expected {VERSION}, found {shown(content[KEY])}: written by a later release?"
        )
    models = content.get("models")
    every = [content.get("ground_truth"), *(models if isinstance(models, list) else [None])]
    digests = [one.get("sha256") if isinstance(one, dict) else None for one in every]
    if not all(isinstance(digest, str) for digest in digests):
        raise InputError(f"expected ground_truth and models with sha256, found {shown(content)}")
    truth, *found = map(str, digests)
    return truth, found
