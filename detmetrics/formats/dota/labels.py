"""Lines of DOTA's labels: four corners, a class and perhaps a mark, below a heading.

Source: the development kit's ``dota_utils.py``, ``parse_dota_poly``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detmetrics.formats.given import Contents
from detmetrics.formats.lines.decimals import reads_as_float
from detmetrics.formats.lines.line_reader import read_lines
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS, decoded
from detmetrics.foundation.messages import counted, shown

__all__ = ["CORNERS", "Labels", "plain", "read_labels"]

CORNERS = 8
MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)
HEADING = re.compile(
    rb"(?:[ \t]*['\"]?[a-z][a-z _]*['\"]?[ \t]*:[^\r\n]*(?:\r?\n|\Z)|\s*\n)+", re.IGNORECASE
)


class Labels(NamedTuple):
    """lines: whose labels are the classes; corners : (R, 4, 2); difficult : (R,)."""

    lines: Lines
    corners: Floats
    difficult: Bools


def read_labels(contents: Contents, files: Sequence[str], path: str) -> Labels:
    """The labels of files; path: names the whole in errors.

    Raises:
        FormatError: a line that is no four corners and a class.
    """
    texts = zip(contents, files, strict=True)
    bare = Contents(plain(part, f"{path}/{name}") for part, name in texts)
    lines = read_lines(bare, files, path, text_label=True, label=CORNERS)
    _refuse_labels(lines, path)
    marks = _marks(lines)
    return Labels(lines, _corners(lines), marks != 0)


def plain(part: bytes, path: str) -> bytes:
    """The text of a file in UTF-8, with its heading as blank lines, so that the others keep theirs.

    Raises:
        FormatError: it is no text.
    """
    if part.startswith(MARKS):
        part = decoded(part, path)[0].encode("utf-8", "surrogatepass")
    heading = HEADING.match(part)
    if heading is None:
        return part
    return b"\n" * heading[0].count(b"\n") + part[heading.end() :]


def _refuse_labels(lines: Lines, path: str) -> None:
    """Raise a fault for each line that is no label.

    Raises:
        FormatError: there is one.
    """
    spread = lines.label.spread
    names = lines.label.labels.tolist()
    lines.refuse(
        path,
        np.flatnonzero(
            ((lines.width != CORNERS) & (lines.width != CORNERS + 1))
            | spread(np.array([not name for name in names], bool))
        ),
        lambda row: (
            "expected x1 y1 x2 y2 x3 y3 x4 y4 class difficult, got "
            f"{counted(int(lines.width[row]), 'number')} and {_got(lines, row)}"
        ),
    )
    lines.refuse(
        path,
        np.flatnonzero(spread(np.array([_is_fraction(name) for name in names], bool))),
        lambda row: f"expected the name of a class behind four corners, got {_got(lines, row)}",
    )
    lines.refuse_unusable(path)
    marks = _marks(lines)
    lines.refuse(
        path,
        np.flatnonzero(marks != np.floor(marks)),
        lambda row: f"expected 0, 1 or 2 for difficult, got {marks[row]:g}",
    )


def _got(lines: Lines, row: int) -> str:
    code = lines.label.code
    name = lines.label.labels[row if code is None else code[row]]
    return shown(name) if name else "no class"


def _is_fraction(name: str) -> bool:
    """Whether it is a number that no class is called: a coordinate, where the class is in front."""
    return reads_as_float(name) and not name.isdigit()


def _corners(lines: Lines) -> Floats:
    """(R, 4, 2)."""
    if lines.numbers.ndim == 2:
        return np.ascontiguousarray(lines.numbers[:, :CORNERS]).reshape(-1, 4, 2)
    places = lines.start[:-1, None] + np.arange(CORNERS)
    corners: Floats = lines.values[places].reshape(-1, 4, 2)
    return corners


def _marks(lines: Lines) -> Floats:
    """(R,) what stands behind the class, 0 where nothing does."""
    marks = np.zeros(len(lines))
    marked = lines.width == CORNERS + 1
    marks[marked] = lines.values[lines.start[1:][marked] - 1]
    return marks
