"""VOC's lists of images: ``ImageSets/Main/NAME.txt`` beside the folder of annotations."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial

from detmetrics.formats.given import Given
from detmetrics.formats.metadata.image_lists import read_image_list
from detmetrics.formats.metadata.splits import DataSplit
from detmetrics.foundation.arrays import object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted, few, printable, shown
from detmetrics.tables.image_lookup import ImageLookup

__all__ = ["of_split", "splits_of"]

LISTS = os.path.join("ImageSets", "Main")
LEVELS = 3
"""So far above annotations their lists are looked for: annotations may lie in folders."""

OF_A_CLASS = re.compile(r".+_(train|val|trainval|test)")


def of_split(given: Given, files: Sequence[str], wanted: str) -> tuple[str, ...]:
    """The files of the images that a split lists.

    Raises:
        FormatError: there is no such split, or images of it have no file.
    """
    lists = _lists(given)
    if wanted not in lists:
        known = ", ".join(map(printable, _whole(lists)))
        have = f"available: {known}" if lists else f"there is no {LISTS} near it"
        raise FormatError(given.path, [f"no split {shown(wanted)}; {have}"])
    names = [os.path.splitext(name)[0] for name in files]
    lookup = ImageLookup(object_column(names), names)
    found = {image: lookup.rows(str(image)) for image in read_image_list(lists[wanted])}
    if missing := [str(image) for image, rows in found.items() if not rows]:
        count = counted(len(found), "image")
        fault = f"split {wanted!r}: {len(missing):,} of {count} have no XML file: {few(missing, 3)}"
        raise FormatError(given.path, [fault])
    kept = {row for rows in found.values() for row in rows}
    return tuple(name for row, name in enumerate(files) if row in kept)


def splits_of(given: Given) -> tuple[DataSplit, ...]:
    """The splits near a folder of annotations; those of single classes are lists of the same."""
    lists = _lists(given)
    return tuple(
        DataSplit(
            name,
            f"{os.path.join(LISTS, name)}.txt",
            f"--split {name}",
            partial(_names, lists[name]),
            within=True,
        )
        for name in _whole(lists)
    )


def _names(path: str) -> list[str]:
    return [str(image) for image in read_image_list(path)]


def _whole(lists: Mapping[str, str]) -> list[str]:
    return [name for name in sorted(lists) if not OF_A_CLASS.fullmatch(name)]


def _lists(given: Given) -> dict[str, str]:
    """The lists by name."""
    if not given.is_folder:
        return {}
    home = os.path.dirname(os.path.abspath(given.join(given.ending(".xml")[0])))
    for _ in range(LEVELS):
        folder = os.path.join(home, LISTS)
        if os.path.isdir(folder):
            names = (name for name in os.listdir(folder) if name.endswith(".txt"))
            return {name[: -len(".txt")]: os.path.join(folder, name) for name in names}
        home = os.path.dirname(home)
    return {}
