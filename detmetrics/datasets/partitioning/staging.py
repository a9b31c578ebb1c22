"""What a partition has done so far: a plan, and the records of each piece by part.

::

    .partition/plan.json             what is divided, and how
    .partition/SIDE-FILE-PIECE       where each part begins (int64), then its records
    .partition/SIDE-FILE.done        all pieces of this file are there, with the CRC-32 of each
    .partition/complete.json         all parts are written; the two above are gone

Every file is written beside its place and renamed, so that a stopped run leaves whole ones. One run
at a time has the output folder, where the system can lock it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from detmetrics.foundation.arrays import running
from detmetrics.foundation.errors import InputError, OutputError
from detmetrics.foundation.messages import printable
from detmetrics.foundation.outputs import write_whole

__all__ = ["Staging", "alone_in", "opened_staging"]

FOLDER, PLAN, COMPLETE = ".partition", "plan.json", "complete.json"
OWN = re.compile(r"(plan|complete)\.json$|(gt|detections)-\d+(-\d+|\.done)$|\.detmetrics-")
"""Names of what a run writes into the folder."""


@dataclass(frozen=True)
class Staging:
    """The folder of what is done; parts: how many there are; checksums: of the pieces that this run
    has added, by name.
    """

    folder: str
    parts: int
    checksums: dict[str, int] = field(default_factory=dict)

    def has(self, side: str, file: int) -> bool:
        """Whether an earlier run staged a file as a whole, and nothing of it is gone or damaged."""
        try:
            pieces = self.facts(side, file)["pieces"].items()
            return all(crc32(self._content(name)) == checksum for name, checksum in pieces)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return False

    def add(self, side: str, file: int, piece: int, blocks: Sequence[bytes]) -> None:
        """Keep the records of a piece, those of each part in turn.

        Raises:
            OutputError: they cannot be written.
        """
        first = running(np.array([len(block) for block in blocks], np.int64))
        data = b"".join([first.astype("<i8").tobytes(), *blocks])
        name = f"{side}-{file:05d}-{piece:06d}"
        write_whole({self._path(name): data})
        self.checksums[name] = crc32(data)

    def finish(self, side: str, file: int, facts: Mapping[str, Any]) -> None:
        """Note that a file is staged as a whole; facts: about it.

        Raises:
            OutputError: it cannot be written.
        """
        own = f"{side}-{file:05d}-"
        pieces = {name: one for name, one in self.checksums.items() if name.startswith(own)}
        done = json.dumps({**facts, "pieces": pieces})
        write_whole({self._path(f"{side}-{file:05d}.done"): done})

    def facts(self, side: str, file: int) -> dict[str, Any]:
        """What was noted of a file that is staged."""
        with open(self._path(f"{side}-{file:05d}.done"), encoding="utf-8") as done:
            facts: dict[str, Any] = json.load(done)
        return facts

    def blocks(self, side: str, part: int, files: int) -> Iterator[bytes]:
        """The records of a part, in order of files and pieces; files: how many the side has."""
        head = 8 * (self.parts + 1)
        for number in range(files):
            for name in self.facts(side, number)["pieces"]:
                with open(self._path(name), "rb") as file:
                    first = np.frombuffer(file.read(head), "<i8")
                    start, end = first[part : part + 2].tolist()
                    file.seek(head + start)
                    if end > start:
                        yield file.read(end - start)

    def _content(self, name: str) -> bytes:
        with open(self._path(name), "rb") as file:
            return file.read()

    def clear(self, counts: tuple[int, int]) -> None:
        """Note that all parts are written, and delete what was staged.

        counts: records in all parts, and records that were left out.

        Raises:
            OutputError: it cannot be written.
        """
        complete = {"counts": counts, "sizes": self._sizes()}
        write_whole({self._path(COMPLETE): json.dumps(complete)})
        for name in os.listdir(self.folder):
            if name not in (PLAN, COMPLETE):
                os.unlink(self._path(name))

    def counts(self) -> tuple[int, int] | None:
        """What :meth:`clear` noted; None where it did not, or where parts are no longer there."""
        try:
            with open(self._path(COMPLETE), encoding="utf-8") as file:
                told = json.load(file)
            records, dropped = told["counts"]
            return (records, dropped) if told["sizes"] == self._sizes() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _sizes(self) -> dict[str, int]:
        """The bytes of each file of both sides."""
        output = os.path.dirname(self.folder)
        sizes: dict[str, int] = {}
        for folder, _, names in os.walk(output):
            if folder not in (output, self.folder):
                paths = (os.path.join(folder, name) for name in names)
                sizes |= {os.path.relpath(path, output): os.path.getsize(path) for path in paths}
        return sizes

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)


@contextlib.contextmanager
def alone_in(output: str) -> Iterator[None]:
    """Keep other runs out of the output folder, where the system has locks.

    Raises:
        InputError: another run has it.
        OutputError: it cannot be made.
    """
    try:
        import fcntl
    except ImportError:  # a system without it
        yield
        return
    try:
        os.makedirs(output, exist_ok=True)
        folder = os.open(output, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {error.strerror}") from None
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{output}: another run of partition is writing to it. Fix: wait until it has "
                    "ended, and run this one again"
                ) from None
        yield
    finally:
        os.close(folder)


def opened_staging(output: str, parts: int, plan: Mapping[str, Any]) -> Staging:
    """The staging folder of an output folder, made where there is none.

    plan: what is divided and how, as JSON holds it.

    Raises:
        InputError: the output holds something else, or the parts of another plan.
        OutputError: it cannot be made.
    """
    staging = Staging(os.path.join(output, FOLDER), parts)
    told = os.path.join(staging.folder, PLAN)
    try:
        if os.path.exists(told):
            if _is_planned(output, _read(told), plan):
                return staging
            shutil.rmtree(staging.folder)  # of a run that ended before it wrote a part
        if os.path.isdir(output) and (there := os.listdir(output)):
            # Of a run that was stopped before it had a plan.
            if there == [FOLDER] and all(map(OWN.match, os.listdir(staging.folder))):
                shutil.rmtree(staging.folder)
            else:
                raise InputError(
                    f"{output}: expected a new or empty folder, found {printable(sorted(there)[0])}"
                )
        os.makedirs(staging.folder)
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {error.strerror}") from None
    write_whole({told: json.dumps(plan, indent=1) + "\n"})
    return staging


def _read(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except ValueError:
            raise InputError(
                f"{path}: expected the plan of a partition, found other content. Fix: use another "
                "output folder"
            ) from None


def _is_planned(output: str, there: Any, plan: Mapping[str, Any]) -> bool:
    """Whether a plan is this one; another may take the place of one without parts.

    Raises:
        InputError: the output has parts of another plan.
    """
    mine = json.loads(json.dumps(plan))
    if there == mine:
        return True
    if os.listdir(output) == [FOLDER]:
        return False
    differ = [name for name in mine if not isinstance(there, dict) or there.get(name) != mine[name]]
    raise InputError(
        f"{output}: contains another partition ({', '.join(differ) or 'plan'} differ). Fix: use "
        "another output folder, or delete this one"
    )
