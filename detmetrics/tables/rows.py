"""What both tables are: rows of boxes on images, frozen, each with its place in a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, read_only
from detmetrics.foundation.errors import FormatError, RulesError, TableError
from detmetrics.foundation.messages import counted, listing, printable
from detmetrics.overlap import KINDS, Boxes, Kind, OutlineError, Outlines, Shapes
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.columns import BoxFormat, as_xywh, as_xyxy
from detmetrics.tables.interpretation import Interpretation
from detmetrics.tables.sources import Source

__all__ = ["Rows"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Rows:
    """Columns of equal length R, read-only; what they hold is said where they are used.

    Class attributes: ``side`` says what the table is; ``columns`` are the names of the fields that
    have a value a row, or several by name. ``shapes``: the outlines of the rows, None where boxes
    are all there is; ``area_of``: the shape that areas are of, where
    the source has none; ``dropped``: how many rows of the source were left out as they are no
    boxes, or have no score.
    """

    side: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    catalog: Catalog
    image: Ints
    category: Ints
    boxes: Floats
    box_format: BoxFormat
    relative: bool
    place: Ints
    source: Source
    shapes: Outlines | Shapes | None = None
    area_of: str = "box"
    interpretations: tuple[Interpretation, ...] = ()
    notes: tuple[str, ...] = ()
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.image)

    def __repr__(self) -> str:
        """How many rows of what; columns may be long."""
        images = counted(len(self.catalog.image_ids), "image")
        rows = counted(len(self), "box", "boxes")
        return f"<{type(self).__name__} {printable(self.source.name)}: {rows}, {images}>"

    @cached_property
    def xywh(self) -> Floats:
        """(R, 4) float64 ``x y w h``."""
        return as_xywh(self.boxes, self.box_format)

    @cached_property
    def xyxy(self) -> Floats:
        """(R, 4) float64 corners."""
        return as_xyxy(self.boxes, self.box_format)

    @property
    def sizes(self) -> Floats:
        """(R, 2) width and height of the image of each row in pixels, nan where unknown."""
        if self.relative:
            return np.full((len(self), 2), np.nan)
        sizes: Floats = self.catalog.image_sizes[self.image]
        return sizes

    @property
    def natural(self) -> str | None:
        """The kind of its outlines; None where boxes are all there is."""
        return getattr(self.shapes, "natural", None)

    def can_be(self, kind: Kind) -> bool:
        """Whether there are outlines that a kind of shape can be made of."""
        return isinstance(self._outlines, kind.takes) or not len(self)

    def shapes_as(self, kind: Kind, single: bool = False) -> Shapes:
        """The rows as shapes of a kind, which are made once.

        single: arithmetic is in float32.

        Raises:
            RulesError: there are no such outlines.
            FormatError, TableError: outlines that can be made no such shape.
        """
        made: dict[object, Shapes] = self.__dict__.setdefault("_made", {})
        key = kind.name, single
        if key not in made:
            made[key] = self._made_as(kind, single)
        return made[key]

    def _made_as(self, kind: Kind, single: bool) -> Shapes:
        if not len(self):
            return kind.made(Polygons.from_boxes(np.zeros((0, 4))), np.zeros((0, 2)), single)
        outlines = self._outlines
        if not isinstance(outlines, kind.takes):
            natural = self.natural
            have = "boxes alone" if natural is None else KINDS[natural].title
            own = "box" if natural is None else natural
            raise RulesError(
                f"{self.source.name}: expected {kind.title} in the {self.side}, got {have}: "
                f"--shape {own} (shape={own!r}) measures these"
            )
        if kind.pixels and self.relative:
            raise RulesError(
                f"{self.source.name}: {kind.title} are measured in pixels, and these are shares of "
                "images of unknown size: give the images with --image-dir or their sizes with "
                "--image-sizes"
            )
        try:
            return kind.made(outlines, self.sizes, single)
        except OutlineError as error:
            raise self.refused(error) from None

    def refused(self, error: OutlineError) -> FormatError | TableError:
        """The error of outlines with the places of their rows in the source."""
        texts = [
            f"{self.source.place(int(self.place[row]), 'shapes')}: {text}"
            f"{self.source.image(int(self.place[row]))}"
            for row, text in error.faults
        ]
        if self.source.input is not None:
            return FormatError(self.source.name, texts, error.count)
        return TableError(listing(self.source.name, texts, error.count))

    @property
    def _outlines(self) -> Outlines | Shapes:
        return Boxes(self.xyxy, corners=True) if self.shapes is None else self.shapes

    def keep(self, rows: Bools) -> Self:
        """The rows that are marked."""
        return self.take(np.flatnonzero(rows))

    def take(self, rows: Ints) -> Self:
        """These rows, in this order; a row may come more than once."""

        def at(column: Any) -> Any:
            if isinstance(column, Mapping):
                return {name: at(values) for name, values in column.items()}
            if isinstance(column, np.ndarray):
                return read_only(column[rows])
            return None if column is None else column.take(rows)

        taken: dict[str, Any] = {name: at(getattr(self, name)) for name in self.columns}
        return replace(self, **taken)

    def within(self, catalog: Catalog, images: Bools, categories: Bools) -> Self:
        """The rows of the marked images and categories, which ``catalog`` alone lists.

        images : (N,); categories : (K,).
        """
        kept = self.keep(images[self.image] & categories[self.category])
        return replace(
            kept,
            catalog=catalog,
            image=read_only((np.cumsum(images) - 1)[kept.image]),
            category=read_only((np.cumsum(categories) - 1)[kept.category]),
        )
