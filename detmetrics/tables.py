"""Columns of ground truth and of detections, checked once, here at the door.

Both tables are frozen, their arrays read-only and of equal length; images and categories are
indices into the catalog. Boxes stay in the form that they came in (``x y w h`` or corners), and
the other form is derived once: converting forth and back changes bits, and a box on a threshold
would flip. Shares of the image become pixels where the sizes of all images are known; else they
stay shares on both sides, since scaling an axis changes no overlap. Every row knows its place in
its source.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from detmetrics.arrays import Bools, Floats, Ints, Objects, read_only
from detmetrics.catalog import Catalog, Id, Keys, positions
from detmetrics.columns import (
    NEGATIVE,
    BoxFormat,
    as_xywh,
    as_xyxy,
    box_column,
    flag_column,
    id_column,
    negative_sizes,
    number_column,
    of_length,
    refuse_negative,
    refuse_unusable,
)
from detmetrics.errors import DetmetricsWarning
from detmetrics.federation import Federation
from detmetrics.frames import frame_boxes, frame_column
from detmetrics.pairing import KeyKind, Known, UnknownPolicy, pair
from detmetrics.rules import Rules
from detmetrics.sheets import Pixels, Sheet
from detmetrics.sources import ARRAYS, Faults, Source
from detmetrics.suspicion import suspicions
from detmetrics.units import area_note, areas, kept_boxes, refuse_units, unsized_note

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Detections", "GroundTruth", "restrict"]


@dataclass(frozen=True, kw_only=True)
class GroundTruth:
    """What is really there; build it with :meth:`from_arrays` or ``read_ground_truth``.

    Attributes:
        catalog: the images and categories.
        image, category : (G,) indices into the catalog.
        boxes : (G, 4) float64 pixels, as ``box_format`` says.
        box_format: ``"xywh"`` or ``"xyxy"``.
        relative: boxes are shares of the width and height of images of unknown size.
        area : (G,) square pixels: the source's own where it has one (COCO's is the mask's),
            else ``w * h``.
        crowd : (G,) a region of many objects: absorbs detections, is never missed.
        ignore, difficult : (G,) the source's own flags; rules decide what they do.
        ids : (G,) the source's ids; counted from 1 where it has none.
        place : (G,) row in the source.
        federation: which classes were looked for in which image; None where all were.
        notes: what the reader should know about the table.
    """

    catalog: Catalog
    image: Ints
    category: Ints
    boxes: Floats
    box_format: BoxFormat
    relative: bool
    area: Floats
    crowd: Bools
    ignore: Bools
    difficult: Bools
    ids: Objects
    place: Ints
    source: Source
    federation: Federation | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image)

    @cached_property
    def xywh(self) -> Floats:
        """(G, 4) float64 ``x y w h``."""
        return as_xywh(self.boxes, self.box_format)

    @cached_property
    def xyxy(self) -> Floats:
        """(G, 4) float64 corners."""
        return as_xyxy(self.boxes, self.box_format)

    def regions(self, rules: Rules) -> Bools:
        """(G,) regions of many objects, measured by the share of a detection that lies inside."""
        crowded = self._crowded(rules) if rules.crowd in ("absorb", "group") else self.none
        return crowded | self.ignore if rules.ignore == "region" else crowded

    def groups(self, rules: Rules) -> Bools:
        """(G,) regions that take only what is left, see :attr:`Rules.crowd`."""
        return self._crowded(rules) if rules.crowd == "group" else self.none

    def excused(self, rules: Rules) -> Bools:
        """(G,) what counts neither for nor against, whatever its size."""
        crowd_counts = rules.crowd == "count" or (rules.crowd == "group" and rules.group_weight)
        excused = self.none if crowd_counts else self._crowded(rules)
        if rules.ignore != "overwrite":
            excused = excused | self.ignore
        return excused | self.difficult if rules.difficult == "ignore" else excused

    def dropped(self, rules: Rules) -> Bools:
        """(G,) what the rules treat as if it were not there."""
        dropped = self._crowded(rules) if rules.crowd == "drop" else self.none
        return dropped | self.difficult if rules.difficult == "drop" else dropped

    def _crowded(self, rules: Rules) -> Bools:
        return self.crowd | self.difficult if rules.difficult == "crowd" else self.crowd

    @property
    def none(self) -> Bools:
        """(G,) a mark on nothing."""
        return np.zeros(len(self), bool)

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
        difficult: ArrayLike | None = None,
        ids: ArrayLike | Sequence[Id] | None = None,
        catalog: Catalog | None = None,
        source: Source = ARRAYS,
    ) -> GroundTruth:
        """Ground truth from columns of equal length G.

        image_ids, categories : (G,) ids; names serve where every one of them fits.
        boxes : (G, 4) pixels; areas : (G,) square pixels, nan where unknown (then ``w * h``);
        crowd, ignore, difficult : (G,) bool; ids : (G,) of the objects.
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
        count = len(image_column)
        of_length("categories", category_column, count)
        given = None if areas is None else number_column("areas", areas)
        sheet = Sheet(
            source=source,
            image=Keys(image_column),
            image_key="id",
            category=Keys(category_column),
            boxes=box_column(boxes, box_format, count),
            box_format=box_format,
            areas=None if given is None else of_length("areas", given, count),
            crowd=flag_column("crowd", crowd, count),
            ignore=flag_column("ignore", ignore, count),
            difficult=flag_column("difficult", difficult, count),
            ids=None if ids is None else of_length("ids", id_column("ids", ids), count),
        )
        return cls.from_sheet(sheet, catalog=catalog)

    @classmethod
    def from_sheet(
        cls, sheet: Sheet, *, catalog: Catalog | None = None, pixels: Pixels = "continuous"
    ) -> GroundTruth:
        """Ground truth from what a reader found.

        catalog: all images and categories; those of the sheet unless given.
        pixels: whether the last pixel of inclusive corners counts, see :meth:`Sheet.with_pixels`.

        Raises:
            FormatError, TableError: values that cannot be boxes, ids that are there twice.
            UnknownIdError: an id that the catalog lacks.
        """
        sheet = sheet.with_pixels(pixels)
        source, count = sheet.source, len(sheet)
        place = np.arange(count)
        faults = Faults(source, place)
        refuse_unusable(faults, sheet.boxes)
        faults.settle()
        refuse_negative(faults, sheet.boxes, sheet.box_format)
        if sheet.areas is not None:
            faults.refuse(
                (sheet.areas < 0) | np.isinf(sheet.areas), "areas", "an area from 0 up", sheet.areas
            )
        faults.settle()

        own = catalog is None
        catalog = sheet.catalog() if catalog is None else catalog
        image, image_note = _paired(
            "image", sheet.image, catalog, None, source, sheet.image_key, own=own
        )
        category, category_note = _paired(
            "category", sheet.category, catalog, None, source, sheet.class_key, own=own
        )
        relative = sheet.relative and not catalog.sized
        boxes, box_format = kept_boxes(sheet, image, catalog, relative)
        truth = cls(
            catalog=catalog,
            image=read_only(image),
            category=read_only(category),
            boxes=read_only(boxes),
            box_format=box_format,
            relative=relative,
            area=read_only(areas(sheet, boxes, box_format)),
            crowd=read_only(flag_column("crowd", sheet.crowd, count)),
            ignore=read_only(flag_column("ignore", sheet.ignore, count)),
            difficult=read_only(flag_column("difficult", sheet.difficult, count)),
            ids=read_only(np.arange(1, count + 1) if sheet.ids is None else sheet.ids),
            place=read_only(place),
            source=source,
            federation=_federation(sheet, catalog),
        )
        empty = (truth.xywh[:, 2:] == 0).any(axis=1)
        notes = [
            faults.remark(empty, "boxes", "box of zero size", "boxes of zero size"),
            *_suspicions(sheet),
        ]
        _warn(notes)
        notes += [image_note, category_note, *sheet.notes, area_note(sheet)]
        if relative:
            notes.append(unsized_note(source, catalog))
        return replace(truth, notes=tuple(note for note in notes if note))

    def keep(self, rows: Bools) -> GroundTruth:
        """The rows that are marked."""
        kept: GroundTruth = _only(self, rows, TRUTH_COLUMNS)
        return kept


@dataclass(frozen=True, kw_only=True)
class Detections:
    """What a detector found; build it with :meth:`from_arrays`, :meth:`from_frame` or
    ``read_detections``.

    Attributes:
        catalog: the images and categories, the ground truth's own.
        image, category : (D,) indices into the catalog.
        boxes : (D, 4) float64 pixels, as ``box_format`` says.
        box_format: ``"xywh"`` or ``"xyxy"``.
        relative: boxes are shares of the width and height of images of unknown size.
        scores : (D,) float64, higher is surer.
        place : (D,) row in the source; rows that were dropped leave gaps.
        notes: what the reader should know about the table.
    """

    catalog: Catalog
    image: Ints
    category: Ints
    boxes: Floats
    box_format: BoxFormat
    relative: bool
    scores: Floats
    place: Ints
    source: Source
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image)

    @cached_property
    def xywh(self) -> Floats:
        """(D, 4) float64 ``x y w h``."""
        return as_xywh(self.boxes, self.box_format)

    @cached_property
    def xyxy(self) -> Floats:
        """(D, 4) float64 corners."""
        return as_xyxy(self.boxes, self.box_format)

    @cached_property
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
        sheet = Sheet(
            source=source,
            image=Keys(image_column),
            image_key="id",
            category=Keys(category_column),
            boxes=box_column(boxes, box_format, count),
            box_format=box_format,
            scores=of_length("scores", number_column("scores", scores), count),
        )
        return cls.from_sheet(
            sheet,
            catalog=catalog,
            unknown_images=unknown_images,
            unknown_categories=unknown_categories,
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
    ) -> Detections:
        """Detections from what a reader found.

        relative: whether the ground truth is in shares of images of unknown size;
        pixels, unknown_images, unknown_categories: as in :meth:`from_arrays` and
        :meth:`Sheet.with_pixels`.

        Raises:
            FormatError, TableError: values that cannot be boxes or scores, or pixels that cannot
                be compared with shares.
            UnknownIdError: ids that the catalog lacks.
        """
        sheet = sheet.with_pixels(pixels)
        source, score = sheet.source, sheet.scores
        assert score is not None
        place = np.arange(len(sheet))
        faults = Faults(source, place)
        refuse_unusable(faults, sheet.boxes)
        faults.refuse(~np.isfinite(score), "scores", "a finite number", score)
        faults.settle()
        beyond = (score < 0) | (score > 1)
        notes = [
            faults.remark(beyond, "scores", "score outside [0, 1]", "scores outside [0, 1]"),
            faults.remark(negative_sizes(sheet.boxes, sheet.box_format), "boxes", *NEGATIVE),
            *_suspicions(sheet),
        ]
        image, image_note = _paired(
            "image", sheet.image, catalog, unknown_images, source, sheet.image_key
        )
        category, category_note = _paired(
            "category", sheet.category, catalog, unknown_categories, source, sheet.class_key
        )
        refuse_units(sheet, catalog, relative)
        _warn(notes)
        notes += [image_note, category_note, *sheet.notes]
        boxes, box_format = kept_boxes(sheet, image, catalog, relative)
        found = cls(
            catalog=catalog,
            image=read_only(image),
            category=read_only(category),
            boxes=read_only(boxes),
            box_format=box_format,
            relative=relative,
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
        boxes, box_format = frame_boxes(frame)
        return cls.from_arrays(
            image_ids=frame_column(frame, "image_id", "image").to_numpy(),
            categories=frame_column(frame, "category_id", "category", "class", "label").to_numpy(),
            boxes=boxes,
            scores=frame_column(frame, "score", "confidence").to_numpy(),
            box_format=box_format,
            catalog=catalog,
            unknown_images=unknown_images,
            unknown_categories=unknown_categories,
            source=replace(ARRAYS, name="frame"),
        )

    def keep(self, rows: Bools) -> Detections:
        """The rows that are marked."""
        return self.take(np.flatnonzero(rows))

    def take(self, rows: Ints) -> Detections:
        """These rows, in this order; a row may come more than once."""
        kept: Detections = _only(self, rows, DETECTION_COLUMNS)
        return kept


DETECTION_COLUMNS = ("image", "category", "boxes", "scores", "place")
TRUTH_COLUMNS = (
    *("image", "category", "boxes", "area", "crowd", "ignore", "difficult", "ids", "place"),
)


def _only(table: Any, rows: Bools | Ints, columns: Iterable[str]) -> Any:
    return replace(table, **{name: read_only(getattr(table, name)[rows]) for name in columns})


def restrict(
    truth: GroundTruth, detections: Detections, images: Bools, categories: Bools
) -> tuple[GroundTruth, Detections]:
    """Both tables with the marked images and categories only; images : (N,), categories : (K,)."""
    catalog = truth.catalog.select(images, categories)
    new_image, new_category = np.cumsum(images) - 1, np.cumsum(categories) - 1

    def within(table: Any) -> Any:
        kept = table.keep(images[table.image] & categories[table.category])
        return replace(
            kept,
            catalog=catalog,
            image=read_only(new_image[kept.image]),
            category=read_only(new_category[kept.category]),
        )

    federation = truth.federation and truth.federation.select(images, categories)
    return replace(within(truth), federation=federation), within(detections)


def _federation(sheet: Sheet, catalog: Catalog) -> Federation | None:
    """With indices into the catalog instead of places in the lists of the source."""
    known = sheet.federation
    if known is None or sheet.images is None or sheet.categories is None:
        return None
    image = positions(catalog.image_ids, sheet.images.ids)
    category = positions(catalog.category_ids, sheet.categories.ids)

    def indices(pairs: Ints) -> Ints:
        found = np.column_stack([image[pairs[:, 0]], category[pairs[:, 1]]])
        return found[(found >= 0).all(axis=1)]

    frequency = [""] * len(catalog.category_ids)
    for place, name in zip(category.tolist(), known.frequency, strict=True):
        if place >= 0:
            frequency[place] = name
    return Federation(
        negative=indices(known.negative),
        not_exhaustive=indices(known.not_exhaustive),
        frequency=tuple(frequency),
        unsaid=known.unsaid,
    )


def _suspicions(sheet: Sheet) -> list[str]:
    # Callers with arrays may have shares and mean them: only areas need pixels.
    unit_is_said = sheet.relative or sheet.source.input is None
    found = suspicions(sheet.boxes, sheet.box_format, unit_is_said=unit_is_said)
    return [f"{sheet.source.name}: {text} (detmetrics check)" for text in found]


def _warn(notes: Iterable[str | None]) -> None:
    for note in notes:
        if note:
            warnings.warn(note, DetmetricsWarning, stacklevel=5)


def _paired(
    kind: str,
    ids: Keys,
    catalog: Catalog,
    policy: UnknownPolicy | None,
    source: Source,
    key: KeyKind = "id",
    *,
    own: bool = False,
) -> tuple[Ints, str | None]:
    if kind == "image":
        known, column = Known(kind, catalog.image_ids, catalog.image_names), "image_ids"
    else:
        known, column = Known(kind, catalog.category_ids, catalog.category_names), "categories"
    return pair(
        ids, known, policy, lambda row: source.place(row, column), source.name, key, own=own
    )
