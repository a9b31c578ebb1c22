"""The state folder: what is done stays done, whoever is killed.

::

    state.json               the release and the rules that everything in it was made under
    parts/HASH.part          a condensed part; HASH is that of its inputs, its rules and how it is
                             read, so that a part that changed is matched again, and no other
    index/HASH.index         how the parts of one data set belong together

Every file is written beside its place and renamed, or put into an object store whole. Any file
below ``parts`` and ``index`` may be deleted: what is missing is made again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from itertools import filterfalse
from typing import Any, NamedTuple

from detmetrics.formats.reading import Reading
from detmetrics.formats.yolo.dataset import lies_elsewhere, name_files_around
from detmetrics.foundation.errors import InputError, OutputError, RulesError
from detmetrics.foundation.messages import printable
from detmetrics.foundation.version import __version__
from detmetrics.parts.folders import PartPaths
from detmetrics.parts.part_tables import PartReading
from detmetrics.parts.storage import STORAGE, Storage, absolute, is_url, join
from detmetrics.rules import Rules

__all__ = ["Removed", "State", "hashed_files", "named_files", "opened_state", "part_hash"]

KIND, LAYOUT, NAME = "detmetrics state", 1, "state.json"
OWN = re.compile(r"[0-9a-f]{40}\.(part|index)$|\.detmetrics-")
"""Names of files that a run writes, those that a killed one left included."""


class Removed(NamedTuple):
    """What was deleted from a state: files, and how many bytes they had."""

    files: int
    size: int


@dataclass(frozen=True)
class State:
    """The paths of a state; folder: absolute, as workers may be anywhere; storage: how files in it
    are reached.
    """

    folder: str
    storage: Storage = STORAGE

    def part(self, name: str) -> str:
        """Where the condensed part of this hash is."""
        return join(self.folder, "parts", f"{name}.part")

    def index(self, name: str) -> str:
        """Where the index of this hash is."""
        return join(self.folder, "index", f"{name}.index")

    def clean(self, kept: Collection[str]) -> Removed:
        """Delete all condensed parts and indexes but these; files that no run wrote stay.

        Raises:
            OutputError: a file cannot be deleted.
        """
        sizes = []
        for folder in (join(self.folder, name) for name in ("parts", "index")):
            files = self.storage.of(folder)
            try:
                own = [
                    one.name for one in files.entries(folder) if one.is_file and OWN.match(one.name)
                ]
                for path in (join(folder, name) for name in own):
                    if path not in kept:
                        sizes.append(files.size(path))
                        files.delete(path)
            except OSError as error:
                raise OutputError(f"{folder}: cannot be cleaned: {error.strerror}") from None
        return Removed(len(sizes), sum(sizes))


def opened_state(folder: str | os.PathLike[str], rules: Rules, storage: Storage = STORAGE) -> State:
    """A state folder, made where there is none.

    Raises:
        InputError: the folder holds something else, or the state of another release.
        RulesError: the state is that of other rules.
        OutputError: the folder cannot be made.
    """
    state = State(absolute(folder), storage)
    files, told = storage.of(state.folder), join(state.folder, NAME)
    mine = {"kind": KIND, "layout": LAYOUT, "release": __version__, "rules": _as_json(rules)}
    try:
        there = _names(state)
        if NAME in there:
            _refuse_others(files.read(told), told, rules.signature, mine)
        else:
            _refuse_strange(folder, there)
        for name in ("parts", "index"):
            files.make_folder(join(state.folder, name))
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from None
    if NAME not in there:
        files.write(told, json.dumps({**mine, "signature": rules.signature}, indent=1) + "\n")
    return state


def _names(state: State) -> list[str]:
    """What is in the folder of a state; nothing where there is none."""
    try:
        return [entry.name for entry in state.storage.of(state.folder).entries(state.folder)]
    except FileNotFoundError:
        return []


def _refuse_strange(folder: str | os.PathLike[str], there: list[str]) -> None:
    """Refuse a folder that holds what is no state, but for what a run left that was stopped."""
    others = [name for name in there if name not in ("parts", "index") and name[0] != "."]
    if others:
        raise InputError(
            f"{folder}: expected a state folder or a new one, found {printable(others[0])}. "
            "Fix: give a folder of its own"
        )


def _as_json(rules: Rules) -> Any:
    return json.loads(json.dumps(asdict(rules)))


def _refuse_others(content: bytes, told: str, signature: str, mine: Mapping[str, Any]) -> None:
    fix = "Fix: give another state folder, or delete this one"
    try:
        there = json.loads(content)
        kind, layout, release = (there[name] for name in ("kind", "layout", "release"))
        made_under, own = there["rules"], there["signature"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{told}: expected the state of a run, found something else. {fix}") from (
            None
        )
    if (kind, layout, release) != (KIND, LAYOUT, __version__):
        raise InputError(
            f"{told}: the state was made by detmetrics {release}, and this is {__version__}, which "
            f"may match in another way. {fix}"
        )
    if made_under != mine["rules"]:
        raise RulesError(
            f"{told}: the state was made under other rules (found {own}, expected {signature}). "
            f"{fix}"
        )


def part_hash(paths: PartPaths, rules: Rules, how: PartReading) -> str:
    """What decides a condensed part, as a name: contents of its files, rules, reading, release.

    Of an object store it is what the store tells of contents, so that nothing is read for it.

    Raises:
        OSError: a file cannot be read.
    """
    digest = sha256(f"{KIND} {LAYOUT} {__version__}\n".encode())
    digest.update(json.dumps(_as_json(rules), sort_keys=True).encode())
    digest.update(repr((paths.name, *_settings(how))).encode())
    for path in hashed_files(paths, how):
        for name, file in how.storage.of(path).versions(path):
            digest.update(f"\n{name} {file}".encode())
    return digest.hexdigest()[:40]


def hashed_files(paths: PartPaths, how: PartReading) -> list[str]:
    """The files and folders that a part is read from, class names around it included.

    Raises:
        InputError: a part names files elsewhere, of which nobody would see that they change.
    """
    around: list[str] = []
    for path in filterfalse(is_url, paths[1:]):
        if lies_elsewhere(path):
            raise InputError(
                f"{path}: names files outside of the part, whose changes would not be seen. Fix: "
                "make the folder of its labels the part, with the names of classes as "
                "--class-names (Reading.class_names)"
            )
        around += name_files_around(path) if os.path.isdir(path) else []
    return [*paths[1:], *named_files(how), *around]


def _settings(how: PartReading) -> Iterator[object]:
    """What decides how files are read; the content of named files is hashed beside it."""
    for field in fields(Reading):
        if field.compare and field.name not in ("used", "on_progress", "on_message", "catalog"):
            yield field.name, getattr(how.reading, field.name)
    yield from (how.class_list, how.image_list, how.classes)
    yield from (how.unknown_images, how.unknown_categories, how.pictures)


def named_files(how: PartReading) -> Iterator[str]:
    """The files that settings name: class names, image sizes, and the like."""
    given = [getattr(how.reading, field.name) for field in fields(Reading)]
    for value in (*given, how.image_list):
        if isinstance(value, str | os.PathLike) and os.path.isfile(value):
            yield os.fspath(value)
    if isinstance(how.image_list, str) and is_url(how.image_list):
        yield how.image_list
