"""What both tables are: rows of boxes on images, frozen, each with its place in a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints, read_only
from detmetrics.catalog import Catalog
from detmetrics.columns import BoxFormat, as_xywh, as_xyxy
from detmetrics.messages import counted, printable
from detmetrics.sources import Source

__all__ = ["Rows"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Rows:
    """Columns of equal length R, read-only; what they hold is said where they are used.

    Class attribute ``columns``: the names of the fields that have a value a row, or several by
    name.
    """

    columns: ClassVar[tuple[str, ...]]

    catalog: Catalog
    image: Ints
    category: Ints
    boxes: Floats
    box_format: BoxFormat
    relative: bool
    place: Ints
    source: Source
    notes: tuple[str, ...] = ()

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

    def keep(self, rows: Bools) -> Self:
        """The rows that are marked."""
        return self.take(np.flatnonzero(rows))

    def take(self, rows: Ints) -> Self:
        """These rows, in this order; a row may come more than once."""

        def at(column: Any) -> Any:
            if isinstance(column, Mapping):
                return {name: at(values) for name, values in column.items()}
            return None if column is None else read_only(column[rows])

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
