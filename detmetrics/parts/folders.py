"""The parts of a data set: entries of two folders that have the same name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import few, printable
from detmetrics.parts.storage import STORAGE, Entry, Storage, join

__all__ = ["CLASSES", "IMAGES", "PartPaths", "lists_in", "parts_in"]

IMAGES, CLASSES = "images", "classes"
TABLES = (".parquet", ".csv", ".tsv", ".json")


class PartPaths(NamedTuple):
    """A part: its name, and where its ground truth and its detections are."""

    name: str
    ground_truth: str
    detections: str


def parts_in(
    ground_truth: str, detections: str, storage: Storage = STORAGE
) -> tuple[PartPaths, ...]:
    """The parts of two folders, in order of name.

    An entry is a file or a folder; suffixes may differ. Names that begin with ``.`` or ``_`` are
    left out, and so are lists of images and classes (``images.parquet``, ``classes.txt``) beside
    ground truth.

    Raises:
        FormatError: a folder cannot be read or has no parts, two entries have one name, or parts
            have no partner.
    """
    truth, found = _entries(ground_truth, storage), _entries(detections, storage)
    for name in (IMAGES, CLASSES):
        if _is_list(name, truth, found):
            del truth[name]
    if not truth:
        raise FormatError(ground_truth, ["expected parts (files or folders), found none"])
    _refuse_unpaired(ground_truth, truth, detections, found)
    return tuple(
        PartPaths(
            name,
            _inside(ground_truth, truth[name], storage),
            _inside(detections, found[name], storage),
        )
        for name in truth
    )


def lists_in(ground_truth: str, detections: str, storage: Storage = STORAGE) -> Mapping[str, str]:
    """The lists of images and of classes beside the parts of ground truth: paths by name, of those
    that are there.

    Raises:
        FormatError: a folder cannot be read, or two of its entries have one name.
    """
    truth, found = _entries(ground_truth, storage), _entries(detections, storage)
    return {
        name: join(ground_truth, truth[name].name)
        for name in (IMAGES, CLASSES)
        if _is_list(name, truth, found)
    }


def _is_list(name: str, truth: Mapping[str, Entry], found: Mapping[str, Entry]) -> bool:
    """Whether the ground truth has a file of this name that is no part."""
    return name in truth and truth[name].is_file and name not in found


def _entries(folder: str, storage: Storage) -> dict[str, Entry]:
    """What is in a folder by the names of parts, in order."""
    try:
        found = storage.of(folder).entries(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FormatError(folder, [f"expected a folder of parts: {reason}"]) from None
    entries: dict[str, Entry] = {}
    for entry in found:
        name = entry.name
        if name.startswith((".", "_")):
            continue
        part = name if entry.is_folder else os.path.splitext(name.removesuffix(".gz"))[0]
        if part in entries:
            first = printable(entries[part].name)
            raise FormatError(
                folder, [f"{printable(name)}: {first} is the same part: expected one of them"]
            )
        entries[part] = entry
    return dict(sorted(entries.items()))  # by name, whatever the suffixes are


def _refuse_unpaired(
    ground_truth: str, truth: Mapping[str, Entry], detections: str, found: Mapping[str, Entry]
) -> None:
    for folder, own, other, there in (
        (detections, truth, found, "detections"),
        (ground_truth, found, truth, "ground truth"),
    ):
        if alone := sorted(own.keys() - other.keys()):
            raise FormatError(
                folder,
                [f"{printable(name)}: expected a part of this name, found none" for name in alone],
                hint=f"every part needs a file or folder of its name among the {there} (there: "
                f"{few(sorted(other)) or 'none'}); one without boxes may be empty of rows",
            )


def _inside(folder: str, entry: Entry, storage: Storage) -> str:
    """The one file in a folder (``part=17/data.parquet``); the folder itself otherwise."""
    path = join(folder, entry.name)
    if not entry.is_folder:
        return path
    inside = storage.of(path).entries(path)
    known = [one for one in inside if not one.name.startswith((".", "_"))]
    if len(known) != 1 or not known[0].is_file:
        return path
    name = known[0].name
    return join(path, name) if name.lower().removesuffix(".gz").endswith(TABLES) else path
