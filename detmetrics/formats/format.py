"""What a format is: a name, how its files are known, and how they are read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from detmetrics.formats.given import Given
from detmetrics.formats.metadata.splits import DataSplit
from detmetrics.formats.reading import Reading
from detmetrics.tables.sheets import Sheet

if TYPE_CHECKING:
    from detmetrics.formats.writing.written import Written
    from detmetrics.tables import Detections, GroundTruth

__all__ = ["Format", "Reader", "Side", "late_writer"]

Side = Literal["ground truth", "detections"]
Reader = Callable[[Given, Reading], Sheet]


def late_writer(module: str, name: str) -> Callable[[Any], Written]:
    """A writer that is imported when it is called: most of what is read is never written."""

    def write(table: Any) -> Written:
        writer: Callable[[Any], Written] = getattr(import_module(module), name)
        return writer(table)

    return write


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of box files; a plug-in is one of these.

    Attributes:
        name: what ``--gt-format``, ``--det-format`` and ``--to`` take.
        title: what people call it.
        recognise: why something given is of this format, for this side, or None.
        read_ground_truth, read_detections: from what was given to a sheet; None where the
            format has no such side. They raise :class:`FormatError` with file and place, and
            nothing else.
        write_ground_truth, write_detections: from a table to the files of the format and what
            it cannot hold, see :class:`detmetrics.formats.writing.written.Written`; None where it
            is not written.
        writes_outlines: its writers know of outlines: they write them, or say which they cannot.
            Of any other format :func:`detmetrics.convert` says that upright boxes are written.
        rules: the name of the rule set of its benchmark, which ground truth of this format is
            measured by where nothing else is asked for.
        splits: the splits (train, val, test) near ground truth that was given, for messages; None
            where the format has none.
        read_unscored: from labels to a sheet of detections without scores, where this is more than
            to leave out what only objects have.

    >>> from detmetrics.formats import Format
    >>> Format(name="mine", title="my own lines", recognise=lambda given, side: None).name
    'mine'
    """

    name: str
    title: str
    recognise: Callable[[Given, Side], str | None]
    read_ground_truth: Reader | None = None
    read_detections: Reader | None = None
    write_ground_truth: Callable[[GroundTruth], Written] | None = None
    write_detections: Callable[[Detections], Written] | None = None
    writes_outlines: bool = False
    rules: str = "coco"
    splits: Callable[[Given], tuple[DataSplit, ...]] | None = None
    read_unscored: Reader | None = None

    @property
    def writes(self) -> bool:
        """Whether it can be written at all."""
        return bool(self.write_ground_truth or self.write_detections)

    def reader(self, side: Side) -> Reader | None:
        """The reader of one side."""
        return self.read_ground_truth if side == "ground truth" else self.read_detections
