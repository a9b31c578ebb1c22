"""Detections with a file a class: which class a file is of, and its lines.

Lines are an image, a score and the numbers of a box, as the development kits of VOC and DOTA have
them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import numpy as np

from detmetrics.formats.given import Given
from detmetrics.formats.lines.line_reader import read_lines
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import Input
from detmetrics.foundation.messages import counted, printable

__all__ = ["class_lines"]


def class_lines(
    given: Given,
    files: Sequence[str],
    kit: re.Pattern[str],
    numbers: int,
    expected: str,
    *,
    bare: bool = False,
) -> tuple[list[str], Lines, Input]:
    """The classes of files, their lines, and what was read.

    kit: how files are called, with the group ``name``; others go by their own name.
    numbers: behind the image, in every line; expected: what they are, in words; bare: all lines may
    be without the score.

    Raises:
        FormatError: a class with two files, or a line of another length.
    """
    classes = [_class_of(name, kit) for name in files]
    if twice := [name for name, own in zip(files, classes, strict=True) if classes.count(own) > 1]:
        raise FormatError(
            given.path, [f"{printable(name)}: a class with two files" for name in twice]
        )
    contents, read = given.contents(files)
    lines = read_lines(contents, files, given.path, text_label=True)
    if bare and (lines.width == numbers - 1).all():
        return classes, lines, read
    lines.refuse(
        given.path,
        np.flatnonzero(lines.width != numbers),
        lambda row: (
            f"expected an image, a score and 4 corners ({expected}), "
            f"got {counted(int(lines.width[row]), 'number')} behind the first word"
        ),
    )
    return classes, lines, read


def _class_of(name: str, kit: re.Pattern[str]) -> str:
    base = os.path.basename(name)
    found = kit.fullmatch(base)
    return found["name"] if found else os.path.splitext(base)[0]
