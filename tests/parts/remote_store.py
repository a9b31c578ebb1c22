"""A data set in a store in memory, and what is asked of the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("fsspec", reason="needs fsspec, as the extra remote has it")

from fsspec.implementations.memory import MemoryFileSystem
from parts.part_files import DataSet

import detmetrics as dm

ROOT = "memory://bucket"
ODD = ["part [1]*", "part #2?x=%20", "\u00e9\u4e2d+&'"]
"""Names that mean something in patterns or URLs."""
ASKED = ("cat_file", "get_file", "info", "ls", "find", "pipe_file")


class Request(NamedTuple):
    """What a store was asked for."""

    what: str
    path: str
    start: int | None = None
    end: int | None = None


def emptied() -> MemoryFileSystem:
    """The store, which all tests of a process share, without objects."""
    fs = MemoryFileSystem()
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]
    return fs


def uploaded(data: DataSet, folder: Path) -> tuple[Path, Path]:
    """The parts put into the store; gives both files of the whole."""
    files = data.write(folder)
    for side in ("gt", "detections"):
        for path in (folder / side).iterdir():
            MemoryFileSystem().pipe_file(f"/bucket/{side}/{path.name}", path.read_bytes())
    return files


def run(rules: object = "coco", **asked: object) -> dm.PartsEvaluation:
    """The parts in the store evaluated, with the state beside them."""
    asked = {"state": f"{ROOT}/run7", "shape": "box"} | asked
    return dm.evaluate_parts(f"{ROOT}/gt", f"{ROOT}/detections", rules, **asked)


def recorded(patch: pytest.MonkeyPatch) -> list[Request]:
    """Takes what the store is asked for from now on."""
    requests: list[Request] = []

    def noting(what: str, asked: Callable[..., object]) -> Callable[..., object]:
        def ask(self: object, path: str, *args: object, **named: object) -> object:
            if what == "cat_file":
                start, end = (*args, None, None)[:2]
                requests.append(
                    Request(what, path, named.get("start", start), named.get("end", end))
                )
            else:
                requests.append(Request(what, path))
            return asked(self, path, *args, **named)

        return ask

    for what in ASKED:
        patch.setattr(MemoryFileSystem, what, noting(what, getattr(MemoryFileSystem, what)))
    return requests


def most_of_a_block(index: object, requests: list[Request]) -> int:
    """The most reads of the tables of any class in any part."""
    counts = [0]
    for part in index.parts:
        reads = [one for one in requests if one.what == "cat_file" and part.path.endswith(one.path)]
        for category in range(len(part.head.detections)):
            anchors, ranked = part.ranges(category)
            counts.append(
                sum(
                    one.start is not None and one.start < ranked.end and one.end > anchors.start
                    for one in reads
                    if one.start != 0  # the head, of a file so small that it holds blocks too
                )
            )
    return max(counts)
