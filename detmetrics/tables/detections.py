"""What a detector found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from detmetrics.foundation.arrays import Floats, read_only
from detmetrics.tables.catalog import Catalog, Id, Keys
from detmetrics.tables.columns import (
    NEGATIVE,
    BoxFormat,
    box_column,
    id_column,
    negative_sizes,
    number_column,
    of_length,
    refuse_negative,
    refuse_unusable,
)
from detmetrics.tables.coordinates import clipped, kept_boxes, kept_shapes, refuse_units
from detmetrics.tables.dataframes import (
    frame_boxes,
    frame_classes,
    frame_column,
    frame_scores,
    frame_shapes,
)
from detmetrics.tables.id_pairing import UnknownPolicy
from detmetrics.tables.invalid_boxes import InvalidBoxes, settled
from detmetrics.tables.rows import Rows
from detmetrics.tables.sheets import Pixels, Sheet
from detmetrics.tables.sources import ARRAYS, FRAME, Faults, Source, named, of_side
from detmetrics.tables.validation import (
    Frames,
    doubts,
    hulls_of,
    outline_column,
    outline_notes,
    outside_note,
    paired,
    pairings,
    refuse_outlines,
    warn,
)

if TYPE_CHECKING:
    import pandas as pd

    from detmetrics.overlap.masks.masks import Masks
    from detmetrics.overlap.polygons.polygons import Polygons

__all__ = ["Detections"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Detections(Rows):
    """What a detector found; build it with :meth:`from_arrays`, :meth:`from_frame` or
    ``read_detections``.

    Attributes:
        catalog: the images and categories, the ground truth's own.
        image, category : (D,) indices into the catalog.
        boxes : (D, 4) float64 pixels, as ``box_format`` says.
        box_format: ``"xywh"`` or ``"xyxy"``.
        relative: boxes are shares of the width and height of images of unknown size.
        scores : (D,) float64, higher is surer; all nan where there are none.
        scored: whether the detections have scores.
        shapes: (D,) outlines; None where boxes are all there is.
        place : (D,) row in the source; rows that were dropped leave gaps.
        own_area : (D,) areas of the shapes that rules measure; None where these are boxes.
        notes: what the reader should know about the table.
    """

    side: ClassVar[str] = "detections"
    columns: ClassVar[tuple[str, ...]] = (
        *("image", "category", "boxes", "shapes", "scores", "place", "own_area"),
    )

    scores: Floats
    scored: bool = True
    own_area: Floats | None = None

    @property
    def area(self) -> Floats:
        """(D,) in square pixels: of the shapes that are measured, ``w * h`` of boxes."""
        if self.own_area is not None:
            return self.own_area
        sides = self.xywh
        return sides[:, 2] * sides[:, 3]

    @classmethod
    def from_arrays(
        cls,
        *,
        image_ids: ArrayLike | Sequence[Id],
        categories: ArrayLike | Sequence[Id],
        boxes: ArrayLike | None = None,
        scores: ArrayLike | None,
        catalog: Catalog,
        box_format: BoxFormat = "xywh",
        shapes: Polygons | Masks | None = None,
        unknown_images: UnknownPolicy = "error",
        unknown_categories: UnknownPolicy = "error",
        source: Source = ARRAYS,
        invalid_boxes: InvalidBoxes | None = None,
    ) -> Detections:
        """Detections from columns of equal length D.

        image_ids, categories : (D,) ids of the catalog; names serve where every one fits.
        boxes : (D, 4) pixels; scores : (D,), None for detections without scores, which
        ``evaluate`` measures as they are, see :func:`~detmetrics.rules.unscored.without_scores`.
        shapes : (D,) oriented boxes, polygons or masks; without boxes, these are the upright ones
        around them.
        box_format: of ``boxes``: ``"xywh"``, ``"xyxy"`` or ``"cxcywh"``.
        unknown_images, unknown_categories: ``"error"``, or ``"drop"`` to leave such rows out.
        source: what errors name the rows by. invalid_boxes: ``"error"``, ``"drop"`` or ``"clip"``
        boxes of negative size, see :mod:`detmetrics.tables.invalid_boxes`.

        Raises:
            TableError: columns that do not fit together, or values that cannot be boxes.
            UnknownIdError: ids that the catalog lacks.

        >>> catalog = Catalog.from_ids(images=[1], categories=[7], category_names=["cat"])
        >>> detections = Detections.from_arrays(
        ...     image_ids=[1], categories=["cat"], boxes=[[5, 5, 15, 25]], scores=[0.9],
        ...     box_format="xyxy", catalog=catalog)
        >>> detections.xywh.tolist(), detections.category.tolist()
        ([[5.0, 5.0, 10.0, 20.0]], [0])
        """
        with named(of_side(source, cls.side)):
            image_column = id_column("image_ids", image_ids)
        source = of_side(source, cls.side, image_column)
        with named(source):
            category_column = id_column("categories", categories)
            count = len(image_column)
            of_length("categories", category_column, count)
            outlines = None if shapes is None else outline_column(shapes, count, source)
            if boxes is None and shapes is not None:
                boxes, box_format = hulls_of(outlines), "xyxy"
            sheet = Sheet(
                source=source,
                image=Keys(image_column),
                image_key="id",
                category=Keys(category_column),
                boxes=box_column(boxes, box_format, count),
                box_format=box_format,
                shapes=outlines,
                scores=None
                if scores is None
                else of_length("scores", number_column("scores", scores), count),
            )
        return cls.from_sheet(
            sheet,
            catalog=catalog,
            unknown_images=unknown_images,
            unknown_categories=unknown_categories,
            invalid_boxes=invalid_boxes,
        )

    @classmethod
    def from_sheet(
        cls,
        sheet: Sheet,
        *,
        catalog: Catalog,
        relative: bool = False,
        pixels: Pixels = "continuous",
        unknown_images: UnknownPolicy = "error",
        unknown_categories: UnknownPolicy = "error",
        invalid_boxes: InvalidBoxes | None = None,
    ) -> Detections:
        """Detections from what a reader found.

        relative: whether the ground truth is in shares of images of unknown size;
        pixels, unknown_images, unknown_categories, invalid_boxes: as in :meth:`from_arrays` and
        :meth:`Sheet.with_pixels`.

        Raises:
            FormatError, TableError: values that cannot be boxes or scores, or pixels that cannot
                be compared with shares.
            UnknownIdError: ids that the catalog lacks.
        """
        everything = sheet.with_pixels(pixels)
        sheet, place, invalid_note = settled(everything, invalid_boxes)
        source, scored = sheet.source, sheet.scores is not None
        score = np.full(len(sheet), np.nan) if sheet.scores is None else sheet.scores
        faults = Faults(source, np.arange(len(sheet)))
        refuse_unusable(faults, sheet.boxes)
        if invalid_boxes == "error":
            refuse_negative(faults, sheet.boxes, sheet.box_format)
        if scored:
            wanted = "a finite number"
            if source.input is None and len(score) and np.isnan(score).all():
                wanted += " (or detections without scores: scores=None; of a frame scores='none')"
            faults.refuse(~np.isfinite(score), "scores", wanted, score)
        faults.settle()
        refuse_outlines(faults, sheet)
        faults.settle()
        beyond = (score < 0) | (score > 1)
        notes = [
            faults.remark(beyond, "scores", "score outside [0, 1]", "scores outside [0, 1]"),
            faults.remark(negative_sizes(sheet.boxes, sheet.box_format), "boxes", *NEGATIVE),
            *outline_notes(faults, sheet),
            *doubts(sheet, "det"),
        ]
        of_images = paired("image", sheet, catalog, unknown_images)
        of_classes = paired("category", sheet, catalog, unknown_categories)
        image, category = of_images.position, of_classes.position
        refuse_units(sheet, catalog, relative)
        boxes, box_format = kept_boxes(sheet, image, catalog, relative)
        clip_note = None
        if invalid_boxes == "clip":
            boxes, clip_note = clipped(sheet, boxes, box_format, image, catalog, relative)
        last = float(sheet.corners_inclusive or sheet.source.pixel_added)
        frames = Frames(boxes, box_format, image, catalog, relative, last)
        warn(notes)
        notes.append(outside_note(faults, frames, wholly_alone=True))
        notes += [invalid_note, clip_note, of_images.note, of_classes.note, *sheet.notes]
        shapes = kept_shapes(sheet, image, catalog, relative)
        detections = cls(
            catalog=catalog,
            image=read_only(image),
            category=read_only(category),
            boxes=read_only(boxes),
            box_format=box_format,
            relative=relative,
            shapes=shapes,
            scores=read_only(score),
            scored=scored,
            place=read_only(place),
            source=everything.source,
            dropped=len(everything) - len(sheet),
            interpretations=(
                *sheet.interpretations,
                *pairings(cls.side, of_images, of_classes),
            ),
            notes=tuple(note for note in notes if note),
        )
        known = (image >= 0) & (category >= 0)
        return detections if known.all() else detections.keep(known)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        catalog: Catalog,
        scores: Literal["none"] | None = None,
        unknown_images: UnknownPolicy = "error",
        unknown_categories: UnknownPolicy = "error",
        invalid_boxes: InvalidBoxes | None = None,
    ) -> Detections:
        """Detections from a data frame with a row a detection.

        Columns are found by name: ``image_id`` or ``image``; ``category_id``, ``category``,
        ``class`` or ``label``; ``score`` or ``confidence``; boxes as ``bbox`` (lists of x, y,
        w, h), as ``x y w h``, as ``xmin ymin xmax ymax`` or as ``x1 y1 x2 y2``, in pixels; oriented
        boxes as four corners, ``x1 y1`` to ``x4 y4``. scores: ``"none"`` for detections without
        scores; a column of them is left out. unknown_images, unknown_categories, invalid_boxes: as
        of :meth:`from_arrays`.

        Raises:
            TableError: a column is missing; the message lists what the frame has.
            UnknownIdError: ids that the catalog lacks.

        >>> import pandas as pd
        >>> catalog = Catalog.from_ids(images=[1], categories=[7], category_names=["cat"])
        >>> frame = pd.DataFrame({"image": [1], "class": ["cat"], "confidence": [0.9],
        ...                       "x": [5], "y": [5], "w": [10], "h": [20]})
        >>> Detections.from_frame(frame, catalog=catalog).scores.tolist()
        [0.9]
        """
        with named(of_side(FRAME, cls.side)):
            shapes = frame_shapes(frame)
            boxes, box_format = frame_boxes(frame) if shapes is None else (shapes.hulls, "xyxy")
            columns: dict[str, Any] = {
                "image_ids": frame_column(frame, "image_id", "image").to_numpy(),
                "categories": frame_classes(frame, catalog).to_numpy(),
                "scores": None if scores == "none" else frame_scores(frame).to_numpy(),
            }
        return cls.from_arrays(
            **columns,
            boxes=boxes,
            shapes=shapes,
            box_format=box_format,
            catalog=catalog,
            unknown_images=unknown_images,
            unknown_categories=unknown_categories,
            source=FRAME,
            invalid_boxes=invalid_boxes,
        )
