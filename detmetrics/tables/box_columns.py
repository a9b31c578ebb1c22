"""Which columns of a file hold its boxes, so that another order can be named as an option."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["BOX_NAMES", "BoxColumns", "BoxFormat"]

BoxFormat = Literal["xywh", "xyxy", "cxcywh"]

BOX_NAMES: dict[BoxFormat, tuple[str, str, str, str]] = {
    "xywh": ("x", "y", "w", "h"),
    "xyxy": ("xmin", "ymin", "xmax", "ymax"),
    "cxcywh": ("cx", "cy", "w", "h"),
}
"""What the four numbers of each form are."""

UNSAID = frozenset(",='\"")
"""Characters in the name of a column with which ``--columns`` cannot name it."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxColumns:
    """The columns of boxes of a file of which ``--columns`` names the columns.

    form: as which the four were read; names: those of the columns of a table, in the order of
    ``BOX_NAMES``; line: of lines without a heading, what each column is, in order; relative: the
    file holds shares of the image.
    """

    form: BoxFormat
    names: tuple[str, ...] = ()
    line: tuple[str, ...] = ()
    relative: bool = False

    def order(self, parts: Sequence[str]) -> str | None:
        """What ``--columns`` takes where the four are other parts of a box; None if it cannot.

        >>> BoxColumns("xywh", line=("class", "score", "x", "y", "w", "h")).order("yxhw")
        'class score y x h w'
        >>> BoxColumns("xyxy", names=("x1", "y1", "x2", "y2")).order(("x", "y", "w", "h"))
        'x=x1,y=y1,w=x2,h=y2'
        """
        if any(UNSAID & {*name} for name in self.names):
            return None
        if self.names:
            return ",".join(f"{part}={name}" for part, name in zip(parts, self.names, strict=True))
        part_of = dict(zip(BOX_NAMES[self.form], parts, strict=True))
        return " ".join(part_of.get(name, name) for name in self.line)
