"""The parts of a data set: entries of two folders that have the same name."""

from __future__ import annotations

import os
from typing import NamedTuple

from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import few, printable

__all__ = ["CLASSES", "IMAGES", "PartPaths", "list_in", "parts_in"]

IMAGES, CLASSES = "images", "classes"


class PartPaths(NamedTuple):
    """A part: its name, and where its ground truth and its detections are."""

    name: str
    ground_truth: str
    detections: str


def parts_in(ground_truth: str, detections: str) -> tuple[PartPaths, ...]:
    """The parts of two folders, in order of name.

    An entry is a file or a folder; suffixes may differ. Names that begin with ``.`` or ``_`` are
    left out, and so are lists of images and classes (``images.parquet``, ``classes.txt``) beside
    ground truth.

    Raises:
        FormatError: a folder cannot be read or has no parts, two entries have one name, or parts
            have no partner.
    """
    truth, found = _entries(ground_truth), _entries(detections)
    for name in (IMAGES, CLASSES):
        if list_in(ground_truth, detections, name) is not None:
            del truth[name]
    if not truth:
        raise FormatError(ground_truth, ["expected parts (files or folders), found none"])
    _refuse_unpaired(ground_truth, truth, detections, found)
    return tuple(PartPaths(name, _inside(truth[name]), _inside(found[name])) for name in truth)


def list_in(ground_truth: str, detections: str, name: str) -> str | None:
    """The list of images or classes that is beside the parts of ground truth, if there is one.

    Raises:
        FormatError: a folder cannot be read, or two of its entries have one name.
    """
    path = _entries(ground_truth).get(name)
    a_part = name in _entries(detections)
    return path if path is not None and os.path.isfile(path) and not a_part else None


def _entries(folder: str) -> dict[str, str]:
    """Paths by the names of parts, in order."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        reason = error.strerror or str(error)
        raise FormatError(folder, [f"expected a folder of parts: {reason}"]) from None
    entries: dict[str, str] = {}
    for name in names:
        if name.startswith((".", "_")):
            continue
        path = os.path.join(folder, name)
        part = name if os.path.isdir(path) else os.path.splitext(name.removesuffix(".gz"))[0]
        if part in entries:
            first = printable(os.path.basename(entries[part]))
            raise FormatError(
                folder, [f"{printable(name)}: {first} is the same part: expected one of them"]
            )
        entries[part] = path
    return entries


def _refuse_unpaired(
    ground_truth: str, truth: dict[str, str], detections: str, found: dict[str, str]
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


def _inside(path: str) -> str:
    """The one file in a folder (``part=17/data.parquet``); the folder itself otherwise."""
    if not os.path.isdir(path):
        return path
    names = [name for name in os.listdir(path) if not name.startswith((".", "_"))]
    one = os.path.join(path, names[0]) if len(names) == 1 else path
    table = one.lower().removesuffix(".gz").endswith((".parquet", ".csv", ".tsv", ".json"))
    return one if table and os.path.isfile(one) else path
