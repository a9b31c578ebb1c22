"""How files are to be read, where they leave it open."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from detmetrics.formats.tabular.notation import DECIMALS, Decimal
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.inputs import PIPE_LIMIT
from detmetrics.foundation.progress import Share
from detmetrics.overlap.polygons.angles import ANGLES
from detmetrics.tables.catalog import Catalog, Id
from detmetrics.tables.invalid_boxes import INVALID_BOXES, InvalidBoxes
from detmetrics.tables.sheets import Pixels

__all__ = ["CLASS_NUMBERS", "IMAGE_IDS", "READING", "ClassNumbers", "ImageIds", "Reading"]

ClassNumbers = Literal["ids", "index0", "index1", "coco91", "names"]
CLASS_NUMBERS = ("ids", "index0", "index1", "coco91", "names")
ImageIds = Literal["ids", "names"]
IMAGE_IDS = ("ids", "names")
Coordinates = Literal["pixels", "normalized"]
COORDINATES = ("pixels", "normalized")
Scores = Literal["none"]
SCORE = re.compile(r"\b(score|conf|confidence)\b", re.IGNORECASE)


CHOICES: Mapping[str, Sequence[str]] = {
    "pixels": ("continuous", "inclusive"),
    **dict.fromkeys(("angle", "gt_angle", "det_angle"), ANGLES),
    **dict.fromkeys(("gt_coordinates", "det_coordinates"), COORDINATES),
    "class_numbers": CLASS_NUMBERS,
    "image_ids": IMAGE_IDS,
    "decimal": DECIMALS,
    "invalid_boxes": INVALID_BOXES,
    "scores": ("none",),
}
"""What settings of few values may be."""


def _nothing(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read two files or folders; everything unset is recognised from the content.

    Attributes:
        gt_format, det_format: names of formats, such as ``"voc"``; see ``detmetrics formats``.
        columns: what the columns of text files and tables hold. For text without a header their
            names in order, such as ``"class score xmin ymin xmax ymax"``: with a score it is for
            detections, without for ground truth; columns called ``-``, ``id`` or ``track`` are
            ignored, and ``...`` is several of them. For tables ``"image=file,class=label"``.
        class_names: names in the order of class numbers, or a file that holds them: one a line,
            ``data.yaml``, or ``obj.names``.
        class_numbers: what class numbers in the detections are: ``ids`` of the ground truth,
            ``index0`` or ``index1``, the place in its order of classes (or in ``class_names``)
            counted from 0 or 1, ``coco91``, COCO's ids, or ``names``: names that look like numbers,
            on both sides.
        image_ids: what the image ids of detections are: ``ids`` of the ground truth, or ``names``:
            file names, their stems, or the numbers that these spell.
        image_list: the images of the data set, those without objects too: their names, or a file
            that lists them, one per line, in a column of a table, or a COCO file.
        image_dir: a folder of images, whose headers give the sizes; images that the ground truth
            does not list are images without objects.
        image_sizes: a table (CSV, TSV) with the columns image, width and height; it lists images
            without objects too.
        hierarchy: a file that says which classes are kinds of which (Open Images' JSON): objects
            count for the classes above theirs too.
        image_labels: a table of the classes that were looked for in each image (Open Images'
            ImageID, LabelName, Confidence).
        split: which split of a data set: ``val`` (the default), ``train`` or ``test`` of a
            ``data.yaml``; the name of a list in VOC's ``ImageSets/Main``.
        pixels: whether the last pixel of inclusive corners (VOC) counts: ``continuous``, as
            COCO's rules have it, or ``inclusive``.
        angle, gt_angle, det_angle: in which unit and direction oriented boxes tell their angles,
            on both sides or on one, see :data:`detmetrics.overlap.polygons.angles.ANGLES`.
        gt_coordinates, det_coordinates: ``pixels`` or ``normalized`` (parts of the width and height
            of the image), where the format has the other one.
        decimal: the decimal mark in tables, ``comma`` or ``point``, where ``1,250`` may be either.
        invalid_boxes: what becomes of boxes of negative size or with a number that is not finite:
            ``error``, ``drop`` or ``clip``, see :mod:`detmetrics.tables.invalid_boxes`.
        scores: ``none`` for detections without scores, which are measured by what needs no order;
            scores that are there are left out, with a note.
        pipe_limit: so many bytes are read from a pipe (standard input, ``<(...)``) at most.
        catalog: of the ground truth, when detections are read; beside: the path of the other side,
            which hints are tried on.
        used: the names of the attributes that decided something while files were read, see
            :meth:`mark`; copies share it.
        on_progress: called with the share that is read; on_message: called with how each side is
            read and why.

    Raises:
        InputError: a setting has a value that does not exist.

    >>> import detmetrics as dm
    >>> dm.Reading(det_format="yolo", columns="class cx cy w h score").det_format
    'yolo'
    """

    gt_format: str | None = None
    det_format: str | None = None
    columns: str | Sequence[str] = ()
    class_names: str | os.PathLike[str] | Sequence[str] | None = None
    class_numbers: ClassNumbers | None = None
    image_ids: ImageIds | None = None
    image_list: str | os.PathLike[str] | Sequence[Id] | None = None
    image_dir: str | os.PathLike[str] | None = None
    image_sizes: str | os.PathLike[str] | Mapping[str, tuple[float, float]] | None = None
    hierarchy: str | os.PathLike[str] | None = None
    image_labels: str | os.PathLike[str] | None = None
    split: str | None = None
    pixels: Pixels = "continuous"
    angle: str | None = None
    gt_angle: str | None = None
    det_angle: str | None = None
    gt_coordinates: Coordinates | None = None
    det_coordinates: Coordinates | None = None
    decimal: Decimal | None = None
    invalid_boxes: InvalidBoxes | None = None
    scores: Scores | None = None
    pipe_limit: int = PIPE_LIMIT
    catalog: Catalog | None = field(default=None, repr=False)
    beside: str | None = field(default=None, repr=False, compare=False)
    used: set[str] = field(default_factory=set, repr=False, compare=False)
    on_progress: Share = field(default=_nothing, repr=False, compare=False)
    on_message: Callable[[str], None] = field(default=_nothing, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if (asked := getattr(self, name)) not in (None, *choices):
                expected = " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
                raise InputError(f"{name}: expected {expected}, got {asked!r}")

        if not isinstance(self.pipe_limit, int) or self.pipe_limit < 1:
            raise InputError(f"pipe_limit: expected a number of bytes, got {self.pipe_limit!r}")

    def mark(self, *names: str) -> None:
        """Note that attributes decided how something is read."""
        self.used.update(name for name in names if getattr(self, name) is not None)

    def mark_layout(self, *, scored: bool) -> None:
        """Note that an order of columns was taken, of the side with a score or without."""
        orders = [text for text in self._columns if "=" not in text]
        self.used.update(
            f"columns {text.strip()}"
            for text in orders
            if len(orders) == 1 or scored == bool(SCORE.search(text))
        )

    def mark_columns(self, names: Iterable[str]) -> None:
        """Note which columns of a table were taken by the names that were asked for."""
        known = {*names}
        pieces = [piece.strip() for text in self._columns for piece in text.split(",")]
        self.used.update(
            f"columns {piece}" for piece in pieces if piece.partition("=")[2].strip() in known
        )

    @property
    def _columns(self) -> Sequence[str]:
        return [self.columns] if isinstance(self.columns, str) else self.columns


READING = Reading()
"""Everything as it is recognised: the default wherever something is read."""
