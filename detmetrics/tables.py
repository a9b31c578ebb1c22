"""Columns of ground truth and of detections, checked once, here at the door.

Both tables are frozen, their arrays read-only and of equal length; images and categories are
indices into the catalog. Boxes stay in the form that they came in (``x y w h`` or corners), and
the other form is derived once: converting forth and back changes bits, and a box on a threshold
would flip. Every row knows its place in its source.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from detmetrics.arrays import Bools, Floats, Ints, Objects, read_only
from detmetrics.catalog import Catalog, Id
from detmetrics.columns import (
    NEGATIVE,
    BoxFormat,
    area_column,
    as_xywh,
    box_column,
    flag_column,
    id_column,
    negative_sizes,
    number_column,
    of_length,
    refuse_negative,
    refuse_unusable,
)
from detmetrics.errors import DetmetricsWarning, TableError
from detmetrics.pairing import Known, UnknownPolicy, pair
from detmetrics.sources import ARRAYS, Faults, Source

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Detections", "GroundTruth", "restrict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """What is really there; build it with :meth:`from_arrays` or ``read_ground_truth``.

    Attributes:
        catalog: the images and categories.
        image, category : (G,) indices into the catalog.
        boxes : (G, 4) float64 pixels, as ``box_format`` says.
        box_format: ``"xywh"`` or ``"xyxy"``.
        area : (G,) square pixels: the source's own where it has one (COCO's is the mask's),
            else ``w * h``.
        crowd : (G,) a region of many objects: absorbs detections, is never missed.
        ignore : (G,) the source's own flag; rules decide whether it counts.
        ids : (G,) the source's ids; counted from 1 where it has none.
        place : (G,) row in the source.
        notes: what the reader should know about the table.
    """

    catalog: Catalog
    image: Ints
    category: Ints
    boxes: Floats
    box_format: BoxFormat
    area: Floats
    crowd: Bools
    ignore: Bools
    ids: Objects
    place: Ints
    source: Source
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image)

    @property
    def xywh(self) -> Floats:
        """(G, 4) float64 ``x y w h`` in pixels."""
        return as_xywh(self.boxes, self.box_format)

    @classmethod
    def from_arrays(
        cls,
        *,
        image_ids: ArrayLike | Sequence[Id],
        categories: ArrayLike | Sequence[Id],
        boxes: ArrayLike,
        box_format: BoxFormat = "xywh",
        areas: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        ignore: ArrayLike | None = None,
        ids: ArrayLike | Sequence[Id] | None = None,
        catalog: Catalog | None = None,
        source: Source = ARRAYS,
    ) -> GroundTruth:
        """Ground truth from columns of equal length G.

        image_ids, categories : (G,) ids; names serve where every one of them fits.
        boxes : (G, 4) pixels; areas : (G,) square pixels, nan where unknown (then ``w * h``);
        crowd, ignore : (G,) bool; ids : (G,) of the objects.
        catalog: all images and categories; without it they are those of the rows, so that
        images without objects are unknown.

        Raises:
            TableError: columns that do not fit together, or values that cannot be boxes.
            UnknownIdError: an id that the catalog lacks.

        >>> truth = GroundTruth.from_arrays(image_ids=[1], categories=["cat"],
        ...                                 boxes=[[0, 0, 10, 20]])
        >>> len(truth), truth.area.tolist()
        (1, [200.0])
        """
        image_column = id_column("image_ids", image_ids)
        category_column = id_column("categories", categories)
        if catalog is None:
            catalog = Catalog.from_ids(
                images=dict.fromkeys(image_column.tolist()),
                categories=dict.fromkeys(category_column.tolist()),
            )
        count = len(image_column)
        of_length("categories", category_column, count)
        table, kept_as = box_column(boxes, box_format, count)
        place = np.arange(count)
        faults = Faults(source, place)
        refuse_unusable(faults, table)
        faults.settle()
        area, derived = area_column(areas, table, kept_as, count)
        refuse_negative(faults, table, kept_as)
        faults.refuse(~((area >= 0) & (area < np.inf)), "areas", "an area from 0 up", area)
        faults.settle()

        image, image_note = _paired("image", image_column, catalog, None, source)
        category, category_note = _paired("category", category_column, catalog, None, source)
        truth = cls(
            catalog=catalog,
            image=read_only(image),
            category=read_only(category),
            boxes=read_only(table),
            box_format=kept_as,
            area=read_only(area),
            crowd=read_only(flag_column("crowd", crowd, count)),
            ignore=read_only(flag_column("ignore", ignore, count)),
            ids=read_only(_object_ids(ids, count)),
            place=read_only(place),
            source=source,
        )
        empty = (truth.xywh[:, 2:] == 0).any(axis=1)
        notes = [faults.remark(empty, "boxes", "box of zero size", "boxes of zero size")]
        _warn(notes)
        notes += [image_note, category_note]
        if derived and areas is not None:
            notes.append(
                f"{source.name}: {derived:,} of {count:,} areas are missing: w * h is used"
            )
        return replace(truth, notes=tuple(note for note in notes if note))

    def keep(self, rows: Bools) -> GroundTruth:
        """The rows that are marked."""
        return replace(
            self,
            image=read_only(self.image[rows]),
            category=read_only(self.category[rows]),
            boxes=read_only(self.boxes[rows]),
            area=read_only(self.area[rows]),
            crowd=read_only(self.crowd[rows]),
            ignore=read_only(self.ignore[rows]),
            ids=read_only(self.ids[rows]),
            place=read_only(self.place[rows]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """What a detector found; build it with :meth:`from_arrays`, :meth:`from_frame` or
    ``read_detections``.

    Attributes:
        catalog: the images and categories, the ground truth's own.
        image, category : (D,) indices into the catalog.
        boxes : (D, 4) float64 pixels, as ``box_format`` says.
        box_format: ``"xywh"`` or ``"xyxy"``.
        scores : (D,) float64, higher is surer.
        place : (D,) row in the source; rows that were dropped leave gaps.
        notes: what the reader should know about the table.
    """

    catalog: Catalog
    image: Ints
    category: Ints
    boxes: Floats
    box_format: BoxFormat
    scores: Floats
    place: Ints
    source: Source
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image)

    @property
    def xywh(self) -> Floats:
        """(D, 4) float64 ``x y w h`` in pixels."""
        return as_xywh(self.boxes, self.box_format)

    @property
    def area(self) -> Floats:
        """(D,) ``w * h`` in square pixels."""
        sides = self.xywh
        return sides[:, 2] * sides[:, 3]

    @classmethod
    def from_arrays(
        cls,
        *,
        image_ids: ArrayLike | Sequence[Id],
        categories: ArrayLike | Sequence[Id],
        boxes: ArrayLike,
        scores: ArrayLike,
        catalog: Catalog,
        box_format: BoxFormat = "xywh",
        unknown_images: UnknownPolicy = "error",
        unknown_categories: UnknownPolicy = "error",
        source: Source = ARRAYS,
    ) -> Detections:
        """Detections from columns of equal length D.

        image_ids, categories : (D,) ids of the catalog; names serve where every one fits.
        boxes : (D, 4) pixels; scores : (D,).
        unknown_images, unknown_categories: ``"error"``, or ``"drop"`` to leave such rows out.

        Raises:
            TableError: columns that do not fit together, or values that cannot be boxes.
            UnknownIdError: ids that the catalog lacks.

        >>> catalog = Catalog.from_ids(images=[1], categories=[7], category_names=["cat"])
        >>> found = Detections.from_arrays(
        ...     image_ids=[1], categories=["cat"], boxes=[[5, 5, 15, 25]], scores=[0.9],
        ...     box_format="xyxy", catalog=catalog)
        >>> found.xywh.tolist(), found.category.tolist()
        ([[5.0, 5.0, 10.0, 20.0]], [0])
        """
        image_column = id_column("image_ids", image_ids)
        category_column = id_column("categories", categories)
        count = len(image_column)
        of_length("categories", category_column, count)
        table, kept_as = box_column(boxes, box_format, count)
        score = of_length("scores", number_column("scores", scores), count)
        place = np.arange(count)

        faults = Faults(source, place)
        refuse_unusable(faults, table)
        faults.refuse(~np.isfinite(score), "scores", "a finite number", score)
        faults.settle()
        beyond = (score < 0) | (score > 1)
        notes = [
            faults.remark(beyond, "scores", "score outside [0, 1]", "scores outside [0, 1]"),
            faults.remark(negative_sizes(table, kept_as), "boxes", *NEGATIVE),
        ]

        image, image_note = _paired("image", image_column, catalog, unknown_images, source)
        category, category_note = _paired(
            "category", category_column, catalog, unknown_categories, source
        )
        _warn(notes)
        notes += [image_note, category_note]
        found = cls(
            catalog=catalog,
            image=read_only(image),
            category=read_only(category),
            boxes=read_only(table),
            box_format=kept_as,
            scores=read_only(score),
            place=read_only(place),
            source=source,
            notes=tuple(note for note in notes if note),
        )
        known = (image >= 0) & (category >= 0)
        return found if known.all() else found.keep(known)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        catalog: Catalog,
        unknown_images: UnknownPolicy = "error",
        unknown_categories: UnknownPolicy = "error",
    ) -> Detections:
        """Detections from a data frame with a row a detection.

        Columns are found by name: ``image_id`` or ``image``; ``category_id``, ``category``,
        ``class`` or ``label``; ``score`` or ``confidence``; boxes as ``bbox`` (lists of x, y,
        w, h), as ``x y w h``, as ``xmin ymin xmax ymax`` or as ``x1 y1 x2 y2``, in pixels.

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
        boxes, box_format = _frame_boxes(frame)
        return cls.from_arrays(
            image_ids=_frame_column(frame, "image_id", "image").to_numpy(),
            categories=_frame_column(frame, "category_id", "category", "class", "label").to_numpy(),
            boxes=boxes,
            scores=_frame_column(frame, "score", "confidence").to_numpy(),
            box_format=box_format,
            catalog=catalog,
            unknown_images=unknown_images,
            unknown_categories=unknown_categories,
            source=replace(ARRAYS, name="frame"),
        )

    def keep(self, rows: Bools) -> Detections:
        """The rows that are marked."""
        return replace(
            self,
            image=read_only(self.image[rows]),
            category=read_only(self.category[rows]),
            boxes=read_only(self.boxes[rows]),
            scores=read_only(self.scores[rows]),
            place=read_only(self.place[rows]),
        )


def restrict(
    truth: GroundTruth, detections: Detections, images: Bools, categories: Bools
) -> tuple[GroundTruth, Detections]:
    """Both tables with the marked images and categories only; images : (N,), categories : (K,)."""
    catalog = truth.catalog.select(images, categories)
    new_image, new_category = np.cumsum(images) - 1, np.cumsum(categories) - 1
    truth = truth.keep(images[truth.image] & categories[truth.category])
    detections = detections.keep(images[detections.image] & categories[detections.category])
    return (
        replace(
            truth,
            catalog=catalog,
            image=read_only(new_image[truth.image]),
            category=read_only(new_category[truth.category]),
        ),
        replace(
            detections,
            catalog=catalog,
            image=read_only(new_image[detections.image]),
            category=read_only(new_category[detections.category]),
        ),
    )


def _object_ids(ids: ArrayLike | Sequence[Id] | None, count: int) -> Objects:
    if ids is None:
        return np.arange(1, count + 1)
    return of_length("ids", id_column("ids", ids), count)  # type: ignore[no-any-return]


def _warn(notes: Iterable[str | None]) -> None:
    for note in notes:
        if note:
            warnings.warn(note, DetmetricsWarning, stacklevel=4)


def _paired(
    kind: str, ids: Objects, catalog: Catalog, policy: UnknownPolicy | None, source: Source
) -> tuple[Ints, str | None]:
    if kind == "image":
        known, column = Known(kind, catalog.image_ids, catalog.image_names), "image_ids"
    else:
        known, column = Known(kind, catalog.category_ids, catalog.category_names), "categories"
    return pair(ids, known, policy, lambda row: source.place(row, column), source.name)


CORNER_NAMES = (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"))


def _frame_boxes(frame: pd.DataFrame) -> tuple[Floats, BoxFormat]:
    for names in CORNER_NAMES:
        if set(names) <= set(frame.columns):
            return number_column("boxes", frame[[*names]].to_numpy()), "xyxy"
    if {"x", "y", "w", "h"} <= set(frame.columns):
        return number_column("boxes", frame[["x", "y", "w", "h"]].to_numpy()), "xywh"
    if "bbox" not in frame.columns:
        ways = "; ".join(
            " ".join(names) for names in (("bbox",), ("x", "y", "w", "h"), *CORNER_NAMES)
        )
        raise TableError(f"frame: expected boxes in columns {ways}, got {_names(frame)}")
    boxes = number_column("bbox", frame["bbox"].tolist())
    return boxes.reshape(0, 4) if boxes.size == 0 and len(frame) == 0 else boxes, "xywh"


def _frame_column(frame: pd.DataFrame, *names: str) -> pd.Series[Any]:
    for name in names:
        if name in frame.columns:
            return frame[name]
    raise TableError(f"frame: expected a column {' or '.join(names)}, got {_names(frame)}")


def _names(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns)) or "none"
