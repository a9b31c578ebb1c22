"""What one source says, column by column, before anything is checked or paired.

Every reader ends in a sheet, and everything else starts from one: tables are built from it,
``check`` looks for faults in it, ``convert`` and ``stats`` use its tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects, object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown
from detmetrics.overlap import Outlines
from detmetrics.tables.catalog import Catalog, Id, Keys
from detmetrics.tables.columns import BoxFormat
from detmetrics.tables.federation import Federation
from detmetrics.tables.id_pairing import KeyKind
from detmetrics.tables.interpretation import Interpretation
from detmetrics.tables.sources import Source

__all__ = ["Categories", "Images", "Pixels", "Sheet"]

Pixels = Literal["continuous", "inclusive"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Images:
    """The images that a source lists.

    ids : (N,); names : (N,) file names; sizes : (N, 2) width and height, nan where unknown, None
    where none is known; template: how the place of one is written, with ``{row}``.
    """

    ids: Objects
    names: tuple[str, ...]
    sizes: Floats | None = None
    template: str = "images[{row}].id"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Categories:
    """The classes that a source lists.

    ids : (K,); names : (K,); template: as for images; groups : (K,) the supercategory of each,
    empty where it has none; () where the source knows of none.
    """

    ids: Objects
    names: tuple[str, ...]
    template: str = "categories[{row}].id"
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """The rows of one file or folder, as they stand there.

    Attributes:
        image, category: (R,) ids, as the source has them.
        boxes : (R, 4) as ``box_format`` says, in pixels, or where ``relative`` in shares of the
            width and height of the image.
        shapes: (R,) outlines; None where boxes are all there is.
        outlined : (R,) which rows have an outline, where only some do: ``shapes`` is None then.
        scores : (R,) of detections; None for ground truth.
        areas : (R,) square pixels, nan where unknown; crowd, ignore, difficult : (R,) flags;
            ids : (R,) of the objects; attributes: (R,) each, nan where unknown, such as
            ``visibility``, ``occlusion``, ``truncation``. None where the source has no such column.
        images, categories: what the source lists; None where it only names them row by row.
        image_key: what the image column holds: ids, or names of files or their stems.
        class_key: what the category column holds: ids, names, or indices that count from 0
            in the order of the classes.
        numbers: the category column as the source has it, where it was renumbered.
        may_be_names: class numbers stand in a column that may as well hold names.
        corners_inclusive: right and lower corners are the last pixel inside, as in VOC.
        federation: which classes were looked for in which of ``images``; counts places in
            ``images`` and ``categories``.
        settled: which of ``"image"`` and ``"category"`` hold for certain what their key says: the
            format defines it, or the user said so.
        interpretations: what was left open and how it was read.
        notes: what a reader of the numbers should know.
    """

    source: Source
    image: Keys
    category: Keys
    boxes: Floats
    box_format: BoxFormat
    shapes: Outlines | None = None
    outlined: Bools | None = None
    relative: bool = False
    scores: Floats | None = None
    areas: Floats | None = None
    crowd: Bools | None = None
    ignore: Bools | None = None
    difficult: Bools | None = None
    ids: Objects | None = None
    attributes: Mapping[str, Floats] = field(default_factory=dict)
    images: Images | None = None
    categories: Categories | None = None
    image_key: KeyKind = "name"
    class_key: KeyKind = "id"
    numbers: Keys | None = None
    may_be_names: bool = False
    corners_inclusive: bool = False
    federation: Federation | None = None
    settled: frozenset[str] = frozenset()
    interpretations: tuple[Interpretation, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, rows: Ints) -> Sheet:
        """These rows, in this order; one that comes several times has no id of its own."""

        def at(column: Any) -> Any:
            return None if column is None else column[rows]

        def of(keys: Keys) -> Keys:
            return Keys(keys.labels, keys.spread(np.arange(len(keys.labels)))[rows])

        return replace(
            self,
            source=self.source.of_rows(rows),
            image=of(self.image),
            category=of(self.category),
            numbers=None if self.numbers is None else of(self.numbers),
            boxes=self.boxes[rows],
            shapes=None if self.shapes is None else self.shapes.take(rows),
            outlined=at(self.outlined),
            scores=at(self.scores),
            areas=at(self.areas),
            crowd=at(self.crowd),
            ignore=at(self.ignore),
            difficult=at(self.difficult),
            attributes={name: values[rows] for name, values in self.attributes.items()},
            ids=None if len(np.unique(rows)) < len(rows) else at(self.ids),
        )

    def with_boxes(self, boxes: Floats) -> Sheet:
        """With other boxes, (R, 4) in the same form."""
        return replace(self, boxes=boxes)

    def naming(self, classes: Iterable[str]) -> Sheet:
        """Listing these classes too, as ids of their own where it has none of that name."""
        listed = self.categories
        if listed is None:
            known = self.category.used().labels
            listed = Categories(ids=known, names=tuple(map(str, known.tolist())))
        more = [name for name in dict.fromkeys(classes) if name not in {*listed.names}]
        ids = object_column([*listed.ids.tolist(), *more])
        groups = (*listed.groups, *("" for _ in more)) if listed.groups else ()
        named = replace(listed, ids=ids, names=(*listed.names, *more), groups=groups)
        return replace(self, categories=named)

    def catalog(self) -> Catalog:
        """The images and classes that the source lists; where it does not, those of its rows.

        Raises:
            FormatError: an id is listed twice.
        """
        images, categories = self.images, self.categories
        faults = [
            *(doubles(images.ids, images.template) if images else ()),
            *(doubles(categories.ids, categories.template) if categories else ()),
        ]
        if faults:
            raise FormatError(self.source.name, faults)
        return Catalog.from_ids(
            images=images.ids if images else _distinct(self.image),
            image_names=images.names if images else None,
            image_sizes=images.sizes if images else None,
            categories=categories.ids if categories else _distinct(self.category),
            category_names=categories.names if categories else None,
        )

    def with_pixels(self, pixels: Pixels) -> Sheet:
        """With the last pixel counted as part of the box, where that is asked for and it is not.

        continuous: w = xmax - xmin; inclusive: w = xmax - xmin + 1. Shapes have no last pixel.
        """
        if not self.corners_inclusive:
            return self
        if pixels == "continuous":
            return replace(
                self,
                notes=(
                    *self.notes,
                    (
                        f"{self.source.name}: corners are taken as they stand: w = xmax - xmin, "
                        "no pixel added"
                    ),
                ),
            )
        return replace(
            self,
            boxes=self.boxes + np.array([0.0, 0.0, 1.0, 1.0]),
            corners_inclusive=False,
            source=replace(self.source, pixel_added=True),
            notes=(
                *self.notes,
                f"{self.source.name}: corners include their last pixel: w = xmax - xmin + 1"
                + ("" if self.shapes is None else "; shapes are taken as they stand"),
            ),
        )


def doubles(ids: Objects, template: str) -> list[str]:
    """A sentence for every id that stands there a second time."""
    first: dict[Id, int] = {}
    return [
        f"{template.format(row=row)}: {shown(known)} is there already, "
        f"at {template.format(row=first[known]).removesuffix('.id')}"
        for row, known in enumerate(ids.tolist())
        if first.setdefault(known, row) != row
    ]


def _distinct(keys: Keys) -> dict[Id, None]:
    return dict.fromkeys(keys.used().labels.tolist())
