"""Folders with a text file an image: which files hold boxes, and a first look into them."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from typing import cast

from detmetrics.formats.given import BEGINNING, Contents, Given
from detmetrics.formats.lines.line_reader import read_lines
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.errors import FormatError

__all__ = [
    "box_files",
    "refuse_unreadable_lines",
    "required_files",
    "sampled",
    "stems",
    "with_first_files",
]

NO_BOXES = frozenset(
    (
        *("classes.txt", "names.txt", "labels.txt", "obj_names.txt", "predefined_classes.txt"),
        *("train.txt", "val.txt", "valid.txt", "test.txt", "trainval.txt", "default.txt"),
        *("readme.txt", "readme.dataset.txt", "readme.roboflow.txt", "license.txt", "notes.txt"),
        *("requirements.txt", "class_names.txt", "classnames.txt", "imgnamefile.txt"),
    )
)
LOOKED_AT = 50


def box_files(given: Given) -> tuple[str, ...]:
    """The text files of a folder without those that list classes, images or anything else."""
    if not given.is_folder:
        return ()
    if "box files" not in given.seen:
        given.seen["box files"] = tuple(
            name
            for name in given.ending(".txt")
            if _may_hold_boxes(name) or (not _lists_images(name) and _holds_boxes(given, name))
        )
    return cast("tuple[str, ...]", given.seen["box files"])


def with_first_files(given: Given) -> Given:
    """The same path with only the first text files, if there are many."""
    files = box_files(given)
    before = itertools.accumulate(os.path.getsize(given.join(name)) for name in files)
    enough = sum(1 for _ in itertools.takewhile(lambda size: size < BEGINNING, before))
    given.seen["box files"] = files[: enough + 1]
    return given


def _may_hold_boxes(name: str) -> bool:
    """Whether a text file of this name is one with boxes."""
    low = name.lower()
    return (
        low.endswith(".txt") and low.rpartition("/")[2] not in NO_BOXES and not _lists_images(name)
    )


def _lists_images(name: str) -> bool:
    return "/" in name and "imagesets/" in name.lower()


def refuse_unreadable_lines(given: Given) -> None:
    """Refuse what stands where a text file with boxes is expected, and cannot be read.

    Raises:
        UnreadableError: dead links, pipes, folders named as files are.
    """
    given.refuse_unreadable(_may_hold_boxes)


def stems(files: Sequence[str]) -> list[str]:
    """The names of text files without ``.txt``: those of their images."""
    return [name[: -len(".txt")] for name in files]


def _holds_boxes(given: Given, name: str) -> bool:
    """Whether a file of such a name begins with a box: one class of VOC is called train."""
    try:
        with open(given.join(name), "rb") as file:
            tokens = file.readline(1000).split()
        return len(tokens) > 4 and all(math.isfinite(float(token)) for token in tokens[-4:])
    except (OSError, ValueError):
        return False


def required_files(given: Given) -> tuple[str, ...]:
    """The text files that hold boxes, of which there must be one.

    Raises:
        FormatError: there is none, or some are there and cannot be read.
    """
    files = box_files(given)
    if given.is_folder:
        refuse_unreadable_lines(given)
    if not files:
        found = "none" if given.is_folder else "no folder"
        raise FormatError(given.path, [f"expected a folder of .txt files, found {found}"])
    return files


def sampled(given: Given) -> Lines | None:
    """The lines of some of the files, evenly taken; None where they are no boxes at all.

    A few bad lines do not hide what a folder is: its reader names them with their place.
    """
    if "lines" not in given.seen:
        given.seen["lines"] = _sampled(given)
    return cast("Lines | None", given.seen["lines"])


def _sampled(given: Given) -> Lines | None:
    names = box_files(given)
    if not names:
        return None
    step = max(1, len(names) // LOOKED_AT)
    some = names[::step]
    try:
        contents = Contents(given.beginnings(some))
        return read_lines(contents, some, given.path, strict=False).usual()
    except (FormatError, OSError):
        return None
